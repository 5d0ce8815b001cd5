// What OTP's gen_server_SUITE, proc_lib_SUITE and sys_SUITE demand and gen_server_test.cpp and sys_test.cpp
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

} // namespace

template <>
struct enable_sendable<term*> {
  static constexpr bool value = true;
};

namespace {

/// The value of a field of the first report of that kind.
term field_of(const test_node& f, const std::string& kind, const std::string& name) {
  for (const report& r : f.reports) {
    if (r.kind != kind) continue;
    for (const auto& [key, value] : r.fields) {
      if (key == name) return value;
    }
  }
  return "no_such_field"_atom;
}

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
    auto nothing = co_await open.receive_response(0ns);
    EXPECT_FALSE(nothing.has_value());
    EXPECT_EQ(open.size(), 2U) << "to look takes nothing away";
    co_await idle_for(5ms);
    auto first = co_await open.receive_response(0ns);
    EXPECT_EQ(first->label, 1);
    auto second = co_await open.receive_response(0ns);
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
  EXPECT_EQ(field_of(f, "crash_report", "state"), term("state of the host"_atom));
  EXPECT_EQ(field_of(f, "crash_report", "name"), term("host"_atom));
  EXPECT_EQ(field_of(f, "crash_report", "behaviour"), term("gen_server"_atom));
}

TEST(gen_server_suite, terminate_crash_format) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<fallen> s = co_await start<fallen>();
    std::expected<ok, exit_reason> ended = co_await stop(s->name());
    EXPECT_EQ(to_string(ended.error().value()), "{'std::runtime_error',<<\"no way out\">>}");
  });
  EXPECT_EQ(field_of(f, "crash_report", "state"), term("the last state"_atom));
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

// ---- proc_lib ---------------------------------------------------------------------------------------------

struct go_on {};
struct in_init {
  pid process;
};
struct up {
  bool started;
};

/// Tells in its init where it is, and goes on when it is told.
struct slow_starter : gen_server {
  explicit slow_starter(pid tester) : tester_(tester) {}
  task<void> init() {
    send(tester_, in_init{self_pid()});
    self me(detail::running_process());
    co_await idle_for(10ms);
  }
  pid tester_;
};

process starts_it(self, pid tester, bool linked) {
  if (linked) {
    start_result<slow_starter> s = co_await start_link<slow_starter>(tester);
    send(tester, up{s.has_value()});
  } else {
    start_result<slow_starter> s = co_await start<slow_starter>(tester);
    send(tester, up{s.has_value()});
  }
  co_await idle_for(infinity);
}

TEST(proc_lib_suite, sync_start) {
  for (bool linked : {false, true}) {
    test_node f;
    f.n.run(
        [](self me, bool with_link) -> task<> {
          spawn(starts_it, me.id(), with_link);
          in_init at = co_await me.receive<in_init>();
          EXPECT_TRUE(is_process_alive(at.process));
          std::optional<up> early = co_await me.receive<up>(5ms);
          EXPECT_FALSE(early.has_value()) << "a start is over when init is";
          up done = co_await me.receive<up>();
          EXPECT_TRUE(done.started);
        },
        linked);
  }
}

struct bad_init : gen_server {
  void init() { throw std::runtime_error("bad_init"); }
};

TEST(proc_lib_suite, init_dont_hang) {
  test_node f;
  f.n.run([](self me) -> task<> {
    trap_exit(true);
    start_result<bad_init> linked = co_await start_link<bad_init>();
    start_result<bad_init> alone = co_await start<bad_init>();
    start_options options;
    options.timeout = 1s;
    start_result<bad_init> in_time = co_await start<bad_init>(options);
    EXPECT_EQ(linked.error(), alone.error());
    EXPECT_EQ(linked.error(), in_time.error());
    exit_signal signal = co_await me.receive<exit_signal>();
    EXPECT_EQ(signal.reason, linked.error());
    std::optional<term> rest = co_await me.receive<term>(1s);
    EXPECT_FALSE(rest.has_value());
  });
}

TEST(proc_lib_suite, sync_start_timeout) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_options options;
    options.timeout = 5ms;
    start_result<slow_starter> s = co_await start<slow_starter>(options, me.id());
    EXPECT_TRUE(s.error().is("timeout"));
    in_init at = co_await me.receive<in_init>();
    co_await idle_for(1ms);
    EXPECT_FALSE(is_process_alive(at.process)) << "who does not get ready is killed";
    auto monitored = co_await start_monitor<slow_starter>(options, me.id());
    EXPECT_TRUE(monitored.error().is("timeout"));
    co_await me.receive<in_init>();
    std::optional<term> rest = co_await me.receive<term>(1s);
    EXPECT_FALSE(rest.has_value()) << "of a start that failed there is no DOWN";
  });
}

struct hire {
  bool by_name;
};

/// Starts another of its kind and lets it fall.
class boss : public gen_server {
public:
  using protocol = coppice::protocol<calls<hire, pid>, casts<end_with>, calls<end_with, int>>;
  task<pid> handle_call(hire h) {
    start_options options;
    if (h.by_name) options.name = server_name("deputy"_atom);
    start_result<boss> s = co_await start<boss>(options);
    co_return s->resolve().value();
  }
  void handle_cast(const end_with& e) { exit(exit_reason(atom(e.how))); }
  int handle_call(const end_with& e) {
    exit(exit_reason(atom(e.how)));
    return 0;
  }
};

TEST(proc_lib_suite, ancestors) {
  test_node f;
  term tester;
  f.n.run(
      [](self me, term* starter) -> task<> {
        *starter = me.id();
        start_result<boss> first = co_await start<boss>(local("boss"));
        pid deputy = co_await call<hire>(*first, true);
        server_ref<boss> second{server_name(deputy)};
        pid last = co_await call<hire>(second, false);
        monitor(last);
        cast<end_with>(server_ref<boss>{server_name(last)}, "crashed");
        co_await me.receive<down>();
      },
      &tester);
  EXPECT_EQ(field_of(f, "crash_report", "ancestors"), term::list("deputy"_atom, "boss"_atom, tester));
}

TEST(proc_lib_suite, ancestors_end_at_the_first_that_is_dead) {
  test_node f;
  term gone;
  f.n.run(
      [](self me, term* dead) -> task<> {
        start_result<boss> first = co_await start<boss>(local("boss"));
        *dead = *first->resolve();
        pid orphan = co_await call<hire>(*first, false);
        [[maybe_unused]] auto stopped = co_await stop("boss");
        monitor(orphan);
        cast<end_with>(server_ref<boss>{server_name(orphan)}, "crashed");
        co_await me.receive<down>();
      },
      &gone);
  EXPECT_EQ(field_of(f, "crash_report", "ancestors"), term::list(gone));
}

TEST(proc_lib_suite, callers) {
  test_node f;
  term caller;
  f.n.run(
      [](self me, term* asks) -> task<> {
        *asks = me.id();
        start_result<boss> s = co_await start<boss>();
        std::expected<int, exit_reason> none = co_await try_call<end_with>(*s, "crashed");
        EXPECT_FALSE(none.has_value());
      },
      &caller);
  EXPECT_EQ(field_of(f, "crash_report", "callers"), term::list(caller));
}

TEST(proc_lib_suite, callers_are_those_of_the_call_that_crashed) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<boss> s = co_await start<boss>();
    [[maybe_unused]] pid hired = co_await call<hire>(*s, false);
    monitor(*s->resolve());
    cast<end_with>(*s, "crashed");
    co_await me.receive<down>();
  });
  EXPECT_EQ(field_of(f, "crash_report", "callers"), term("no_such_field"_atom));
}

process unclean(self, std::string how) {
  co_await yield();
  if (how == "throw") throw std::runtime_error("fell over");
  exit(how == "shutdown" ? exit_reason::shutdown() : exit_reason(term::tuple("shutdown"_atom, "a"_atom)));
}

TEST(proc_lib_suite, crash) {
  test_node f;
  f.n.run([](self me) -> task<> {
    for (const char* how : {"shutdown", "shutdown with a reason", "throw"}) {
      spawn_monitor(unclean, std::string(how));
      [[maybe_unused]] down gone = co_await me.receive<down>();
    }
  });
  EXPECT_EQ(f.reports.size(), 1U) << "only what an exception ended is a crash";
  EXPECT_TRUE(field_of(f, "error", "ancestors").is_list());
}

process says_die(self, exit_reason why) {
  co_await yield();
  exit(why);
}

TEST(proc_lib_suite, stop) {
  test_node f;
  f.n.run([](self) -> task<> {
    pid gone = spawn(says_die, exit_reason("die"_atom));
    co_await idle_for(1ms);
    std::expected<ok, exit_reason> noproc = co_await stop(gone);
    EXPECT_TRUE(noproc.error().is("noproc"));
    start_result<host> busy = co_await start<host>();
    request_id<std::int64_t> thinks = send_request<ponder>(*busy, 5000);
    std::expected<ok, exit_reason> hangs = co_await stop(busy->name(), exit_reason::normal(), 1s);
    EXPECT_TRUE(hangs.error().is("timeout"));
    std::optional<std::expected<std::int64_t, exit_reason>> done = co_await receive_response(thinks);
    EXPECT_TRUE(done.has_value());
  });
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
  EXPECT_EQ(field_of(f, "crash_report", "label"), term("session of bob"));
}

} // namespace
} // namespace coppice
