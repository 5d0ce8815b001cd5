// Calls of functions between two nodes in one program, and of a node with itself.
#include "coppice/dist/erpc.hpp"

#include "coppice/dist/distribution.hpp"
#include "coppice/dist/epmd_server.hpp"
#include "coppice/net/detail/net_test.hpp"
#include "coppice/runtime/timer.hpp"
#include "coppice/term/text.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

namespace coppice::dist {
namespace {

using namespace std::chrono_literals;

process serve(self, std::unique_ptr<std::promise<std::uint16_t>> port) {
  auto server = start_epmd_server({.endpoint = net::endpoint::loopback(0)});
  port->set_value(server->local().port());
  co_await idle_for(infinity);
}

task<term> wait_for_ever(function_call) {
  co_await idle_for(infinity);
  co_return term();
}

task<term> tell(function_call call) {
  send(*call.arguments[0].as_pid(), call.arguments[1]);
  co_return term();
}

/// Ends when another call of it has begun.
task<term> meet(function_call) {
  const atom place("meeting");
  if (!register_name(place, self_pid())) {
    send(*whereis(place), term(true));
    co_return true;
  }
  self me(coppice::detail::running_process());
  term met = co_await me.receive<term>();
  co_return met;
}

std::shared_ptr<const function_table> functions() {
  auto table = safe_functions();
  table->add(atom("test"), atom("wait_for_ever"), 0, function(&wait_for_ever));
  table->add(atom("test"), atom("tell"), 2, function(&tell));
  table->add(atom("test"), atom("meet"), 0, function(&meet));
  table->add(atom("test"), atom("kill_me"), 0, [](const function_call&) -> term {
    exit(self_pid(), exit_reason::kill());
    return {};
  });
  return table;
}

process keep(self, std::unique_ptr<std::promise<std::string>> started, std::string name, std::uint16_t epmd) {
  options how{.name = std::move(name), .cookie = "c", .epmd = epmd_use::find, .epmd_port = epmd};
  how.functions = functions();
  auto net = co_await start(std::move(how));
  started->set_value(net ? "" : net.error().to_string());
  co_await idle_for(infinity);
}

class erpc_calls : public testing::Test {
protected:
  erpc_calls() {
    auto port = std::make_unique<std::promise<std::uint16_t>>();
    std::future<std::uint16_t> epmd = port->get_future();
    mapper_.spawn(&serve, std::move(port));
    const std::uint16_t at = epmd.get();
    distribute(near_, "near@127.0.0.1", at);
    distribute(far_, "far@127.0.0.1", at);
  }
  static void distribute(node& n, std::string name, std::uint16_t epmd) {
    auto started = std::make_unique<std::promise<std::string>>();
    std::future<std::string> outcome = started->get_future();
    n.spawn(&keep, std::move(started), std::move(name), epmd);
    EXPECT_EQ(outcome.get(), "");
  }
  /// A call's value or error as text.
  std::string call(const char* where, const char* m, const char* f, const char* list,
                   duration timeout = 20s) {
    return near_.run(
        [](self, atom at, atom module, atom name, term arguments, duration time) -> task<std::string> {
          std::vector<term> all(arguments.items().begin(), arguments.items().end());
          erpc_result r = co_await erpc(at, module, name, std::move(all), time);
          co_return r ? to_string(*r) : "error: " + r.error().to_string();
        },
        atom(where), atom(m), atom(f), parse_term(list).value(), timeout);
  }
  std::string rpc_call(const char* where, const char* f, const char* list) {
    return near_.run(
        [](self, atom at, atom name, term arguments) -> task<std::string> {
          std::vector<term> all(arguments.items().begin(), arguments.items().end());
          term answer = co_await rpc(at, atom("erlang"), name, std::move(all), 20s);
          co_return to_string(answer);
        },
        atom(where), atom(f), parse_term(list).value());
  }
  node& near() { return near_; }

private:
  node mapper_{net::testing::with_sockets(1)};
  node near_{net::testing::with_sockets()};
  node far_{net::testing::with_sockets()};
};

TEST_F(erpc_calls, give_the_value_here_and_there) {
  EXPECT_EQ(call("far@127.0.0.1", "erlang", "node", "[]"), "'far@127.0.0.1'");
  EXPECT_EQ(call("near@127.0.0.1", "erlang", "node", "[]"), "'near@127.0.0.1'");
}

TEST_F(erpc_calls, tell_how_the_function_has_ended) {
  for (const char* at : {"far@127.0.0.1", "near@127.0.0.1"}) {
    EXPECT_EQ(call(at, "no", "such", "[1]"), "error: {exception,undef,[{no,such,[1],[]}]}");
    EXPECT_EQ(call(at, "erlang", "error", "[why]"), "error: {exception,why,[{erlang,error,[why],[]}]}");
    EXPECT_EQ(call(at, "erlang", "exit", "[why]"), "error: {exception,why}");
    EXPECT_EQ(call(at, "erlang", "throw", "[ball]"), "error: {nocatch,ball}");
    EXPECT_EQ(call(at, "test", "kill_me", "[]"), "error: {signal,killed}");
  }
}

TEST_F(erpc_calls, end_in_time) {
  for (const char* at : {"far@127.0.0.1", "near@127.0.0.1"}) {
    EXPECT_EQ(call(at, "test", "wait_for_ever", "[]", 1ms), "error: {erpc,timeout}");
  }
}

TEST_F(erpc_calls, need_a_node) {
  EXPECT_EQ(call("gone@127.0.0.1", "erlang", "node", "[]"), "error: {erpc,noconnection}");
  EXPECT_EQ(call("noname", "erlang", "node", "[]"), "error: {erpc,noconnection}");
  node alone(net::testing::with_sockets(1));
  EXPECT_EQ(alone.run([](self) -> task<std::string> {
    std::vector<term> none;
    erpc_result r = co_await erpc(atom("far@127.0.0.1"), atom("erlang"), atom("node"), std::move(none));
    co_return r.error().to_string();
  }),
            "{erpc,noconnection}");
}

TEST_F(erpc_calls, of_too_many_arguments_are_refused) {
  std::string list = "[0";
  for (int i = 0; i < 255; ++i) list += ",0";
  EXPECT_EQ(call("far@127.0.0.1", "erlang", "node", (list + "]").c_str()), "error: {erpc,badarg}");
}

TEST_F(erpc_calls, run_side_by_side_in_the_order_of_their_results) {
  const auto call_many = [](self, atom where) -> task<std::string> {
    std::vector<applied> calls;
    std::vector<term> nothing;
    calls.emplace_back(atom("test"), atom("meet"), nothing); // ends when the other comes
    for (int i = 0; i < 100; ++i) {
      std::vector<term> arguments{i, i + 1};
      calls.emplace_back(atom("lists"), atom("seq"), std::move(arguments));
    }
    calls.emplace_back(atom("test"), atom("meet"), nothing);
    calls.emplace_back(atom("no"), atom("such"), nothing);
    std::vector<erpc_result> all = co_await erpc_all(where, std::move(calls), 20s);
    EXPECT_EQ(all.front().value(), term(true));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(all[i + 1].value(), term::list(i, i + 1));
    co_return all.back().error().to_string();
  };
  for (const char* at : {"far@127.0.0.1", "near@127.0.0.1"}) {
    EXPECT_EQ(near().run(call_many, atom(at)), "{exception,undef,[{no,such,[],[]}]}");
  }
}

TEST_F(erpc_calls, as_rpc_give_a_value_always) {
  const char* far = "far@127.0.0.1";
  EXPECT_EQ(rpc_call(far, "node", "[]"), "'far@127.0.0.1'");
  EXPECT_EQ(rpc_call(far, "throw", "[ball]"), "ball");
  EXPECT_EQ(rpc_call(far, "throw", "[{'EXIT',x}]"), "{badrpc,{'EXIT',x}}");
  EXPECT_EQ(rpc_call(far, "exit", "[why]"), "{badrpc,{'EXIT',why}}");
  EXPECT_EQ(rpc_call(far, "error", "[why]"), "{badrpc,{'EXIT',{why,[{erlang,error,[why],[]}]}}}");
  EXPECT_EQ(rpc_call("gone@127.0.0.1", "node", "[]"), "{badrpc,nodedown}");
}

TEST_F(erpc_calls, as_casts_are_made_and_forgotten) {
  near().run([](self me) -> task<> {
    for (const char* at : {"far@127.0.0.1", "near@127.0.0.1"}) {
      std::vector<term> arguments{me.id(), term(atom(at))};
      erpc_cast(atom(at), atom("test"), atom("tell"), std::move(arguments));
      term told = co_await me.receive<term>();
      EXPECT_EQ(told, term(atom(at)));
    }
  });
}

} // namespace
} // namespace coppice::dist
