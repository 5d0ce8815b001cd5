#include "coppice/http/url.hpp"

#include <gtest/gtest.h>

namespace coppice::http {
namespace {

std::string shown(const std::expected<url, uri_error>& u) {
  if (!u) return u.error().what;
  return u->origin() + " " + u->authority + " " + u->target;
}

TEST(Url, is_taken_apart) {
  EXPECT_EQ(shown(parse_url("http://Example.org")), "http://example.org:80 example.org /");
  EXPECT_EQ(shown(parse_url("HTTPS://a:8443/x/y?q=1#f")), "https://a:8443 a:8443 /x/y?q=1");
  EXPECT_EQ(shown(parse_url("http://a:80?q")), "http://a:80 a /?q");
  EXPECT_EQ(shown(parse_url("wss://[::1]/")), "https://[::1]:443 [::1] /");
  EXPECT_EQ(parse_url("http://[::1]:81")->host, "::1");
}

TEST(Url, is_refused_where_it_is_none) {
  for (std::string_view bad :
       {"", "example.org", "ftp://a", "http://", "http:///x", "http://u@a/", "http://a:0/", "http://a:65536/",
        "http://a b/", "http://a/\r\nX: y", "http://a/\xc3\xa9"}) {
    EXPECT_FALSE(parse_url(bad)) << bad;
  }
  EXPECT_FALSE(parse_url("http://a/" + std::string(9000, 'x')));
}

TEST(Url, resolves_references) { // RFC 3986 section 5.4
  const url base = *parse_url("http://a/b/c/d;p?q");
  auto resolved = [&](std::string_view r) { return shown(resolve_url(base, r)); };
  EXPECT_EQ(resolved("g"), "http://a:80 a /b/c/g");
  EXPECT_EQ(resolved("./g"), "http://a:80 a /b/c/g");
  EXPECT_EQ(resolved("g/"), "http://a:80 a /b/c/g/");
  EXPECT_EQ(resolved("/g"), "http://a:80 a /g");
  EXPECT_EQ(resolved("//g"), "http://g:80 g /");
  EXPECT_EQ(resolved("?y"), "http://a:80 a /b/c/d;p?y");
  EXPECT_EQ(resolved("g?y/./x"), "http://a:80 a /b/c/g?y/./x");
  EXPECT_EQ(resolved(""), "http://a:80 a /b/c/d;p?q");
  EXPECT_EQ(resolved(".."), "http://a:80 a /b/");
  EXPECT_EQ(resolved("../../../g"), "http://a:80 a /g");
  EXPECT_EQ(resolved("/./g/../h"), "http://a:80 a /h");
  EXPECT_EQ(resolved("https://b:1/x"), "https://b:1 b:1 /x");
  EXPECT_EQ(resolved("mailto:x"), "must begin with http:// or https://");
}

} // namespace
} // namespace coppice::http
