// The timer wheel by itself: what the public API cannot reach, above all its odd corners.
#include "coppice/runtime/detail/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace coppice::detail {
namespace {

constexpr std::int64_t tick_ns = std::int64_t{1} << timer_wheel::tick_shift;

time_point at(std::int64_t ns) { return time_point(std::chrono::nanoseconds(ns)); }

/// What is due by then, but for what was cancelled.
std::vector<timer_entry> pop_all(timer_wheel& wheel, std::int64_t now,
                                 const std::set<std::uint64_t>& stale = {}) {
  std::vector<timer_entry> all;
  for (;;) {
    timer_wheel::progress made = wheel.advance(at(now));
    if (made == timer_wheel::progress::idle) return all;
    if (made == timer_wheel::progress::due) wheel.arrange();
    while (wheel.ready()) {
      timer_entry e = wheel.take_ready();
      wheel.retire(!stale.contains(e.key));
      if (!stale.contains(e.key)) all.push_back(e);
    }
  }
}

/// Says which entries have been cancelled.
class cancelled final : public timer_judge {
public:
  std::size_t keep(std::span<timer_entry> entries) const noexcept override {
    auto gone =
        std::ranges::remove_if(entries, [this](const timer_entry& e) { return keys.contains(e.key); });
    return entries.size() - gone.size();
  }

  std::set<std::uint64_t> keys;
};

TEST(timer_wheel, fires_never_early_and_at_most_a_tick_late) {
  timer_wheel wheel(at(0));
  wheel.insert(10 * tick_ns + 1, 7);
  EXPECT_TRUE(pop_all(wheel, 10 * tick_ns + 1).empty());
  EXPECT_TRUE(pop_all(wheel, 11 * tick_ns - 1).empty());
  std::vector<timer_entry> fired = pop_all(wheel, 11 * tick_ns);
  ASSERT_EQ(fired.size(), 1U);
  EXPECT_EQ(fired[0].owner(), 7U);
  EXPECT_EQ(wheel.size(), 0U);
}

TEST(timer_wheel, is_right_at_every_boundary_of_its_levels) {
  for (std::int64_t start : {std::int64_t{0}, std::int64_t{1}, std::int64_t{255}, std::int64_t{256},
                             std::int64_t{65535}, std::int64_t{65536}, (std::int64_t{1} << 24) - 1,
                             std::int64_t{1} << 24, (std::int64_t{1} << 32) - 1}) {
    for (unsigned shift : {0U, 8U, 16U, 24U, 32U, 33U}) {
      for (std::int64_t off = -2; off <= 2; ++off) {
        std::int64_t distance = (std::int64_t{1} << shift) + off;
        if (distance < 0) continue;
        timer_wheel wheel(at(start * tick_ns));
        std::int64_t due = (start + distance) * tick_ns;
        wheel.insert(due, 0);
        // Walk as a core does: to each time that the wheel asks for.
        int steps = 0;
        bool fired = false;
        std::int64_t now = start * tick_ns;
        while (!fired && steps++ < 20) {
          std::optional<time_point> next = wheel.next_due();
          ASSERT_TRUE(next);
          now = std::max(now, next->time_since_epoch().count());
          ASSERT_LE(now, due);
          fired = !pop_all(wheel, now).empty();
        }
        ASSERT_TRUE(fired) << "from " << start << " by " << distance;
        EXPECT_EQ(now, due);
      }
    }
  }
}

TEST(timer_wheel, keeps_order_of_time_and_of_insertion) {
  timer_wheel wheel(at(12345 * tick_ns + 17));
  std::minstd_rand random(7);
  std::int64_t base = 12345 * tick_ns;
  std::vector<std::pair<std::int64_t, std::uint32_t>> expected;
  std::vector<std::uint32_t> owners;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    std::int64_t due = base + static_cast<std::int64_t>(random() % 2000) * (tick_ns / 4);
    owners.push_back(static_cast<std::uint32_t>(random() % 3000));
    wheel.insert(due, owners[i]);
    expected.emplace_back(due, i);
  }
  std::ranges::sort(expected);
  std::vector<timer_entry> fired = pop_all(wheel, base + 1000 * tick_ns);
  ASSERT_EQ(fired.size(), expected.size());
  for (std::size_t i = 0; i < fired.size(); ++i) {
    ASSERT_EQ(fired[i].due_ns, expected[i].first);
    ASSERT_EQ(fired[i].owner(), owners[expected[i].second]);
  }
}

TEST(timer_wheel, gives_way_while_very_many_move_inwards) {
  constexpr int many = 20'000;
  timer_wheel wheel(at(0));
  std::int64_t due = 70'000 * tick_ns; // two wheels out
  for (int i = 0; i < many; ++i) wheel.insert(due, 0);
  int gave_way = 0;
  timer_wheel::progress made = timer_wheel::progress::more;
  while ((made = wheel.advance(at(due))) == timer_wheel::progress::more) ++gave_way;
  EXPECT_EQ(made, timer_wheel::progress::due);
  EXPECT_GT(gave_way, many / 1000);
  wheel.arrange();
  int fired = 0;
  for (; wheel.ready(); wheel.retire(true)) {
    EXPECT_EQ(wheel.take_ready().key >> timer_entry::owner_bits, static_cast<std::uint64_t>(fired++));
  }
  EXPECT_EQ(fired, many);
}

TEST(timer_wheel, agrees_with_a_sorted_list_under_random_use) {
  std::mt19937_64 random(42);
  timer_wheel wheel(at(0));
  cancelled judge;
  std::map<std::uint64_t, std::int64_t> waiting; // due times by key
  std::int64_t now = 0;
  for (int step = 0; step < 60'000; ++step) {
    if (waiting.size() > 300 || (random() % 2 == 0 && !waiting.empty())) {
      auto any = std::next(waiting.begin(), static_cast<std::ptrdiff_t>(random() % waiting.size()));
      judge.keys.insert(any->first);
      waiting.erase(any);
      wheel.forsake();
    } else {
      std::int64_t due = now + static_cast<std::int64_t>(random() >> (20 + random() % 40));
      waiting.emplace(wheel.insert(due, 5), due);
    }
    if (wheel.wants_sweep() || random() % 500 == 0) wheel.sweep(judge, random() % 100);
    ASSERT_EQ(wheel.size(), waiting.size());
    if (step % 30 != 0) continue;
    now += static_cast<std::int64_t>(random() >> (24 + random() % 36));
    std::vector<timer_entry> expected;
    for (const auto& [key, due] : waiting) {
      if ((due + tick_ns - 1) / tick_ns <= now / tick_ns) expected.push_back({due, key});
    }
    std::ranges::sort(expected);
    for (const timer_entry& e : expected) waiting.erase(e.key);
    std::vector<timer_entry> fired = pop_all(wheel, now, judge.keys);
    ASSERT_EQ(fired, expected) << "step " << step;
  }
}

TEST(timer_wheel, does_not_keep_what_was_cancelled) {
  std::minstd_rand random(3);
  timer_wheel wheel(at(0));
  cancelled judge;
  std::vector<std::uint64_t> live;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    live.push_back(wheel.insert(static_cast<std::int64_t>(random()) * 1000, i));
  }
  for (std::uint64_t key : live) {
    judge.keys.insert(key);
    wheel.forsake();
    if (wheel.wants_sweep()) wheel.sweep(judge, 32);
    ASSERT_LE(wheel.entries(), std::max<std::size_t>(5 * wheel.size(), 11'000));
  }
  EXPECT_EQ(wheel.size(), 0U);
  EXPECT_LT(wheel.entries(), 2000U);
  // One lives on among very many that do not.
  wheel.insert(tick_ns, 1);
  for (int i = 0; i < 100'000; ++i) {
    judge.keys.insert(wheel.insert(static_cast<std::int64_t>(random()) * 1000, 0));
    wheel.forsake();
    if (wheel.wants_sweep()) wheel.sweep(judge, 32);
    ASSERT_LT(wheel.entries(), 5000U);
  }
  EXPECT_EQ(wheel.size(), 1U);
}

TEST(timer_wheel, hints_never_later_than_the_earliest) {
  timer_wheel wheel(at(0));
  EXPECT_FALSE(wheel.next_due());
  EXPECT_FALSE(wheel.maybe_due(at(INT64_MAX - 1)));
  wheel.insert(1'000'000 * tick_ns, 0);
  EXPECT_LE(wheel.next_due()->time_since_epoch().count(), 1'000'000 * tick_ns);
  wheel.insert(3 * tick_ns, 1);
  EXPECT_EQ(wheel.next_due(), at(3 * tick_ns));
  EXPECT_TRUE(wheel.maybe_due(at(3 * tick_ns)));
  EXPECT_FALSE(wheel.maybe_due(at(2 * tick_ns)));
  EXPECT_EQ(pop_all(wheel, 3 * tick_ns).size(), 1U);
  EXPECT_EQ(pop_all(wheel, 1'000'000 * tick_ns).size(), 1U);
  EXPECT_FALSE(wheel.next_due());
}

} // namespace
} // namespace coppice::detail
