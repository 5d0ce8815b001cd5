// Timers on virtual time (erlang:send_after/3, start_timer/3, cancel_timer/1, read_timer/1).
#include "coppice/runtime/timer.hpp"

#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;

struct stop {};
struct ring {
  std::int64_t due; ///< in nanoseconds of the node's clock
  int number;
};

std::int64_t clock_ns() { return now().time_since_epoch().count(); }

ring ring_in(duration after, int number) { return ring{clock_ns() + after.count(), number}; }

TEST(timers, fire_at_their_time_and_not_before) {
  node n(stepped());
  n.run([](self me) -> task<> {
    for (duration after : {0ns, 1ns, 999ns, 262143ns, 262144ns, 262145ns, duration(1ms), duration(1h)}) {
      send_after(after, me, ring_in(after, 0));
      ring r = co_await me.receive<ring>();
      EXPECT_GE(clock_ns(), r.due);
      EXPECT_LT(clock_ns() - r.due, 200'000) << "about 0.1 ms";
    }
  });
  EXPECT_EQ(n.statistics().timers, 0U);
}

TEST(timers, of_one_time_fire_in_the_order_of_their_start) {
  node n(stepped());
  n.run([](self me) -> task<> {
    for (duration after :
         {duration(0), duration(10us), duration(10ms), duration(10min), duration(24h * 20)}) {
      for (int i = 0; i < 100; ++i) send_after(after, me, ring_in(after, i));
      for (int i = 0; i < 100; ++i) {
        ring r = co_await me.receive<ring>();
        EXPECT_EQ(r.number, i);
      }
    }
  });
}

TEST(timers, of_one_time_arrive_in_order_even_if_they_are_very_many) {
  node n(stepped());
  n.run([](self me) -> task<> {
    constexpr int count = 20'000; // more than are delivered at once
    for (int i = 0; i < count; ++i) send_after(10s, me, ring{0, i});
    reference later = send_after(10s + 1ms, me, ring{0, count});
    for (int i = 0; i <= count; ++i) {
      ring r = co_await me.receive<ring>();
      EXPECT_EQ(r.number, i);
    }
    EXPECT_FALSE(cancel_timer(later));
  });
  EXPECT_EQ(n.statistics().timers, 0U);
}

TEST(timers, that_are_cancelled_by_the_hundred_thousand_leave_the_others_alone) {
  node n(stepped());
  n.run([](self me) -> task<> {
    std::mt19937_64 random(5);
    std::vector<reference> set;
    for (int i = 0; i < 200'000; ++i) {
      duration after(static_cast<duration::rep>(random() % 3'600'000'000'000U));
      set.push_back(send_after(after, me, ring_in(after, i)));
    }
    std::ranges::shuffle(set, random);
    for (std::size_t i = 1000; i < set.size(); ++i) EXPECT_TRUE(cancel_timer(set[i]));
    EXPECT_EQ(this_node().statistics().timers, 1000U);
    std::int64_t before = 0;
    for (int i = 0; i < 1000; ++i) {
      ring r = co_await me.receive<ring>();
      EXPECT_GE(r.due, before);
      EXPECT_GE(clock_ns(), r.due);
      before = r.due;
    }
    std::optional<ring> more = co_await me.receive<ring>(2h);
    EXPECT_FALSE(more);
  });
  EXPECT_EQ(n.statistics().timers, 0U);
}

TEST(timers, started_at_different_times_for_one_time_fire_in_the_order_of_their_start) {
  node n(stepped());
  n.run([](self me) -> task<> {
    send_after(100ms, me, ring{0, 1});
    co_await idle_for(30ms);
    send_after(100ms - 30ms, me, ring{0, 2});
    co_await idle_for(60ms);
    ring first = co_await me.receive<ring>();
    ring second = co_await me.receive<ring>();
    EXPECT_EQ(first.number, 1);
    EXPECT_EQ(second.number, 2);
  });
}

/// Starts that many timers of up to `longest` and sees them all, in the order of their times.
task<> many_timers(self me, int count, duration longest, unsigned seed) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < count; ++i) {
    duration after(static_cast<duration::rep>(random() % static_cast<std::uint64_t>(longest.count())));
    send_after(after, me, ring_in(after, i));
  }
  std::int64_t before = 0;
  int early = 0;
  int late = 0;
  int disordered = 0;
  for (int i = 0; i < count; ++i) {
    ring r = co_await me.receive<ring>();
    std::int64_t at = clock_ns();
    if (at < r.due) ++early;
    if (at - r.due > 600'000) ++late;
    if (r.due < before) ++disordered;
    before = r.due;
  }
  EXPECT_EQ(early, 0);
  EXPECT_EQ(late, 0);
  EXPECT_EQ(disordered, 0);
}

TEST(timers, by_the_hundred_thousand_fire_in_order) {
  node n(stepped());
  n.run([](self me) -> task<> {
    co_await many_timers(me, 100'000, 24h * 40, 1); // three turns of the outermost wheel
    co_await many_timers(me, 20'000, 1s, 2);
    co_await many_timers(me, 20'000, 1ms, 3);
  });
  EXPECT_EQ(n.statistics().timers, 0U);
}

TEST(timers, tell_what_is_left_and_can_be_cancelled_once) {
  node n(stepped());
  n.run([](self me) -> task<> {
    reference t = send_after(100ms, me, ring{0, 1});
    EXPECT_EQ(this_node().statistics().timers, 1U);
    EXPECT_EQ(read_timer(t), 100ms);
    co_await idle_for(40ms);
    std::optional<duration> left = read_timer(t);
    EXPECT_TRUE(left && *left <= 60ms && *left > 59ms);
    std::optional<duration> cancelled = cancel_timer(t);
    EXPECT_EQ(cancelled, left);
    EXPECT_FALSE(cancel_timer(t));
    EXPECT_FALSE(read_timer(t));
    std::optional<ring> r = co_await me.receive<ring>(1s);
    EXPECT_FALSE(r);
    EXPECT_EQ(this_node().statistics().timers, 0U);
  });
}

TEST(timers, that_have_fired_cannot_be_cancelled_even_if_their_slot_is_used_again) {
  node n(stepped());
  n.run([](self me) -> task<> {
    reference t = send_after(1ms, me, ring{0, 1});
    co_await me.receive<ring>();
    reference next = send_after(1ms, me, ring{0, 2});
    EXPECT_NE(t, next);
    EXPECT_FALSE(cancel_timer(t));
    EXPECT_FALSE(read_timer(t));
    EXPECT_FALSE(cancel_timer(make_ref()));
    EXPECT_FALSE(cancel_timer(reference()));
    ring r = co_await me.receive<ring>();
    EXPECT_EQ(r.number, 2);
  });
}

TEST(timers, can_be_cancelled_by_any_process) {
  node n(stepped());
  n.run([](self me) -> task<> {
    reference t = send_after(1h, me, ring{0, 1});
    monitored other = spawn_monitor(
        [](self, reference timer) -> process {
          EXPECT_EQ(cancel_timer(timer), 1h);
          co_return;
        },
        t);
    co_await me.receive<down>();
    EXPECT_FALSE(read_timer(t));
    EXPECT_NE(other.process, me.id());
  });
}

TEST(timers, to_the_dead_vanish) {
  node n(stepped());
  n.run([](self me) -> task<> {
    monitored gone = spawn_monitor([](self it) -> process { co_await it.receive<stop>(); });
    send_after(10ms, gone.process, ring{0, 1});
    send_after(5ms, gone.process, stop());
    co_await me.receive<down>();
    co_await idle_for(20ms);
    EXPECT_EQ(this_node().statistics().timers, 0U);
  });
}

TEST(timers, carry_their_reference_when_started_by_start_timer) {
  node n(stepped());
  n.run([](self me) -> task<> {
    reference t = start_timer(3ms, me, term("tick"_atom));
    timeout_message m = co_await me.receive<timeout_message>();
    EXPECT_EQ(m.timer, t);
    EXPECT_EQ(m.message, term("tick"_atom));
    EXPECT_EQ(to_term(m), term::tuple("timeout"_atom, t, "tick"_atom));
  });
}

TEST(timers, longer_than_the_clock_reaches_never_fire) {
  node n(stepped());
  n.run([](self me) -> task<> {
    reference t = send_after(infinity, me, ring{0, 1});
    EXPECT_TRUE(cancel_timer(t));
    send_after(-5ms, me, ring{0, 2}); // the past is now
    ring r = co_await me.receive<ring>();
    EXPECT_EQ(r.number, 2);
  });
}

// --- the timer in each process, which moves lazily ---

TEST(process_timer, is_put_off_and_brought_forward) {
  node n(stepped());
  n.run([](self me) -> task<> {
    for (duration after : {10s, 1s, 20s, 5s}) {
      time_point before = now();
      std::optional<ring> r = co_await me.receive<ring>(after);
      EXPECT_FALSE(r);
      EXPECT_GE(now() - before, after);
      EXPECT_LT(now() - before, after + 1ms);
    }
  });
}

TEST(process_timer, of_a_receive_that_was_served_does_not_disturb_the_next) {
  node n(stepped());
  n.run([](self me) -> task<> {
    send_after(1ms, me, ring{0, 1});
    std::optional<ring> first = co_await me.receive<ring>(10ms);
    EXPECT_TRUE(first);
    time_point before = now();
    std::optional<ring> second = co_await me.receive<ring>(50ms);
    EXPECT_FALSE(second);
    EXPECT_GE(now() - before, 50ms);
    send_after(30ms, me, ring{0, 3});
    ring third = co_await me.receive<ring>(); // no time-out at all, whatever the timer still does
    EXPECT_EQ(third.number, 3);
  });
}

TEST(process_timer, of_many_processes_wakes_each_at_its_time) {
  node n(stepped());
  n.run([](self me) -> task<> {
    constexpr int count = 2000;
    for (int i = 0; i < count; ++i) {
      spawn(
          [](self, pid parent, int seed) -> process {
            std::minstd_rand random(static_cast<unsigned>(seed + 1));
            for (int turn = 0; turn < 10; ++turn) {
              duration pause = std::chrono::microseconds(random() % 5'000'000);
              time_point before = now();
              co_await idle_for(pause);
              duration error = now() - before - pause;
              if (error < 0ns || error > 600us) exit(exit_reason(atom("late")));
            }
            send(parent, ring{0, seed});
          },
          me.id(), i);
    }
    for (int i = 0; i < count; ++i) co_await me.receive<ring>();
  });
  EXPECT_EQ(n.statistics().processes, 0U);
}

TEST(process_timer, goes_with_its_process) {
  node n(stepped());
  n.run([](self me) -> task<> {
    for (int i = 0; i < 50; ++i) {
      monitored p = spawn_monitor([](self) -> process { co_await idle_for(1h); });
      co_await yield();
      exit(p.process, exit_reason::kill());
      co_await me.receive<down>();
    }
    time_point before = now();
    co_await idle_for(1s); // nothing of the dead wakes their successors early
    EXPECT_GE(now() - before, 1s);
  });
}

} // namespace
} // namespace coppice
