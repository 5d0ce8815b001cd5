#include "coppice/http/websocket.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "coppice/http/http1_parser.hpp"

using namespace coppice::http;
using namespace std::string_literals;

namespace {

constexpr frame_mask test_mask = {0x37, 0xfa, 0x21, 0x3d};

std::string log_of(const std::vector<websocket_event>& events) {
  std::string log;
  for (const websocket_event& e : events) {
    switch (e.kind) {
    case websocket_event_kind::text: log += "text(" + e.data + ")"; break;
    case websocket_event_kind::binary: log += "binary(" + e.data + ")"; break;
    case websocket_event_kind::ping: log += "ping(" + e.data + ")"; break;
    case websocket_event_kind::pong: log += "pong(" + e.data + ")"; break;
    case websocket_event_kind::close:
      log += fmt::format("close({}{}{})", static_cast<int>(e.code), e.clean ? "" : " unclean: ", e.data);
      break;
    }
  }
  return log;
}

/// What a server session makes of the stream: events, '|', its output. It must not depend on the cuts.
std::string serve(const std::string& stream, const websocket_limits& limits = {}) {
  auto session = websocket_session::server(limits);
  const std::string events = log_of(session.feed(stream));
  const std::string output = session.take_output();
  for (const std::size_t step : {1u, 2u, 5u}) {
    auto cut = websocket_session::server(limits);
    std::string log;
    for (std::size_t i = 0; i < stream.size(); i += step) log += log_of(cut.feed(stream.substr(i, step)));
    EXPECT_EQ(log, events);
    EXPECT_EQ(cut.take_output(), output);
  }
  return events + "|" + output;
}

std::string frame(opcode op, std::string_view payload, bool fin = true) {
  std::string out;
  write_frame(out, op, payload, fin, test_mask);
  return out;
}

std::string close_frame(unsigned code, std::string_view reason = {}) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return frame(opcode::close, payload.append(reason));
}

/// The close code with which the session refused the stream, or 0 if it did not. The code must also be sent.
unsigned refusal(const std::string& stream, const websocket_limits& limits = {}) {
  auto session = websocket_session::server(limits);
  const auto events = session.feed(stream);
  serve(stream, limits);
  if (events.empty() || events.back().kind != websocket_event_kind::close || events.back().clean) return 0;
  EXPECT_TRUE(session.done());
  const auto code = static_cast<unsigned>(events.back().code);
  const std::string output = session.take_output();
  const std::string sent{'\x88', static_cast<char>(2 + events.back().data.size()),
                         static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  EXPECT_NE(output.find(sent), std::string::npos);
  return code;
}

request_head upgrade_request(const headers& changes, std::string_view start = "GET /chat HTTP/1.1") {
  headers fields{{"Host", "server.example.com"},
                 {"Upgrade", "websocket"},
                 {"Connection", "Upgrade"},
                 {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                 {"Sec-WebSocket-Version", "13"}};
  for (const headers::field f : changes) fields.remove(f.name);
  for (const headers::field f : changes) {
    if (!f.value.empty()) fields.add(f.name, f.value);
  }
  std::string text = std::string(start) + "\r\n";
  for (const headers::field f : fields) text.append(f.name).append(": ").append(f.value).append("\r\n");
  text += "\r\n";
  http1_request_parser parser;
  std::string_view input = text;
  EXPECT_EQ(parser.next(input).kind, http1_event_kind::head) << text;
  return parser.take_head();
}

unsigned handshake_refusal(const headers& changes, std::string_view start = "GET /chat HTTP/1.1") {
  const auto answer = websocket_upgrade(upgrade_request(changes, start));
  return answer ? 0 : to_int(answer.error().response.status);
}

websocket_limits limited(std::uint64_t frame_bytes, std::uint64_t message_bytes, std::size_t fragments) {
  return {frame_bytes, message_bytes, fragments};
}

} // namespace

TEST(WebSocketHandshake, Rfc6455_1_3_Example) {
  EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  const auto answer = websocket_upgrade(upgrade_request({}));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, status::switching_protocols);
  EXPECT_EQ(answer->headers.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_FALSE(answer->headers.contains("sec-websocket-protocol"));
  std::string out;
  http1_response_writer writer;
  EXPECT_TRUE(writer.head(out, *answer, {}));
}

TEST(WebSocketHandshake, Rfc6455_4_2_1_Refusals) {
  EXPECT_EQ(handshake_refusal({}), 0u);
  EXPECT_EQ(handshake_refusal({{"Upgrade", "WebSocket"}, {"Connection", "keep-alive, upgrade"}}), 0u);
  EXPECT_EQ(handshake_refusal({}, "POST /chat HTTP/1.1"), 400u);
  EXPECT_EQ(handshake_refusal({}, "GET /chat HTTP/1.0"), 426u);
  EXPECT_EQ(handshake_refusal({{"Upgrade", ""}}), 426u);
  EXPECT_EQ(handshake_refusal({{"Upgrade", "h2c"}}), 426u);
  EXPECT_EQ(handshake_refusal({{"Connection", "keep-alive"}}), 426u);
  EXPECT_EQ(handshake_refusal({{"Content-Length", "1"}}), 400u);
  EXPECT_EQ(handshake_refusal({{"Content-Length", "0"}}), 0u);
  EXPECT_EQ(handshake_refusal({{"Transfer-Encoding", "chunked"}}), 400u);
  for (const char* key : {"", "short", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZR==",
                          "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25j!Q=="}) {
    EXPECT_EQ(handshake_refusal({{"Sec-WebSocket-Key", key}}), 400u) << key;
  }
  EXPECT_EQ(handshake_refusal({{"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                               {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}),
            400u);
}

TEST(WebSocketHandshake, Rfc6455_4_4_Version) {
  for (const char* version : {"", "8", "13, 8", "013"}) {
    const auto answer = websocket_upgrade(upgrade_request({{"Sec-WebSocket-Version", version}}));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().response.status, status::upgrade_required);
    EXPECT_EQ(answer.error().response.headers.get("sec-websocket-version"), "13");
  }
}

TEST(WebSocketHandshake, Rfc6455_4_2_2_SubprotocolIsTheServersFirstChoice) {
  const std::vector<std::string> ours = {"chat.v2", "chat.v1"};
  const auto chosen = [&](const headers& offer) {
    const auto answer = websocket_upgrade(upgrade_request(offer), ours);
    return answer ? std::string(answer->headers.get("sec-websocket-protocol").value_or("")) : "refused";
  };
  EXPECT_EQ(chosen({{"Sec-WebSocket-Protocol", "x, chat.v1, chat.v2"}}), "chat.v2");
  EXPECT_EQ(chosen({{"Sec-WebSocket-Protocol", "chat.v1"}, {"Sec-WebSocket-Protocol", "x"}}), "chat.v1");
  EXPECT_EQ(chosen({{"Sec-WebSocket-Protocol", "x"}}), "");
  EXPECT_EQ(chosen({{"Sec-WebSocket-Protocol", "a b"}}), "refused");
  EXPECT_EQ(chosen({{"Sec-WebSocket-Protocol", "chat.v1,"}}), "refused");
}

TEST(WebSocketHandshake, Rfc6455_4_1_Client) {
  const std::vector<std::string> offered = {"a", "b"};
  const std::array<std::uint8_t, 16> nonce = {'t', 'h', 'e', ' ', 's', 'a', 'm', 'p',
                                              'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e'};
  const request_to_send request = websocket_request("a:80", "/chat", nonce, offered);
  EXPECT_EQ(request.headers.get("sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ==");
  std::string out;
  http1_request_writer writer;
  ASSERT_TRUE(writer.head(out, request));
  http1_request_parser parser;
  std::string_view input = out;
  ASSERT_EQ(parser.next(input).kind, http1_event_kind::head);
  const std::vector<std::string> ours = {"b"};
  const auto answer = websocket_upgrade(parser.head(), ours);
  ASSERT_TRUE(answer);
  EXPECT_EQ(websocket_accepted(*answer, request), "b");
  const auto refused = [&](const char* name, const char* value) {
    response_head changed = *answer;
    changed.headers.set(name, value);
    return !websocket_accepted(changed, request);
  };
  EXPECT_TRUE(refused("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"));
  EXPECT_TRUE(refused("Upgrade", "h2c"));
  EXPECT_TRUE(refused("Connection", "close"));
  EXPECT_TRUE(refused("Sec-WebSocket-Protocol", "c"));
  EXPECT_TRUE(refused("Sec-WebSocket-Extensions", "permessage-deflate"));
  response_head no = *answer;
  no.status = status::ok;
  EXPECT_FALSE(websocket_accepted(no, request));
}

TEST(WebSocket, Rfc6455_5_7_Examples) {
  EXPECT_EQ(serve("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s), "text(Hello)|");
  EXPECT_EQ(serve("\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s), "ping(Hello)|\x8a\x05Hello"s);
  EXPECT_EQ(serve("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s), "pong(Hello)|");
  auto client = websocket_session::client([] { return test_mask; });
  EXPECT_EQ(log_of(client.feed("\x01\x03Hel\x80\x02lo"s)), "text(Hello)");
  EXPECT_EQ(log_of(client.feed("\x82\x7e\x01\x00"s + std::string(256, 'x'))),
            "binary(" + std::string(256, 'x') + ")");
  EXPECT_EQ(log_of(client.feed("\x82\x7f\0\0\0\0\0\x01\0\0"s + std::string(65536, 'x'))),
            "binary(" + std::string(65536, 'x') + ")");
  EXPECT_TRUE(client.text("Hello"));
  EXPECT_EQ(client.take_output(), "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s);
}

TEST(WebSocket, Rfc6455_5_1_Masking) {
  std::string unmasked;
  write_frame(unmasked, opcode::text, "Hello");
  EXPECT_EQ(refusal(unmasked), 1002u);
  auto client = websocket_session::client([] { return test_mask; });
  EXPECT_EQ(log_of(client.feed(frame(opcode::text, "x"))), "close(1002 unclean: a server's frame is masked)");
}

TEST(WebSocket, Rfc6455_5_2_ReservedBitsAndOpcodes) {
  for (const int bit : {0x40, 0x20, 0x10}) {
    std::string bad = frame(opcode::text, "x");
    bad[0] = static_cast<char>(bad[0] | bit);
    EXPECT_EQ(refusal(bad), 1002u) << bit;
  }
  for (const int op : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    std::string bad = frame(opcode::text, "x");
    bad[0] = static_cast<char>(0x80 | op);
    EXPECT_EQ(refusal(bad), 1002u) << op;
    EXPECT_EQ(refusal(bad.substr(0, 1)), 1002u) << op;
  }
}

TEST(WebSocket, Rfc6455_5_2_LengthsAreMinimal) {
  EXPECT_EQ(refusal("\x82\xfe\x00\x7d"s), 1002u);
  EXPECT_EQ(refusal("\x82\xfe\x00\x7e"s), 0u);
  EXPECT_EQ(refusal("\x82\xff\0\0\0\0\0\0\xff\xff"s), 1002u);
  EXPECT_EQ(refusal("\x82\xff\0\0\0\0\0\x01\0\0"s), 0u);
  EXPECT_EQ(refusal("\x82\xff\x80\0\0\0\0\0\0\0"s), 1002u);
  EXPECT_EQ(refusal("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"s), 1009u);
}

TEST(WebSocket, Rfc6455_5_4_Fragmentation) {
  EXPECT_EQ(serve(frame(opcode::text, "a", false) + frame(opcode::ping, "p") +
                  frame(opcode::continuation, "b", false) + frame(opcode::continuation, "") +
                  frame(opcode::binary, "c")),
            "ping(p)text(ab)binary(c)|\x8a\x01p"s);
  EXPECT_EQ(refusal(frame(opcode::continuation, "a")), 1002u);
  EXPECT_EQ(refusal(frame(opcode::text, "a", false) + frame(opcode::text, "b")), 1002u);
  EXPECT_EQ(refusal(frame(opcode::text, "a", false) + frame(opcode::binary, "b", false)), 1002u);
  EXPECT_EQ(refusal(frame(opcode::text, "a") + frame(opcode::continuation, "b")), 1002u);
}

TEST(WebSocket, Rfc6455_5_5_ControlFrames) {
  EXPECT_EQ(refusal(frame(opcode::ping, "p", false)), 1002u);
  EXPECT_EQ(refusal(frame(opcode::close, "", false)), 1002u);
  EXPECT_EQ(refusal(frame(opcode::ping, std::string(125, 'x'))), 0u);
  EXPECT_EQ(refusal(frame(opcode::ping, std::string(126, 'x'))), 1002u);
  EXPECT_EQ(refusal("\x89\xff"s), 1002u);
}

TEST(WebSocket, Rfc6455_5_5_1_CloseIsEchoed) {
  EXPECT_EQ(serve(close_frame(1000, "bye") + frame(opcode::text, "ignored")),
            "close(1000bye)|\x88\x02\x03\xe8"s);
  EXPECT_EQ(serve(frame(opcode::close, "")), "close(1005)|\x88\0"s);
  EXPECT_EQ(refusal(frame(opcode::close, "\x03")), 1002u);
  EXPECT_EQ(refusal(close_frame(1000, "\xff")), 1007u);
  EXPECT_EQ(refusal(close_frame(1000, "\xc3")), 1007u);
}

TEST(WebSocket, Rfc6455_7_4_CloseCodes) {
  for (const unsigned code : {0u, 1u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 2999u, 5000u, 65535u}) {
    EXPECT_EQ(refusal(close_frame(code)), 1002u) << code;
  }
  for (const unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1011u, 1014u, 3000u, 4999u}) {
    EXPECT_EQ(refusal(close_frame(code)), 0u) << code;
  }
}

TEST(WebSocket, Rfc6455_7_1_ClosingFromHere) {
  auto session = websocket_session::server();
  EXPECT_TRUE(session.close(close_code::going_away, "later"));
  EXPECT_EQ(session.take_output(), "\x88\x07\x03\xe9later"s);
  EXPECT_FALSE(session.is_open());
  EXPECT_FALSE(session.done());
  EXPECT_FALSE(session.text("x"));
  EXPECT_FALSE(session.close());
  EXPECT_EQ(log_of(session.feed(frame(opcode::text, "still") + frame(opcode::ping, "p"))),
            "text(still)ping(p)");
  EXPECT_EQ(log_of(session.feed(close_frame(1001))), "close(1001)");
  EXPECT_TRUE(session.done());
  EXPECT_EQ(session.take_output(), "");
  EXPECT_FALSE(session.finish());
}

TEST(WebSocket, Rfc6455_7_1_5_ConnectionEndsWithoutClose) {
  auto session = websocket_session::server();
  session.feed(frame(opcode::text, "a", false));
  const auto event = session.finish();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->code, close_code::abnormal);
  EXPECT_FALSE(event->clean);
  EXPECT_TRUE(session.done());
}

TEST(WebSocket, Rfc6455_8_1_TextIsUtf8) {
  EXPECT_EQ(serve(frame(opcode::text, "\xce\xba\xe1\xbd\xb9\xf0\x9f\x98\x80 plain ascii after")),
            "text(\xce\xba\xe1\xbd\xb9\xf0\x9f\x98\x80 plain ascii after)|");
  EXPECT_EQ(serve(frame(opcode::text, "\xf0\x9f", false) + frame(opcode::ping, "") +
                  frame(opcode::continuation, "\x98\x80")),
            "ping()text(\xf0\x9f\x98\x80)|\x8a\0"s);
  for (const char* bad : {"\x80", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xe0\x80\xaf", "\xe0\x9f\xbf",
                          "\xed\xa0\x80", "\xf0\x80\x80\xaf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
                          "\xf5\x80\x80\x80", "\xff", "abcdefghi\xe4x", "\xe2\x82"}) {
    EXPECT_EQ(refusal(frame(opcode::text, bad)), 1007u) << bad;
    EXPECT_EQ(refusal(frame(opcode::binary, bad)), 0u) << bad;
  }
  EXPECT_EQ(refusal(frame(opcode::text, "\xf0\x9f", false) + frame(opcode::continuation, "x")), 1007u);
}

TEST(WebSocket, Rfc6455_8_1_InvalidTextIsRefusedAtItsFirstBadByte) {
  const std::string announced = frame(opcode::text, "ok\xff" + std::string(1000, 'x'));
  EXPECT_EQ(refusal(announced.substr(0, 8 + 3)), 1007u);
  EXPECT_EQ(refusal(announced.substr(0, 8 + 2)), 0u);
}

TEST(WebSocket, Rfc6455_10_4_Limits) {
  EXPECT_EQ(refusal(frame(opcode::binary, std::string(8, 'x')), limited(8, 100, 9)), 0u);
  EXPECT_EQ(refusal(frame(opcode::binary, std::string(9, 'x')), limited(8, 100, 9)), 1009u);
  EXPECT_EQ(refusal(frame(opcode::binary, "12345678", false) + frame(opcode::continuation, "12"),
                    limited(8, 10, 9)),
            0u);
  EXPECT_EQ(refusal(frame(opcode::binary, "12345678", false) + frame(opcode::continuation, "123"),
                    limited(8, 10, 9)),
            1009u);
  EXPECT_EQ(refusal(frame(opcode::binary, "1", false) + frame(opcode::continuation, "2"), limited(8, 10, 2)),
            0u);
  EXPECT_EQ(refusal(frame(opcode::binary, "1", false) + frame(opcode::continuation, "2", false) +
                        frame(opcode::continuation, ""),
                    limited(8, 10, 2)),
            1008u);
}

TEST(WebSocket, Rfc6455_5_6_Sending) {
  auto session = websocket_session::server();
  EXPECT_TRUE(session.text("hi"));
  EXPECT_TRUE(session.binary("\xff"s));
  EXPECT_TRUE(session.ping("p"));
  EXPECT_TRUE(session.pong());
  EXPECT_EQ(session.take_output(), "\x81\x02hi\x82\x01\xff\x89\x01p\x8a\0"s);
  EXPECT_FALSE(session.text("\xff"));
  EXPECT_FALSE(session.ping(std::string(126, 'x')));
  EXPECT_FALSE(session.pong(std::string(126, 'x')));
  EXPECT_FALSE(session.close(static_cast<close_code>(1005), "x"));
  EXPECT_FALSE(session.close(static_cast<close_code>(999)));
  EXPECT_FALSE(session.close(close_code::normal, std::string(124, 'x')));
  EXPECT_FALSE(session.close(close_code::normal, "\xff"));
  EXPECT_EQ(session.output_size(), 0u);
  EXPECT_TRUE(session.is_open());
  EXPECT_TRUE(session.close(close_code::normal, std::string(123, 'x')));
}

TEST(WebSocket, BothSidesUnderstandEachOther) {
  auto server = websocket_session::server();
  auto client =
      websocket_session::client([n = std::uint8_t{0}]() mutable { return frame_mask{++n, 2, 3, n}; });
  for (const std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u, 100000u}) {
    const std::string message(size, 'm');
    ASSERT_TRUE(client.text(message));
    EXPECT_EQ(log_of(server.feed(client.take_output())), "text(" + message + ")");
    ASSERT_TRUE(server.binary(message));
    EXPECT_EQ(log_of(client.feed(server.take_output())), "binary(" + message + ")");
  }
  ASSERT_TRUE(client.close(close_code::normal, "done"));
  EXPECT_EQ(log_of(server.feed(client.take_output())), "close(1000done)");
  EXPECT_EQ(log_of(client.feed(server.take_output())), "close(1000)");
  EXPECT_TRUE(server.done() && client.done());
}
