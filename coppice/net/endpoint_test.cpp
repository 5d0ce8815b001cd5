#include "coppice/net/endpoint.hpp"

#include <gtest/gtest.h>

namespace coppice::net {
namespace {

TEST(endpoint, reads_and_writes_both_families) {
  for (const char* text :
       {"127.0.0.1:8080", "0.0.0.0:0", "[::1]:80", "[2001:db8::7]:65535", "[fe80::1%2]:80"}) {
    auto e = endpoint::parse(text);
    ASSERT_TRUE(e) << e.error();
    EXPECT_EQ(e->to_string(), text);
  }
  EXPECT_EQ(endpoint::parse("[::1]:80")->address(), "::1");
  EXPECT_EQ(*endpoint::parse("127.0.0.1:9"), endpoint::loopback(9));
  EXPECT_EQ(endpoint(), endpoint::loopback(0));
}

TEST(endpoint, refuses_what_is_none_and_says_why) {
  for (const char* text :
       {"", "127.0.0.1", "localhost:80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:80", "[::1:80",
        "[::1]", "[127.0.0.1]:80", "[fe80::1%eth0]:80", "1.2.3:4", "127.0.0.1:80 "}) {
    auto e = endpoint::parse(text);
    ASSERT_FALSE(e) << text;
    EXPECT_NE(e.error().find("127.0.0.1:8080"), std::string::npos) << "the error shows what to write";
  }
}

TEST(endpoint, knows_loopback) {
  EXPECT_TRUE(endpoint::loopback(1).is_loopback());
  EXPECT_TRUE(endpoint::parse("127.9.9.9:1")->is_loopback());
  EXPECT_TRUE(endpoint::parse("[::1]:1")->is_loopback());
  EXPECT_FALSE(endpoint::any(1).is_loopback());
  EXPECT_FALSE(endpoint::parse("[::2]:1")->is_loopback());
}

} // namespace
} // namespace coppice::net
