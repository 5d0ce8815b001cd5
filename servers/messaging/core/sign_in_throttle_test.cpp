#include "servers/messaging/core/sign_in_throttle.hpp"

#include <gtest/gtest.h>
#include <string>

namespace coppice::messaging {
namespace {

using namespace std::chrono_literals;

constexpr sign_in_limits few{.by_address = 3, .by_account = 5, .period = 1min};
const time_point begin{1h};

TEST(sign_in_throttle, who_fails_too_often_waits_until_the_period_is_over) {
  sign_in_throttle t;
  for (int n = 0; n < 3; ++n) {
    EXPECT_EQ(t.wait("a", "1.2.3.4", begin + n * 1s, few), 0s) << n;
    t.failed("a", "1.2.3.4", begin + n * 1s, few);
  }
  EXPECT_EQ(t.wait("a", "1.2.3.4", begin + 10s, few), 50s);
  EXPECT_EQ(t.wait("b", "1.2.3.4", begin + 10s, few), 50s) << "another account from there";
  EXPECT_EQ(t.wait("a", "5.6.7.8", begin + 10s, few), 0s) << "the account from elsewhere";
  EXPECT_EQ(t.wait("a", "1.2.3.4", begin + 60s, few), 0s);
  t.failed("a", "1.2.3.4", begin + 60s, few);
  EXPECT_EQ(t.wait("a", "1.2.3.4", begin + 60s, few), 0s) << "counted anew";
}

TEST(sign_in_throttle, an_account_that_many_try_is_closed_to_strangers_alone) {
  sign_in_throttle t;
  t.succeeded("a", "home", begin, 0);
  for (int n = 0; n < 5; ++n) t.failed("a", "bot" + std::to_string(n), begin, few);
  EXPECT_EQ(t.wait("a", "bot9", begin + 1s, few), 59s);
  EXPECT_EQ(t.wait("a", "home", begin + 1s, few), 0s);
  EXPECT_EQ(t.wait("b", "bot9", begin + 1s, few), 0s);
  for (int n = 0; n < 3; ++n) t.failed("a", "home", begin, few);
  EXPECT_EQ(t.wait("a", "home", begin + 1s, few), 59s) << "guessing there is bounded, too";
}

TEST(sign_in_throttle, who_comes_by_a_proxy_is_counted_by_account) {
  sign_in_throttle t;
  for (int n = 0; n < 4; ++n) t.failed("a", "", begin, few);
  EXPECT_EQ(t.wait("a", "", begin, few), 0s);
  EXPECT_EQ(t.wait("b", "", begin, few), 0s);
  t.failed("a", "", begin, few);
  t.succeeded("a", "", begin, 0);
  EXPECT_EQ(t.wait("a", "", begin, few), 60s);
}

TEST(sign_in_throttle, who_gets_in_in_the_end_is_forgiven_what_he_tried) {
  sign_in_throttle t;
  for (int round = 0; round < 10; ++round) {
    EXPECT_EQ(t.wait("a", "x", begin, few), 0s) << round;
    t.failed("a", "x", begin, few);
    t.failed("a", "x", begin, few);
    t.succeeded("a", "x", begin, 2);
  }
  for (int n = 0; n < 3; ++n) t.failed("b", "x", begin, few);
  t.succeeded("a", "x", begin, 0);
  EXPECT_EQ(t.wait("b", "x", begin, few), 60s) << "of what he tried with others, nothing";
}

TEST(sign_in_throttle, zero_is_no_limit) {
  sign_in_throttle t;
  constexpr sign_in_limits none{.by_address = 0, .by_account = 0, .period = 1min};
  for (int n = 0; n < 1000; ++n) t.failed("a", "x", begin, none);
  EXPECT_EQ(t.wait("a", "x", begin, none), 0s);
}

TEST(sign_in_throttle, its_tables_are_bounded) {
  sign_in_throttle t;
  for (std::size_t n = 0; n < sign_in_throttle::most + 100; ++n) {
    t.failed("account" + std::to_string(n), "address" + std::to_string(n), begin, few);
  }
  for (int n = 0; n < 3; ++n) t.failed("a", "1.2.3.4", begin + 2min, few);
  EXPECT_EQ(t.wait("a", "1.2.3.4", begin + 2min, few), 60s);
}

TEST(throttled_address, is_without_the_port) {
  EXPECT_EQ(throttled_address("192.0.2.7:5222"), "192.0.2.7");
  EXPECT_EQ(throttled_address(""), "");
}

TEST(throttled_address, is_the_network_of_ipv6) {
  EXPECT_EQ(throttled_address("[2001:db8:1:2:3:4:5:6]:1"), "2001:db8:1:2::/64");
  EXPECT_EQ(throttled_address("[2001:db8:1:2:ffff::1]:9"), throttled_address("[2001:db8:1:2::7]:1"));
}

} // namespace
} // namespace coppice::messaging
