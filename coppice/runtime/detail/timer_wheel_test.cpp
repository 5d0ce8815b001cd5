// The timer wheel by itself: what the public API cannot reach, above all its odd corners.
#include "coppice/runtime/detail/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>
#include <utility>
#include <vector>

namespace coppice::detail {
namespace {

constexpr std::int64_t tick_ns = std::int64_t{1} << timer_wheel::tick_shift;

time_point at(std::int64_t ns) { return time_point(std::chrono::nanoseconds(ns)); }

std::vector<timer_node*> pop_all(timer_wheel& wheel, std::int64_t now) {
  std::vector<timer_node*> all;
  while (timer_node* node = wheel.pop_due(at(now))) all.push_back(node);
  return all;
}

TEST(timer_wheel, fires_never_early_and_at_most_a_tick_late) {
  timer_wheel wheel(at(0));
  timer_node node;
  wheel.insert(node, 10 * tick_ns + 1);
  EXPECT_TRUE(pop_all(wheel, 10 * tick_ns + 1).empty());
  EXPECT_TRUE(pop_all(wheel, 11 * tick_ns - 1).empty());
  EXPECT_EQ(pop_all(wheel, 11 * tick_ns).size(), 1U);
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
        timer_node node;
        std::int64_t due = (start + distance) * tick_ns;
        wheel.insert(node, due);
        // Walk as a core does: to each time that the wheel asks for.
        int steps = 0;
        timer_node* fired = nullptr;
        std::int64_t now = start * tick_ns;
        while (fired == nullptr && steps++ < 20) {
          std::optional<time_point> next = wheel.next_due();
          ASSERT_TRUE(next);
          now = std::max(now, next->time_since_epoch().count());
          ASSERT_LE(now, due);
          fired = wheel.pop_due(at(now));
        }
        ASSERT_EQ(fired, &node) << "from " << start << " by " << distance;
        EXPECT_EQ(now, due);
      }
    }
  }
}

TEST(timer_wheel, keeps_order_of_time_and_of_insertion) {
  timer_wheel wheel(at(12345 * tick_ns + 17));
  std::vector<timer_node> nodes(5000);
  std::minstd_rand random(7);
  std::int64_t base = 12345 * tick_ns;
  std::vector<timer_node*> expected;
  for (timer_node& node : nodes) {
    wheel.insert(node, base + static_cast<std::int64_t>(random() % 2000) * (tick_ns / 4));
    expected.push_back(&node);
  }
  std::ranges::sort(expected, [&nodes](const timer_node* a, const timer_node* b) {
    return std::pair(a->due_ns, a - &nodes[0]) < std::pair(b->due_ns, b - &nodes[0]);
  });
  EXPECT_EQ(pop_all(wheel, base + 1000 * tick_ns), expected);
}

TEST(timer_wheel, agrees_with_a_sorted_list_under_random_use) {
  std::mt19937_64 random(42);
  timer_wheel wheel(at(0));
  std::deque<timer_node> nodes(300);
  std::int64_t now = 0;
  for (int step = 0; step < 20'000; ++step) {
    timer_node& node = nodes[random() % nodes.size()];
    if (node.link != nullptr) {
      EXPECT_TRUE(wheel.remove(node));
      EXPECT_FALSE(wheel.remove(node));
    } else {
      wheel.insert(node, now + static_cast<std::int64_t>(random() >> (20 + random() % 40)));
    }
    if (step % 3 != 0) continue;
    now += static_cast<std::int64_t>(random() >> (24 + random() % 36));
    std::size_t due = static_cast<std::size_t>(std::ranges::count_if(nodes, [now](const timer_node& t) {
      return t.link != nullptr && (t.due_ns + tick_ns - 1) / tick_ns <= now / tick_ns;
    }));
    std::vector<timer_node*> fired = pop_all(wheel, now);
    ASSERT_EQ(fired.size(), due) << "step " << step;
    for (timer_node* t : fired) ASSERT_LE(t->due_ns, now);
  }
}

TEST(timer_wheel, hints_never_later_than_the_earliest) {
  timer_wheel wheel(at(0));
  timer_node near;
  timer_node far;
  EXPECT_FALSE(wheel.next_due());
  EXPECT_FALSE(wheel.maybe_due(at(INT64_MAX - 1)));
  wheel.insert(far, 1'000'000 * tick_ns);
  EXPECT_LE(wheel.next_due()->time_since_epoch().count(), 1'000'000 * tick_ns);
  wheel.insert(near, 3 * tick_ns);
  EXPECT_EQ(wheel.next_due(), at(3 * tick_ns));
  EXPECT_TRUE(wheel.maybe_due(at(3 * tick_ns)));
  EXPECT_FALSE(wheel.maybe_due(at(2 * tick_ns)));
  wheel.remove(near);
  wheel.remove(far);
  EXPECT_FALSE(wheel.next_due());
}

} // namespace
} // namespace coppice::detail
