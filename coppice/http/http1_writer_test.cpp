#include "coppice/http/http1_writer.hpp"

#include <string>

#include <gtest/gtest.h>

using namespace coppice::http;

namespace {

response_options options_for(method m, version v = version::http_1_1) {
  response_options options;
  options.request_method = m;
  options.request_version = v;
  return options;
}

response_head with_status(status s) {
  response_head head;
  head.status = s;
  return head;
}

/// Head, one piece and end, with an unknown size.
std::string stream(const response_head& head, const response_options& options, bool& keep) {
  std::string out;
  http1_response_writer writer;
  EXPECT_TRUE(writer.head(out, head, options));
  EXPECT_TRUE(writer.body(out, "hello"));
  EXPECT_TRUE(writer.body(out, ""));
  EXPECT_TRUE(writer.finish(out, {{"X-Sum", "1"}}));
  keep = writer.keep_alive();
  return out;
}

} // namespace

TEST(Http1Writer, Rfc9112_6_2_KnownSizeIsContentLength) {
  std::string out;
  response_head head;
  head.headers.add("Content-Type", "text/plain");
  response_options options;
  options.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  options.server = "coppice";
  EXPECT_EQ(write_response(out, head, "hello", options), true);
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n"
                 "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nserver: coppice\r\n\r\nhello");
}

TEST(Http1Writer, Rfc9112_7_1_UnknownSizeIsChunked) {
  bool keep = false;
  EXPECT_EQ(stream({}, options_for(method::get), keep),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n");
  EXPECT_TRUE(keep);
}

TEST(Http1Writer, Rfc9112_6_3_UnknownSizeForHttp10EndsWithTheConnection) {
  bool keep = true;
  EXPECT_EQ(stream({}, options_for(method::get, version::http_1_0), keep),
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello");
  EXPECT_FALSE(keep);
}

TEST(Http1Writer, Rfc9112_9_3_Persistence) {
  std::string out;
  EXPECT_EQ(write_response(out, {}, "", options_for(method::get, version::http_1_0)), true);
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n");
  out.clear();
  response_options options;
  options.keep_alive = false;
  EXPECT_EQ(write_response(out, {}, "", options), false);
  EXPECT_NE(out.find("connection: close\r\n"), std::string::npos);
  out.clear();
  response_head closing;
  closing.keep_alive = false;
  EXPECT_EQ(write_response(out, closing, "", {}), false);
  EXPECT_NE(out.find("connection: close\r\n"), std::string::npos);
}

TEST(Http1Writer, Rfc9110_9_3_2_HeadHasNoBody) {
  std::string out;
  EXPECT_EQ(write_response(out, {}, "hello", options_for(method::head)), true);
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  bool keep = false;
  EXPECT_EQ(stream({}, options_for(method::head), keep),
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
}

TEST(Http1Writer, Rfc9110_6_4_1_StatusesWithoutBody) {
  std::string out;
  EXPECT_EQ(write_response(out, with_status(status::not_modified), "hello", {}), true);
  EXPECT_EQ(out, "HTTP/1.1 304 Not Modified\r\n\r\n");
  out.clear();
  EXPECT_EQ(write_response(out, with_status(status::no_content), "", {}), true);
  EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\n\r\n");
  out.clear();
  EXPECT_FALSE(write_response(out, with_status(status::no_content), "x", {}));
  EXPECT_FALSE(write_response(out, with_status(status::reset_content), "x", {}));
  EXPECT_EQ(out, "");
  EXPECT_EQ(write_response(out, with_status(status::reset_content), "", {}), true);
  EXPECT_EQ(out, "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n");
}

TEST(Http1Writer, Rfc9110_15_2_InterimResponses) {
  std::string out;
  http1_response_writer writer;
  EXPECT_TRUE(writer.head(out, with_status(status::continue_), {}));
  EXPECT_EQ(out, "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_FALSE(writer.body(out, "x"));
  EXPECT_FALSE(writer.finish(out));
  response_head upgrade = with_status(status::switching_protocols);
  upgrade.headers.add("Connection", "Upgrade");
  EXPECT_TRUE(writer.head(out, upgrade, {}));
  EXPECT_TRUE(writer.finish(out));
}

TEST(Http1Writer, Rfc9110_5_5_NothingCanBeInjected) {
  using namespace std::string_literals;
  for (const std::string& bad : {"a\r\nX: 1"s, "a\nb"s, "a\rb"s, "a\0b"s, "\x7f"s}) {
    std::string out = "kept";
    response_head head;
    head.headers.add("X", bad);
    EXPECT_FALSE(write_response(out, head, "", {}));
    head.headers.clear();
    head.headers.add(bad, "1");
    EXPECT_FALSE(write_response(out, head, "", {}));
    head.headers.clear();
    head.reason = bad;
    EXPECT_FALSE(write_response(out, head, "", {}));
    response_options options;
    options.server = bad;
    EXPECT_FALSE(write_response(out, {}, "", options));
    http1_response_writer writer;
    EXPECT_TRUE(writer.head(out, {}, {}));
    out = "kept";
    EXPECT_FALSE(writer.finish(out, {{"X", bad}}));
    EXPECT_EQ(out, "kept");
  }
}

TEST(Http1Writer, Rfc9112_6_FramingBelongsToTheWriter) {
  for (const char* name : {"Content-Length", "transfer-encoding", "Connection"}) {
    std::string out;
    response_head head;
    head.headers.add(name, "5");
    EXPECT_FALSE(write_response(out, head, "hello", {})) << name;
    EXPECT_EQ(out, "");
  }
  std::string out;
  http1_response_writer writer;
  EXPECT_TRUE(writer.head(out, {}, {}));
  EXPECT_FALSE(writer.finish(out, {{"Content-Length", "1"}}));
}

TEST(Http1Writer, Rfc9110_8_6_BodyMustHaveItsAnnouncedSize) {
  std::string out;
  response_options options;
  options.body_size = 5;
  http1_response_writer writer;
  ASSERT_TRUE(writer.head(out, {}, options));
  EXPECT_TRUE(writer.body(out, "hell"));
  EXPECT_FALSE(writer.body(out, "oo"));
  EXPECT_FALSE(writer.finish(out));
  EXPECT_FALSE(writer.keep_alive());
  EXPECT_TRUE(writer.body(out, "o"));
  EXPECT_TRUE(writer.finish(out));
  EXPECT_TRUE(writer.keep_alive());
}

TEST(Http1Writer, BodiesFromElsewhereAreAnnounced) {
  std::string out;
  http1_response_writer writer;
  ASSERT_TRUE(writer.head(out, {}, {}));
  out.clear();
  EXPECT_EQ(writer.announce(out, 3), true);
  out += "abc";
  EXPECT_EQ(writer.announce(out, 16), true);
  out += "0123456789abcdef";
  EXPECT_TRUE(writer.finish(out));
  EXPECT_EQ(out, "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
  ASSERT_TRUE(writer.head(out, {}, options_for(method::head)));
  EXPECT_EQ(writer.announce(out, 3), false);
}

TEST(Http1Writer, Rfc9112_3_Requests) {
  std::string out;
  http1_request_writer writer;
  request_to_send request;
  request.authority = "a:80";
  request.headers.add("Accept", "*/*");
  EXPECT_TRUE(writer.head(out, request));
  EXPECT_TRUE(writer.finish(out));
  EXPECT_EQ(out, "GET / HTTP/1.1\r\nhost: a:80\r\nAccept: */*\r\n\r\n");
  out.clear();
  request.method = "POST";
  request.body_size = std::nullopt;
  request.keep_alive = false;
  EXPECT_TRUE(writer.head(out, request));
  EXPECT_TRUE(writer.body(out, "x"));
  EXPECT_TRUE(writer.finish(out));
  EXPECT_EQ(out, "POST / HTTP/1.1\r\nhost: a:80\r\nAccept: */*\r\ntransfer-encoding: chunked\r\nconnection: "
                 "close\r\n\r\n"
                 "1\r\nx\r\n0\r\n\r\n");
  EXPECT_FALSE(writer.keep_alive());
}

TEST(Http1Writer, Rfc9112_3_RequestsCannotBeSplit) {
  const auto refused = [](auto change) {
    request_to_send request;
    request.authority = "a";
    change(request);
    std::string out;
    http1_request_writer writer;
    return !writer.head(out, request) && out.empty();
  };
  EXPECT_TRUE(refused([](request_to_send& r) { r.target = "/ HTTP/1.1\r\nX:"; }));
  EXPECT_TRUE(refused([](request_to_send& r) { r.target = "/a b"; }));
  EXPECT_TRUE(refused([](request_to_send& r) { r.target = ""; }));
  EXPECT_TRUE(refused([](request_to_send& r) { r.method = "GET /x"; }));
  EXPECT_TRUE(refused([](request_to_send& r) { r.authority = "a\r\nX: 1"; }));
  EXPECT_TRUE(refused([](request_to_send& r) { r.authority = ""; }));
  EXPECT_TRUE(refused([](request_to_send& r) { r.headers.add("host", "b"); }));
  EXPECT_TRUE(refused([](request_to_send& r) { r.headers.add("x", "b\r\n"); }));
}

TEST(Message, Rfc9110_15_ReasonPhrases) {
  EXPECT_EQ(reason_phrase(status::not_found), "Not Found");
  EXPECT_EQ(reason_phrase(status::http_version_not_supported), "HTTP Version Not Supported");
  EXPECT_EQ(reason_phrase(static_cast<status>(499)), "Client Error");
  EXPECT_EQ(reason_phrase(static_cast<status>(799)), "Unknown");
}
