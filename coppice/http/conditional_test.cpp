#include "coppice/http/conditional.hpp"

#include <gtest/gtest.h>

#include "coppice/http/fields.hpp"

using namespace coppice::http;
using namespace std::chrono_literals;

namespace {

const std::chrono::sys_seconds now{1'000'000'000s};

validators current() { return {entity_tag{"v1"}, now}; }

precondition check(headers fields, method m = method::get, const validators& v = current()) {
  request_head request;
  request.method = m;
  request.headers = std::move(fields);
  return check_preconditions(request, v);
}

std::string ranges(std::string_view field, std::uint64_t size = 10) {
  const range_selection selection = parse_range(field, size, 4);
  if (selection.outcome == range_outcome::whole) return "whole";
  if (selection.outcome == range_outcome::unsatisfiable) return "unsatisfiable";
  std::string log;
  for (const byte_range& r : selection.ranges)
    log += std::to_string(r.first) + "-" + std::to_string(r.last) + " ";
  return log;
}

range_outcome select(headers fields, method m = method::get, const validators& v = current()) {
  request_head request;
  request.method = m;
  request.headers = std::move(fields);
  return select_ranges(request, v, 10).outcome;
}

} // namespace

TEST(Conditional, Rfc9110_8_8_3_EntityTags) {
  EXPECT_EQ(parse_entity_tag("\"xyzzy\""), (entity_tag{"xyzzy", false}));
  EXPECT_EQ(parse_entity_tag("W/\"x\\\""), (entity_tag{"x\\", true}));
  EXPECT_EQ(parse_entity_tag("\"\""), entity_tag{});
  for (const char* text : {"", "x", "\"x", "w/\"x\"", "\"x\"y", "\"a b\"", "W/x"})
    EXPECT_FALSE(parse_entity_tag(text)) << text;
  EXPECT_EQ(format_entity_tag({"a", true}), "W/\"a\"");
}

TEST(Conditional, Rfc9110_13_1_1_IfMatch) {
  EXPECT_EQ(check({{"If-Match", "\"v0\", \"v1\""}}, method::put), precondition::proceed);
  EXPECT_EQ(check({{"If-Match", "*"}}, method::put), precondition::proceed);
  EXPECT_EQ(check({{"If-Match", "\"v0\""}}, method::put), precondition::failed);
  EXPECT_EQ(check({{"If-Match", "W/\"v1\""}}, method::put), precondition::failed);
  EXPECT_EQ(check({{"If-Match", "v1"}}, method::put), precondition::failed);
  EXPECT_EQ(check({{"If-Match", "\"v1\""}}, method::put, {entity_tag{"v1", true}, {}}), precondition::failed);
}

TEST(Conditional, Rfc9110_13_1_2_IfNoneMatch) {
  EXPECT_EQ(check({{"If-None-Match", "\"v0\",W/\"v1\""}}), precondition::not_modified);
  EXPECT_EQ(check({{"If-None-Match", "\"v0\""}, {"If-None-Match", "\"v1\""}}, method::head),
            precondition::not_modified);
  EXPECT_EQ(check({{"If-None-Match", "*"}}, method::put), precondition::failed);
  EXPECT_EQ(check({{"If-None-Match", "\"v0\""}}), precondition::proceed);
  EXPECT_EQ(check({{"If-None-Match", "v1"}}), precondition::proceed);
}

TEST(Conditional, Rfc9110_13_1_3_IfModifiedSince) {
  EXPECT_EQ(check({{"If-Modified-Since", format_date(now)}}), precondition::not_modified);
  EXPECT_EQ(check({{"If-Modified-Since", format_date(now - 1s)}}), precondition::proceed);
  EXPECT_EQ(check({{"If-Modified-Since", format_date(now)}}, method::post), precondition::proceed);
  EXPECT_EQ(check({{"If-Modified-Since", "soon"}}), precondition::proceed);
  EXPECT_EQ(check({{"If-Modified-Since", format_date(now)}, {"If-None-Match", "\"v0\""}}),
            precondition::proceed);
}

TEST(Conditional, Rfc9110_13_1_4_IfUnmodifiedSince) {
  EXPECT_EQ(check({{"If-Unmodified-Since", format_date(now)}}), precondition::proceed);
  EXPECT_EQ(check({{"If-Unmodified-Since", format_date(now - 1s)}}), precondition::failed);
  EXPECT_EQ(check({{"If-Unmodified-Since", format_date(now - 1s)}, {"If-Match", "\"v1\""}}),
            precondition::proceed);
}

TEST(Conditional, Rfc9110_13_1_5_IfRange) {
  EXPECT_EQ(select({{"Range", "bytes=0-1"}}), range_outcome::partial);
  EXPECT_EQ(select({{"Range", "bytes=0-1"}, {"If-Range", "\"v1\""}}), range_outcome::partial);
  EXPECT_EQ(select({{"Range", "bytes=0-1"}, {"If-Range", format_date(now)}}), range_outcome::partial);
  EXPECT_EQ(select({{"Range", "bytes=0-1"}, {"If-Range", "\"v0\""}}), range_outcome::whole);
  EXPECT_EQ(select({{"Range", "bytes=0-1"}, {"If-Range", "W/\"v1\""}}), range_outcome::whole);
  EXPECT_EQ(select({{"Range", "bytes=0-1"}, {"If-Range", format_date(now + 1s)}}), range_outcome::whole);
  EXPECT_EQ(select({{"Range", "bytes=0-1"}, {"If-Range", "x"}}), range_outcome::whole);
  EXPECT_EQ(select({{"Range", "bytes=0-1"}}, method::head), range_outcome::whole);
  EXPECT_EQ(select({{"Range", "bytes=0-1"}, {"Range", "bytes=0-2"}}), range_outcome::whole);
}

TEST(Conditional, Rfc9110_14_1_2_ByteRanges) {
  EXPECT_EQ(ranges("bytes=0-4"), "0-4 ");
  EXPECT_EQ(ranges("Bytes=5-"), "5-9 ");
  EXPECT_EQ(ranges("bytes=-3"), "7-9 ");
  EXPECT_EQ(ranges("bytes=-30"), "0-9 ");
  EXPECT_EQ(ranges("bytes=9-99999999999999999999999"), "9-9 ");
  EXPECT_EQ(ranges("bytes=0-0, 4-5 ,-1"), "0-0 4-5 9-9 ");
  EXPECT_EQ(ranges("bytes=0-1,20-30"), "0-1 ");
  for (const char* field : {"bytes=10-", "bytes=-0", "bytes=99999999999999999999-", "bytes=10-,11-12"}) {
    EXPECT_EQ(ranges(field), "unsatisfiable") << field;
  }
  for (const char* field : {"", "bytes", "bytes=", "bytes=a-b", "bytes=1", "bytes=-", "bytes=2-1",
                            "lines=0-1", "bytes=0-1,", "bytes= 1 - 2", "bytes=0x1-2"}) {
    EXPECT_EQ(ranges(field), "whole") << field;
  }
  EXPECT_EQ(ranges("bytes=0-", 0), "unsatisfiable");
}

TEST(Conditional, Rfc9110_14_2_ManyOrOverlappingRangesAreIgnored) {
  EXPECT_EQ(ranges("bytes=0-0,1-1,2-2,3-3"), "0-0 1-1 2-2 3-3 ");
  EXPECT_EQ(ranges("bytes=0-0,1-1,2-2,3-3,4-4"), "whole");
  EXPECT_EQ(ranges("bytes=0-,0-"), "whole");
}

TEST(Conditional, Rfc9110_14_6_PartialResponses) {
  EXPECT_EQ(content_range({0, 4}, 10), "bytes 0-4/10");
  EXPECT_EQ(content_range_unsatisfied(10), "bytes */10");
  const std::string data = "0123456789";
  const std::vector<byte_range> parts = {{0, 1}, {8, 9}};
  const byteranges_plan plan = plan_byteranges(parts, data.size(), "text/plain", "B");
  std::string body;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    body += plan.prefixes[i] + data.substr(parts[i].first, parts[i].size());
  }
  body += plan.suffix;
  EXPECT_EQ(body,
            "--B\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/10\r\n\r\n01"
            "\r\n--B\r\ncontent-type: text/plain\r\ncontent-range: bytes 8-9/10\r\n\r\n89\r\n--B--\r\n");
  EXPECT_EQ(plan.body_size, body.size());
  EXPECT_EQ(plan.content_type, "multipart/byteranges; boundary=B");
}

TEST(Fields, SameOrigin) {
  const auto same = [](const char* authority, headers fields) {
    request_head request;
    request.authority = authority;
    request.headers = std::move(fields);
    return same_origin(request);
  };
  EXPECT_TRUE(same("a.org:8080", {}));
  EXPECT_TRUE(same("a.org:8080", {{"Origin", "http://A.org:8080"}}));
  EXPECT_TRUE(same("a.org", {{"Origin", "https://a.org:443"}}));
  EXPECT_FALSE(same("a.org", {{"Origin", "http://b.org"}}));
  EXPECT_FALSE(same("a.org:8080", {{"Origin", "http://a.org"}}));
  EXPECT_FALSE(same("a.org", {{"Origin", "null"}}));
  EXPECT_FALSE(same("a.org", {{"Origin", ""}}));
  EXPECT_FALSE(same("", {{"Origin", "http://a.org"}}));
  EXPECT_FALSE(same("a.org", {{"Origin", "http://a.org"}, {"Origin", "http://a.org"}}));
}
