#include "coppice/http/fields.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

using namespace coppice::http;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> elements(std::string_view list) {
  std::vector<std::string> all;
  std::string_view element;
  while (next_element(list, element)) all.emplace_back(element);
  return all;
}

using list = std::vector<std::string>;

} // namespace

TEST(Headers, Rfc9110_5_1_NamesAreCaseInsensitiveAndOrderIsKept) {
  headers h{{"A", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_EQ(h.size(), 3u);
  EXPECT_EQ(h.get("a"), "1");
  EXPECT_EQ(h.count("A"), 2u);
  EXPECT_EQ(h.combined("a"), "1, 3");
  EXPECT_FALSE(h.contains("c"));
  EXPECT_EQ(h.only("B"), "2");
  EXPECT_FALSE(h.only("a"));
  EXPECT_FALSE(h.only("c"));
  h.set("A", "4");
  EXPECT_EQ(h, (headers{{"B", "2"}, {"A", "4"}}));
  EXPECT_EQ(h.remove("b"), 1u);
  EXPECT_EQ(h.remove("b"), 0u);
  EXPECT_EQ(h[0].value, "4");
}

TEST(Headers, AreBounded) {
  headers h;
  for (std::size_t i = 0; i < headers::max_count; ++i) h.add("a", "");
  EXPECT_THROW(h.add("a", ""), std::length_error);
  headers big;
  const std::string half(headers::max_bytes / 2, 'x');
  big.add("a", half);
  EXPECT_THROW(big.add("a", half), std::length_error);
}

TEST(Fields, Rfc9110_5_6_1_Lists) {
  EXPECT_EQ(elements("a, b ,\tc"), (list{"a", "b", "c"}));
  EXPECT_EQ(elements("a,"), (list{"a", ""}));
  EXPECT_EQ(elements(",a"), (list{"", "a"}));
  EXPECT_EQ(elements("\"a,\\\",b\", c"), (list{"\"a,\\\",b\"", "c"}));
  EXPECT_EQ(elements(""), list{""});
}

TEST(Fields, Rfc9110_5_6_2_Tokens) {
  EXPECT_TRUE(is_token("a-Z_0!"));
  for (const char* text : {"", "a b", "a:", "\"", "a\x80", "a\x01"}) EXPECT_FALSE(is_token(text)) << text;
  EXPECT_TRUE(has_token({{"Connection", "x, Close"}}, "connection", "close"));
  EXPECT_FALSE(has_token({{"Connection", "closed"}}, "connection", "close"));
}

TEST(Fields, Rfc9110_5_6_4_QuotedStrings) {
  EXPECT_EQ(unquote("\"a\\\"b\\\\\""), "a\"b\\");
  EXPECT_EQ(unquote("\"\""), "");
  for (const char* text : {"", "\"", "a", "\"a", "a\"", "\"a\"b\"", "\"a\\\"", "\"\x01\""})
    EXPECT_FALSE(unquote(text)) << text;
  EXPECT_EQ(quote("a\"\\b"), "\"a\\\"\\\\b\"");
  EXPECT_FALSE(quote("a\nb"));
}

TEST(Fields, Rfc9110_5_6_6_Parameters) {
  const auto type = parse_parameterised("multipart/form-data; Boundary=\"a;b\\\"\" ; charset=utf-8;");
  ASSERT_TRUE(type);
  EXPECT_EQ(type->value, "multipart/form-data");
  EXPECT_EQ(type->get("boundary"), "a;b\"");
  EXPECT_EQ(type->get("CHARSET"), "utf-8");
  EXPECT_FALSE(type->get("x"));
  for (const char* text : {"", ";a=b", "a;b", "a;=b", "a;b=\"c", "a;b=", "a;b c=d"})
    EXPECT_FALSE(parse_parameterised(text)) << text;
}

TEST(Fields, Rfc6265_5_4_Cookies) {
  const headers h{{"Cookie", "a=1; b=\"two\";c;=d; e=f=g"}, {"cookie", "z=26"}};
  EXPECT_EQ(cookie(h, "a"), "1");
  EXPECT_EQ(cookie(h, "b"), "two");
  EXPECT_EQ(cookie(h, "e"), "f=g");
  EXPECT_EQ(cookie(h, "z"), "26");
  EXPECT_FALSE(cookie(h, "c"));
  EXPECT_FALSE(cookie(h, "A"));
  EXPECT_TRUE(parse_cookies("").empty());
}

TEST(Fields, Rfc6265_4_1_SetCookie) {
  set_cookie c;
  c.name = "sid";
  c.value = "abc";
  EXPECT_EQ(format_set_cookie(c), "sid=abc; Path=/; HttpOnly; SameSite=Lax");
  c.max_age = 1h;
  c.secure = true;
  c.domain = "a.org";
  c.same_site = set_cookie::same_site_policy::none;
  EXPECT_EQ(format_set_cookie(c),
            "sid=abc; Path=/; Domain=a.org; Max-Age=3600; Secure; HttpOnly; SameSite=None");
  c.secure = false;
  EXPECT_FALSE(format_set_cookie(c));
  for (const char* value : {"a b", "a;b", "a\r\nX: 1", "a\"", "\x7f"}) {
    set_cookie bad;
    bad.name = "n";
    bad.value = value;
    EXPECT_FALSE(format_set_cookie(bad)) << value;
  }
  c = {};
  c.name = "a=b";
  EXPECT_FALSE(format_set_cookie(c));
  c.name = "a";
  c.path = "/;x";
  EXPECT_FALSE(format_set_cookie(c));
}

TEST(Fields, Rfc9110_5_6_7_Dates) {
  const std::chrono::sys_seconds time{784111777s};
  EXPECT_EQ(format_date(time), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_date("Sun, 06 Nov 1994 08:49:37 GMT"), time);
  EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT"), time);
  EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994"), time);
  EXPECT_EQ(format_date(std::chrono::sys_seconds{}), "Thu, 01 Jan 1970 00:00:00 GMT");
  for (const char* text :
       {"", "x", "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMTx",
        "Sun, 06 Xxx 1994 08:49:37 GMT", "Sun,", "Sun Nov"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
}
