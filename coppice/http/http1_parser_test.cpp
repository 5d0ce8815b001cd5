#include "coppice/http/http1_parser.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "coppice/http/detail/transcript.hpp"

using namespace coppice::http;

namespace {

/// The transcript of a request stream; it must not depend on how the stream is cut.
std::string read(std::string_view stream, const http1_limits& limits = {}) {
  const http1_request_parser parser(limits);
  const std::string whole = detail::transcript(parser, stream, stream.size() + 1);
  for (const std::size_t step : {1u, 2u, 3u, 7u})
    EXPECT_EQ(whole, detail::transcript(parser, stream, step)) << stream;
  return whole;
}

std::string read_response(std::string_view stream, method request = method::get,
                          const http1_limits& limits = {}) {
  http1_response_parser parser(limits);
  parser.expect(request);
  const std::string whole = detail::transcript(parser, stream, stream.size() + 1);
  EXPECT_EQ(whole, detail::transcript(parser, stream, 1)) << stream;
  return whole;
}

/// The status that the last event of the stream asks to answer, or 0 if it was no error.
unsigned refusal(std::string_view stream, const http1_limits& limits = {}) {
  const std::string log = read(stream, limits);
  const std::size_t at = log.rfind("error ");
  return at == std::string::npos ? 0 : static_cast<unsigned>(std::stoul(log.substr(at + 6, 3)));
}

std::string get(std::string_view lines) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}
std::string post(std::string_view lines, std::string_view body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n" + std::string(body);
}
std::string chunked(std::string_view body) { return post("Transfer-Encoding: chunked\r\n", body); }

request_head head_of(std::string_view stream) {
  http1_request_parser parser;
  EXPECT_EQ(parser.next(stream).kind, http1_event_kind::head);
  return parser.take_head();
}

http1_limits with(void (*change)(http1_limits&)) {
  http1_limits limits;
  change(limits);
  return limits;
}

} // namespace

TEST(Http1Parser, Rfc9112_2_1_SimpleRequest) {
  EXPECT_EQ(read("GET /where?q=now HTTP/1.1\r\nHost: www.example.org\r\nX:  a b\t\r\n\r\n"),
            "head GET /where?q=now path=/where query=q=now authority=www.example.org HTTP/1.1 framing=0 "
            "length=0 keep "
            "Host=www.example.org;X=a b;\ncomplete\n");
}

TEST(Http1Parser, Rfc9112_2_2_LinesEndInCrLf) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\n\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"), 400u);
}

TEST(Http1Parser, Rfc9112_2_2_EmptyLinesBeforeTheRequestLineAreBounded) {
  EXPECT_EQ(refusal("\r\n\r\n" + get("")), 0u);
  EXPECT_EQ(refusal("\r\n\r\n\r\n" + get("")), 400u);
  EXPECT_EQ(refusal("\n" + get("")), 400u);
}

TEST(Http1Parser, Rfc9112_2_2_WhiteSpaceBeforeTheFirstHeaderLine) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\tX: a\r\nHost: a\r\n\r\n"), 400u);
}

TEST(Http1Parser, Rfc9112_2_3_Version) {
  EXPECT_EQ(refusal("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505u);
  EXPECT_EQ(refusal("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), 505u);
  EXPECT_EQ(refusal("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), 505u);
  EXPECT_EQ(refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505u);
  for (const char* version :
       {"http/1.1", "HTTP/1.10", "HTTP/11", "HTTP/1,1", "HTTP/01.1", "HTTP /1.1", "HTTP/1.1 ", "X"}) {
    EXPECT_EQ(refusal("GET / " + std::string(version) + "\r\nHost: a\r\n\r\n"), 400u) << version;
  }
  EXPECT_EQ(refusal("GET /\r\n\r\n"), 400u);
}

TEST(Http1Parser, Rfc9112_3_RequestLineIsSplitAtSingleSpaces) {
  for (const char* line :
       {"GET  / HTTP/1.1", " GET / HTTP/1.1", "GET /  HTTP/1.1", "GET\t/ HTTP/1.1", "GET / x HTTP/1.1", "GET",
        "GET ", "GET  HTTP/1.1", "G@T / HTTP/1.1", "G(T / HTTP/1.1"}) {
    EXPECT_EQ(refusal(std::string(line) + "\r\nHost: a\r\n\r\n"), 400u) << line;
  }
}

TEST(Http1Parser, Rfc9112_3_ForeignProtocolIsToldAtItsFirstByte) {
  std::string_view hello("\x16\x03\x01", 3);
  http1_request_parser parser;
  EXPECT_EQ(parser.next(hello).kind, http1_event_kind::error);
}

TEST(Http1Parser, Rfc9112_3_LongRequestLine) {
  const auto limits = with([](http1_limits& l) { l.request_line = 32; });
  const std::string fits(32 - std::string("GET / HTTP/1.1").size(), 'a');
  EXPECT_EQ(refusal("GET /" + fits + " HTTP/1.1\r\nHost: a\r\n\r\n", limits), 0u);
  EXPECT_EQ(refusal("GET /" + fits + "a HTTP/1.1\r\nHost: a\r\n\r\n", limits), 414u);
  EXPECT_EQ(refusal(std::string(100, 'A'), limits), 414u);
  EXPECT_EQ(refusal("GET /" + std::string(9000, 'a')), 414u);
}

TEST(Http1Parser, Rfc9112_3_1_Method) {
  EXPECT_EQ(head_of("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n").method, method::other);
  EXPECT_EQ(head_of("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n").method_name, "BREW");
  EXPECT_EQ(head_of("get / HTTP/1.1\r\nHost: a\r\n\r\n").method, method::other);
  EXPECT_EQ(head_of("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n").method, method::delete_);
  EXPECT_EQ(refusal(std::string(33, 'M') + " / HTTP/1.1\r\nHost: a\r\n\r\n"), 501u);
}

TEST(Http1Parser, Rfc9112_3_2_Host) {
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("GET / HTTP/1.0\r\n\r\n"), 0u);
  for (const char* host : {"", "a b", "a/b", "a@b", "u:p@b", "a:b", "a:65536", "a:1:2", "a, b", "[::1",
                           "[zz]", "[::1]x", "a?", "a#", "\xc3\xa4", "a:-1", ":80", "a\\b", "%41"}) {
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), 400u) << host;
  }
  for (const char* host :
       {"a", "A.example:8080", "127.0.0.1:1", "[::1]", "[::1]:65535", "a:", "a_b.c", "xn--80ak6aa92e.com"}) {
    EXPECT_EQ(refusal("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), 0u) << host;
  }
}

TEST(Http1Parser, Rfc9112_3_2_1_OriginForm) {
  const request_head head = head_of("GET /a%20b/c?x=1?y=%zz HTTP/1.1\r\nHost: A:80\r\n\r\n");
  EXPECT_EQ(head.form, target_form::origin);
  EXPECT_EQ(head.path(), "/a%20b/c");
  EXPECT_EQ(head.query(), "x=1?y=%zz");
  EXPECT_EQ(head.authority, "a:80");
  EXPECT_EQ(*head.segments(), (std::vector<std::string>{"a b", "c"}));
  EXPECT_EQ(head_of("GET /? HTTP/1.1\r\nHost: a\r\n\r\n").query(), "");
  for (const char* target : {"a", "/%", "/%4", "/%zz", "/a#b", "/a\"", "/<", "/\x7f", "/\x01", "/\xc3\xa4",
                             "/a\\b", "/?\x01", "/?a#b", "?a", "//[", "/a\tb"}) {
    const unsigned expected = std::string_view(target) == "//[" ? 0u : 400u;
    EXPECT_EQ(refusal("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n"), expected) << target;
  }
}

TEST(Http1Parser, Rfc9112_3_2_2_AbsoluteFormMustAgreeWithHost) {
  const request_head head = head_of("GET http://Example.ORG:80/p?q HTTP/1.1\r\nHost: example.org\r\n\r\n");
  EXPECT_EQ(head.form, target_form::absolute);
  EXPECT_EQ(head.scheme, "http");
  EXPECT_EQ(head.authority, "example.org:80");
  EXPECT_EQ(head.path(), "/p");
  EXPECT_EQ(head.query(), "q");
  EXPECT_EQ(head_of("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n").path(), "/");
  EXPECT_EQ(head_of("GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n").query(), "x");
  EXPECT_EQ(head_of("GET https://a/ HTTP/1.1\r\nHost: a:443\r\n\r\n").scheme, "https");
  for (const char* lines : {"GET http://a/ HTTP/1.1\r\nHost: b", "GET http://a/ HTTP/1.1\r\nHost: a:81",
                            "GET https://a/ HTTP/1.1\r\nHost: a:80", "GET http://u@a/ HTTP/1.1\r\nHost: a",
                            "GET http:///x HTTP/1.1\r\nHost: a", "GET ftp://a/ HTTP/1.1\r\nHost: a",
                            "GET http:/a HTTP/1.1\r\nHost: a", "GET http://a/ HTTP/1.1"}) {
    EXPECT_EQ(refusal(std::string(lines) + "\r\n\r\n"), 400u) << lines;
  }
}

TEST(Http1Parser, Rfc9112_3_2_3_AuthorityFormIsForConnect) {
  EXPECT_EQ(head_of("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n").form, target_form::authority);
  for (const char* lines : {"CONNECT a HTTP/1.1\r\nHost: a", "CONNECT /x HTTP/1.1\r\nHost: a",
                            "CONNECT a: HTTP/1.1\r\nHost: a:", "CONNECT a:443 HTTP/1.1\r\nHost: b:443",
                            "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nContent-Length: 1",
                            "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nTransfer-Encoding: chunked",
                            "GET a:443 HTTP/1.1\r\nHost: a:443"}) {
    EXPECT_EQ(refusal(std::string(lines) + "\r\n\r\n"), 400u) << lines;
  }
}

TEST(Http1Parser, Rfc9112_3_2_4_AsteriskFormIsForOptions) {
  EXPECT_EQ(head_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").form, target_form::asterisk);
  EXPECT_EQ(head_of("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").path(), "*");
  EXPECT_EQ(refusal("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400u);
  EXPECT_EQ(refusal("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n"), 400u);
}

TEST(Http1Parser, Rfc9112_5_HeaderNames) {
  for (const char* line :
       {"X Y: 1", ": 1", "X", "X(: 1", "\"X\": 1", "X\x01: 1", "X\x80: 1", "X@: 1", "X/Y: 1", "X,: 1"}) {
    EXPECT_EQ(refusal(get(std::string(line) + "\r\n")), 400u) << line;
  }
  EXPECT_EQ(refusal(get("!#$%&'*+-.^_`|~09azAZ: 1\r\n")), 0u);
}

TEST(Http1Parser, Rfc9112_5_1_WhiteSpaceBeforeTheColon) {
  EXPECT_EQ(refusal(get("X : 1\r\n")), 400u);
  EXPECT_EQ(refusal(get("Content-Length\t: 1\r\n")), 400u);
}

TEST(Http1Parser, Rfc9112_5_2_LineFoldingIsRefused) {
  EXPECT_EQ(refusal(get("X: 1\r\n 2\r\n")), 400u);
  EXPECT_EQ(refusal(get("X: 1\r\n\t2\r\n")), 400u);
  EXPECT_EQ(refusal(get("X: 1\r\n \r\n")), 400u);
}

TEST(Http1Parser, Rfc9110_5_5_HeaderValues) {
  using namespace std::string_literals;
  for (const std::string& value : {"a\0b"s, "a\x01"s, "\x7f"s, "a\x1b[0m"s, "\x0b"s}) {
    EXPECT_EQ(refusal(get("X: " + value + "\r\n")), 400u);
  }
  EXPECT_EQ(head_of(get("X: \xc3\xa4\tb\r\n")).headers.get("x"), "\xc3\xa4\tb");
  EXPECT_EQ(head_of(get("X:\r\n")).headers.get("x"), "");
  EXPECT_EQ(head_of(get("X:a:b\r\n")).headers.get("x"), "a:b");
}

TEST(Http1Parser, Rfc6585_5_HeaderLimits) {
  const auto narrow = with([](http1_limits& l) { l.header_line = 20; });
  EXPECT_EQ(refusal(get("X: " + std::string(17, 'a') + "\r\n"), narrow), 0u);
  EXPECT_EQ(refusal(get("X: " + std::string(18, 'a') + "\r\n"), narrow), 431u);
  const auto few = with([](http1_limits& l) { l.header_count = 3; });
  EXPECT_EQ(refusal(get("A: 1\r\nB: 2\r\n"), few), 0u);
  EXPECT_EQ(refusal(get("A: 1\r\nB: 2\r\nC: 3\r\n"), few), 431u);
  const auto small = with([](http1_limits& l) { l.head_bytes = 64; });
  EXPECT_EQ(refusal(get("A: " + std::string(64 - 25 - 5, 'a') + "\r\n"), small), 0u);
  EXPECT_EQ(refusal(get("A: " + std::string(64 - 25 - 5 + 1, 'a') + "\r\n"), small), 431u);
  EXPECT_EQ(refusal("GET / HTTP/1.1\r\nX: " + std::string(100000, 'x')), 431u);
}

TEST(Http1Parser, Rfc9112_6_1_TransferEncodingMustBeChunkedAlone) {
  struct row {
    const char* lines;
    unsigned status;
  };
  for (const row& r : {row{"Transfer-Encoding: Chunked", 0}, row{"Transfer-Encoding: gzip, chunked", 501},
                       row{"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", 501},
                       row{"Transfer-Encoding: chunked, gzip", 400},
                       row{"Transfer-Encoding: chunked, chunked", 400}, row{"Transfer-Encoding: gzip", 400},
                       row{"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400},
                       row{"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400},
                       row{"Transfer-Encoding: identity", 400}, row{"Transfer-Encoding:", 400},
                       row{"Transfer-Encoding: chunked,", 400}, row{"Transfer-Encoding: ,chunked", 400},
                       row{"Transfer-Encoding: xchunked", 400}, row{"Transfer-Encoding: chunked;q=1", 400},
                       row{"Transfer-Encoding: \"chunked\"", 400},
                       row{"Transfer-Encoding: \x0b"
                           "chunked",
                           400},
                       row{"Transfer-Encoding : chunked", 400}}) {
    EXPECT_EQ(refusal(post(std::string(r.lines) + "\r\n", "0\r\n\r\n")), r.status) << r.lines;
  }
}

TEST(Http1Parser, Rfc9112_6_1_TransferEncodingInHttp10) {
  EXPECT_EQ(refusal("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400u);
}

TEST(Http1Parser, Rfc9112_6_3_ContentLengthAndTransferEncoding) {
  EXPECT_EQ(refusal(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")), 400u);
  EXPECT_EQ(refusal(post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", "0\r\n\r\n")), 400u);
  EXPECT_EQ(refusal(post("Transfer-Encoding: gzip\r\nContent-Length: 0\r\n", "")), 400u);
}

TEST(Http1Parser, Rfc9112_6_3_ContentLength) {
  for (const char* lines :
       {"Content-Length: 1\r\nContent-Length: 2", "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1, 1", "Content-Length: +1", "Content-Length: -1", "Content-Length: 0x1",
        "Content-Length: 1 1", "Content-Length:", "Content-Length: 1.0", "Content-Length: \"1\"",
        "Content-Length: 1;"}) {
    EXPECT_EQ(refusal(post(std::string(lines) + "\r\n", "a")), 400u) << lines;
  }
  EXPECT_EQ(refusal(post("Content-Length: 99999999999999999999999\r\n", "")), 413u);
  EXPECT_EQ(refusal(post("Content-Length: 18446744073709551615\r\n", "")), 413u);
  EXPECT_EQ(read(post("Content-Length: 005\r\n", "hello")),
            "head POST / path=/ query= authority=a HTTP/1.1 framing=1 length=5 keep "
            "Host=a;Content-Length=005;\nbody hello\ncomplete\n");
  EXPECT_EQ(refusal(get("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n"), 0u);
}

TEST(Http1Parser, Rfc9112_6_3_RequestWithoutFramingHasNoBody) {
  const std::string log = read(post("", "GET / HTTP/1.1\r\nHost: b\r\n\r\n"));
  EXPECT_NE(log.find("complete\nhead GET"), std::string::npos) << log;
}

TEST(Http1Parser, Rfc9110_9_3_8_TraceHasNoBody) {
  EXPECT_EQ(refusal("TRACE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na"), 400u);
}

TEST(Http1Parser, Rfc9112_7_1_ChunkedBody) {
  EXPECT_EQ(read(chunked("5\r\nhello\r\n00B\r\n, good day!\r\n0\r\n\r\n")),
            "head POST / path=/ query= authority=a HTTP/1.1 framing=2 length=0 keep "
            "Host=a;Transfer-Encoding=chunked;\n"
            "body hello, good day!\ncomplete\n");
  for (const char* body :
       {"5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhelloo\r\n0\r\n\r\n",
        "g\r\n", "\r\n", "-1\r\n", "+1\r\n", "0x5\r\nhello\r\n", " 5\r\nhello\r\n", "5 \r\nhello\r\n",
        "5\t\r\n", "5\r\nhello\r\r\n", "5\r\nhell\r\n0\r\n\r\n", "0\r\n\n", "5,\r\n", "5\r"}) {
    EXPECT_EQ(refusal(chunked(body)), 400u) << body;
  }
}

TEST(Http1Parser, Rfc9112_7_1_ChunkSizeOverflow) {
  EXPECT_EQ(refusal(chunked("10000000000000000\r\n")), 400u);
  EXPECT_EQ(refusal(chunked("00000000000000005\r\nhello\r\n0\r\n\r\n")), 400u);
  EXPECT_EQ(refusal(chunked("ffffffffffffffff\r\n")), 413u);
}

TEST(Http1Parser, Rfc9112_7_1_1_ChunkExtensions) {
  for (const char* extension : {";a", ";a=b", "; a = b", " ;a=\"q;\\\"\\\\ x\"", ";a=b;c;d=\"\""}) {
    EXPECT_EQ(refusal(chunked("1" + std::string(extension) + "\r\nx\r\n0" + extension + "\r\n\r\n")), 0u)
        << extension;
  }
  for (const char* extension : {";", ";=", ";a=", ";a b", ";a=\"b", ";a=\"b\\\"", ";a=b\"", ";a=\"b\"c",
                                ";a=(", ";a;", "; a ", ";\x01", ";a=\"\x01\"", ";a=\"\\\x01\"", ";a=b\rc"}) {
    EXPECT_EQ(refusal(chunked("1" + std::string(extension) + "\r\nx\r\n0\r\n\r\n")), 400u) << extension;
  }
  EXPECT_EQ(refusal(chunked("1;" + std::string(254, 'a') + "\r\nx\r\n0\r\n\r\n")), 0u);
  EXPECT_EQ(refusal(chunked("1;" + std::string(255, 'a') + "\r\nx\r\n0\r\n\r\n")), 400u);
  std::string many;
  for (int i = 0; i < 21; ++i) many += "1;" + std::string(199, 'a') + "\r\nx\r\n";
  EXPECT_EQ(refusal(chunked(many + "0\r\n\r\n")), 400u);
}

TEST(Http1Parser, Rfc9112_7_1_2_Trailers) {
  const std::string log = read(chunked("0\r\nX-Sum: 1\r\ny: 2\r\n\r\n"));
  EXPECT_NE(log.find("trailers X-Sum=1;y=2;\ncomplete\n"), std::string::npos) << log;
  for (const char* line :
       {"Content-Length: 1", "transfer-encoding: chunked", "Host: b", "Trailer: x", "Content-Type: a/b",
        "Authorization: x", "Connection: close", "Set-Cookie: a=b", "X : 1", " X: 1", "X\x01: 1"}) {
    EXPECT_EQ(refusal(chunked("0\r\n" + std::string(line) + "\r\n\r\n")), 400u) << line;
  }
}

TEST(Http1Parser, Rfc9112_7_1_2_TrailersAreBounded) {
  const auto few = with([](http1_limits& l) { l.trailer_count = 1; });
  EXPECT_EQ(refusal(chunked("0\r\nA: 1\r\n\r\n"), few), 0u);
  EXPECT_EQ(refusal(chunked("0\r\nA: 1\r\nB: 1\r\n\r\n"), few), 431u);
  const auto small = with([](http1_limits& l) { l.trailer_bytes = 20; });
  EXPECT_EQ(refusal(chunked("0\r\nA: 1\r\nB: 2\r\n\r\n"), small), 0u);
  EXPECT_EQ(refusal(chunked("0\r\nA: 123\r\nB: 123\r\nC: 1\r\n\r\n"), small), 431u);
}

TEST(Http1Parser, Rfc9110_15_5_14_BodyLimit) {
  const auto limits = with([](http1_limits& l) { l.body = 5; });
  EXPECT_EQ(refusal(post("Content-Length: 5\r\n", "hello"), limits), 0u);
  EXPECT_EQ(refusal(post("Content-Length: 6\r\n", "hello!"), limits), 413u);
  EXPECT_EQ(refusal(chunked("3\r\nabc\r\n2\r\nab\r\n0\r\n\r\n"), limits), 0u);
  EXPECT_EQ(refusal(chunked("3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n"), limits), 413u);
}

TEST(Http1Parser, BodyLimitOfOneMessageCanBeChangedAtItsHead) {
  const std::string stream = post("Content-Length: 5\r\n", "hello");
  http1_request_parser parser(with([](http1_limits& l) { l.body = 1; }));
  std::string_view input = stream;
  ASSERT_EQ(parser.next(input).kind, http1_event_kind::head);
  parser.limit_body(5);
  EXPECT_EQ(parser.next(input).body, "hello");
  EXPECT_EQ(parser.next(input).kind, http1_event_kind::complete);
  parser.reset();
  input = stream;
  ASSERT_EQ(parser.next(input).kind, http1_event_kind::head);
  EXPECT_EQ(parser.next(input).error_status, status::content_too_large);
}

TEST(Http1Parser, Rfc9112_8_IncompleteMessages) {
  const std::string whole = chunked("5\r\nhello\r\n0\r\nX: 1\r\n\r\n");
  for (std::size_t n = 1; n < whole.size(); ++n) EXPECT_EQ(refusal(whole.substr(0, n)), 400u) << n;
  EXPECT_EQ(refusal(whole), 0u);
  EXPECT_EQ(refusal(post("Content-Length: 5\r\n", "hell")), 400u);
  EXPECT_EQ(read(""), "");
}

TEST(Http1Parser, Rfc9112_9_3_Persistence) {
  EXPECT_TRUE(head_of(get("")).keep_alive);
  EXPECT_FALSE(head_of(get("Connection: Close\r\n")).keep_alive);
  EXPECT_FALSE(head_of(get("Connection: keep-alive, x\r\nConnection: close\r\n")).keep_alive);
  EXPECT_TRUE(head_of(get("Connection: closed\r\n")).keep_alive);
  EXPECT_FALSE(head_of("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(head_of("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(head_of("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").keep_alive);
}

TEST(Http1Parser, Rfc9112_9_3_2_PipeliningStopsAtTheMessagesEnd) {
  const std::string stream = post("Content-Length: 3\r\n", "abc") + get("X: 2\r\n");
  http1_request_parser parser;
  std::string_view input = stream;
  ASSERT_EQ(parser.next(input).kind, http1_event_kind::head);
  EXPECT_EQ(parser.next(input).body, "abc");
  EXPECT_EQ(parser.next(input).kind, http1_event_kind::complete);
  EXPECT_EQ(input, get("X: 2\r\n"));
  EXPECT_EQ(parser.next(input).kind, http1_event_kind::complete);
  EXPECT_EQ(input, get("X: 2\r\n"));
  EXPECT_FALSE(parser.in_message());
  parser.reset();
  ASSERT_EQ(parser.next(input).kind, http1_event_kind::head);
  EXPECT_EQ(parser.head().headers.get("x"), "2");
  EXPECT_EQ(parser.next(input).kind, http1_event_kind::complete);
  EXPECT_TRUE(input.empty());
}

TEST(Http1Parser, BodiesAreNotCopied) {
  const std::string stream = chunked("5\r\nhello\r\n0\r\n\r\n");
  http1_request_parser parser;
  std::string_view input = stream;
  ASSERT_EQ(parser.next(input).kind, http1_event_kind::head);
  const http1_event event = parser.next(input);
  ASSERT_EQ(event.kind, http1_event_kind::body);
  EXPECT_EQ(event.body.data(), stream.data() + stream.find("hello"));
  EXPECT_EQ(parser.body_bytes(), 5u);
}

TEST(Http1Parser, Rfc9110_10_1_1_Expect) {
  EXPECT_TRUE(head_of(post("Content-Length: 5\r\nExpect: 100-Continue\r\n", "")).expects_continue);
  EXPECT_TRUE(head_of(post("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", "")).expects_continue);
  EXPECT_FALSE(head_of(get("Expect: 100-continue\r\n")).expects_continue);
  EXPECT_FALSE(
      head_of("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n").expects_continue);
  EXPECT_EQ(refusal(get("Expect: 200-ok\r\n")), 417u);
  EXPECT_EQ(refusal(get("Expect: 100-continue\r\nExpect: 100-continue\r\n")), 417u);
}

TEST(Http1Parser, Rfc9110_7_8_Upgrade) {
  EXPECT_TRUE(head_of(get("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n")).upgrade);
  EXPECT_FALSE(head_of(get("Upgrade: websocket\r\n")).upgrade);
  EXPECT_FALSE(head_of(get("Connection: upgrade\r\n")).upgrade);
  EXPECT_FALSE(head_of("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").upgrade);
}

TEST(Http1Parser, SplitAtEveryByte) {
  const std::string stream = chunked("5;a=\"b\"\r\nhello\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n") +
                             get("Y: 1\r\n") + post("Content-Length: 4\r\nExpect: 100-continue\r\n", "body") +
                             "GET /x\r\n";
  const http1_request_parser fresh;
  const std::string whole = detail::transcript(fresh, stream, stream.size());
  EXPECT_NE(whole.find("error 400"), std::string::npos);
  for (std::size_t step = 1; step < stream.size(); ++step)
    EXPECT_EQ(whole, detail::transcript(fresh, stream, step));
}

TEST(Http1Parser, DeadlinesKnowWhetherAMessageHasBegun) {
  http1_request_parser parser;
  EXPECT_FALSE(parser.in_message());
  std::string_view empty_line = "\r\n";
  parser.next(empty_line);
  EXPECT_FALSE(parser.in_message());
  std::string_view first = "G";
  parser.next(first);
  EXPECT_TRUE(parser.in_message());
}

TEST(Http1ResponseParser, Rfc9112_4_StatusLine) {
  EXPECT_EQ(read_response("HTTP/1.1 404 Not here\r\nContent-Length: 2\r\n\r\nno"),
            "head HTTP/1.1 404 Not here framing=1 length=2 keep Content-Length=2;\nbody no\ncomplete\n");
  EXPECT_EQ(read_response("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
            "head HTTP/1.1 200  framing=1 length=0 keep Content-Length=0;\ncomplete\n");
  for (const char* line : {"HTTP/2.0 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 20 OK",
                           "HTTP/1.1 099 OK", "HTTP/1.1 200OK", "ICY 200 OK", "HTTP/1.1 200 \x01", ""}) {
    EXPECT_NE(read_response(std::string(line) + "\r\n\r\n").find("error 502"), std::string::npos) << line;
  }
}

TEST(Http1ResponseParser, Rfc9112_6_3_WhereTheBodyEnds) {
  EXPECT_NE(read_response("HTTP/1.1 200 OK\r\n\r\nto the end").find("body to the end\ncomplete\n"),
            std::string::npos);
  EXPECT_NE(read_response("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", method::head).find("complete\n"),
            std::string::npos);
  EXPECT_NE(read_response("HTTP/1.1 304 x\r\nContent-Length: 9\r\n\r\n").find("complete\n"),
            std::string::npos);
  EXPECT_NE(read_response("HTTP/1.1 204 x\r\n\r\n").find("framing=0"), std::string::npos);
  EXPECT_NE(read_response("HTTP/1.1 204 x\r\nContent-Length: 1\r\n\r\na").find("error 502"),
            std::string::npos);
  EXPECT_NE(read_response("HTTP/1.1 200 x\r\n\r\n", method::connect).find("framing=0"), std::string::npos);
  EXPECT_NE(read_response("HTTP/1.1 200 x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
                .find("error 502"),
            std::string::npos);
  EXPECT_NE(read_response("HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\nab").find("error 502"),
            std::string::npos);
  EXPECT_NE(read_response("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 x\r\nTransfer-Encoding: "
                          "chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
                .find("complete\nhead HTTP/1.1 200"),
            std::string::npos);
  EXPECT_NE(
      read_response("HTTP/1.1 200 x\r\n\r\n123456", method::get, with([](http1_limits& l) { l.body = 5; }))
          .find("body 12345\nerror"),
      std::string::npos);
}
