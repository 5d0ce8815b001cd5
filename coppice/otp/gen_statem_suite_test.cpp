// What OTP's gen_statem_SUITE demands and gen_statem_test.cpp does not show, under the cases' names.
// docs/otp-conformance.md is the table.
#include "coppice/otp/gen_statem.hpp"

#include "coppice/otp/detail/suite_test.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using namespace coppice::test;

enum class mode { idle, busy };
struct flip {};
struct which {};
struct answer_in {
  std::int64_t ms;
};
struct answer_now {};
struct end_with {
  std::string how;
};

/// A switch that can be slow to answer.
class toggle : public gen_statem {
public:
  using state = mode;
  using protocol = coppice::protocol<casts<flip>, calls<which, std::string>, calls<answer_in, int>,
                                     calls<end_with, std::string>, events<answer_now>>;
  explicit toggle(std::string how = "") : how_(std::move(how)) {}

  task<init_state<mode>> init() {
    if (how_ == "sleep") co_await idle_for(1s);
    co_return init_state<mode>(mode::idle);
  }
  next<mode> handle_event(mode now, flip) { return now == mode::idle ? mode::busy : mode::idle; }
  std::string handle_event(mode now, which) { return now == mode::idle ? "idle" : "busy"; }
  next<mode> handle_event(mode, answer_in a, reply_to<int>& who) {
    asked_ = std::move(who);
    return keep_state().generic_timeout("answer"_atom, std::chrono::milliseconds(a.ms), answer_now{});
  }
  next<mode> handle_event(mode, answer_now) {
    asked_.reply(1);
    return keep_state();
  }
  next<mode> handle_event(mode, const end_with& e, reply_to<std::string>& who) {
    if (e.how == "shutdown") {
      return stop(exit_reason(term::tuple("shutdown"_atom, "reason"_atom))).reply(who, "stopped");
    }
    throw std::runtime_error(e.how);
  }
  void terminate(const exit_reason&, mode) {
    if (how_ == "fall at the end") throw std::runtime_error("no way out");
  }
  term data() const { return atom("toggle"); }

private:
  std::string how_;
  reply_to<int> asked_;
};

/// No terminate, no data.
struct bare_machine : gen_statem {
  using state = mode;
  using protocol = coppice::protocol<calls<which, std::string>>;
  mode init() { return mode::idle; }
  std::string handle_event(mode, which) { return "bare"; }
};

TEST(gen_statem_suite, start1) {
  test_node f;
  f.n.run([](self me) -> task<> {
    auto monitored = co_await start_monitor<toggle>(local("toggle"));
    cast<flip>(monitored->server);
    server_ref<toggle> by_name{"toggle"};
    std::string now = co_await call<which>(by_name);
    EXPECT_EQ(now, "busy");
    auto again = co_await start_monitor<toggle>(local("toggle"));
    EXPECT_EQ(again.error().value(), term::tuple("already_started"_atom, *monitored->server.resolve()));
    std::expected<ok, exit_reason> ended = co_await stop("toggle");
    EXPECT_TRUE(ended.has_value());
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, monitored->ref);
    std::optional<term> more = co_await me.receive<term>(1ms);
    EXPECT_FALSE(more.has_value());
  });
}

TEST(gen_statem_suite, start3) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_options options;
    options.timeout = 5ms;
    start_result<toggle> in_time = co_await start<toggle>(options);
    EXPECT_TRUE(in_time.has_value());
    start_result<toggle> late = co_await start<toggle>(options, "sleep");
    EXPECT_TRUE(late.error().is("timeout"));
  });
}

TEST(gen_statem_suite, stop2) {
  test_node f;
  f.n.run(&stops_with<toggle>, exit_reason("other_reason"_atom));
}

TEST(gen_statem_suite, stop4) {
  test_node f;
  f.n.run(&stops_by_name<toggle>);
}

TEST(gen_statem_suite, stop7) {
  test_node f;
  static book names;
  f.n.run([](self) -> task<> {
    via name(names, "to_stop"_atom);
    start_result<toggle> s = co_await start<toggle>(name);
    start_result<toggle> taken = co_await start<toggle>(name);
    EXPECT_EQ(taken.error().value(), term::tuple("already_started"_atom, *s->resolve()));
    server_ref<toggle> by_name{server_name(name)};
    std::string now = co_await call<which>(by_name);
    EXPECT_EQ(now, "idle");
    std::expected<ok, exit_reason> ended = co_await stop(name);
    EXPECT_TRUE(ended.has_value());
    EXPECT_FALSE(is_process_alive(*s->resolve()));
  });
}

TEST(gen_statem_suite, abnormal1) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<toggle> s = co_await start<toggle>();
    int delayed = co_await call<answer_in>(*s, within(2s), 100);
    EXPECT_EQ(delayed, 1);
    std::expected<int, exit_reason> late = co_await try_call<answer_in>(*s, within(100ms), 2000);
    EXPECT_TRUE(late.error().is("timeout"));
    std::optional<term> stray = co_await me.receive<term>(3s);
    EXPECT_FALSE(stray.has_value()) << "the late reply reaches nobody";
  });
}

TEST(gen_statem_suite, shutdown) {
  test_node f;
  f.n.run([](self me) -> task<> {
    trap_exit(true);
    start_result<toggle> s = co_await start_link<toggle>();
    std::string stopped = co_await call<end_with>(*s, "shutdown");
    EXPECT_EQ(stopped, "stopped");
    exit_signal signal = co_await me.receive<exit_signal>();
    EXPECT_EQ(to_string(signal.reason.value()), "{shutdown,reason}");
    std::expected<std::string, exit_reason> none = co_await try_call<which>(*s);
    EXPECT_TRUE(none.error().is("noproc"));
  });
  EXPECT_TRUE(f.reports.empty()) << "an end in order is not reported";
}

TEST(gen_statem_suite, call_format_status) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<toggle> s = co_await start<toggle>(local("toggle"));
    std::expected<sys::status, exit_reason> status = co_await sys::get_status("toggle");
    EXPECT_EQ(status->module, "gen_statem"_atom);
    EXPECT_EQ(status->name, term("toggle"_atom));
    EXPECT_EQ(to_string(status->state), "{idle,toggle}");
  });
}

TEST(gen_statem_suite, undef_terminate1) {
  test_node f;
  f.n.run(&stops_with<bare_machine>, exit_reason(term::tuple("error"_atom, "test"_atom)));
}

TEST(gen_statem_suite, undef_in_terminate) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<toggle> s = co_await start<toggle>("fall at the end");
    std::expected<ok, exit_reason> ended = co_await stop(s->name());
    EXPECT_EQ(to_string(ended.error().value()), "{'std::runtime_error',<<\"no way out\">>}");
  });
  EXPECT_EQ(f.count("crash_report"), 1U);
  EXPECT_EQ(to_string(f.reports[0].fields.back().second), "{idle,toggle}");
}

TEST(gen_statem_suite, send_request_receive_reqid_collection) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<toggle> one = co_await start<toggle>();
    start_result<toggle> other = co_await start<toggle>();
    request_collection<int, std::string> open;
    open.add(send_request<answer_in>(*one, 100), "slow");
    open.add(send_request<answer_in>(*other, 10), "quick");
    auto first = co_await open.wait_response();
    EXPECT_EQ(first->label, "quick");
    auto none = co_await open.wait_response(10ms);
    EXPECT_FALSE(none.has_value());
    auto second = co_await open.wait_response();
    EXPECT_EQ(second->label, "slow");
    request_id<int> waits = send_request<answer_in>(*one, 100);
    std::optional<std::expected<int, exit_reason>> early = co_await wait_response(waits, 50ms);
    EXPECT_FALSE(early.has_value());
    std::optional<std::expected<int, exit_reason>> then = co_await wait_response(waits, 100ms);
    EXPECT_EQ(then->value(), 1);
  });
}

TEST(gen_statem_suite, auto_hibernate) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_options options;
    options.hibernate_after = 100ms;
    start_result<toggle> m = co_await start<toggle>(options);
    pid p = *m->resolve();
    for (int n = 0; n < 4; ++n) {
      if (n == 1) [[maybe_unused]]
        std::string now = co_await call<which>(*m);
      if (n == 2) cast<flip>(*m);
      if (n == 3) send(p, "nobody takes this"_atom);
      co_await hibernates_in_a_tenth(p, n);
    }
    // Time-outs of a machine are timers: it hibernates while it waits for one, and wakes for it.
    request_id<int> slow = send_request<answer_in>(*m, 500);
    co_await idle_for(101ms);
    EXPECT_TRUE(hibernates(p));
    std::optional<std::expected<int, exit_reason>> answer = co_await receive_response(slow);
    EXPECT_EQ(answer->value(), 1);
    EXPECT_FALSE(hibernates(p));
  });
}

TEST(gen_statem_suite, undef_code_change) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<toggle> m = co_await start<toggle>();
    cast<flip>(*m);
    std::expected<atom, exit_reason> suspended = co_await sys::suspend(m->name());
    std::expected<atom, exit_reason> changed = co_await sys::change_code(m->name(), "toggle"_atom, 1, 2);
    EXPECT_TRUE(suspended && changed) << "the object stays as it is";
    std::expected<atom, exit_reason> resumed = co_await sys::resume(m->name());
    std::string now = co_await call<which>(*m);
    EXPECT_EQ(now, "busy");
  });
}

} // namespace
} // namespace coppice
