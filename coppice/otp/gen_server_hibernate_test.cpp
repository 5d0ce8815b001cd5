// What OTP's gen_server_SUITE demands of time-outs and hibernation, under the cases' names.
#include "coppice/otp/gen_server.hpp"

#include "coppice/otp/detail/suite_test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using namespace coppice::test;
using ::testing::ElementsAre;

struct ping {};
/// Waits as it is told: `hibernate` or not, after a `continue` or not, for 500 ms.
struct wait_how {
  bool hibernate;
  bool after_continue;
};

class waits : public gen_server {
public:
  using protocol =
      coppice::protocol<calls<ping, std::string>, calls<wait_how, int>, casts<wait_how>, infos<wait_how>>;
  explicit waits(std::optional<wait_how> first = {}) : first_(first) {}

  init_result init() {
    if (!first_) return {};
    if (first_->after_continue) return init_result().then(first_->hibernate);
    return first_->hibernate ? init_result().hibernate(500ms) : init_result().timeout(500ms);
  }
  std::string handle_call(ping) { return timed_out_ ? "timed out" : "pong"; }
  result<int> handle_call(wait_how w) {
    return w.after_continue ? result<int>(1).then(w.hibernate)
           : w.hibernate    ? result<int>(1).hibernate(500ms)
                            : result<int>(1).timeout(500ms);
  }
  result<> handle_cast(wait_how w) {
    return w.after_continue ? result<>().then(w.hibernate) : begin(w.hibernate);
  }
  result<> handle_info(wait_how w) { return handle_cast(w); }
  result<> handle_continue(const term& hibernate) { return begin(hibernate == term(true)); }
  void handle_timeout() { timed_out_ = true; }

private:
  static result<> begin(bool hibernate) {
    return hibernate ? result<>().hibernate(500ms) : result<>().timeout(500ms);
  }
  std::optional<wait_how> first_;
  bool timed_out_ = false;
};

/// What start_event_timeout and handle_event_timeout demand of a server that has begun to wait.
task<> awaits_its_timeout(server_ref<waits> s, wait_how how, bool interrupt) {
  pid p = *s.resolve();
  std::expected<sys::status, exit_reason> asked = co_await sys::get_status(s.name()); // ends no wait
  EXPECT_EQ(asked->hibernating, how.hibernate);
  co_await yield();
  EXPECT_EQ(hibernates(p), how.hibernate);
  if (interrupt) {
    std::string pong = co_await call<ping>(s);
    EXPECT_EQ(pong, "pong");
    co_await yield();
    EXPECT_FALSE(hibernates(p));
  }
  co_await idle_for(1s);
  EXPECT_FALSE(hibernates(p));
  std::string end = co_await call<ping>(s);
  EXPECT_EQ(end, interrupt ? "pong" : "timed out");
}

TEST(gen_server_suite, start_event_timeout) {
  test_node f;
  f.n.run([](self) -> task<> {
    for (int n = 0; n < 8; ++n) {
      std::optional<wait_how> how = wait_how{(n & 1) != 0, (n & 2) != 0};
      start_result<waits> s = co_await start<waits>(how);
      co_await awaits_its_timeout(*s, *how, (n & 4) != 0);
    }
  });
}

TEST(gen_server_suite, handle_event_timeout) {
  test_node f;
  f.n.run([](self) -> task<> {
    for (int n = 0; n < 24; ++n) {
      wait_how how{(n & 1) != 0, (n & 2) != 0};
      start_result<waits> s = co_await start<waits>();
      if (n / 8 == 0) [[maybe_unused]]
        int one = co_await call<wait_how>(*s, how);
      if (n / 8 == 1) cast<wait_how>(*s, how);
      if (n / 8 == 2) send(*s->resolve(), how);
      co_await awaits_its_timeout(*s, how, (n & 4) != 0);
    }
  });
}

TEST(gen_server_suite, hibernate) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<waits> s = co_await start<waits>();
    pid p = *s->resolve();
    EXPECT_FALSE(hibernates(p));
    wait_how asleep{true, false};
    [[maybe_unused]] int one = co_await call<wait_how>(*s, asleep);
    co_await yield();
    EXPECT_TRUE(hibernates(p));
    std::expected<atom, exit_reason> suspended = co_await sys::suspend(s->name());
    co_await yield();
    EXPECT_TRUE(hibernates(p));
    std::expected<atom, exit_reason> resumed = co_await sys::resume(s->name());
    EXPECT_TRUE(suspended && resumed);
    co_await yield();
    EXPECT_TRUE(hibernates(p));
    std::string answer = co_await call<ping>(*s);
    EXPECT_FALSE(answer.empty());
    co_await yield();
    EXPECT_FALSE(hibernates(p));
  });
}

start_options hibernating_after(duration d) {
  start_options options;
  options.hibernate_after = d;
  return options;
}

TEST(gen_server_suite, auto_hibernate) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<waits> s = co_await start<waits>(hibernating_after(100ms));
    pid p = *s->resolve();
    for (int n = 0; n < 4; ++n) {
      if (n == 1) [[maybe_unused]]
        std::string pong = co_await call<ping>(*s);
      if (n == 2) cast_any(s->name(), "nothing it knows"_atom);
      if (n == 3) send(p, "nor this"_atom);
      co_await hibernates_in_a_tenth(p, n);
    }
    // It waits for a time-out of its own: no hibernation.
    wait_how awake{false, false};
    [[maybe_unused]] int one = co_await call<wait_how>(*s, awake);
    co_await idle_for(499ms);
    EXPECT_FALSE(hibernates(p));
    co_await idle_for(50ms);
    EXPECT_FALSE(hibernates(p)) << "it has just timed out";
    co_await idle_for(60ms);
    EXPECT_TRUE(hibernates(p));
    std::string end = co_await call<ping>(*s);
    EXPECT_EQ(end, "timed out") << "one time-out is not taken for the other";
  });
}

TEST(gen_server_suite, a_suspended_server_does_not_fall_asleep) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<waits> s = co_await start<waits>(hibernating_after(100ms));
    std::expected<atom, exit_reason> suspended = co_await sys::suspend(s->name());
    co_await idle_for(1s);
    EXPECT_FALSE(hibernates(*s->resolve()));
    std::expected<atom, exit_reason> resumed = co_await sys::resume(s->name());
    EXPECT_TRUE(suspended && resumed);
    co_await idle_for(101ms);
    EXPECT_TRUE(hibernates(*s->resolve()));
  });
}

TEST(gen_server_suite, handle_event_timeout_plain) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<waits> s = co_await start<waits>();
    cast<wait_how>(*s, wait_how{false, false});
    co_await idle_for(400ms);
    std::expected<sys::status, exit_reason> asked = co_await sys::get_status(s->name());
    co_await idle_for(101ms);
    std::string end = co_await call<ping>(*s);
    EXPECT_EQ(end, "timed out") << "a system message neither ends nor renews it";
  });
}

} // namespace
} // namespace coppice
