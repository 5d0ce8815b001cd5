// The decisions of a supervisor under random requests, failures and time, and the window that counts
// restarts.
#include "coppice/otp/detail/supervisor_core.hpp"
#include "coppice/otp/detail/test_supervisor_world.hpp"

#include <gtest/gtest.h>

#include <random>

namespace coppice::detail::supervision {
namespace {

using namespace std::chrono_literals;
using coppice::restart;

class random_run : public testing::TestWithParam<int> {};

// After every step: no id runs twice, what the core calls running is alive and the other way round, and every
// request was answered once the core is idle. `world` checks that nothing is alive when the core stops.
TEST_P(random_run, keeps_the_invariants) {
  std::mt19937 rng(static_cast<unsigned>(GetParam()));
  auto below = [&](unsigned n) { return static_cast<unsigned>(rng() % n); };
  constexpr strategy strategies[] = {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one};
  constexpr restart types[] = {restart::permanent, restart::transient, restart::temporary};
  const std::vector<std::string> names = {"a", "b", "c", "d", "e"};
  const std::int64_t intensity = below(30);
  std::vector<child_spec> specs;
  for (unsigned i = 0; i < below(5); ++i) specs.push_back(spec(names[i], types[below(3)]));
  world w(with(strategies[below(3)], static_cast<int>(intensity), 1s), specs);
  w.start();
  request_token token = 1000;
  for (int i = 0; i < 400 && !w.stopped; ++i) {
    w.now += std::chrono::milliseconds(below(100));
    const std::string id = names[below(5)];
    if (below(4) == 0) w.outcomes[id] = {below(2) ? "fail" : "ignore"};
    if (below(3) == 0) {
      below(2) ? static_cast<void>(w.stubborn.insert(id)) : static_cast<void>(w.stubborn.erase(id));
    }
    switch (below(9)) {
    case 0: w.feed(requested{++token, start_child_request{spec(id, types[below(3)])}}); break;
    case 1: w.feed(requested{++token, terminate_child_request{id}}); break;
    case 2: w.feed(requested{++token, restart_child_request{id}}); break;
    case 3: w.feed(requested{++token, delete_child_request{id}}); break;
    case 4: w.retry_all(); break;
    case 5:
      if (w.timer != 0) w.fire_timer();
      break;
    default:
      if (!w.alive.empty()) {
        auto it = std::next(w.alive.begin(), below(static_cast<unsigned>(w.alive.size())));
        w.end(it->first, ended(static_cast<exit_class>(below(5)), "r"));
      }
    }
    ASSERT_EQ(w.twice, 0U);
    if (w.core().busy() || w.stopped) continue;
    ASSERT_EQ(w.core().count_children().active, w.alive.size());
    for (const auto& c : w.core().which_children()) {
      if (c.pid) {
        ASSERT_EQ(w.alive.at(c.pid), text(*c.id));
      }
    }
    for (request_token t = 1001; t <= token; ++t) ASSERT_TRUE(w.replies.contains(t));
  }
  w.stubborn.clear();
  while (!w.stopped && w.core().busy() && w.timer != 0) w.fire_timer();
  if (!w.stopped) {
    std::vector<std::string> want = ids(w);
    std::erase_if(want, [&](const std::string& id) { return !w.pid_of(id); });
    for (std::string& line : want) line = "stop " + line;
    w.take_log();
    w.feed(shutdown_asked{ended(exit_class::shutdown, "shutdown")});
    EXPECT_EQ(w.log, want); // the reverse of start order
  }
  EXPECT_TRUE(w.stopped);
}

// The same for dynamic children, whose supervisor may be told to stop at any moment.
TEST_P(random_run, keeps_the_invariants_of_simple_one_for_one) {
  std::mt19937 rng(static_cast<unsigned>(GetParam()));
  auto below = [&](unsigned n) { return static_cast<unsigned>(rng() % n); };
  constexpr restart types[] = {restart::permanent, restart::transient, restart::temporary};
  world w(with(strategy::simple_one_for_one, static_cast<int>(below(30)), 1s), {spec("x", types[below(3)])});
  w.start();
  request_token token = 1000;
  const unsigned steps = below(400);
  for (unsigned i = 0; i < steps && !w.stopped; ++i) {
    w.now += std::chrono::milliseconds(below(100));
    if (below(4) == 0) w.outcomes["x"] = {below(2) ? "fail" : "ignore"};
    below(2) ? static_cast<void>(w.stubborn.insert("x")) : static_cast<void>(w.stubborn.erase("x"));
    const bool any = !w.alive.empty();
    const pid one =
        any ? std::next(w.alive.begin(), below(static_cast<unsigned>(w.alive.size())))->first : pid{9};
    switch (below(6)) {
    case 0:
    case 1: w.feed(requested{++token, start_dynamic_request{}}); break;
    case 2: w.feed(requested{++token, terminate_child_request{one, any}}); break;
    case 3: w.retry_all(); break;
    case 4:
      if (w.timer != 0) w.fire_timer();
      break;
    default:
      if (any) w.end(one, ended(static_cast<exit_class>(below(5)), "r"));
    }
    if (w.core().busy() || w.stopped) continue;
    ASSERT_EQ(w.core().count_children().active, w.alive.size());
    for (request_token t = 1001; t <= token; ++t) ASSERT_TRUE(w.replies.contains(t));
  }
  if (!w.stopped) w.feed(shutdown_asked{ended(exit_class::shutdown, "shutdown")});
  while (!w.stopped && w.timer != 0) w.fire_timer();
  EXPECT_TRUE(w.stopped);
}

INSTANTIATE_TEST_SUITE_P(seeds, random_run, testing::Range(1, 200));

TEST(restart_window, agrees_with_a_plain_list) {
  std::mt19937 rng(5);
  for (unsigned intensity : {0U, 1U, 2U, 7U}) {
    restart_window window(intensity, 1s);
    std::vector<std::chrono::nanoseconds> all;
    std::chrono::nanoseconds now{0};
    for (int i = 0; i < 2000; ++i) {
      now += std::chrono::milliseconds(rng() % 400);
      std::erase_if(all, [&](auto t) { return t < now - 1s; });
      const bool fits = all.size() < intensity;
      if (fits) all.push_back(now);
      ASSERT_EQ(window.add(now), fits);
      ASSERT_LE(window.size(), intensity);
    }
  }
}

} // namespace
} // namespace coppice::detail::supervision
