#include "coppice/http/static_path.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "coppice/http/mime.hpp"

using namespace coppice::http;
using namespace std::string_literals;

namespace {

std::string map(std::vector<std::string> segments, const static_path_options& options = {},
                std::string_view root = "/srv/www/") {
  const auto path = static_path(root, segments, options);
  return path ? *path : "refused";
}

} // namespace

TEST(StaticPath, JoinsBelowTheRoot) {
  EXPECT_EQ(map({}), "/srv/www");
  EXPECT_EQ(map({"css", "a b.css"}), "/srv/www/css/a b.css");
  EXPECT_EQ(map({"a"}, {}, "/"), "/a");
  EXPECT_EQ(map({"a"}, {}, "www"), "www/a");
  EXPECT_EQ(map({"...", "a"}, {true}), "/srv/www/.../a");
}

TEST(StaticPath, RefusesWhatCouldLeaveTheRoot) {
  for (const char* segment : {"", ".", "..", "../etc", "a/b", "..\\x", "a\\", "a\nb", "\x7f"}) {
    EXPECT_EQ(map({"a", segment}, {true}), "refused") << segment;
  }
  EXPECT_EQ(map({"a\0b"s}), "refused");
  EXPECT_EQ(map({std::string(256, 'a')}), "refused");
  EXPECT_EQ(map(std::vector<std::string>(40, std::string(200, 'a'))), "refused");
}

TEST(StaticPath, Rfc8615_HiddenNamesButWellKnown) {
  EXPECT_EQ(map({".git", "config"}), "refused");
  EXPECT_EQ(map({"a", ".env"}), "refused");
  EXPECT_EQ(map({".env"}, {true}), "/srv/www/.env");
  EXPECT_EQ(map({".well-known", "acme"}), "/srv/www/.well-known/acme");
}

TEST(Mime, ByExtension) {
  EXPECT_EQ(content_type("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type("/a.b/APP.MJS"), "text/javascript; charset=utf-8");
  EXPECT_EQ(content_type("a.tar.gz"), "application/gzip");
  EXPECT_EQ(content_type("x.svg"), "image/svg+xml");
  for (const char* name : {"", "html", ".html", "a.b/html", "a.", "a.unknown"}) {
    EXPECT_EQ(content_type(name), "application/octet-stream") << name;
  }
}
