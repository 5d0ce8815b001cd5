// What OTP's gen_server_SUITE and sys_SUITE demand and gen_server_test.cpp and sys_test.cpp
// do not show, under the cases' names. docs/otp-conformance.md is the table.
#include "coppice/otp/gen_server.hpp"

#include "coppice/otp/detail/suite_test.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using namespace coppice::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct greet {};
struct end_with {
  std::string how;
};
struct ponder {
  std::int64_t ms;
};
struct next_within {
  std::int64_t ms;
};

/// A server with a state and no more callbacks than it must have.
class host : public gen_server {
public:
  using protocol = coppice::protocol<calls<greet, std::string>, calls<end_with, int>,
                                     calls<ponder, std::int64_t>, calls<next_within, int>, casts<end_with>>;
  explicit host(std::string how = "") {
    if (how == "sleep") throw std::logic_error("sleeps in init, not here");
  }
  std::string handle_call(greet) { return std::exchange(in_time_, true) ? "hello" : "too late"; }
  int handle_call(const end_with& e) {
    leave(e.how);
    return 0;
  }
  task<std::int64_t> handle_call(ponder p) {
    co_await idle_for(std::chrono::milliseconds(p.ms));
    co_return p.ms;
  }
  result<int> handle_call(next_within w) { return result<int>(1).timeout(std::chrono::milliseconds(w.ms)); }
  void handle_timeout() { in_time_ = false; }
  void handle_cast(const end_with& e) { leave(e.how); }
  term state() const { return "state of the host"_atom; }

private:
  static void leave(const std::string& how) {
    if (how == "shutdown") exit(exit_reason::shutdown());
    if (how == "shutdown with a reason") exit(exit_reason(term::tuple("shutdown"_atom, "enough"_atom)));
    exit(exit_reason(atom(how)));
  }
  bool in_time_ = true;
};

struct fallen : gen_server {
  void terminate(const exit_reason&) { throw std::runtime_error("no way out"); }
  term state() const { return "the last state"_atom; }
};

TEST(gen_server_suite, stop1) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<host> s = co_await start<host>();
    std::expected<ok, exit_reason> done = co_await stop(s->name());
    EXPECT_TRUE(done.has_value());
    EXPECT_FALSE(is_process_alive(*s->resolve()));
    std::expected<ok, exit_reason> again = co_await stop(s->name());
    EXPECT_TRUE(again.error().is("noproc"));
  });
}

TEST(gen_server_suite, stop2) {
  test_node f;
  f.n.run(&stops_with<host>, exit_reason("other_reason"_atom));
}

TEST(gen_server_suite, stop4) {
  test_node f;
  f.n.run(&stops_by_name<host>);
}

TEST(gen_server_suite, stop7) {
  test_node f;
  static book names;
  f.n.run([](self) -> task<> {
    via name(names, "to_stop"_atom);
    start_result<host> s = co_await start<host>(name);
    EXPECT_TRUE(s.has_value());
    std::expected<ok, exit_reason> done = co_await stop(name);
    EXPECT_TRUE(done.has_value());
    EXPECT_FALSE(is_process_alive(*s->resolve()));
    std::expected<ok, exit_reason> again = co_await stop(name);
    EXPECT_TRUE(again.error().is("noproc"));
  });
}

TEST(gen_server_suite, crash) {
  test_node f;
  f.n.run([](self me) -> task<> {
    trap_exit(true);
    for (const char* clean : {"shutdown", "shutdown with a reason", "normal"}) {
      start_result<host> s = co_await start_link<host>();
      std::expected<int, exit_reason> none = co_await try_call<end_with>(*s, clean);
      EXPECT_TRUE(none.error().is_clean()) << clean;
      exit_signal signal = co_await me.receive<exit_signal>();
      EXPECT_EQ(signal.from, *s->resolve());
      EXPECT_EQ(signal.reason, none.error());
    }
    start_result<host> s = co_await start<host>();
    std::expected<int, exit_reason> none = co_await try_call<end_with>(*s, "crashed");
    EXPECT_TRUE(none.error().is("crashed"));
  });
  EXPECT_EQ(f.count("crash_report"), 1U) << "an end in order is no crash";
}

TEST(gen_server_suite, call) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<host> s = co_await start<host>();
    std::int64_t delayed = co_await call<ponder>(*s, 1);
    EXPECT_EQ(delayed, 1);
    // Two requests within a time that one of them sets.
    [[maybe_unused]] int set = co_await call<next_within>(*s, 1000);
    co_await idle_for(500ms);
    std::string in_time = co_await call<greet>(*s);
    EXPECT_EQ(in_time, "hello");
    [[maybe_unused]] int again = co_await call<next_within>(*s, 1000);
    co_await idle_for(1500ms);
    std::string late = co_await call<greet>(*s);
    EXPECT_EQ(late, "too late");
    std::expected<std::int64_t, exit_reason> timeout = co_await try_call<ponder>(*s, within(1ms), 30);
    EXPECT_TRUE(timeout.error().is("timeout"));
  });
}

TEST(gen_server_suite, send_request_wait_reqid_collection) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<host> s = co_await start<host>();
    request_id<std::int64_t> open = send_request<ponder>(*s, 100);
    std::optional<std::expected<std::int64_t, exit_reason>> not_yet = co_await wait_response(open, 50ms);
    EXPECT_FALSE(not_yet.has_value());
    std::optional<std::expected<std::int64_t, exit_reason>> then = co_await wait_response(open, 100ms);
    EXPECT_EQ(then->value(), 100) << "a wait that was in vain leaves the request open";
  });
}

TEST(gen_server_suite, send_request_receive_reqid_collection) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<host> s = co_await start<host>();
    request_id<std::int64_t> given_up = send_request<ponder>(*s, 100);
    std::optional<std::expected<std::int64_t, exit_reason>> none = co_await receive_response(given_up, 50ms);
    EXPECT_FALSE(none.has_value());
    std::optional<std::expected<std::int64_t, exit_reason>> never = co_await receive_response(given_up, 1s);
    EXPECT_FALSE(never.has_value()) << "a receive that was in vain abandons the request";
  });
}

TEST(gen_server_suite, send_request_check_reqid_collection) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<host> s = co_await start<host>();
    request_collection<std::int64_t, int> open;
    for (int n : {1, 2}) open.add(send_request<ponder>(*s, n), n);
    auto nothing = co_await open.wait_response(0ns);
    EXPECT_FALSE(nothing.has_value());
    EXPECT_EQ(open.size(), 2U) << "to look takes nothing away";
    co_await idle_for(5ms);
    auto first = co_await open.wait_response(0ns);
    EXPECT_EQ(first->label, 1);
    auto second = co_await open.wait_response(0ns);
    EXPECT_EQ(second->label, 2);
    EXPECT_EQ(open.size(), 0U);
  });
}

TEST(gen_server_suite, error_format_status) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<host> s = co_await start<host>(local("host"));
    monitor(*s->resolve());
    cast<end_with>(*s, "crashed");
    down gone = co_await me.receive<down>();
    EXPECT_TRUE(gone.reason.is("crashed"));
  });
  EXPECT_EQ(f.field("crash_report", "state"), term("state of the host"_atom));
  EXPECT_EQ(f.field("crash_report", "name"), term("host"_atom));
  EXPECT_EQ(f.field("crash_report", "behaviour"), term("gen_server"_atom));
}

TEST(gen_server_suite, terminate_crash_format) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<fallen> s = co_await start<fallen>();
    std::expected<ok, exit_reason> ended = co_await stop(s->name());
    EXPECT_EQ(to_string(ended.error().value()), "{'std::runtime_error',<<\"no way out\">>}");
  });
  EXPECT_EQ(f.field("crash_report", "state"), term("the last state"_atom));
}

struct bare : gen_server {};

TEST(gen_server_suite, undef_terminate1) {
  test_node f;
  f.n.run(&stops_with<bare>, exit_reason());
}

TEST(gen_server_suite, undef_terminate2) {
  test_node f;
  f.n.run(&stops_with<bare>, exit_reason(term::tuple("error"_atom, "test"_atom)));
}

TEST(gen_server_suite, undef_code_change) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<bare> s = co_await start<bare>();
    std::expected<atom, exit_reason> suspended = co_await sys::suspend(s->name());
    EXPECT_TRUE(suspended.has_value());
    std::expected<atom, exit_reason> changed = co_await sys::change_code(s->name(), "bare"_atom, 1, 2);
    EXPECT_TRUE(changed.has_value()) << "the object stays as it is";
    std::expected<atom, exit_reason> resumed = co_await sys::resume(s->name());
    EXPECT_TRUE(resumed.has_value());
    EXPECT_TRUE(is_process_alive(*s->resolve()));
  });
}

TEST(gen_server_suite, undef_handle_cast) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<bare> s = co_await start<bare>();
    cast_any(s->name(), "call_undef"_atom);
    std::expected<term, exit_reason> state = co_await sys::get_state(s->name());
    EXPECT_TRUE(state.has_value());
  });
  EXPECT_EQ(f.count("unexpected_cast"), 1U);
}

// ---- sys --------------------------------------------------------------------------------------------------

TEST(sys_suite, suspend) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<host> s = co_await start<host>(local("host"));
    for (int twice = 0; twice < 2; ++twice) { // doing it twice is no error
      std::expected<atom, exit_reason> suspended = co_await sys::suspend("host");
      EXPECT_TRUE(suspended.has_value());
      std::expected<std::string, exit_reason> none = co_await try_call<greet>(*s, within(10ms));
      EXPECT_TRUE(none.error().is("timeout"));
      std::expected<sys::status, exit_reason> status = co_await sys::get_status("host");
      EXPECT_TRUE(status->suspended);
    }
    for (int twice = 0; twice < 2; ++twice) {
      std::expected<atom, exit_reason> resumed = co_await sys::resume("host");
      EXPECT_TRUE(resumed.has_value());
      std::expected<sys::status, exit_reason> status = co_await sys::get_status("host");
      EXPECT_FALSE(status->suspended);
      std::string answer = co_await call<greet>(*s);
      EXPECT_EQ(answer, "hello");
    }
  });
}

struct spied {
  term event;
};

TEST(sys_suite, install) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<host> s = co_await start<host>(local("host"));
    pid master = me.id();
    std::function<term(const term&)> spy = [master](const term& event) {
      send(master, spied{event});
      return term("go_on"_atom);
    };
    for (int twice = 0; twice < 2; ++twice) { // the second of that id changes nothing
      std::expected<atom, exit_reason> installed = co_await sys::install("host", "spy"_atom, spy);
      EXPECT_TRUE(installed.has_value());
    }
    [[maybe_unused]] std::string one = co_await call<greet>(*s);
    std::expected<atom, exit_reason> off = co_await sys::no_debug("host");
    [[maybe_unused]] std::string two = co_await call<greet>(*s);
    std::expected<atom, exit_reason> on = co_await sys::install("host", "spy"_atom, spy);
    [[maybe_unused]] std::string three = co_await call<greet>(*s);
    std::expected<atom, exit_reason> removed = co_await sys::remove("host", "spy"_atom);
    EXPECT_TRUE(off && on && removed);
    [[maybe_unused]] std::string four = co_await call<greet>(*s);
    for (const char* event : {"{in,greet}", "{out,<<\"hello\">>}", "{in,greet}", "{out,<<\"hello\">>}"}) {
      spied seen = co_await me.receive<spied>();
      EXPECT_EQ(to_string(seen.event), event);
    }
    std::optional<spied> more = co_await me.receive<spied>(1ms);
    EXPECT_FALSE(more.has_value());
  });
}

TEST(sys_suite, what_is_installed_goes_when_it_is_done_or_throws) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<host> s = co_await start<host>(local("host"));
    pid master = me.id();
    std::function<term(const term&)> once = [master](const term& event) {
      send(master, spied{event});
      return term("done"_atom);
    };
    std::function<term(const term&)> falls = [master](const term& event) -> term {
      send(master, spied{event});
      throw std::runtime_error("cannot look");
    };
    std::expected<atom, exit_reason> first = co_await sys::install("host", "once"_atom, once);
    std::expected<atom, exit_reason> second = co_await sys::install("host", "falls"_atom, falls);
    EXPECT_TRUE(first && second);
    std::string alive = co_await call<greet>(*s);
    EXPECT_EQ(alive, "hello");
    co_await me.receive<spied>();
    co_await me.receive<spied>();
    std::optional<spied> more = co_await me.receive<spied>(1ms);
    EXPECT_FALSE(more.has_value());
  });
}

struct labelled : gen_server {
  using protocol = coppice::protocol<casts<end_with>>;
  void init() { set_label("session of bob"); }
  void handle_cast(const end_with& e) { exit(exit_reason(atom(e.how))); }
};

TEST(gen_server_suite, format_log_with_process_label) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<labelled> s = co_await start<labelled>();
    monitor(*s->resolve());
    cast<end_with>(*s, "crashed");
    co_await me.receive<down>();
  });
  EXPECT_EQ(f.field("crash_report", "label"), term("session of bob"));
}

} // namespace
} // namespace coppice
