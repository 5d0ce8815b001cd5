// Case names follow OTP's supervisor_SUITE where the decisions alone can answer them.
#include "coppice/otp/detail/supervisor_core.hpp"
#include "coppice/otp/detail/test_supervisor_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace coppice::detail::supervision {
namespace {

using namespace std::chrono_literals;
using coppice::restart;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

bool is_ok(const reply_value& r) { return std::holds_alternative<ok_reply>(r); }
std::optional<supervisor_error> error_of(const reply_value& r) {
  const auto* e = std::get_if<error_reply>(&r);
  return e == nullptr ? std::nullopt : std::optional(e->error);
}
std::optional<pid> pid_in(const reply_value& r) {
  const auto* c = std::get_if<child_reply>(&r);
  return c == nullptr ? std::nullopt : std::optional(c->pid);
}
std::vector<report_kind> kinds(const world& w) {
  std::vector<report_kind> all;
  for (const auto& r : w.reports) all.push_back(r.kind);
  return all;
}
// ---- specifications -------------------------------------------------------------------------------------

TEST(supervisor_core, sup_flags) {
  auto with_intensity = [](std::int64_t n) {
    supervisor_flags f;
    f.intensity = n;
    return check_flags(f);
  };
  EXPECT_TRUE(check_flags({}));
  EXPECT_TRUE(with_intensity(0));
  EXPECT_EQ(with_intensity(-1).error().fault, spec_fault::invalid_intensity);
  EXPECT_THAT(with_intensity(-1).error().message, HasSubstr("-1"));
  supervisor_flags f;
  f.period = 0ms;
  EXPECT_EQ(check_flags(f).error().fault, spec_fault::invalid_period);
}

TEST(supervisor_core, defaults_are_those_of_otp) {
  supervisor_flags f;
  EXPECT_EQ(f.strategy, strategy::one_for_one);
  EXPECT_EQ(f.intensity, 1);
  EXPECT_EQ(f.period, 5s);
  auto sup = spec("s");
  sup.type = child_type::supervisor;
  world w = started(f, {spec("w"), sup});
  auto shutdown_of = [&](const char* id) {
    return *std::get<std::shared_ptr<const child_spec>>(w.ask(get_childspec_request{child_id(id)}))->shutdown;
  };
  EXPECT_EQ(shutdown_of("w"), child_shutdown(5000ms));
  EXPECT_EQ(shutdown_of("s"), child_shutdown::infinity());
}

TEST(supervisor_core, child_specs) {
  auto fault = [](child_spec s, auto_shutdown mode) { return check_child_spec(s, mode).error().fault; };
  child_spec none = spec("a");
  none.start = nullptr;
  EXPECT_EQ(fault(none, auto_shutdown::never), spec_fault::missing_start);
  child_spec negative = spec("a");
  negative.shutdown = child_shutdown(-1ms);
  EXPECT_EQ(fault(negative, auto_shutdown::never), spec_fault::invalid_shutdown);
  auto twice = supervisor_core::make({}, {spec("a"), spec("b"), spec("a")});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().fault, spec_fault::duplicate_child_name);
  EXPECT_THAT(twice.error().message, HasSubstr("child 3"));
  EXPECT_EQ(text(twice.error().child.value()), "a");
}

TEST(supervisor_core, significant_bad_combinations) {
  child_spec s = spec("a", restart::transient);
  s.significant = true;
  EXPECT_EQ(check_child_spec(s, auto_shutdown::never).error().fault, spec_fault::bad_combination);
  EXPECT_TRUE(check_child_spec(s, auto_shutdown::any_significant));
  s.restart = restart::permanent;
  EXPECT_EQ(check_child_spec(s, auto_shutdown::all_significant).error().fault, spec_fault::bad_combination);
}

TEST(supervisor_core, simple_one_for_one_takes_exactly_one_spec) {
  EXPECT_EQ(supervisor_core::make(with(strategy::simple_one_for_one), {}).error().fault,
            spec_fault::bad_start_spec);
  EXPECT_FALSE(supervisor_core::make(with(strategy::simple_one_for_one), {spec("a"), spec("b")}));
  EXPECT_TRUE(supervisor_core::make(with(strategy::simple_one_for_one), {spec("a")}));
}

// ---- start and stop -------------------------------------------------------------------------------------

TEST(supervisor_core, sup_start_normal_and_sup_stop) {
  world w({}, {spec("a"), spec("b"), spec("c")});
  w.start();
  EXPECT_TRUE(w.initialized);
  EXPECT_EQ(w.take_log(), (log_lines{"start a", "start b", "start c"}));
  w.feed(shutdown_asked{ended(exit_class::normal, "normal")});
  EXPECT_EQ(w.log, (log_lines{"stop c", "stop b", "stop a"}));
  ASSERT_TRUE(w.stopped);
  EXPECT_EQ(w.stopped->why, stop_self::cause::asked);
  EXPECT_EQ(text(w.stopped->reason.reason), "normal");
  EXPECT_THAT(w.reports, IsEmpty());
}

TEST(supervisor_core, sup_start_fail) {
  world w({}, {spec("a"), spec("b"), spec("c")});
  w.outcomes["b"] = {"fail"};
  w.start();
  EXPECT_FALSE(w.initialized);
  EXPECT_EQ(w.log, (log_lines{"start a", "fail b", "stop a"}));
  ASSERT_TRUE(w.stopped);
  EXPECT_EQ(w.stopped->why, stop_self::cause::start_failed);
  EXPECT_EQ(text(w.stopped->child), "b");
  EXPECT_EQ(text(w.stopped->reason.reason), "no");
  EXPECT_THAT(kinds(w), ElementsAre(report_kind::start_error));
}

TEST(supervisor_core, sup_start_ignore_permanent_child_start) {
  world w({}, {spec("a"), spec("b")});
  w.outcomes["a"] = {"ignore"};
  w.start();
  EXPECT_TRUE(w.initialized);
  EXPECT_EQ(w.core().count_children(), (child_counts{2, 1, 0, 2}));
  EXPECT_FALSE(w.pid_of("a"));
}

TEST(supervisor_core, sup_start_ignore_temporary_child_start) {
  world w({}, {spec("a", restart::temporary), spec("b", restart::temporary)});
  w.outcomes["a"] = {"ignore"};
  w.start();
  EXPECT_EQ(w.core().count_children(), (child_counts{1, 1, 0, 1}));
}

TEST(supervisor_core, sup_start_ignore_temporary_child) {
  world w = started({}, {});
  w.outcomes["a"] = {"ignore"};
  w.outcomes["b"] = {"ignore"};
  EXPECT_EQ(pid_in(w.ask(start_child_request{spec("a", restart::temporary)})), pid{});
  EXPECT_EQ(pid_in(w.ask(start_child_request{spec("b", restart::transient)})), pid{});
  EXPECT_THAT(ids(w), ElementsAre("b"));
}

TEST(supervisor_core, extra_return) {
  world w = started({}, {});
  w.outcomes["a"] = {"extra", "extra"};
  auto first = std::get<child_reply>(w.ask(start_child_request{spec("a")}));
  EXPECT_EQ(text(first.extra.value()), "info");
  w.ask(terminate_child_request{"a"});
  auto second = std::get<child_reply>(w.ask(restart_child_request{"a"}));
  EXPECT_EQ(text(second.extra.value()), "info");
  EXPECT_NE(first.pid, second.pid);
}

// ---- administration -------------------------------------------------------------------------------------

TEST(supervisor_core, child_adm) {
  world w = started({}, {spec("a")});
  const pid a = w.pid_of("a");
  auto again = w.ask(start_child_request{spec("a")});
  EXPECT_EQ(error_of(again), supervisor_error::already_started);
  EXPECT_EQ(std::get<error_reply>(again).pid, a);
  EXPECT_EQ(error_of(w.ask(restart_child_request{"a"})), supervisor_error::running);
  EXPECT_EQ(error_of(w.ask(delete_child_request{"a"})), supervisor_error::running);
  EXPECT_TRUE(is_ok(w.ask(terminate_child_request{"a"})));
  EXPECT_TRUE(is_ok(w.ask(terminate_child_request{"a"})));
  EXPECT_EQ(error_of(w.ask(start_child_request{spec("a")})), supervisor_error::already_present);
  EXPECT_TRUE(pid_in(w.ask(restart_child_request{"a"})));
  w.ask(terminate_child_request{"a"});
  EXPECT_TRUE(is_ok(w.ask(delete_child_request{"a"})));
  for (request r : {request(terminate_child_request{"a"}), request(restart_child_request{"a"}),
                    request(delete_child_request{"a"}), request(get_childspec_request{"a"})}) {
    EXPECT_EQ(error_of(w.ask(r)), supervisor_error::not_found);
  }
  EXPECT_TRUE(pid_in(w.ask(start_child_request{spec("a")})));
}

TEST(supervisor_core, child_adm_failures) {
  world w = started({}, {});
  w.outcomes["a"] = {"fail", "", "fail"};
  auto failed = w.ask(start_child_request{spec("a")});
  EXPECT_EQ(error_of(failed), supervisor_error::start_failed);
  EXPECT_EQ(text(std::get<error_reply>(failed).child->id), "a");
  EXPECT_THAT(ids(w), IsEmpty());
  child_spec bad = spec("b");
  bad.significant = true;
  auto refused = w.ask(start_child_request{bad});
  EXPECT_EQ(error_of(refused), supervisor_error::bad_child_spec);
  EXPECT_THAT(text(std::get<error_reply>(refused).reason), HasSubstr("significant with auto_shutdown never"));
  w.ask(start_child_request{spec("a")});
  w.ask(terminate_child_request{"a"});
  EXPECT_EQ(error_of(w.ask(restart_child_request{"a"})), supervisor_error::start_failed);
  EXPECT_THAT(ids(w), ElementsAre("a"));
  EXPECT_EQ(error_of(w.ask(start_dynamic_request{})), supervisor_error::bad_child_spec);
}

TEST(supervisor_core, which_children_lists_the_newest_first) {
  world w = started({}, {spec("a"), spec("b")});
  w.ask(start_child_request{spec("c")});
  EXPECT_THAT(ids(w), ElementsAre("c", "b", "a"));
}

TEST(supervisor_core, temporary_children_are_not_kept) {
  world w = started({}, {spec("a", restart::temporary)});
  w.ask(terminate_child_request{"a"});
  EXPECT_EQ(error_of(w.ask(get_childspec_request{"a"})), supervisor_error::not_found);
  w.ask(start_child_request{spec("a", restart::temporary)});
  w.end("a", crash());
  EXPECT_THAT(ids(w), IsEmpty());
}

TEST(supervisor_core, count_restarting_children) {
  world w = started(with(strategy::one_for_one, 10), {spec("a")});
  w.outcomes["a"] = {"fail", "fail"};
  w.end("a", crash());
  EXPECT_EQ(w.core().count_children(), (child_counts{1, 0, 0, 1}));
  EXPECT_TRUE(w.core().which_children()[0].restarting);
  EXPECT_EQ(error_of(w.ask(restart_child_request{"a"})), supervisor_error::restarting);
  EXPECT_EQ(error_of(w.ask(delete_child_request{"a"})), supervisor_error::restarting);
  EXPECT_EQ(error_of(w.ask(start_child_request{spec("a")})), supervisor_error::already_present);
  w.retry_all();
  w.retry_all();
  EXPECT_EQ(w.core().count_children(), (child_counts{1, 1, 0, 1}));
}

// ---- restart types --------------------------------------------------------------------------------------

struct ending {
  restart type;
  exit_class kind;
  bool restarted;
  bool kept;
  bool reported;
};

class restart_type : public testing::TestWithParam<ending> {};

TEST_P(restart_type, one_for_one) {
  const ending& p = GetParam();
  world w = started({}, {spec("a", p.type), spec("b")});
  const pid old = w.pid_of("a");
  w.end("a", ended(p.kind, "why"));
  const pid fresh = w.pid_of("a");
  EXPECT_EQ(bool(fresh), p.restarted);
  EXPECT_NE(fresh, old);
  EXPECT_EQ(ids(w).size(), p.kept ? 2U : 1U);
  EXPECT_EQ(w.reports.size(), p.reported ? 1U : 0U);
}

INSTANTIATE_TEST_SUITE_P( // permanent_normal, transient_normal, ... of the suite
    endings, restart_type,
    testing::Values(ending{restart::permanent, exit_class::normal, true, true, true},
                    ending{restart::permanent, exit_class::shutdown, true, true, true},
                    ending{restart::permanent, exit_class::other, true, true, true},
                    ending{restart::transient, exit_class::normal, false, true, false},
                    ending{restart::transient, exit_class::shutdown, false, true, false},
                    ending{restart::transient, exit_class::shutdown_with, false, true, false},
                    ending{restart::transient, exit_class::killed, true, true, true},
                    ending{restart::transient, exit_class::other, true, true, true},
                    ending{restart::temporary, exit_class::normal, false, false, false},
                    ending{restart::temporary, exit_class::shutdown_with, false, false, false},
                    ending{restart::temporary, exit_class::other, false, false, true}));

// ---- strategies -----------------------------------------------------------------------------------------

TEST(supervisor_core, one_for_one) {
  world w = started({}, {spec("a"), spec("b")});
  w.end("a", crash());
  EXPECT_EQ(w.log, (log_lines{"start a"}));
  EXPECT_THAT(ids(w), ElementsAre("b", "a"));
  EXPECT_THAT(kinds(w), ElementsAre(report_kind::child_terminated));
}

TEST(supervisor_core, one_for_one_escalation) {
  world w = started(with(strategy::one_for_one, 1), {spec("a"), spec("b")});
  w.end("a", crash());
  w.take_log();
  w.end("a", crash());
  EXPECT_EQ(w.log, (log_lines{"stop b"}));
  ASSERT_TRUE(w.stopped);
  EXPECT_EQ(w.stopped->why, stop_self::cause::intensity);
  EXPECT_EQ(w.reports.back().kind, report_kind::shutdown);
  EXPECT_EQ(w.reports.back().reason.value(), term(atom("reached_max_restart_intensity")));
}

TEST(supervisor_core, intensity_is_counted_within_the_period) {
  world w = started(with(strategy::one_for_one, 2, 10s), {spec("a")});
  for (int i = 0; i < 20; ++i) {
    w.end("a", crash());
    ASSERT_FALSE(w.stopped);
    w.now += 5001ms;
  }
  w.now -= 2ms; // the restart before last is now exactly one period old, and counts
  w.end("a", crash());
  EXPECT_TRUE(w.stopped);
}

TEST(supervisor_core, intensity_zero_allows_no_restart) {
  world w = started(with(strategy::one_for_one, 0), {spec("a")});
  w.end("a", crash());
  EXPECT_TRUE(w.stopped);
  EXPECT_THAT(w.log, IsEmpty());
}

TEST(supervisor_core, restarts_under_a_large_intensity_stay_cheap) {
  world w = started(with(strategy::one_for_one, 20'000), {spec("a")});
  for (int i = 0; i < 10'000; ++i) {
    w.now += 1us;
    w.end("a", crash());
    w.reports.clear();
    w.log.clear();
  }
  EXPECT_FALSE(w.stopped);
  EXPECT_TRUE(w.pid_of("a"));
}

TEST(supervisor_core, one_for_all) {
  world w = started(with(strategy::one_for_all), {spec("a"), spec("b"), spec("c")});
  w.end("b", crash());
  EXPECT_EQ(w.log, (log_lines{"stop c", "stop a", "start a", "start b", "start c"}));
  EXPECT_THAT(ids(w), ElementsAre("c", "b", "a"));
}

TEST(supervisor_core, one_for_all_starts_what_was_terminated) {
  world w = started(with(strategy::one_for_all), {spec("a"), spec("b", restart::transient)});
  w.ask(terminate_child_request{"b"});
  w.take_log();
  w.end("a", crash());
  EXPECT_EQ(w.log, (log_lines{"start a", "start b"}));
}

TEST(supervisor_core, one_for_all_escalation) {
  world w = started(with(strategy::one_for_all, 1), {spec("a"), spec("b")});
  w.end("a", crash());
  w.end("a", crash());
  EXPECT_TRUE(w.stopped);
}

TEST(supervisor_core, one_for_all_other_child_fails_restart) {
  world w = started(with(strategy::one_for_all, 10), {spec("a"), spec("b"), spec("c")});
  w.outcomes["b"] = {"fail"};
  w.end("a", crash());
  EXPECT_EQ(w.take_log(), (log_lines{"stop c", "stop b", "start a", "fail b"}));
  ASSERT_EQ(w.retries.size(), 1U);
  EXPECT_EQ(text(w.retries[0]), "b");
  w.retry_all();
  EXPECT_EQ(w.log, (log_lines{"stop a", "start a", "start b", "start c"}));
}

TEST(supervisor_core, temporary_bystander) {
  for (strategy s : {strategy::one_for_all, strategy::rest_for_one}) {
    world w = started(with(s), {spec("a"), spec("t", restart::temporary), spec("b")});
    w.end("a", crash());
    EXPECT_EQ(w.log, (log_lines{"stop b", "stop t", "start a", "start b"}));
    EXPECT_THAT(ids(w), ElementsAre("b", "a"));
  }
}

TEST(supervisor_core, one_for_all_with_temporary_first) {
  world w = started(with(strategy::one_for_all), {spec("t", restart::temporary), spec("a")});
  w.end("a", crash());
  EXPECT_EQ(w.log, (log_lines{"stop t", "start a"}));
}

TEST(supervisor_core, rest_for_one) {
  world w = started(with(strategy::rest_for_one), {spec("a"), spec("b"), spec("c"), spec("d")});
  const pid a = w.pid_of("a");
  w.end("b", crash());
  EXPECT_EQ(w.log, (log_lines{"stop d", "stop c", "start b", "start c", "start d"}));
  EXPECT_EQ(w.pid_of("a"), a);
}

TEST(supervisor_core, rest_for_one_other_child_fails_restart) {
  world w = started(with(strategy::rest_for_one, 10), {spec("a"), spec("b"), spec("c")});
  w.outcomes["b"] = {"fail", "fail"};
  w.end("a", crash());
  EXPECT_EQ(w.take_log(), (log_lines{"stop c", "stop b", "start a", "fail b"}));
  w.retry_all();
  EXPECT_EQ(w.take_log(), (log_lines{"fail b"}));
  w.retry_all();
  EXPECT_EQ(w.log, (log_lines{"start b", "start c"}));
}

TEST(supervisor_core, failing_restarts_count_against_intensity) {
  world w = started(with(strategy::one_for_one, 3), {spec("a"), spec("b")});
  w.outcomes["a"] = {"fail", "fail", "fail", "fail"};
  w.end("a", crash());
  for (int i = 0; i < 2; ++i) w.retry_all();
  EXPECT_FALSE(w.stopped);
  w.retry_all();
  EXPECT_TRUE(w.stopped);
  EXPECT_EQ(w.log, (log_lines{"fail a", "fail a", "fail a", "stop b"}));
}

TEST(supervisor_core, hanging_restart_loop) { // a child that waits for its retry can be terminated
  world w = started(with(strategy::one_for_one, 10), {spec("a")});
  w.outcomes["a"] = {"fail"};
  w.end("a", crash());
  EXPECT_TRUE(is_ok(w.ask(terminate_child_request{"a"})));
  w.take_log();
  w.retry_all();
  EXPECT_THAT(w.log, IsEmpty());
  EXPECT_TRUE(pid_in(w.ask(restart_child_request{"a"})));
}

TEST(supervisor_core, hanging_restart_loop_rest_for_one) {
  world w = started(with(strategy::rest_for_one, 8), {spec("1"), spec("2"), spec("3")});
  auto states = [&w] {
    log_lines all;
    for (const child_info& c : w.core().which_children()) {
      all.emplace_back(c.restarting ? "restarting" : c.pid ? "runs" : "undefined");
    }
    return all;
  };
  const pid first = w.pid_of("1");
  w.outcomes["2"] = {"fail", "fail", "fail"};
  w.end("2", crash());
  w.retry_all();
  EXPECT_EQ(error_of(w.ask(start_child_request{spec("2")})), supervisor_error::already_present);
  EXPECT_EQ(error_of(w.ask(restart_child_request{"2"})), supervisor_error::restarting);
  EXPECT_EQ(error_of(w.ask(delete_child_request{"2"})), supervisor_error::restarting);
  EXPECT_THAT(states(), ElementsAre("undefined", "restarting", "runs"));
  EXPECT_EQ(w.core().count_children(), (child_counts{3, 1, 0, 3}));
  EXPECT_TRUE(is_ok(w.ask(terminate_child_request{"2"})));
  EXPECT_THAT(states(), ElementsAre("undefined", "undefined", "runs"));
  EXPECT_EQ(w.pid_of("1"), first) << "started before the one that hangs: it never ended";
  w.retry_all();
  w.outcomes["2"].clear();
  const pid again = *pid_in(w.ask(restart_child_request{"2"}));
  w.outcomes["2"] = {"fail"};
  w.end(again, crash());
  w.take_log();
  w.feed(shutdown_asked{ended(exit_class::shutdown, "shutdown")});
  EXPECT_TRUE(w.stopped);
  EXPECT_EQ(w.log, (log_lines{"stop 1"})) << "it does not wait for the next attempt";
}

TEST(supervisor_core, restart_that_ignores_keeps_the_child_without_a_process) {
  world w = started({}, {spec("a")});
  w.outcomes["a"] = {"ignore"};
  w.end("a", crash());
  EXPECT_EQ(w.core().count_children(), (child_counts{1, 0, 0, 1}));
  EXPECT_THAT(w.retries, IsEmpty());
}

// ---- how children are ended ------------------------------------------------------------------------------

TEST(supervisor_core, shutdown_timeout_kills_and_reports) {
  child_spec s = spec("a");
  s.shutdown = child_shutdown(700ms);
  world w = started({}, {s});
  w.stubborn = {"a"};
  w.feed(requested{99, terminate_child_request{"a"}});
  EXPECT_EQ(w.timer_length, 700ms);
  EXPECT_FALSE(w.replies.contains(99));
  w.fire_timer();
  EXPECT_EQ(w.log, (log_lines{"stop a", "kill a"}));
  EXPECT_TRUE(is_ok(w.replies.at(99)));
  EXPECT_THAT(kinds(w), ElementsAre(report_kind::shutdown_error));
}

TEST(supervisor_core, infinity_sets_no_timer) {
  child_spec s = spec("a");
  s.shutdown = child_shutdown::infinity();
  world w = started({}, {s});
  w.stubborn = {"a"};
  w.feed(requested{99, terminate_child_request{"a"}});
  EXPECT_EQ(w.timer, 0U);
  EXPECT_TRUE(w.core().busy());
  w.end("a", ended(exit_class::shutdown, "shutdown"));
  EXPECT_TRUE(is_ok(w.replies.at(99)));
}

TEST(supervisor_core, brutal_kill) {
  child_spec s = spec("a");
  s.shutdown = child_shutdown::brutal_kill();
  world w = started({}, {s});
  w.ask(terminate_child_request{"a"});
  EXPECT_EQ(w.log, (log_lines{"kill a"}));
  EXPECT_THAT(w.reports, IsEmpty());
}

TEST(supervisor_core, faulty_application_shutdown) { // another reason than the wanted one is reported
  struct row {
    restart type;
    exit_class kind;
    bool reported;
  };
  for (const row& r : {row{restart::permanent, exit_class::shutdown, false},
                       row{restart::permanent, exit_class::normal, true},
                       row{restart::permanent, exit_class::shutdown_with, true},
                       row{restart::transient, exit_class::normal, false},
                       row{restart::transient, exit_class::shutdown_with, false},
                       row{restart::temporary, exit_class::other, true}}) {
    world w = started({}, {spec("a", r.type)});
    w.last_words["a"] = ended(r.kind, "last");
    w.ask(terminate_child_request{"a"});
    EXPECT_EQ(w.reports.size(), r.reported ? 1U : 0U);
  }
}

// ---- events in the middle of an operation ----

TEST(supervisor_core, what_comes_in_between_is_put_off_in_order) {
  world w = started({}, {spec("a"), spec("b")});
  w.stubborn = {"a"};
  const pid b = w.pid_of("b");
  w.feed(requested{1, terminate_child_request{"a"}});
  w.feed(requested{2, restart_child_request{"b"}});
  w.end("b", crash());
  w.feed(requested{3, restart_child_request{"a"}});
  EXPECT_THAT(w.replies, IsEmpty());
  w.end("a", ended(exit_class::shutdown, "shutdown"));
  EXPECT_TRUE(is_ok(w.replies.at(1)));
  EXPECT_EQ(error_of(w.replies.at(2)), supervisor_error::running); // its exit stood behind the request
  EXPECT_NE(w.pid_of("b"), b);
  EXPECT_TRUE(pid_in(w.replies.at(3)));
}

TEST(supervisor_core, a_sibling_that_died_meanwhile_is_not_signalled) {
  world w = started(with(strategy::one_for_all, 1), {spec("a"), spec("b"), spec("c")});
  w.stubborn = {"c"};
  w.end("a", crash());
  EXPECT_EQ(w.take_log(), (log_lines{"stop c"}));
  w.end("b", crash()); // while c is awaited: neither a second restart nor a signal to the dead
  w.end("c", ended(exit_class::shutdown, "shutdown"));
  EXPECT_EQ(w.log, (log_lines{"start a", "start b", "start c"}));
  EXPECT_FALSE(w.stopped);
  EXPECT_THAT(kinds(w), ElementsAre(report_kind::child_terminated, report_kind::shutdown_error));
}

TEST(supervisor_core, a_stale_timer_kills_nobody) {
  world w = started({}, {spec("a"), spec("b")});
  w.stubborn = {"a"};
  w.feed(requested{1, terminate_child_request{"a"}});
  const timer_token stale = w.timer;
  w.end("a", ended(exit_class::shutdown, "shutdown"));
  w.stubborn = {"b"};
  w.feed(requested{2, terminate_child_request{"b"}});
  w.take_log();
  w.feed(timer_fired{stale});
  EXPECT_THAT(w.log, IsEmpty());
  w.end("b", ended(exit_class::shutdown, "shutdown"));
}

// ---- simple_one_for_one ----

TEST(supervisor_core, child_adm_simple) {
  world w = started(with(strategy::simple_one_for_one), {spec("x")});
  EXPECT_THAT(w.log, IsEmpty());
  const pid p = *pid_in(w.ask(start_dynamic_request{}));
  EXPECT_EQ(error_of(w.ask(terminate_child_request{"x"})), supervisor_error::simple_one_for_one);
  EXPECT_EQ(error_of(w.ask(restart_child_request{"x"})), supervisor_error::simple_one_for_one);
  EXPECT_EQ(error_of(w.ask(delete_child_request{"x"})), supervisor_error::simple_one_for_one);
  EXPECT_EQ(error_of(w.ask(terminate_child_request{pid{777}, true})), supervisor_error::not_found);
  EXPECT_TRUE(is_ok(w.ask(terminate_child_request{pid{777}, false})));
  EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const child_spec>>(w.ask(get_childspec_request{p})));
  EXPECT_EQ(w.core().count_children(), (child_counts{1, 1, 0, 1}));
  EXPECT_TRUE(is_ok(w.ask(terminate_child_request{p, true})));
  EXPECT_EQ(w.core().count_children(), (child_counts{1, 0, 0, 0}));
  w.outcomes["x"] = {"ignore", "fail"};
  EXPECT_EQ(pid_in(w.ask(start_dynamic_request{})), pid{});
  EXPECT_EQ(error_of(w.ask(start_dynamic_request{})), supervisor_error::start_failed);
  EXPECT_EQ(w.core().count_children(), (child_counts{1, 0, 0, 0}));
}

TEST(supervisor_core, simple_one_for_one_restarts_with_its_arguments) {
  auto made = supervisor_core::make(with(strategy::simple_one_for_one), {spec("x")});
  ASSERT_TRUE(made);
  supervisor_core core = std::move(*made);
  actions out;
  core.start({}, out);
  const child_args args = any_args();
  core.step(requested{1, start_dynamic_request{args}}, {}, out);
  core.step(child_started{pid{1}}, {}, out);
  out.clear();
  core.step(child_exited{pid{1}, crash()}, {}, out);
  ASSERT_EQ(out.size(), 2U); // the report, then the start
  EXPECT_EQ(std::get<start_child>(out[1]).args, args);
}

TEST(supervisor_core, do_not_save_start_parameters_for_temporary_children) {
  auto made = supervisor_core::make(with(strategy::simple_one_for_one), {spec("x", restart::temporary)});
  ASSERT_TRUE(made);
  supervisor_core core = std::move(*made);
  actions out;
  core.start({}, out);
  child_args args = any_args();
  core.step(requested{1, start_dynamic_request{args}}, {}, out);
  core.step(child_started{pid{1}}, {}, out);
  out.clear();
  EXPECT_EQ(args.use_count(), 1);
}

TEST(supervisor_core,
     simple_one_for_one_corruption) { // the first end of a child left its siblings' arguments
  world w = started(with(strategy::simple_one_for_one, 2, 3600s), {spec("x", restart::temporary)});
  const pid first = *pid_in(w.ask(start_dynamic_request{}));
  w.end(first, crash());
  child_args args = any_args();
  const pid second = *pid_in(w.ask(start_dynamic_request{args}));
  EXPECT_EQ(args.use_count(), 1);
  w.end(second, crash());
  EXPECT_EQ(w.core().count_children(), (child_counts{1, 0, 0, 0}));
  EXPECT_FALSE(w.stopped);
}

TEST(supervisor_core, simple_one_for_one_failing_restart_is_retried) {
  world w = started(with(strategy::simple_one_for_one, 10), {spec("x")});
  const pid p = *pid_in(w.ask(start_dynamic_request{}));
  w.outcomes["x"] = {"fail", "fail"};
  w.end(p, crash());
  EXPECT_EQ(w.core().count_children(), (child_counts{1, 0, 0, 1}));
  EXPECT_EQ(w.retries.at(0).as_pid(), p);
  w.retry_all();
  w.retry_all();
  EXPECT_EQ(w.core().count_children(), (child_counts{1, 1, 0, 1}));
}

TEST(supervisor_core, simple_one_for_one_escalation) {
  world w = started(with(strategy::simple_one_for_one, 1), {spec("x")});
  const pid p = *pid_in(w.ask(start_dynamic_request{}));
  w.ask(start_dynamic_request{});
  w.end(p, crash());
  w.take_log();
  w.end(w.alive.begin()->first, crash());
  EXPECT_TRUE(w.stopped);
  EXPECT_EQ(w.log, (log_lines{"stop x"}));
}

TEST(supervisor_core, simple_one_for_one_shutdown_is_parallel_under_one_timer) {
  child_spec s = spec("x");
  s.shutdown = child_shutdown(100ms);
  world w = started(with(strategy::simple_one_for_one), {s});
  for (int i = 0; i < 3; ++i) w.ask(start_dynamic_request{});
  w.take_log();
  w.stubborn = {"x"};
  w.feed(shutdown_asked{ended(exit_class::shutdown, "shutdown")});
  EXPECT_EQ(w.log, (log_lines{"stop x", "stop x", "stop x"}));
  w.end(w.alive.begin()->first, ended(exit_class::shutdown, "shutdown"));
  w.fire_timer();
  EXPECT_TRUE(w.stopped);
  ASSERT_EQ(w.reports.size(), 1U); // equal ends are gathered
  EXPECT_EQ(w.reports[0].kind, report_kind::shutdown_error);
  EXPECT_EQ(w.reports[0].nb_children, 2U);
}

TEST(supervisor_core, simple_one_for_one_scale_many_temporary_children) {
  auto made = supervisor_core::make(with(strategy::simple_one_for_one), {spec("x", restart::temporary)});
  ASSERT_TRUE(made);
  supervisor_core core = std::move(*made);
  actions out;
  core.start({}, out);
  constexpr std::uint64_t many = 200'000;
  for (std::uint64_t i = 1; i <= many; ++i) {
    out.clear();
    core.step(requested{i, start_dynamic_request{}}, {}, out);
    core.step(child_started{pid{i}}, {}, out);
  }
  EXPECT_EQ(core.count_children(), (child_counts{1, many, 0, many}));
  for (std::uint64_t i = 1; i <= many; ++i) {
    out.clear();
    core.step(child_exited{pid{i}, normal()}, {}, out);
  }
  EXPECT_EQ(core.count_children(), (child_counts{1, 0, 0, 0}));
}

} // namespace
} // namespace coppice::detail::supervision
