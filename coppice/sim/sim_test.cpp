// The simulation itself: that a run is a function of its seed, that seeds differ, that it sees what is wrong;
// and thousands of schedules of every scenario.
#include "coppice/sim/detail/sim_test.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

namespace coppice::sim {
namespace {

class sim_scenario : public ::testing::TestWithParam<std::string_view> {};

#ifdef COPPICE_SANITIZED
constexpr std::uint64_t seeds = 40;
#else
constexpr std::uint64_t seeds = 2000;
#endif

TEST_P(sim_scenario, holds_under_every_seed) {
  std::uint64_t kills = hold_under(*find_scenario(scenarios(), GetParam()), seeds);
  EXPECT_TRUE(kills > 0) << "a world in which nobody dies shows little";
}

TEST_P(sim_scenario, is_a_function_of_its_seed) {
  constexpr std::uint64_t some = 20;
  EXPECT_EQ(traces_of(*find_scenario(scenarios(), GetParam()), some).size(), some)
      << "two seeds did the same";
}

std::vector<std::string_view> names() {
  std::vector<std::string_view> all;
  for (const scenario& s : scenarios()) all.push_back(s.name);
  return all;
}

INSTANTIATE_TEST_SUITE_P(sim, sim_scenario, ::testing::ValuesIn(names()),
                         [](const auto& one) { return std::string(one.param); });

// What a scenario does wrong is seen.

process waits_for_ever(self me) { co_await me.receive<int>(); }

TEST(sim_world, sees_a_process_that_is_left) {
  world w(1);
  w.run([](self, in_world) -> task<> {
    spawn(&waits_for_ever);
    co_return;
  });
  w.settle();
  ASSERT_FALSE(w.result().failures.empty());
  EXPECT_EQ(w.result().failures[0], "1 processes are left");
}

TEST(sim_world, sees_a_wait_for_what_cannot_happen) {
  world w(1);
  w.run([](self me, in_world) -> task<> { co_await me.receive<int>(); });
  w.settle();
  EXPECT_EQ(w.result().failures.size(), 1U);
}

TEST(sim_world, sees_what_is_left_in_memory) {
  world w(1);
  token kept = w.make_token();
  w.run([](self, in_world) -> task<> { co_return; });
  w.settle();
  ASSERT_EQ(w.result().failures.size(), 1U);
  EXPECT_EQ(w.result().failures[0], "1 messages or frames are left in memory");
}

process never_rests(self) {
  for (;;) co_await yield();
}

TEST(sim_world, sees_a_world_that_never_rests) {
  world w(1);
  w.run([](self me, in_world) -> task<> {
    pid busy = spawn(&never_rests);
    exit_reason why = co_await end_of(me, busy);
  });
  w.settle();
  EXPECT_FALSE(w.result().failures.empty());
}

process spins(self) {
  for (volatile bool forever = true; forever;) {
  }
  co_return;
}

/// A livelock inside one slice, where nothing can be preempted.
void play_a_livelock(world& w) {
  w.run([](self me, in_world) -> task<> {
    pid stuck = spawn(&spins);
    exit_reason why = co_await end_of(me, stuck);
  });
}

TEST(sim_watchdog, names_the_seed_of_a_run_that_hangs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        watchdog dog(std::chrono::milliseconds(20));
        outcome never = play(scenario{"livelock", "it never ends", &play_a_livelock}, 4711, &dog);
      },
      ::testing::ExitedWithCode(3), "replay: ./dev sim --scenario livelock --seed 4711");
}

TEST(sim_watchdog, is_quiet_about_runs_that_go_on) {
  std::atomic<int> rung{0};
  watchdog dog(std::chrono::seconds(60), [&rung](const std::string&) { ++rung; });
  const scenario& s = *find_scenario(scenarios(), "order");
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    EXPECT_EQ(play(s, seed, &dog).trace, play(s, seed).trace) << "it changes nothing";
  }
  EXPECT_EQ(rung, 0);
}

struct word {
  int from;
  int number;
};
process forwards(self me, pid to) {
  word w = co_await me.receive<word>();
  send(to, w);
}

TEST(sim_world, a_message_may_be_slower_than_one_by_way_of_another) {
  std::set<int> first_heard;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    world w(seed);
    int heard = -1;
    w.run(
        [](self me, in_world, held<int> first) -> task<> {
          pid between = spawn(&forwards, me.id());
          auto both = [](self, pid to, pid by) -> process {
            send(to, word{0, 0}); // straight
            send(by, word{1, 0});
            co_return;
          };
          spawn(both, me.id(), between);
          word one = co_await me.receive<word>();
          word other = co_await me.receive<word>();
          *first = one.from + 0 * other.from;
        },
        held(heard));
    w.settle();
    first_heard.insert(heard);
  }
  EXPECT_EQ(first_heard, (std::set<int>{0, 1})) << "no message was ever held back";
}

TEST(sim_world, cores_and_order_differ_between_seeds) {
  std::set<std::size_t> cores;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    world w(seed);
    cores.insert(w.home().statistics().cores);
  }
  EXPECT_EQ(cores, (std::set<std::size_t>{1, 2, 3, 4}));
}

} // namespace
} // namespace coppice::sim
