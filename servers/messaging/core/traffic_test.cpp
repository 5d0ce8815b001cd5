#include "servers/messaging/core/traffic.hpp"

#include <gtest/gtest.h>

namespace coppice::messaging {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kib = 1024;

time_point at(duration since) { return time_point() + 1h + since; }

TEST(shaper, lets_two_seconds_pass_at_once) {
  shaper s;
  EXPECT_EQ(s.pay(2 * kib, at(0s), kib), 0s);
  EXPECT_EQ(s.pay(kib, at(0s), kib), 1s);
}

TEST(shaper, holds_to_the_rate_in_the_long_run) {
  shaper s;
  duration now = 0s;
  for (int i = 0; i < 100; ++i) now += s.pay(4 * kib, at(now), kib);
  EXPECT_EQ(now, 398s); // 400 KiB, but the first two
}

TEST(shaper, what_was_not_used_is_not_saved) {
  shaper s;
  (void)s.pay(2 * kib, at(0s), kib);
  EXPECT_EQ(s.pay(3 * kib, at(1h), kib), 1s);
}

TEST(shaper, knows_no_rate) {
  shaper s;
  EXPECT_EQ(s.pay(1 << 30, at(0s), 0), 0s);
}

TEST(shaper, follows_another_rate) {
  shaper s;
  EXPECT_EQ(s.pay(4 * kib, at(0s), kib), 2s);
  EXPECT_EQ(s.pay(4 * kib, at(2s), 2 * kib), 2s);
}

TEST(client_addresses, count_connections) {
  client_addresses all;
  EXPECT_TRUE(all.enter("a", 2));
  EXPECT_TRUE(all.enter("a", 2));
  EXPECT_FALSE(all.enter("a", 2));
  EXPECT_TRUE(all.enter("b", 2));
  EXPECT_TRUE(all.enter("a", 0));
  all.leave("a");
  all.leave("a");
  EXPECT_TRUE(all.enter("a", 2));
}

TEST(incoming_traffic, counts_as_long_as_it_lives) {
  client_addresses all;
  {
    const incoming_traffic first(all, "a", 1);
    EXPECT_FALSE(first.is_refused());
    const incoming_traffic second(all, "a", 1);
    EXPECT_TRUE(second.is_refused());
  }
  const incoming_traffic third(all, "a", 1);
  EXPECT_FALSE(third.is_refused());
}

TEST(incoming_traffic, is_shaped_with_the_others_from_its_address) {
  client_addresses all;
  const traffic_limits limits{.stream_rate = 4 * kib, .address_rate = 5 * kib};
  incoming_traffic first(all, "a", 0);
  incoming_traffic second(all, "a", 0);
  incoming_traffic other(all, "b", 0);
  EXPECT_EQ(first.pay(8 * kib, at(0s), limits), 0s);
  EXPECT_EQ(second.pay(7 * kib, at(0s), limits), 1s);
  EXPECT_EQ(other.pay(8 * kib, at(0s), limits), 0s);
  EXPECT_EQ(other.pay(4 * kib, at(0s), limits), 1s);
}

TEST(incoming_traffic, by_a_proxy_counts_for_itself) {
  client_addresses all;
  const traffic_limits limits{.stream_rate = kib, .address_rate = kib};
  incoming_traffic first(all, "", 1);
  incoming_traffic second(all, "", 1);
  EXPECT_FALSE(second.is_refused());
  EXPECT_EQ(first.pay(2 * kib, at(0s), limits), 0s);
  EXPECT_EQ(second.pay(3 * kib, at(0s), limits), 1s);
}

} // namespace
} // namespace coppice::messaging
