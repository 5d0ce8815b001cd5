// The run queue by itself: order, fairness, stealing.
#include "coppice/runtime/detail/run_queue.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <vector>

namespace coppice::detail {
namespace {

constexpr std::uint8_t max = 0, high = 1, normal = 2, low = 3;

class run_queues : public testing::Test {
protected:
  process_block& make(std::uint8_t priority, bool pinned = false) {
    process_block& p = blocks_.emplace_back();
    p.priority.store(priority);
    p.pinned.store(pinned ? 0 : -1);
    return p;
  }
  std::deque<process_block> blocks_;
  run_queue queue_;
};

TEST_F(run_queues, are_first_in_first_out_within_a_priority) {
  std::vector<process_block*> all;
  for (int i = 0; i < 10; ++i) queue_.push(*all.emplace_back(&make(normal)));
  for (process_block* p : all) EXPECT_EQ(queue_.pop(), p);
  EXPECT_EQ(queue_.pop(), nullptr);
  EXPECT_TRUE(queue_.empty_for_sure());
}

TEST_F(run_queues, give_the_urgent_first_pinned_or_not) {
  process_block& a = make(normal);
  process_block& b = make(high, true);
  process_block& c = make(high);
  process_block& d = make(max, true);
  for (process_block* p : {&a, &b, &c, &d}) queue_.push(*p);
  EXPECT_TRUE(queue_.has_urgent());
  EXPECT_EQ(queue_.pop(), &d);
  EXPECT_EQ(queue_.pop(), &c);
  EXPECT_EQ(queue_.pop(), &b);
  EXPECT_FALSE(queue_.has_urgent());
  EXPECT_EQ(queue_.pop(), &a);
}

/// Turns of each kind when every process goes to the back of the queue again, and an urgent one comes now and
/// then.
TEST_F(run_queues, give_everyone_a_share) {
  std::map<process_block*, int> turns;
  for (int i = 0; i < 3; ++i) queue_.push(make(normal));
  process_block& socket = make(normal, true);
  process_block& idle = make(low);
  process_block& idle_socket = make(low, true);
  process_block& urgent = make(high);
  for (process_block* p : {&socket, &idle, &idle_socket}) queue_.push(*p);
  for (int i = 0; i < 1600; ++i) {
    if (i % 2 == 0) queue_.push(urgent);
    process_block* p = queue_.pop();
    ASSERT_NE(p, nullptr);
    ++turns[p];
    if (p != &urgent) queue_.push(*p);
  }
  EXPECT_EQ(turns[&urgent], 800);
  EXPECT_EQ(turns[&idle] + turns[&idle_socket], 100) << "one in eight of the rest";
  EXPECT_GE(turns[&idle], 40);
  EXPECT_GE(turns[&idle_socket], 40);
  EXPECT_GE(turns[&socket], 300) << "sockets alternate with the others";
}

TEST_F(run_queues, are_robbed_of_half_but_not_of_the_pinned) {
  run_queue thief;
  std::vector<process_block*> all;
  for (int i = 0; i < 10; ++i) queue_.push(*all.emplace_back(&make(i < 2 ? high : normal)));
  for (int i = 0; i < 4; ++i) queue_.push(make(normal, true));
  process_block* first = thief.steal_from(queue_);
  EXPECT_EQ(first, all[0]) << "the urgent first";
  EXPECT_EQ(thief.length(), 4U);
  EXPECT_EQ(queue_.length(), 9U);
  while (thief.steal_from(queue_) != nullptr) {
  }
  EXPECT_EQ(queue_.length(), 4U);
  EXPECT_FALSE(queue_.has_stealable());
  EXPECT_FALSE(queue_.has_urgent());
  for (int i = 0; i < 4; ++i) EXPECT_GE(queue_.pop()->pinned.load(), 0);
  EXPECT_EQ(queue_.pop(), nullptr);
}

} // namespace
} // namespace coppice::detail
