// gen_server on a stepped node; the cases are named after those of OTP's gen_server_SUITE where there is one.
#include "coppice/otp/gen_server.hpp"

#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;

struct increment {
  int by;
};
struct read {};
struct reset {};
struct explode {};
struct slow {
  int answer;
};

class counter : public gen_server {
public:
  using protocol = coppice::protocol<calls<increment, int>, calls<read, int>, casts<reset>,
                                     calls<explode, int>, calls<slow, int>>;
  explicit counter(int start = 0) : n_(start) {}

  int handle_call(increment m) { return n_ += m.by; }
  int handle_call(read) const { return n_; }
  void handle_cast(reset) { n_ = 0; }
  int handle_call(explode) { throw std::runtime_error("boom"); }
  task<int> handle_call(slow m) {
    co_await idle_for(100ms);
    co_return m.answer;
  }
  term state() const { return n_; }
  void replace_state(const term& t) { n_ = static_cast<int>(*t.as_int64()); }

private:
  int n_;
};

node_options quiet() {
  node_options o = stepped();
  o.on_report = [](const report&) {};
  return o;
}

TEST(gen_server, start) {
  node n(quiet());
  n.run([](self) -> task<> {
    start_result<counter> s = co_await start_link<counter>(local("counter"), 5);
    EXPECT_TRUE(s.has_value());
    int v = co_await call<increment>(*s, 2);
    EXPECT_EQ(v, 7);
    server_ref<counter> by_name{"counter"};
    cast<reset>(by_name);
    int zero = co_await call<read>(by_name);
    EXPECT_EQ(zero, 0);
    start_result<counter> again = co_await start<counter>(local("counter"));
    EXPECT_FALSE(again.has_value());
    EXPECT_EQ(again.error().value(), term::tuple(atom("already_started"), *s->resolve()));
  });
}

TEST(gen_server, crash_reaches_the_caller) {
  node n(quiet());
  n.run([](self) -> task<> {
    start_result<counter> s = co_await start<counter>();
    std::expected<int, exit_reason> r = co_await try_call<explode>(*s);
    EXPECT_FALSE(r.has_value());
    EXPECT_EQ(r.error().value(), term::tuple(atom("std::runtime_error"), "boom"));
    std::expected<int, exit_reason> late = co_await try_call<read>(*s);
    EXPECT_TRUE(late.error().is("noproc"));
  });
}

TEST(gen_server, call_with_a_callback_that_awaits) {
  node n(quiet());
  n.run([](self) -> task<> {
    start_result<counter> s = co_await start<counter>();
    int v = co_await call<slow>(*s, 9);
    EXPECT_EQ(v, 9);
    std::expected<int, exit_reason> r = co_await try_call<slow>(*s, within(50ms), 9);
    EXPECT_TRUE(r.error().is("timeout"));
    int now_idle = co_await call<read>(*s);
    EXPECT_EQ(now_idle, 0);
  });
}

TEST(gen_server, replace_state_and_get_state) {
  node n(quiet());
  n.run([](self) -> task<> {
    start_result<counter> s = co_await start<counter>(3);
    std::expected<term, exit_reason> state = co_await sys::get_state(s->name());
    EXPECT_EQ(*state, term(3));
    std::function<term(const term&)> change = [](const term& t) { return term(*t.as_int64() + 1); };
    std::expected<term, exit_reason> replaced = co_await sys::replace_state(s->name(), change);
    EXPECT_EQ(*replaced, term(4));
    int v = co_await call<read>(*s);
    EXPECT_EQ(v, 4);
  });
}

TEST(gen_server, stop) {
  node n(quiet());
  n.run([](self) -> task<> {
    start_result<counter> s = co_await start<counter>();
    std::expected<ok, exit_reason> r = co_await stop(s->name());
    EXPECT_TRUE(r.has_value());
    std::expected<ok, exit_reason> gone = co_await stop(s->name());
    EXPECT_TRUE(gone.error().is("noproc"));
  });
}

} // namespace
} // namespace coppice
