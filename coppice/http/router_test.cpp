#include "coppice/http/router.hpp"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "coppice/http/http1_parser.hpp"

using namespace coppice::http;

namespace {

using routes = std::vector<route<std::string>>;

std::shared_ptr<const router<std::string>> compile(routes all) {
  auto compiled = router<std::string>::compile(std::move(all));
  EXPECT_TRUE(compiled) << compiled.error().message();
  return *compiled;
}

/// "handler{name=value,}[info/]" or "none".
std::string find(const router<std::string>& r, std::string_view path, std::string_view host = "h") {
  const auto segments = path_segments(path);
  if (!segments) return "bad path";
  const auto found = r.match(host, *segments);
  if (!found) return "none";
  std::string log = *found->handler;
  for (const auto& [name, value] : found->bindings) log += fmt::format(" {}={}", name, value);
  for (const auto& part : found->host_info) log += " <" + part + ">";
  for (const auto& part : found->path_info) log += " [" + part + "]";
  return log;
}

route_error error_of(routes all) {
  auto compiled = router<std::string>::compile(std::move(all));
  EXPECT_FALSE(compiled);
  return compiled ? route_error{} : compiled.error();
}

} // namespace

TEST(Router, LiteralsAndBindings) {
  const auto r = compile(
      {{"/", "root"}, {"/users", "users"}, {"/users/:id", "user"}, {"/users/:id/posts/:post", "post"}});
  EXPECT_EQ(find(*r, "/"), "root");
  EXPECT_EQ(find(*r, "/users"), "users");
  EXPECT_EQ(find(*r, "/users/"), "users");
  EXPECT_EQ(find(*r, "/users/a%20b"), "user id=a b");
  EXPECT_EQ(find(*r, "/users/1/posts/2"), "post id=1 post=2");
  EXPECT_EQ(find(*r, "/Users"), "none");
  EXPECT_EQ(find(*r, "/users/1/posts"), "none");
  EXPECT_EQ(find(*r, "/users//posts/2"), "post id= post=2");
}

TEST(Router, RestBecomesPathInfo) {
  const auto r = compile({{"/static/[...]", "static"}, {"/:lang/[...]", "site"}});
  EXPECT_EQ(find(*r, "/static"), "static");
  EXPECT_EQ(find(*r, "/static/a/b.css"), "static [a] [b.css]");
  EXPECT_EQ(find(*r, "/en/x"), "site lang=en [x]");
  EXPECT_EQ(find(*r, "/"), "none");
}

TEST(Router, OptionalSegments) {
  const auto r = compile({{"/:a/[:b]", "ab"}, {"/hats/[page/[:number]]", "hats"}, {"/x[/y[/[...]]]", "x"}});
  EXPECT_EQ(find(*r, "/1"), "ab a=1");
  EXPECT_EQ(find(*r, "/1/2"), "ab a=1 b=2");
  EXPECT_EQ(find(*r, "/1/2/3"), "none");
  EXPECT_EQ(find(*r, "/hats"), "hats");
  EXPECT_EQ(find(*r, "/hats/page"), "hats");
  EXPECT_EQ(find(*r, "/hats/page/3"), "hats number=3");
  EXPECT_EQ(find(*r, "/hats/other"), "ab a=hats b=other");
  EXPECT_EQ(find(*r, "/x"), "x");
  EXPECT_EQ(find(*r, "/x/y/z"), "x [z]");
}

TEST(Router, LiteralBeforeBindingBeforeRestWithWayBack) {
  const auto r =
      compile({{"/[...]", "rest"}, {"/:a/b", "ab"}, {"/a/:b", "a"}, {"/a/b/c", "abc"}, {"/:x/:y/d", "xyd"}});
  EXPECT_EQ(find(*r, "/a/b"), "a b=b");
  EXPECT_EQ(find(*r, "/z/b"), "ab a=z");
  EXPECT_EQ(find(*r, "/a/b/c"), "abc");
  EXPECT_EQ(find(*r, "/a/b/d"), "xyd x=a y=b");
  EXPECT_EQ(find(*r, "/a/b/e"), "rest [a] [b] [e]");
}

TEST(Router, Constraints) {
  const auto r = compile({{"/u/:id", "number", {route_constraint::integer("id")}},
                          {"/u/:id", "short", {{"id", [](std::string_view v) { return v.size() < 4; }}}},
                          {"/u/:name", "name"},
                          {"/p/[:n]", "page", {route_constraint::integer("n")}}});
  EXPECT_EQ(find(*r, "/u/-42"), "number id=-42");
  EXPECT_EQ(find(*r, "/u/4x"), "short id=4x");
  EXPECT_EQ(find(*r, "/u/99999999999999999999"), "name name=99999999999999999999");
  EXPECT_EQ(find(*r, "/p"), "page");
  EXPECT_EQ(find(*r, "/p/7"), "page n=7");
  EXPECT_EQ(find(*r, "/p/x"), "none");
}

TEST(Router, Hosts) {
  const auto r = compile({{"/", "any"},
                          {"/", "rest", {}, "[...].example.org"},
                          {"/", "sub", {}, ":who.example.org"},
                          {"/", "www", {}, "WWW.example.org"},
                          {"/only", "only", {}, "www.example.org"}});
  EXPECT_EQ(find(*r, "/", "www.EXAMPLE.org"), "www");
  EXPECT_EQ(find(*r, "/", "joe.example.org"), "sub who=joe");
  EXPECT_EQ(find(*r, "/", "a.b.example.org"), "rest <a> <b>");
  EXPECT_EQ(find(*r, "/", "example.org"), "rest");
  EXPECT_EQ(find(*r, "/", "org"), "any");
  EXPECT_EQ(find(*r, "/", ""), "any");
  EXPECT_EQ(find(*r, "/only", "joe.example.org"), "none");
}

TEST(Router, ErrorsNameThePlace) {
  struct row {
    const char* path;
    std::size_t at;
  };
  for (const row& bad : {row{"", 0}, row{"a", 0}, row{"/a//b", 3}, row{"/a/[b", 5}, row{"/a/b]", 4},
                         row{"/a/[b]/c", 6}, row{"/a/[]", 4}, row{"/[...]/a", 1}, row{"/a/:", 4},
                         row{"/a/:1", 4}, row{"/a/:b-c", 4}, row{"/:a/:a", 4}, row{"/a[b]", 2}, row{"/..", 1},
                         row{"/a/[b]]", 6}, row{"/a/[[b]", 7}, row{"/a/[...", 7}}) {
    const route_error error = error_of({{"/fine", "fine"}, {bad.path, "bad"}});
    EXPECT_EQ(error.route, 1u) << bad.path;
    EXPECT_EQ(error.pattern, bad.path);
    EXPECT_EQ(error.at, bad.at) << error.message();
    EXPECT_FALSE(error.what.empty());
  }
  for (const char* host : {".", "a..b", "a b", "a/b", ":", "a:80", "[...]", "[...].", ":a.:a"}) {
    EXPECT_EQ(error_of({{"/", "x", {}, host}}).pattern, host) << host;
  }
}

TEST(Router, RoutesThatCannotBeReachedAreErrors) {
  EXPECT_EQ(error_of({{"/a/:b", "1"}, {"/a/:c", "2"}}).route, 1u);
  EXPECT_EQ(error_of({{"/[...]", "1"}, {"/[...]", "2"}}).route, 1u);
  EXPECT_EQ(error_of({{"/a/[:b]", "1"}, {"/a", "2"}}).route, 1u);
  EXPECT_EQ(error_of({{"/a/:b", "1", {route_constraint::integer("c")}}}).route, 0u);
  EXPECT_EQ(error_of({{"/a/:b", "1", {{"b", nullptr}}}}).route, 0u);
  EXPECT_EQ(error_of({{"/:a", "1", {}, ":a.org"}}).at, 1u);
}

TEST(Router, MatchesRequests) {
  const auto r = compile({{"/a/:b", "ab", {}, "example.org"}, {"/[...]", "rest", {}, "other.org"}});
  const auto match = [&](const std::string& text) {
    http1_request_parser parser;
    std::string_view input = text;
    EXPECT_EQ(parser.next(input).kind, http1_event_kind::head);
    const auto found = r->match(parser.head());
    return found ? *found->handler : std::to_string(to_int(found.error()));
  };
  EXPECT_EQ(match("GET /a/1?x HTTP/1.1\r\nHost: Example.org:8080\r\n\r\n"), "ab");
  EXPECT_EQ(match("GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n"), "404");
  EXPECT_EQ(match("GET /a/%2e%2e HTTP/1.1\r\nHost: example.org\r\n\r\n"), "400");
  EXPECT_EQ(match("GET http://other.org HTTP/1.1\r\nHost: other.org\r\n\r\n"), "rest");
  EXPECT_EQ(match("OPTIONS * HTTP/1.1\r\nHost: other.org\r\n\r\n"), "404");
}

TEST(Router, ManyAmbiguousSegmentsStayLinear) {
  std::string pattern;
  std::string path;
  routes all;
  for (int depth = 0; depth < 60; ++depth) {
    all.push_back({pattern + "/a/end" + std::to_string(depth), "never"});
    pattern += "/:b" + std::to_string(depth);
    path += "/a";
  }
  EXPECT_EQ(find(*compile(std::move(all)), path), "none");
}
