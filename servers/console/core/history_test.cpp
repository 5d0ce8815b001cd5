// Points over time: rates out of counters, and the bound of what is kept.
#include "servers/console/core/history.hpp"

#include <gtest/gtest.h>

namespace coppice::console {
namespace {

totals at_second(std::int64_t n) {
  totals t;
  t.at = 1'000'000 + n * 1000;
  t.monotonic = n * 1'000'000'000;
  return t;
}

TEST(history, a_point_is_what_changed_in_a_second) {
  history past;
  totals t = at_second(0);
  t.messages = 100;
  t.cores = {{0, 0}, {500'000'000, 0}};
  past.add(t);
  EXPECT_FALSE(past.latest());
  t = at_second(2);
  t.messages = 1100;
  t.reductions = 40;
  t.spawned = 4;
  t.processes = 7;
  t.memory = 4096;
  t.run_queue = 3;
  t.cores = {{1'000'000'000, 1}, {2'500'000'000, 2}};
  past.add(t);
  const point p = *past.latest();
  EXPECT_EQ(p.at, 1'002'000);
  EXPECT_EQ(p.messages, 500U);
  EXPECT_EQ(p.reductions, 20U);
  EXPECT_EQ(p.spawned, 2U);
  EXPECT_EQ(p.processes, 7U);
  EXPECT_EQ(p.memory, 4096U);
  EXPECT_EQ(p.run_queue, 3U);
  ASSERT_EQ(p.cores.size(), 2U);
  EXPECT_EQ(p.cores[0].busy, 500U);
  EXPECT_EQ(p.cores[1].busy, 1000U);
  EXPECT_EQ(p.cores[1].run_queue, 2U);
}

TEST(history, keeps_the_latest_and_gives_what_is_newer) {
  history past;
  for (int n = 0; n <= 700; ++n) past.add(at_second(n));
  EXPECT_EQ(past.since(0).size(), history::capacity);
  EXPECT_EQ(past.since(0).front().at, 1'000'000 + 101 * 1000);
  EXPECT_EQ(past.since(1'000'000 + 698 * 1000).size(), 2U);
  EXPECT_TRUE(past.since(past.latest()->at).empty());
}

TEST(history, counters_that_fall_and_clocks_that_go_back_do_no_harm) {
  history past;
  totals t = at_second(1);
  t.messages = 10;
  t.cores = {{900'000'000, 0}};
  past.add(t);
  t = at_second(2);
  t.cores = {{100'000'000, 0}, {5, 0}};
  past.add(t);
  EXPECT_EQ(past.latest()->messages, 0U);
  EXPECT_EQ(past.latest()->cores[0].busy, 100U);
  EXPECT_EQ(past.latest()->cores[1].busy, 0U);
  t = at_second(3);
  t.at = 5;
  past.add(t);
  EXPECT_EQ(past.since(0).size(), 2U);
  EXPECT_EQ(past.latest()->at, 1'002'001);
  past.add(t); // no time has passed
  EXPECT_EQ(past.since(0).size(), 2U);
}

} // namespace
} // namespace coppice::console
