// Functions of a real node, called from one of ours.
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "coppice/dist/erpc.hpp"
#include "coppice/term/text.hpp"
#include "tests/erlang/cluster.hpp"
#include "tests/erlang/heard_process.hpp"

namespace coppice::dist {
namespace {

using namespace std::chrono_literals;

const char* const theirs = "t@127.0.0.1";

std::vector<term> arguments_of(const char* list) {
  const term all = parse_term(list).value();
  return {all.items().begin(), all.items().end()};
}

class erpc_to_erlang : public testing::Test {
protected:
  void SetUp() override { ASSERT_TRUE(erlang_.up()); }

  std::string call(const char* m, const char* f, const char* list, duration timeout = 20s) {
    return ours_.home().run(
        [](self, atom module, atom name, std::vector<term> arguments, duration time) -> task<std::string> {
          erpc_result r = co_await erpc(atom(theirs), module, name, std::move(arguments), time);
          co_return r ? to_string(*r) : "error: " + r.error().to_string();
        },
        atom(m), atom(f), arguments_of(list), timeout);
  }
  std::string rpc_call(const char* m, const char* f, const char* list) {
    return ours_.home().run(
        [](self, atom module, atom name, std::vector<term> arguments) -> task<std::string> {
          term answer = co_await rpc(atom(theirs), module, name, std::move(arguments), 20s);
          co_return to_string(answer);
        },
        atom(m), atom(f), arguments_of(list));
  }
  cluster& ours() { return ours_; }

private:
  cluster ours_;
  erlang_node erlang_{ours_.epmd_port, "c", "ok"};
};

TEST_F(erpc_to_erlang, gives_the_value) {
  EXPECT_EQ(call("lists", "sort", "[[3,1,2]]"), "[1,2,3]");
  EXPECT_EQ(rpc_call("erlang", "node", "[]"), "'t@127.0.0.1'");
}

TEST_F(erpc_to_erlang, tells_how_the_function_has_ended) {
  EXPECT_EQ(call("erlang", "exit", "[why]"), "error: {exception,why}");
  EXPECT_EQ(call("erlang", "throw", "[ball]"), "error: {nocatch,ball}");
  EXPECT_TRUE(call("no", "such", "[]").starts_with("error: {exception,undef,[{no,such,[],[]}"));
  EXPECT_TRUE(call("erlang", "error", "[why]").starts_with("error: {exception,why,["));
  EXPECT_EQ(rpc_call("erlang", "exit", "[why]"), "{badrpc,{'EXIT',why}}");
  EXPECT_EQ(rpc_call("erlang", "throw", "[ball]"), "ball");
  EXPECT_TRUE(rpc_call("no", "such", "[]").starts_with("{badrpc,{'EXIT',{undef,[{no,such,[],[]}"));
}

TEST_F(erpc_to_erlang, ends_in_time) {
  EXPECT_EQ(call("timer", "sleep", "[infinity]", 1ms), "error: {erpc,timeout}");
  EXPECT_EQ(call("lists", "sort", "[[2,1]]"), "[1,2]");
}

TEST_F(erpc_to_erlang, that_ends_meanwhile_is_told) {
  EXPECT_EQ(call("erlang", "halt", "[]"), "error: {erpc,noconnection}");
}

TEST_F(erpc_to_erlang, casts) {
  ours().home().run([](self me) -> task<> {
    std::vector<term> arguments{me.id(), "hi"};
    erpc_cast(atom(theirs), atom("erlang"), atom("send"), std::move(arguments));
    term told = co_await me.receive<term>();
    EXPECT_EQ(told, term("hi"));
  });
}

} // namespace
} // namespace coppice::dist
