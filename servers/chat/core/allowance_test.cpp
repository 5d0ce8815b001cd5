#include "servers/chat/core/allowance.hpp"

#include <gtest/gtest.h>

namespace coppice::chat {
namespace {

using namespace std::chrono_literals;

TEST(allowance, a_burst_then_a_steady_rate) {
  allowance a(50, 200);
  allowance::time_point now{};
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(a.take(now)) << i;
  EXPECT_FALSE(a.take(now));
  now += 1s;
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(a.take(now)) << i;
  EXPECT_FALSE(a.take(now));
  now += 1h;
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(a.take(now)) << i;
  EXPECT_FALSE(a.take(now));
}

} // namespace
} // namespace coppice::chat
