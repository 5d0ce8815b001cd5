#include "servers/chat/core/event_window.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace coppice::chat {
namespace {

using merge = event_window::merge;
using testing::ElementsAre;
using testing::IsEmpty;

event_range range(std::uint64_t after, std::uint64_t last) {
  event_range r{after, last, {}};
  for (std::uint64_t seq = after + 1; seq <= last; ++seq) {
    if (seq % 5 != 0) r.events.push_back(std::make_shared<const event>(event{seq, receipt{}}));
  }
  return r;
}

std::vector<std::uint64_t> numbers(const std::vector<event_ptr>& events) {
  std::vector<std::uint64_t> all;
  for (const event_ptr& e : events) all.push_back(e->seq);
  return all;
}

TEST(event_window, the_first_range_defines_it) {
  event_window w;
  EXPECT_FALSE(w.is_known());
  EXPECT_EQ(w.add(range(3, 7)), merge::grown);
  EXPECT_THAT(numbers(w.above(0)), ElementsAre(4, 6, 7));
  EXPECT_EQ(w.after(), 3U);
  EXPECT_EQ(w.last(), 7U);
}

TEST(event_window, grows_at_both_ends_and_takes_nothing_twice) {
  event_window w;
  w.add(range(3, 6));
  EXPECT_EQ(w.add(range(4, 8)), merge::grown);
  EXPECT_EQ(w.add(range(4, 8)), merge::nothing);
  EXPECT_EQ(w.add(range(1, 4)), merge::grown);
  EXPECT_EQ(w.add(range(0, 9)), merge::grown);
  EXPECT_THAT(numbers(w.above(0)), ElementsAre(1, 2, 3, 4, 6, 7, 8, 9));
}

TEST(event_window, a_gap_is_not_taken) {
  event_window w;
  w.add(range(3, 6));
  EXPECT_EQ(w.add(range(7, 8)), merge::gap);
  EXPECT_EQ(w.add(range(0, 2)), merge::gap);
  EXPECT_EQ(w.last(), 6U);
  EXPECT_EQ(w.add(range(6, 8)), merge::grown);
}

TEST(event_window, forgets_from_below) {
  event_window w;
  w.add(range(0, 9));
  w.forget(4);
  EXPECT_EQ(w.after(), 4U);
  EXPECT_THAT(numbers(w.above(0)), ElementsAre(6, 7, 8, 9));
  EXPECT_THAT(numbers(w.above(6, 2)), ElementsAre(7, 8));
  w.forget(99);
  EXPECT_EQ(w.after(), 9U);
  EXPECT_TRUE(w.empty());
  EXPECT_EQ(w.add(range(9, 11)), merge::grown);
}

TEST(event_window, ranges_in_any_order_come_to_the_whole) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    event_window w;
    w.add(range(50, 52));
    while (w.after() > 0 || w.last() < 100) {
      const std::uint64_t a = random() % 100;
      w.add(range(a, a + 1 + random() % (100 - a)));
    }
    EXPECT_EQ(numbers(w.above(0)), numbers(range(0, 100).events));
  }
}

} // namespace
} // namespace coppice::chat
