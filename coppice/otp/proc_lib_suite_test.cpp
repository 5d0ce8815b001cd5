// What OTP's proc_lib_SUITE demands, under the cases' names. docs/otp-conformance.md is the table.
#include "coppice/otp/gen_server.hpp"

#include "coppice/otp/detail/report_text.hpp"
#include "coppice/otp/detail/test_node.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace coppice {

template <>
struct enable_sendable<term*> {
  static constexpr bool value = true;
};

namespace {

using namespace std::chrono_literals;
using namespace literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct end_with {
  std::string how;
};
struct ponder {
  std::int64_t ms;
};

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

/// What a start that links and monitors tells of a server's end, and of one that does not get ready.
struct heard {
  bool exit = false;
  bool down = false;
};

task<heard> listen(self me) {
  heard h;
  std::optional<down> d = co_await me.receive<down>(100ms);
  std::optional<exit_signal> e = co_await me.receive<exit_signal>(0ns);
  h.down = d.has_value();
  h.exit = e.has_value();
  co_return h;
}

TEST(proc_lib_suite, sync_start_monitor) {
  for (bool linked : {false, true}) {
    test_node f;
    f.n.run(
        [](self me, bool with_link) -> task<> {
          trap_exit(true);
          start_options options;
          options.spawn.link = with_link;
          auto s = co_await start_monitor<slow_starter>(options, me.id());
          in_init at = co_await me.receive<in_init>();
          EXPECT_EQ(at.process, *s->server.resolve());
          EXPECT_TRUE(is_process_alive(at.process)) << "a start is over when init is, and the server goes on";
          std::expected<ok, exit_reason> ended = co_await stop(s->server.name());
          EXPECT_TRUE(ended.has_value());
          heard end = co_await listen(me);
          EXPECT_TRUE(end.down);
          EXPECT_EQ(end.exit, with_link);
        },
        linked);
  }
}

TEST(proc_lib_suite, sync_start_link_timeout) {
  for (start_mode mode : {start_mode::nolink, start_mode::link, start_mode::monitor}) {
    test_node f;
    f.n.run(
        [](self me, start_mode how) -> task<> {
          trap_exit(true);
          start_options options;
          options.timeout = 5ms;
          options.spawn.link = true;
          exit_reason why;
          if (how == start_mode::monitor) {
            auto s = co_await start_monitor<slow_starter>(options, me.id());
            why = s.error();
          } else if (how == start_mode::link) {
            auto s = co_await start_link<slow_starter>(options, me.id());
            why = s.error();
          } else {
            auto s = co_await start<slow_starter>(options, me.id());
            why = s.error();
          }
          EXPECT_TRUE(why.is("timeout"));
          in_init at = co_await me.receive<in_init>();
          heard end = co_await listen(me);
          EXPECT_FALSE(end.exit) << "who did not get ready was never linked, as far as its starter can see";
          EXPECT_FALSE(end.down);
          EXPECT_FALSE(is_process_alive(at.process));
        },
        mode);
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
  bool linked = false;
};
struct rest {};

/// Starts another of its kind and lets it fall.
class boss : public gen_server {
public:
  using protocol = coppice::protocol<calls<hire, pid>, casts<end_with>, casts<rest>, calls<end_with, int>,
                                     calls<ponder, std::int64_t>>;
  task<pid> handle_call(hire h) {
    start_options options;
    if (h.by_name) options.name = server_name("deputy"_atom);
    options.spawn.link = h.linked;
    start_result<boss> s = co_await start<boss>(options);
    co_return s->resolve().value();
  }
  void handle_cast(const end_with& e) { exit(exit_reason(atom(e.how))); }
  result<> handle_cast(rest) { return result<>().hibernate(); }
  task<std::int64_t> handle_call(ponder p) {
    co_await idle_for(std::chrono::milliseconds(p.ms));
    co_return p.ms;
  }
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
  EXPECT_EQ(f.field("crash_report", "ancestors"), term::list("deputy"_atom, "boss"_atom, tester));
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
  EXPECT_EQ(f.field("crash_report", "ancestors"), term::list(gone));
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
  EXPECT_EQ(f.field("crash_report", "callers"), term::list(caller));
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
  EXPECT_EQ(f.field("crash_report", "callers"), term("no_such_field"_atom));
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
      down gone = co_await me.receive<down>();
      EXPECT_EQ(gone.reason.is_clean(), std::string_view(how) != "throw");
    }
  });
  EXPECT_EQ(f.reports.size(), 1U) << "only what an exception ended is a crash";
  EXPECT_TRUE(f.field("error", "ancestors").is_list());
}

TEST(proc_lib_suite, crash_names_its_neighbours) {
  test_node f;
  term tester;
  term neighbour;
  f.n.run(
      [](self me, term* starter, term* linked) -> task<> {
        *starter = me.id();
        start_result<boss> first = co_await start_link<boss>(local("boss"));
        pid second = co_await call<hire>(*first, false, true);
        *linked = second;
        [[maybe_unused]] pid apart = co_await call<hire>(*first, true, false);
        unlink(*first->resolve());
        monitor(second);
        cast<end_with>(*first, "die");
        down gone = co_await me.receive<down>();
        EXPECT_TRUE(gone.reason.is("die")) << "the link carried the end on";
      },
      &tester, &neighbour);
  EXPECT_EQ(f.field("crash_report", "initial_call"), term("boss"_atom));
  EXPECT_EQ(f.field("crash_report", "ancestors"), term::list(tester));
  EXPECT_EQ(f.field("crash_report", "neighbours"),
            term::list(term::tuple(neighbour, "boss"_atom, term::list("boss"_atom, tester))));
  EXPECT_EQ(f.count("crash_report"), 1U) << "what a link carries is no crash of its own";
}

TEST(proc_lib_suite, crash_has_no_neighbours_but_its_parent) {
  test_node f;
  f.n.run([](self me) -> task<> {
    trap_exit(true);
    start_result<boss> s = co_await start_link<boss>(local("\xD1\x87"));
    cast<end_with>(*s, "die");
    exit_signal gone = co_await me.receive<exit_signal>();
    EXPECT_TRUE(gone.reason.is("die"));
  });
  EXPECT_EQ(f.field("crash_report", "neighbours"), term("no_such_field"_atom));
  std::string text = detail::render_text({f.reports.at(0), {}}, {});
  EXPECT_THAT(text, HasSubstr("\xD1\x87' (boss) ended: die\n"));
}

TEST(proc_lib_suite, hibernate) {
  test_node f;
  f.n.run([](self me) -> task<> {
    trap_exit(true);
    start_result<boss> s = co_await start_link<boss>();
    std::int64_t awake = co_await call<ponder>(*s, 1);
    EXPECT_EQ(awake, 1);
    cast<rest>(*s);
    co_await yield();
    EXPECT_EQ(this_node().summary(*s->resolve())->status, run_status::hibernating);
    std::int64_t again = co_await call<ponder>(*s, 2);
    EXPECT_EQ(again, 2);
    cast<rest>(*s);
    co_await yield();
    cast<end_with>(*s, "i_crashed");
    exit_signal gone = co_await me.receive<exit_signal>();
    EXPECT_EQ(gone.from, *s->resolve());
    EXPECT_TRUE(gone.reason.is("i_crashed"));
  });
  EXPECT_EQ(f.reports.size(), 1U);
  EXPECT_EQ(f.field("crash_report", "initial_call"), term("boss"_atom));
  EXPECT_EQ(f.field("crash_report", "neighbours"), term("no_such_field"_atom));
}

process ends_soon(self, exit_reason why) {
  co_await idle_for(1s);
  exit(why);
}

TEST(proc_lib_suite, stop) {
  test_node f;
  f.n.run([](self) -> task<> {
    pid gone = spawn(ends_soon, exit_reason("die"_atom));
    co_await idle_for(2s);
    std::expected<ok, exit_reason> noproc = co_await stop(gone);
    EXPECT_TRUE(noproc.error().is("noproc"));
    std::expected<ok, exit_reason> nobody = co_await stop("to_stop");
    EXPECT_TRUE(nobody.error().is("noproc"));
    start_result<boss> busy = co_await start<boss>();
    request_id<std::int64_t> thinks = send_request<ponder>(*busy, 5000);
    std::expected<ok, exit_reason> hangs = co_await stop(busy->name(), exit_reason::normal(), 1s);
    EXPECT_TRUE(hangs.error().is("timeout"));
    std::optional<std::expected<std::int64_t, exit_reason>> done = co_await receive_response(thinks);
    EXPECT_TRUE(done.has_value());
  });
}

TEST(proc_lib_suite, stop_without_patience_ends_the_process_all_the_same) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<boss> busy = co_await start<boss>();
    request_id<std::int64_t> thinks = send_request<ponder>(*busy, 5000);
    monitor(*busy->resolve());
    std::expected<ok, exit_reason> hangs = co_await stop(busy->name(), exit_reason::normal(), 0ns);
    EXPECT_TRUE(hangs.error().is("timeout"));
    std::optional<down> gone = co_await me.receive<down>(6s);
    EXPECT_TRUE(gone && gone->reason.is_normal());
    std::optional<std::expected<std::int64_t, exit_reason>> done = co_await receive_response(thinks);
    EXPECT_EQ(done->value(), 5000) << "what it was at comes first";
  });
}

TEST(proc_lib_suite, stop_of_what_ends_by_itself) {
  test_node f;
  f.n.run([](self) -> task<> {
    exit_reason die("die"_atom);
    std::expected<ok, exit_reason> normal = co_await stop(spawn(ends_soon, exit_reason()), exit_reason(), 2s);
    EXPECT_TRUE(normal.has_value()) << "it ended as it was to end";
    std::expected<ok, exit_reason> same = co_await stop(spawn(ends_soon, die), die, 2s);
    EXPECT_TRUE(same.has_value());
    std::expected<ok, exit_reason> other = co_await stop(spawn(ends_soon, die), exit_reason(), 2s);
    EXPECT_TRUE(other.error().is("die"));
  });
}

/// Falls with more in its reason than anyone wants to read.
struct full : gen_server {
  using protocol = coppice::protocol<casts<rest>>;
  void init() { set_label("\xE2\x82\xAC of bob"); }
  void handle_cast(rest) {
    std::vector<term> all;
    for (int n = 0; n < 200; ++n) all.emplace_back(n);
    exit(exit_reason(term::tuple(term::list_from(std::move(all)), atom("\xC3\xB6"), atom("\xD0\x80"))));
  }
};

TEST(proc_lib_suite, t_format) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<full> s = co_await start<full>(local("to_fill"));
    monitor(*s->resolve());
    cast<rest>(*s);
    co_await me.receive<down>();
  });
  detail::log_entry entry{f.reports.at(0), {}};
  for (auto* render : {&detail::render_text, &detail::render_json}) {
    std::string whole = render(entry, {.term_limit = 100'000});
    std::string cut = render(entry, {.term_limit = 20});
    EXPECT_LT(cut.size(), whole.size());
    EXPECT_THAT(whole, HasSubstr("199],\xC3\xB6,'\xD0\x80'}"));
    EXPECT_THAT(whole, HasSubstr("\xE2\x82\xAC of bob"));
    EXPECT_THAT(cut, HasSubstr("to_fill (full) ended: {[0,1"));
    EXPECT_THAT(cut, HasSubstr("..."));
  }
  std::string line = detail::render_json(entry, {});
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
}

} // namespace
} // namespace coppice
