#include "coppice/otp/detail/statem_core.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

namespace coppice::detail::statem {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using log_lines = std::vector<std::string>;
using engine = core<std::string, std::string, int, std::string>;
using event = engine::event;
using act = engine::action;
using acts = std::vector<act>;

struct returned { // what a callback gives back
  engine::result_kind kind = engine::result_kind::keep_state;
  std::optional<std::string> next{};
  acts actions{};
};
returned keep(acts a = {}) { return {engine::result_kind::keep_state, {}, std::move(a)}; }
returned repeat(acts a = {}) { return {engine::result_kind::repeat_state, {}, std::move(a)}; }
returned go(std::string s, acts a = {}) {
  return {engine::result_kind::next_state, std::move(s), std::move(a)};
}

event internal(std::string text) { return {event_kind::internal, std::move(text)}; }
event cast(std::string text) { return {event_kind::cast, std::move(text)}; }
act insert(std::string text) { return engine::next_event{internal(std::move(text))}; }
act later() { return engine::postpone{}; }
engine::key event_timeout() { return {timeout_kind::event, {}}; }
engine::key state_timeout() { return {timeout_kind::state, {}}; }
engine::key named(std::string n) { return {timeout_kind::generic, std::move(n)}; }
act after(engine::key k, std::chrono::milliseconds t, std::string text) {
  return engine::start_timeout{std::move(k), t, std::move(text)};
}

// Calls back, logs "state<event", and keeps the timers that the engine asks for.
class machine {
public:
  using callback = std::function<returned(const std::string& state, const event& e)>;
  using enter_callback = std::function<returned(const std::string& state, const std::string& previous)>;

  explicit machine(callback on_event, enter_callback on_enter = nullptr)
      : core(on_enter != nullptr), on_event_(std::move(on_event)), on_enter_(std::move(on_enter)) {}

  void init(std::string first, acts a = {}) {
    check(core.init(std::move(first), a, *this));
    drain();
  }
  void send(event e) {
    core.receive(std::move(e));
    drain();
  }
  bool fire(const engine::key& k) {
    for (auto it = timers.begin(); it != timers.end(); ++it) {
      if (!(it->which == k)) continue;
      const timer_id id = it->id;
      timers.erase(it);
      const bool ours = core.timer_fired(k, id);
      drain();
      return ours;
    }
    return false;
  }
  bool runs(const engine::key& k) const {
    for (const auto& t : timers) {
      if (t.which == k) return true;
    }
    return false;
  }
  log_lines take() { return std::exchange(log, {}); }

  void reply(int from, const std::string& text) {
    log.push_back("reply " + std::to_string(from) + " " + text);
  }
  void start_timer(const engine::key& k, timer_id id, std::chrono::milliseconds t, bool absolute) {
    EXPECT_FALSE(runs(k)) << "two timers of one key";
    timers.push_back({k, id, t, absolute});
  }
  void cancel_timer(const engine::key& k, timer_id id) {
    EXPECT_EQ(std::erase_if(timers, [&](const auto& t) { return t.which == k && t.id == id; }), 1U);
  }

  struct timer {
    engine::key which;
    timer_id id;
    std::chrono::milliseconds time;
    bool absolute;
  };
  engine core;
  log_lines log;
  std::vector<timer> timers;
  std::optional<fault> failed;

private:
  void check(const std::expected<void, fault>& r) {
    if (!r) failed = r.error();
  }
  void drain() {
    while (auto d = core.next()) {
      returned r;
      if (d.enter()) {
        log.push_back(*d.state + " entered from " + *d.previous);
        r = on_enter_(*d.state, *d.previous);
      } else {
        log.push_back(*d.state + "<" + d.event->content);
        r = on_event_(*d.state, *d.event);
      }
      check(core.apply({r.kind, std::move(r.next), r.actions}, *this));
    }
  }
  callback on_event_;
  enter_callback on_enter_;
};

TEST(statem_core, events_are_handled_in_the_state_they_find) {
  machine m([](const std::string& s, const event&) { return go(s == "off" ? "on" : "off"); });
  m.init("off");
  m.send(cast("push"));
  m.send(cast("push"));
  EXPECT_EQ(m.log, (log_lines{"off<push", "on<push"}));
  EXPECT_EQ(m.core.state(), "off");
}

TEST(statem_core, replies_leave_in_the_order_of_the_list) {
  machine m(
      [](const std::string&, const event&) { return keep({engine::reply{2, "b"}, engine::reply{1, "a"}}); });
  m.init("s");
  m.send({event_kind::call, "ask", 2});
  EXPECT_EQ(m.log, (log_lines{"s<ask", "reply 2 b", "reply 1 a"}));
}

// ---- postponed and inserted events -----------------------------------------------------------------------

TEST(statem_core, postponed_events_wait_for_a_change_of_state_and_keep_their_order) {
  machine m([](const std::string& s, const event& e) {
    if (e.content == "open") return go("open");
    return s == "shut" ? keep({later()}) : keep();
  });
  m.init("shut");
  for (const char* text : {"1", "2", "3"}) m.send(cast(text));
  EXPECT_EQ(m.core.postponed().size(), 3U);
  m.take();
  m.send(cast("open"));
  EXPECT_EQ(m.log, (log_lines{"shut<open", "open<1", "open<2", "open<3"}));
  EXPECT_TRUE(m.core.postponed().empty());
}

TEST(statem_core, an_event_postponed_while_the_state_changes_is_retried_at_once_after_older_ones) {
  machine m([](const std::string& s, const event& e) {
    if (s == "b") return keep();
    return e.content == "go" ? go("b", {later()}) : keep({later()});
  });
  m.init("a");
  m.send(cast("old"));
  m.take();
  m.send(cast("go"));
  EXPECT_EQ(m.log, (log_lines{"a<go", "b<old", "b<go"}));
}

TEST(statem_core, inserted_events_come_before_retried_and_queued_ones) {
  machine m([](const std::string& s, const event& e) {
    if (s == "a" && e.content == "go") return go("b", {insert("i1"), insert("i2")});
    if (s == "a") return keep({later()});
    if (e.content == "i1") return keep({insert("i1.1")});
    return keep();
  });
  m.init("a");
  m.send(cast("p1"));
  m.send(cast("p2"));
  m.take();
  m.send(cast("go"));
  EXPECT_EQ(m.log, (log_lines{"a<go", "b<i1", "b<i1.1", "b<i2", "b<p1", "b<p2"}));
}

TEST(statem_core, a_later_change_retries_before_what_is_still_queued) {
  machine m([](const std::string& s, const event& e) {
    if (s == "a" && e.content == "go") return go("b", {insert("x"), insert("y")});
    if (s == "b" && e.content == "x") return go("c");
    if (s == "a") return keep({later()});
    return keep();
  });
  m.init("a");
  m.send(cast("p"));
  m.take();
  m.send(cast("go"));
  EXPECT_EQ(m.log, (log_lines{"a<go", "b<x", "c<y", "c<p"}));
}

TEST(statem_core, repeat_state_does_not_retry_postponed_events) {
  machine m(
      [](const std::string&, const event& e) { return e.content == "again" ? repeat() : keep({later()}); });
  m.init("a");
  m.send(cast("p"));
  m.send(cast("again"));
  EXPECT_EQ(m.core.postponed().size(), 1U);
}

TEST(statem_core, the_last_of_contrary_settings_counts) {
  machine m([](const std::string&, const event&) {
    return keep(
        {later(), engine::postpone{false}, engine::hibernate_action{}, engine::hibernate_action{false}});
  });
  m.init("a");
  m.send(cast("e"));
  EXPECT_TRUE(m.core.postponed().empty());
  EXPECT_FALSE(m.core.hibernate());
}

TEST(statem_core, hibernate_holds_until_the_next_event) {
  machine m([](const std::string&, const event& e) {
    return e.content == "sleep" ? keep({engine::hibernate_action{}}) : keep();
  });
  m.init("a", {engine::hibernate_action{}});
  EXPECT_TRUE(m.core.hibernate());
  m.send(cast("other"));
  EXPECT_FALSE(m.core.hibernate());
  m.send(cast("sleep"));
  EXPECT_TRUE(m.core.hibernate());
}

TEST(statem_core, init_may_insert_events_and_start_timeouts) {
  machine m([](const std::string&, const event&) { return keep(); });
  m.init("a", {later(), after(named("t"), 10ms, "tick"), insert("first")});
  EXPECT_EQ(m.log, (log_lines{"a<first"}));
  EXPECT_TRUE(m.runs(named("t")));
}

// ---- state enter calls ----

machine entering(machine::enter_callback on_enter) {
  return machine(
      [](const std::string& s, const event& e) {
        if (e.content == "repeat") return repeat();
        if (e.content == "same") return go(s);
        if (e.content == "p" && s == "a") return keep({later()});
        if (e.content == "ins") return go("b", {insert("i")});
        return e.kind == event_kind::cast && e.content.size() == 1 ? go(e.content) : keep();
      },
      std::move(on_enter));
}

TEST(statem_core, the_initial_state_is_entered_from_itself) {
  machine m = entering([](auto&, auto&) { return keep(); });
  m.init("a");
  EXPECT_EQ(m.log, (log_lines{"a entered from a"}));
}

TEST(statem_core, enter_calls_come_before_inserted_and_retried_events) {
  machine m = entering([](auto&, auto&) { return keep(); });
  m.init("a", {insert("zero")});
  m.send(cast("p"));
  EXPECT_EQ(m.take(), (log_lines{"a entered from a", "a<zero", "a<p"}));
  m.send(cast("ins"));
  EXPECT_EQ(m.log, (log_lines{"a<ins", "b entered from a", "b<i", "b<p", "p entered from b"}));
}

TEST(statem_core, repeat_state_enters_again_and_the_same_state_does_not) {
  machine m = entering([](auto&, auto&) { return keep(); });
  m.init("a");
  m.take();
  m.send(cast("same"));
  EXPECT_EQ(m.take(), (log_lines{"a<same"}));
  m.send(cast("repeat"));
  EXPECT_EQ(m.take(), (log_lines{"a<repeat", "a entered from a"}));
}

TEST(statem_core, repeat_state_in_an_enter_call_enters_once_more_from_the_old_state) {
  int entered = 0;
  machine m =
      entering([&](const std::string& s, auto&) { return s == "b" && ++entered < 3 ? repeat() : keep(); });
  m.init("a");
  m.take();
  m.send(cast("b"));
  EXPECT_EQ(m.log, (log_lines{"a<b", "b entered from a", "b entered from a", "b entered from a"}));
  EXPECT_EQ(m.core.state(), "b");
}

TEST(statem_core, enter_calls_may_reply_and_start_timeouts) {
  machine m = entering([](const std::string& s, auto&) {
    return s == "b" ? keep({engine::reply{1, "hi"}, after(state_timeout(), 5ms, "t")}) : keep();
  });
  m.init("a");
  m.send(cast("b"));
  EXPECT_EQ(m.log.back(), "reply 1 hi");
  EXPECT_TRUE(m.runs(state_timeout())); // started by the transition, not cancelled by it
}

TEST(statem_core, enter_calls_must_not_change_state_postpone_or_insert) {
  for (int what = 0; what < 3; ++what) {
    machine m = entering([&](const std::string& s, auto&) {
      if (s != "b") return keep();
      if (what == 0) return go("c");
      return keep({what == 1 ? later() : insert("x")});
    });
    m.init("a");
    m.send(cast("b"));
    ASSERT_TRUE(m.failed);
    EXPECT_EQ(*m.failed, what == 0 ? fault::bad_state_enter_return : fault::bad_state_enter_action);
    EXPECT_TRUE(m.core.stopped());
  }
}

TEST(statem_core, enter_calls_may_name_their_own_state) {
  machine m = entering([](const std::string& s, auto&) { return go(s); });
  m.init("a");
  m.send(cast("b"));
  EXPECT_FALSE(m.failed);
  EXPECT_EQ(m.core.state(), "b");
}

// ---- time-outs ----

// "t" starts all three kinds, a capital letter changes state, anything else keeps it.
machine timing() {
  return machine([](const std::string&, const event& e) {
    if (e.content == "t") {
      return keep({after(event_timeout(), 10ms, "ev"), after(state_timeout(), 20ms, "st"),
                   after(named("x"), 30ms, "gx"), after(named("y"), 40ms, "gy")});
    }
    return e.content == "B" ? go("b") : keep();
  });
}

TEST(statem_core, any_event_cancels_the_event_timeout_only) {
  machine m = timing();
  m.init("a");
  m.send(cast("t"));
  EXPECT_EQ(m.core.timeouts(), 4U);
  m.send(cast("e"));
  EXPECT_FALSE(m.runs(event_timeout()));
  EXPECT_TRUE(m.runs(state_timeout()));
  EXPECT_EQ(m.core.timeouts(), 3U);
}

TEST(statem_core, another_timeout_cancels_the_event_timeout_too) {
  machine m = timing();
  m.init("a");
  m.send(cast("t"));
  m.fire(named("x"));
  EXPECT_FALSE(m.runs(event_timeout()));
}

TEST(statem_core, a_change_of_state_cancels_the_state_timeout_and_no_generic_one) {
  machine m = timing();
  m.init("a");
  m.send(cast("t"));
  m.send(cast("B"));
  EXPECT_FALSE(m.runs(state_timeout()));
  EXPECT_TRUE(m.runs(named("x")));
  EXPECT_TRUE(m.runs(named("y")));
  m.take();
  EXPECT_TRUE(m.fire(named("y")));
  EXPECT_EQ(m.log, (log_lines{"b<gy"}));
}

TEST(statem_core, timeouts_come_as_events_of_their_kind) {
  std::vector<std::pair<event_kind, std::string>> seen;
  machine m([&](const std::string&, const event& e) {
    seen.emplace_back(e.kind, e.name);
    return keep(e.content == "t" ? acts{after(event_timeout(), 1ms, "ev")} : acts{});
  });
  m.init("a", {after(state_timeout(), 1ms, "st"), after(named("n"), 1ms, "g")});
  m.fire(state_timeout());
  m.fire(named("n"));
  m.send(cast("t"));
  m.fire(event_timeout());
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[0].first, event_kind::state_timeout);
  EXPECT_EQ(seen[1], (std::pair{event_kind::generic_timeout, std::string("n")}));
  EXPECT_EQ(seen[3].first, event_kind::timeout);
  EXPECT_EQ(m.core.timeouts(), 0U);
}

TEST(statem_core, starting_again_replaces_the_timer) {
  machine m(
      [](const std::string&, const event& e) { return keep({after(state_timeout(), 9ms, e.content)}); });
  m.init("a");
  m.send(cast("1"));
  const timer_id first = m.timers.at(0).id;
  m.send(cast("2"));
  EXPECT_EQ(m.timers.size(), 1U);
  EXPECT_FALSE(m.core.timer_fired(state_timeout(), first)); // its message was on the way already
  m.take();
  EXPECT_TRUE(m.fire(state_timeout()));
  EXPECT_EQ(m.log, (log_lines{"a<2"}));
}

TEST(statem_core, cancel) {
  machine m([](const std::string&, const event& e) {
    if (e.content == "c")
      return keep({engine::cancel_timeout{named("x")}, engine::cancel_timeout{named("none")}});
    return keep({after(named("x"), 9ms, "x"), after(named("y"), 9ms, "y")});
  });
  m.init("a");
  m.send(cast("s"));
  m.send(cast("c"));
  EXPECT_FALSE(m.runs(named("x")));
  EXPECT_TRUE(m.runs(named("y")));
}

TEST(statem_core, update_keeps_the_moment_and_changes_the_content) {
  machine m([](const std::string&, const event& e) {
    return keep(e.content == "u" ? acts{engine::update_timeout{state_timeout(), "new"}} : acts{});
  });
  m.init("a", {after(state_timeout(), 9ms, "old")});
  const timer_id id = m.timers.at(0).id;
  m.send(cast("u"));
  EXPECT_EQ(m.timers.at(0).id, id);
  m.take();
  m.fire(state_timeout());
  EXPECT_EQ(m.log, (log_lines{"a<new"}));
}

TEST(statem_core, update_of_one_that_does_not_run_fires_at_once) {
  machine m([](const std::string&, const event& e) {
    return keep(e.content == "u" ? acts{engine::update_timeout{named("x"), "now"}} : acts{});
  });
  m.init("a");
  m.send(cast("u"));
  EXPECT_EQ(m.log, (log_lines{"a<u", "a<now"}));
  EXPECT_THAT(m.timers, IsEmpty());
}

TEST(statem_core, of_several_settings_of_one_timeout_the_last_counts) {
  machine m([](const std::string&, const event&) { return keep(); });
  m.init("a", {after(named("x"), 1ms, "1"), after(named("x"), 0ms, "2"), after(named("x"), 3ms, "3")});
  ASSERT_EQ(m.timers.size(), 1U);
  EXPECT_EQ(m.timers[0].time, 3ms);
  EXPECT_THAT(m.log, IsEmpty());
}

TEST(statem_core, absolute_times_are_handed_on) {
  machine m([](const std::string&, const event&) { return keep(); });
  m.init("a", {engine::start_timeout{state_timeout(), 12345ms, "t", true}});
  ASSERT_EQ(m.timers.size(), 1U);
  EXPECT_TRUE(m.timers[0].absolute);
}

// ---- time-outs of zero ----

TEST(statem_core, zero_timeouts_come_after_queued_events_in_the_order_of_the_list) {
  machine m([](const std::string&, const event& e) {
    if (e.content != "e") return keep();
    return keep({after(named("x"), 0ms, "x"), after(state_timeout(), 0ms, "st"), after(named("y"), 0ms, "y"),
                 insert("i")});
  });
  m.init("a");
  m.send(cast("e"));
  EXPECT_EQ(m.log, (log_lines{"a<e", "a<i", "a<x", "a<st", "a<y"}));
  EXPECT_THAT(m.timers, IsEmpty());
}

TEST(statem_core, an_inserted_event_cancels_an_event_timeout_of_zero) {
  machine m([](const std::string&, const event& e) {
    if (e.content == "both") return keep({after(event_timeout(), 0ms, "ev"), insert("i")});
    return keep(e.content == "alone" ? acts{after(event_timeout(), 0ms, "ev")} : acts{});
  });
  m.init("a");
  m.send(cast("both"));
  EXPECT_EQ(m.take(), (log_lines{"a<both", "a<i"}));
  m.send(cast("alone"));
  EXPECT_EQ(m.log, (log_lines{"a<alone", "a<ev"}));
}

TEST(statem_core, a_state_timeout_of_zero_that_comes_first_cancels_the_event_timeout_of_zero) {
  machine m([](const std::string&, const event& e) {
    return keep(e.content == "e" ? acts{after(state_timeout(), 0ms, "st"), after(event_timeout(), 0ms, "ev")}
                                 : acts{});
  });
  m.init("a");
  m.send(cast("e"));
  EXPECT_EQ(m.log, (log_lines{"a<e", "a<st"}));
}

TEST(statem_core, a_change_of_state_cancels_a_waiting_state_timeout_of_zero) {
  machine m([](const std::string&, const event& e) {
    if (e.content == "e")
      return keep({after(state_timeout(), 0ms, "st"), after(named("g"), 0ms, "g"), insert("B")});
    return e.content == "B" ? go("b") : keep();
  });
  m.init("a");
  m.send(cast("e"));
  EXPECT_EQ(m.log, (log_lines{"a<e", "a<B", "b<g"}));
}

TEST(statem_core, a_waiting_zero_timeout_is_cancelled_restarted_or_updated) {
  auto with = [](act then) {
    machine m([then](const std::string&, const event& e) {
      if (e.content == "e")
        return keep({after(named("x"), 0ms, "x"), after(named("y"), 0ms, "y"), insert("i")});
      return keep(e.content == "i" ? acts{then} : acts{});
    });
    m.init("a");
    m.send(cast("e"));
    m.log.erase(m.log.begin(), m.log.begin() + 2);
    return m.log;
  };
  EXPECT_EQ(with(engine::cancel_timeout{named("x")}), (log_lines{"a<y"}));
  EXPECT_EQ(with(after(named("x"), 0ms, "again")), (log_lines{"a<y", "a<again"})); // to the end of the line
  EXPECT_EQ(with(after(named("x"), 5ms, "timer")), (log_lines{"a<y"}));
  EXPECT_EQ(with(engine::update_timeout{named("x"), "new"}), (log_lines{"a<new", "a<y"})); // in its place
}

TEST(statem_core, a_retried_event_comes_before_a_zero_timeout) {
  machine m([](const std::string& s, const event& e) {
    if (e.content == "B") return go("b", {after(state_timeout(), 0ms, "st")});
    return s == "a" ? keep({later()}) : keep();
  });
  m.init("a");
  m.send(cast("p"));
  m.take();
  m.send(cast("B"));
  EXPECT_EQ(m.log, (log_lines{"a<B", "b<p", "b<st"}));
}

// ---- stop ----

TEST(statem_core, stop_and_reply_answers_in_order_and_leaves_the_rest_to_see) {
  machine m([](const std::string&, const event&) { return keep({later()}); });
  m.init("a");
  m.send(cast("p"));
  m.core.receive(cast("stop"));
  ASSERT_TRUE(m.core.next());
  std::vector<engine::reply> replies = {{1, "x"}, {2, "y"}};
  m.core.stop(replies, m);
  EXPECT_EQ(m.log, (log_lines{"a<p", "reply 1 x", "reply 2 y"}));
  EXPECT_TRUE(m.core.stopped());
  EXPECT_FALSE(m.core.next());
  EXPECT_EQ(m.core.current()->content, "stop");
  EXPECT_EQ(m.core.postponed().size(), 1U);
}

struct quiet_shell {
  void reply(int, const std::unique_ptr<int>&) {}
  template <class Key>
  void start_timer(const Key&, timer_id, std::chrono::milliseconds, bool) {}
  template <class Key>
  void cancel_timer(const Key&, timer_id) {}
};

TEST(statem_core, contents_only_move_and_plain_events_use_no_queue) {
  using mover = core<int, std::unique_ptr<int>, int, int>;
  mover c(false);
  quiet_shell shell;
  ASSERT_TRUE(c.init(1, {}, shell));
  for (int i = 0; i < 3; ++i) {
    c.receive({event_kind::cast, std::make_unique<int>(i)});
    ASSERT_EQ(*c.next().event->content, i);
    ASSERT_TRUE(c.apply({mover::result_kind::next_state, i + 2, {}}, shell));
    ASSERT_FALSE(c.next());
  }
  EXPECT_EQ(c.queue().capacity(), 0U);
  EXPECT_EQ(c.postponed().capacity(), 0U);
}

TEST(statem_core, faults_and_kinds_have_names) {
  EXPECT_THAT(to_string(fault::bad_state_enter_return), testing::HasSubstr("must not change the state"));
  EXPECT_STREQ(to_string(event_kind::state_timeout), "state_timeout");
}

} // namespace
} // namespace coppice::detail::statem
