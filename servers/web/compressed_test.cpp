#include "servers/web/compressed.hpp"

#include <gtest/gtest.h>
#include <string>

namespace coppice::web {
namespace {

http::request_head asking(std::string_view encodings) {
  http::request_head head;
  if (!encodings.empty()) head.headers.add("Accept-Encoding", encodings);
  return head;
}

// "grows back", by gzip -9n.
constexpr std::string_view packed("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\x2f\xca\x2f\x2f"
                                  "\x56\x48\x4a\x4c\xce\x06\x00\xde\x8e\x1d\x2e\x0a\x00\x00\x00",
                                  30);

TEST(accepts_gzip, as_it_is_listed) {
  EXPECT_TRUE(accepts_gzip(asking("gzip")));
  EXPECT_TRUE(accepts_gzip(asking("br;q=1.0, gzip;q=0.5")));
  EXPECT_TRUE(accepts_gzip(asking("*")));
  EXPECT_TRUE(accepts_gzip(asking("deflate, *;q=0.1")));
}

TEST(accepts_gzip, not_if_it_is_refused_or_not_there) {
  EXPECT_FALSE(accepts_gzip(asking("")));
  EXPECT_FALSE(accepts_gzip(asking("br, deflate")));
  EXPECT_FALSE(accepts_gzip(asking("gzip;q=0")));
  EXPECT_FALSE(accepts_gzip(asking("*, gzip;q=0.0")));
  EXPECT_FALSE(accepts_gzip(asking("identity, *;q=0")));
}

TEST(inflate, gives_what_was_compressed) { EXPECT_EQ(inflate(packed, 100), "grows back"); }

TEST(inflate, nothing_if_it_is_larger_than_allowed) {
  EXPECT_EQ(inflate(packed, 10), "grows back");
  EXPECT_EQ(inflate(packed, 9), std::nullopt);
}

TEST(inflate, nothing_of_what_is_damaged) {
  for (std::size_t n = 0; n < packed.size(); ++n) {
    EXPECT_EQ(inflate(packed.substr(0, n), 100), std::nullopt) << n;
  }
  std::string other(packed);
  other[14] ^= 1;
  EXPECT_EQ(inflate(other, 100), std::nullopt);
}

} // namespace
} // namespace coppice::web
