#include "servers/web/guard.hpp"

#include <gtest/gtest.h>

namespace coppice::web {
namespace {

http::request_head asked(std::string host, std::string origin = {}) {
  http::request_head head;
  head.authority = host;
  head.headers.add("Host", host);
  if (!origin.empty()) head.headers.add("Origin", origin);
  return head;
}

std::string code(const std::optional<refusal>& why) { return why ? why->code : "none"; }

class guard : public testing::Test {
protected:
  guard() { hosts.listens_on(4100); }
  served_hosts hosts{{"chat.example", "other.example:80", "[fe80::1]"}};
};

TEST_F(guard, serves_loopback_names_and_those_configured_with_their_ports) {
  for (const char* host : {"127.0.0.1:4100", "localhost:4100", "[::1]:4100", "chat.example:4100",
                           "other.example:80", "[fe80::1]:4100"}) {
    EXPECT_EQ(code(hosts.check_host(asked(host))), "none") << host;
  }
}

TEST_F(guard, refuses_every_other_host) {
  for (const char* host : {"", "localhost", "127.0.0.1", "localhost:4101", "localhost.:4100", "evil.example",
                           "evil.example:4100", "other.example:4100", "127.0.0.2:4100"}) {
    EXPECT_EQ(code(hosts.check_host(asked(host))), "bad_host") << host;
  }
  EXPECT_EQ(code(served_hosts().check_host(asked("localhost:0"))), "bad_host") << "not listening yet";
  http::request_head twice = asked("localhost:4100");
  twice.headers.add("Host", "localhost:4100");
  EXPECT_EQ(code(hosts.check_host(twice)), "bad_host");
}

TEST_F(guard, names_the_hosts_that_it_serves) {
  EXPECT_NE(hosts.check_host(asked("x"))->text.find("127.0.0.1:4100, localhost:4100"), std::string::npos);
}

TEST_F(guard, takes_the_origin_of_the_very_host_only) {
  EXPECT_EQ(code(hosts.check_origin(asked("localhost:4100", "http://localhost:4100"), true)), "none");
  for (const char* origin : {"http://127.0.0.1:4100", "https://localhost:4100", "null", "http://localhost",
                             "http://localhost:4100/", "localhost:4100", "http://evil.example"}) {
    EXPECT_EQ(code(hosts.check_origin(asked("localhost:4100", origin), true)), "bad_origin") << origin;
    EXPECT_EQ(code(hosts.check_origin(asked("localhost:4100", origin), false)), "bad_origin") << origin;
  }
}

TEST(guard_behind_a_proxy, serves_https_pages_of_hosts_with_port_443) {
  served_hosts hosts({"chat.example:443", "plain.example:80", "[2001:db8::1]:443"});
  hosts.listens_on(4100);
  for (const char* host : {"chat.example", "chat.example:443", "[2001:db8::1]"}) {
    EXPECT_EQ(code(hosts.check_host(asked(host))), "none") << host;
    EXPECT_EQ(code(hosts.check_origin(asked(host, "https://" + std::string(host)), true)), "none") << host;
    EXPECT_EQ(code(hosts.check_origin(asked(host, "http://" + std::string(host)), true)), "bad_origin");
  }
  EXPECT_EQ(code(hosts.check_host(asked("plain.example"))), "none");
  EXPECT_EQ(code(hosts.check_origin(asked("plain.example", "http://plain.example"), true)), "none");
  EXPECT_EQ(code(hosts.check_origin(asked("plain.example", "https://plain.example"), true)), "bad_origin");
  EXPECT_EQ(code(hosts.check_host(asked("chat.example:4100"))), "bad_host");
}

TEST(guard_with_tls, serves_https_pages_alone) {
  served_hosts hosts({"chat.example"}, served_scheme::https);
  hosts.listens_on(443);
  for (const char* host : {"chat.example", "chat.example:443", "127.0.0.1", "localhost:443", "[::1]"}) {
    EXPECT_EQ(code(hosts.check_host(asked(host))), "none") << host;
    EXPECT_EQ(code(hosts.check_origin(asked(host, "https://" + std::string(host)), true)), "none") << host;
    EXPECT_EQ(code(hosts.check_origin(asked(host, "http://" + std::string(host)), true)), "bad_origin");
    EXPECT_TRUE(hosts.is_behind_tls(host));
  }
  EXPECT_EQ(code(hosts.check_host(asked("chat.example:5443"))), "bad_host");
}

TEST_F(guard, lets_a_missing_origin_pass_only_where_it_is_not_required) {
  EXPECT_EQ(code(hosts.check_origin(asked("localhost:4100"), false)), "none");
  EXPECT_EQ(code(hosts.check_origin(asked("localhost:4100"), true)), "bad_origin");
  http::request_head twice = asked("localhost:4100", "http://localhost:4100");
  twice.headers.add("Origin", "http://localhost:4100");
  EXPECT_EQ(code(hosts.check_origin(twice, false)), "bad_origin");
}

TEST_F(guard, writes_a_refusal_as_json) {
  EXPECT_EQ(to_json({http::status::forbidden, "bad_host", "a \"b\""}),
            R"({"error":{"code":"bad_host","text":"a \"b\""}})");
}

TEST_F(guard, sets_the_security_headers_once) {
  http::headers fields;
  secure(fields);
  secure(fields, "no-store");
  EXPECT_EQ(fields.only("Cache-Control"), "no-store");
  EXPECT_EQ(fields.only("X-Content-Type-Options"), "nosniff");
  EXPECT_TRUE(fields.only("Content-Security-Policy")->starts_with("default-src 'none'; script-src 'self'"));
}

TEST(equal_in_constant_time, compares) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  for (auto [a, b] : {std::pair("abc", "abd"), std::pair("abc", "ab"), std::pair("ab", "abc"),
                      std::pair("", "a"), std::pair("a", ""), std::pair("ab", "abab")}) {
    EXPECT_FALSE(equal_in_constant_time(a, b)) << a << " " << b;
  }
}

} // namespace
} // namespace coppice::web
