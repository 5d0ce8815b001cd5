#include "servers/messaging/core/client_wishes.hpp"

#include <gtest/gtest.h>

namespace coppice::messaging {
namespace {

TEST(ClientWishes, AreTheFeaturesThatEndInNotify) {
  const client_wishes wishes(xmpp::disco_info{.features = {"urn:b+notify", "urn:ping", "urn:a+notify"}});
  EXPECT_TRUE(wishes.contains("urn:a+notify"));
  EXPECT_TRUE(wishes.contains("urn:b+notify"));
  EXPECT_FALSE(wishes.contains("urn:ping"));
  EXPECT_FALSE(wishes.contains("urn:c+notify"));
  EXPECT_FALSE(wishes.contains(""));
  EXPECT_TRUE(client_wishes(xmpp::disco_info{.features = {"urn:ping"}}).empty());
}

TEST(ClientWishes, AreBoundedInNumberAndSize) {
  xmpp::disco_info many;
  for (int i = 0; i < 500; ++i) many.features.push_back(std::to_string(i) + "+notify");
  EXPECT_TRUE(client_wishes(many).contains("99+notify"));
  EXPECT_FALSE(client_wishes(many).contains("100+notify"));
  const std::string long_one = std::string(client_wishes::most_bytes, 'x') + "+notify";
  EXPECT_FALSE(client_wishes(xmpp::disco_info{.features = {long_one}}).contains(long_one));
}

} // namespace
} // namespace coppice::messaging
