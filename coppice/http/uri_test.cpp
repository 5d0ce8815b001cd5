#include "coppice/http/uri.hpp"

#include <gtest/gtest.h>

using namespace coppice::http;

namespace {

std::vector<std::string> segments(std::string_view path) {
  const auto result = path_segments(path);
  EXPECT_TRUE(result.has_value()) << path;
  return result.value_or(std::vector<std::string>{"error"});
}

using list = std::vector<std::string>;

} // namespace

TEST(Uri, Rfc3986_2_1_PercentDecoding) {
  EXPECT_EQ(*percent_decode("a%20b%2Fc+%c3%a4"), "a b/c+\xc3\xa4");
  for (const char* broken : {"%", "a%2", "%zz", "%2g", "%%20"})
    EXPECT_FALSE(percent_decode(broken)) << broken;
  EXPECT_EQ(percent_decode("abc%4").error().at, 3u);
}

TEST(Uri, Rfc3986_2_3_PercentEncodingLeavesUnreservedCharacters) {
  EXPECT_EQ(percent_encode("aZ09-._~ /%\xff"), "aZ09-._~%20%2F%25%FF");
}

TEST(Uri, Rfc3986_3_3_PathSegments) {
  EXPECT_EQ(segments("/"), list{});
  EXPECT_EQ(segments("/a/b%20c"), (list{"a", "b c"}));
  EXPECT_EQ(segments("/a/"), list{"a"});
  EXPECT_EQ(segments("/a//b"), (list{"a", "", "b"}));
  EXPECT_EQ(segments("/a%2Fb/..."), (list{"a/b", "..."}));
}

TEST(Uri, Rfc3986_5_2_4_DotSegmentsAreRefused) {
  for (const char* path :
       {"/..", "/.", "/a/../b", "/a/%2e%2E/b", "/a/.%2e", "/a/./b", "/a/%00", "a", "", "/%", "/a/%f"}) {
    EXPECT_FALSE(path_segments(path)) << path;
  }
  EXPECT_EQ(path_segments("/abc/../d").error().at, 5u);
}

TEST(Uri, QueriesAndForms) {
  const auto query = parse_query("a=1&b=x+y%26&a=2&flag&&=v&c=1=2");
  ASSERT_TRUE(query);
  EXPECT_EQ(query->size(), 6u);
  EXPECT_EQ(query->get("a"), "1");
  EXPECT_EQ(query->get("b"), "x y&");
  EXPECT_EQ(query->get("flag"), "");
  EXPECT_EQ(query->get(""), "v");
  EXPECT_EQ(query->get("c"), "1=2");
  EXPECT_FALSE(query->get("d"));
  EXPECT_EQ(format_query(*query), "a=1&b=x%20y%26&a=2&flag=&=v&c=1%3D2");
  EXPECT_TRUE(parse_query("")->empty());
}

TEST(Uri, QueriesAreBoundedAndTheirErrorsNameThePlace) {
  EXPECT_TRUE(parse_query("a&b", 2));
  EXPECT_EQ(parse_query("a&b&c", 2).error().at, 4u);
  EXPECT_EQ(parse_query("a=1&b=%x").error().at, 6u);
  EXPECT_EQ(parse_query("a%=1").error().at, 1u);
}

TEST(Uri, Rfc3986_3_2_Authority) {
  EXPECT_EQ(parse_authority("Example.org")->host, "example.org");
  EXPECT_FALSE(parse_authority("example.org")->port);
  EXPECT_EQ(parse_authority("a:0")->port, 0);
  EXPECT_EQ(parse_authority("[2001:DB8::1]:8080")->host, "[2001:db8::1]");
  EXPECT_EQ(parse_authority("[::ffff:1.2.3.4]:65535")->port, 65535);
  for (const char* text : {"", ":1", "[]", "[:]", "[::1", "::1", "[::1]a", "[v1.x]", "a:65536",
                           "a:99999999999", "a:1a", "a b"}) {
    EXPECT_FALSE(parse_authority(text)) << text;
  }
}
