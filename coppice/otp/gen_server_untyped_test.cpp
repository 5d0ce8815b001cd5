// Servers without a protocol: requests and messages are terms.
#include "coppice/otp/gen_server.hpp"

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace coppice {
namespace {

using namespace literals;
using ::testing::ElementsAre;

struct increment {
  int by;
};

class any_server : public gen_server {
public:
  explicit any_server(shared_diary d) : diary_(std::move(d)) {}
  void handle_call(const term& request, from who) { who.reply(term::tuple("echo"_atom, request)); }
  void handle_cast(const term& m) { diary_->push_back("cast " + to_string(m)); }
  void handle_info(const term& m) { diary_->push_back("info " + to_string(m)); }

private:
  shared_diary diary_;
};

TEST(gen_server, untyped_handlers) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto d = std::make_shared<diary>();
    start_result<any_server> s = co_await start<any_server>(d);
    term question = *parse_term("{what,1}");
    term answer = co_await call_any<term>(s->name(), question);
    EXPECT_EQ(to_string(answer), "{echo,{what,1}}");
    cast_any(s->name(), question);
    send(*s->resolve(), increment{4});
    term again = co_await call_any<term>(s->name(), question);
    EXPECT_THAT(*d, ElementsAre("cast {what,1}", "info {increment,4}"));
  });
}

struct deposit {
  std::string account;
  int sum;
};
struct balance {
  std::string account;
};
struct amount {
  std::string account;
  int sum;
};

class bank : public gen_server {
public:
  using protocol = coppice::protocol<casts<deposit>, calls<balance, amount>, calls<increment, int>>;
  void handle_cast(const deposit& d) { sum_ += d.sum; }
  amount handle_call(const balance& b) const { return {b.account, sum_}; }
  void handle_call(increment i, reply_to<int> who) {
    sum_ += i.by;
    who.reply(sum_);
  }

private:
  int sum_ = 0;
};

// What an Erlang node asks a typed server, and gets.
TEST(gen_server, terms_are_decoded_and_answered_as_terms) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<bank> s = co_await start<bank>();
    cast_any(s->name(), *parse_term("{deposit,<<\"bob\">>,5}"));
    cast_any(s->name(), *parse_term("{deposit,\"bob\",6}")); // a string of Erlang's
    cast_any(s->name(), *parse_term("{deposit,bob,100}"));   // reported
    const std::pair<const char*, const char*> table[] = {
        {"{balance,<<\"bob\">>}", "{amount,<<\"bob\">>,11}"},
        {"{increment,4}", "15"},
        {"{increment,four}", "fails: {bad_request,{increment,four}}"},
        {"balance", "fails: {bad_request,balance}"},
        {"{increment,1}", "16"},
    };
    for (const auto& [request, expected] : table) {
      term asked = *parse_term(request);
      std::expected<term, exit_reason> answer = co_await try_call_any<term>(s->name(), asked);
      EXPECT_EQ(answer ? to_string(*answer) : "fails: " + answer.error().to_string(), expected) << request;
    }
  });
  EXPECT_EQ(f.count("unexpected_cast"), 1U);
}

class strict_server : public gen_server {
public:
  static constexpr bool strict = true;
};

TEST(gen_server, a_strict_server_crashes_on_what_it_does_not_know) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<strict_server> s = co_await start<strict_server>();
    std::expected<int, exit_reason> r = co_await try_call_any<int>(s->name(), 1);
    EXPECT_EQ(r.error().value(), term::tuple("bad_request"_atom, 1));
    co_await yield();
    EXPECT_FALSE(is_process_alive(*s->resolve()));
  });
}

} // namespace
} // namespace coppice
