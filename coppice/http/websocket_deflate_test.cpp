#include "coppice/http/websocket_deflate.hpp"

#include "coppice/http/websocket.hpp"

#include <gtest/gtest.h>

namespace coppice::http {
namespace {

using namespace std::string_literals;
using outcome = websocket_deflater::outcome;

headers extensions(std::string_view value) { return headers{{"Sec-WebSocket-Extensions", value}}; }

std::string accepted(std::string_view offer, const websocket_deflate& ours = {}) {
  auto made = accept_deflate(extensions(offer), ours);
  return made ? made->field : "declined";
}

TEST(WebSocketDeflate, Rfc7692_5_1_AServerTakesTheFirstOfferThatSuits) {
  EXPECT_EQ(accepted("permessage-deflate"), "permessage-deflate");
  EXPECT_EQ(accepted("x-other; a=1, permessage-deflate; client_max_window_bits"), "permessage-deflate");
  EXPECT_EQ(accepted("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(accepted("permessage-deflate; server_max_window_bits=10"),
            "permessage-deflate; server_max_window_bits=10");
  EXPECT_EQ(accepted("permessage-deflate; server_max_window_bits=\"12\""),
            "permessage-deflate; server_max_window_bits=12");
  EXPECT_EQ(accepted("permessage-deflate; server_max_window_bits=8, permessage-deflate"),
            "permessage-deflate");
  EXPECT_EQ(accepted("permessage-deflate", {.own_context = false, .peer_context = false}),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

TEST(WebSocketDeflate, Rfc7692_7_1_DeclinesOffersThatAreMalformed) {
  for (std::string_view bad :
       {"", "x-other", "permessage-deflate; unknown", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover", "permessage-deflate;",
        "permessage-deflate; =", "permessage-deflate=1"}) {
    EXPECT_EQ(accepted(bad), "declined") << bad;
  }
}

TEST(WebSocketDeflate, Rfc7692_7_1_AClientTakesOnlyWhatItOffered) {
  EXPECT_EQ(offer_deflate({.own_context = false}),
            "permessage-deflate; client_no_context_takeover; client_max_window_bits");
  EXPECT_EQ(offer_deflate({.peer_context = false}),
            "permessage-deflate; server_no_context_takeover; client_max_window_bits");
  auto plain = deflate_answer(
      extensions("permessage-deflate; server_max_window_bits=9; client_no_context_takeover"), {});
  ASSERT_TRUE(plain && *plain);
  EXPECT_FALSE((*plain)->own_context);
  EXPECT_TRUE((*plain)->peer_context);
  auto declined = deflate_answer(headers(), {});
  ASSERT_TRUE(declined);
  EXPECT_FALSE(declined->has_value());
  EXPECT_FALSE(deflate_answer(extensions("x-other"), {}));
  auto narrow = deflate_answer(extensions("permessage-deflate; client_max_window_bits=10"), {});
  ASSERT_TRUE(narrow && *narrow);
  EXPECT_EQ((*narrow)->own_window_bits, 10);
  auto least = deflate_answer(extensions("permessage-deflate; client_max_window_bits=8"), {});
  ASSERT_TRUE(least && *least);
  EXPECT_FALSE(websocket_deflater(**least).can_compress());
  EXPECT_FALSE(deflate_answer(extensions("permessage-deflate; client_max_window_bits"), {})) << "no number";
  EXPECT_FALSE(deflate_answer(extensions("permessage-deflate; client_max_window_bits=7"), {}));
  EXPECT_FALSE(deflate_answer(extensions("permessage-deflate, permessage-deflate"), {}));
  EXPECT_FALSE(deflate_answer(extensions("permessage-deflate"), {.peer_context = false}));
}

TEST(WebSocketDeflate, Rfc7692_7_2_3_Examples) {
  websocket_deflater d{deflate_agreement()};
  std::string out;
  EXPECT_EQ(d.compress("Hello"), "\xf2\x48\xcd\xc9\xc9\x07\x00"s);
  EXPECT_EQ(d.compress("Hello"), "\xf2\x00\x11\x00\x00"s) << "7.2.3.2: with what was said before";
  EXPECT_EQ(d.inflate("\xf2\x48\xcd\xc9\xc9\x07\x00"s, out, 100), outcome::ok);
  EXPECT_EQ(d.end(out, 100), outcome::ok);
  EXPECT_EQ(d.inflate("\xf2\x00\x11\x00\x00"s, out, 100), outcome::ok);
  EXPECT_EQ(d.end(out, 100), outcome::ok);
  EXPECT_EQ(d.inflate("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s, out, 100), outcome::ok)
      << "7.2.3.3: stored";
  EXPECT_EQ(d.end(out, 100), outcome::ok);
  EXPECT_EQ(d.inflate("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s, out, 100), outcome::ok) << "7.2.3.4: BFINAL";
  EXPECT_EQ(d.end(out, 100), outcome::ok);
  EXPECT_EQ(d.inflate("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s, out, 100), outcome::ok)
      << "7.2.3.5";
  EXPECT_EQ(d.end(out, 100), outcome::ok);
  EXPECT_EQ(out, "HelloHelloHelloHelloHello");
  websocket_deflater forgets{deflate_agreement{.own_context = false}};
  EXPECT_EQ(forgets.compress("Hello"), forgets.compress("Hello"));
  EXPECT_EQ(websocket_deflater{deflate_agreement()}.compress(""), "\0"s) << "7.2.3.6";
}

TEST(WebSocketDeflate, InflatesNoFurtherThanTheLimit) {
  std::string bomb = websocket_deflater{deflate_agreement()}.compress(std::string(10'000'000, 'x'));
  EXPECT_LT(bomb.size(), 20'000U);
  websocket_deflater d{deflate_agreement()};
  std::string out;
  EXPECT_EQ(d.inflate(bomb, out, 50'000), outcome::too_large);
  EXPECT_LE(out.size(), 50'000U);
  websocket_deflater e{deflate_agreement()};
  out.clear();
  EXPECT_EQ(e.inflate("\xff\xff\xff", out, 100), outcome::malformed);
}

websocket_limits up_to(std::size_t bytes) {
  websocket_limits limits;
  limits.frame = limits.message = bytes;
  return limits;
}

struct pair_of_sessions {
  websocket_session client = websocket_session::client([] { return frame_mask{1, 2, 3, 4}; });
  websocket_session server = websocket_session::server(up_to(100'000));
  pair_of_sessions() {
    client.compress({});
    server.compress({});
  }
};

TEST(WebSocketDeflate, SessionsCompressMessagesAndNotControlFrames) {
  pair_of_sessions both;
  std::string text(5000, 'a');
  std::size_t sizes[2] = {};
  for (std::size_t& size : sizes) {
    ASSERT_TRUE(both.client.text(text));
    std::string wire = both.client.take_output();
    size = wire.size();
    auto events = both.server.feed(wire);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].data, text);
    EXPECT_EQ(events[0].kind, websocket_event_kind::text);
  }
  EXPECT_LT(sizes[0], 100U);
  ASSERT_TRUE(both.client.ping(std::string(100, 'p')));
  std::string ping = both.client.take_output();
  EXPECT_EQ(static_cast<unsigned char>(ping[0]), 0x89U);
  EXPECT_EQ(both.server.feed(ping).at(0).data, std::string(100, 'p'));
}

TEST(WebSocketDeflate, SessionsRefuseBombsAndBadText) {
  pair_of_sessions large;
  ASSERT_TRUE(large.client.text(std::string(100'001, 'a')));
  EXPECT_EQ(large.server.feed(large.client.take_output()).at(0).code, close_code::message_too_big);
  pair_of_sessions bad;
  websocket_deflater d{deflate_agreement()};
  std::string frame;
  write_frame(frame, opcode::text, d.compress("\xff\xfe not UTF-8"), true, frame_mask{1, 2, 3, 4}, true);
  EXPECT_EQ(bad.server.feed(frame).at(0).code, close_code::invalid_payload);
  pair_of_sessions damaged;
  frame.clear();
  write_frame(frame, opcode::binary, "\xff\xff\xff", true, frame_mask{1, 2, 3, 4}, true);
  EXPECT_EQ(damaged.server.feed(frame).at(0).code, close_code::invalid_payload);
  auto plain = websocket_session::server();
  EXPECT_EQ(plain.feed(frame).at(0).code, close_code::protocol_error) << "not agreed on";
  pair_of_sessions middle;
  frame.clear();
  write_frame(frame, opcode::binary, "\x00", false, frame_mask{1, 2, 3, 4}, true);
  write_frame(frame, opcode::continuation, "\x00", true, frame_mask{1, 2, 3, 4}, true);
  EXPECT_EQ(middle.server.feed(frame).at(0).code, close_code::protocol_error)
      << "RSV1 is the first frame's alone";
}

TEST(WebSocketDeflate, FragmentsOfACompressedMessageMayBeMixedWithPings) {
  pair_of_sessions both;
  websocket_deflater d{deflate_agreement()};
  std::string payload = d.compress(std::string(1000, 'f') + "end");
  std::string wire;
  const frame_mask mask{1, 2, 3, 4};
  write_frame(wire, opcode::text, payload.substr(0, 3), false, mask, true);
  write_frame(wire, opcode::ping, "p", true, mask);
  write_frame(wire, opcode::continuation, payload.substr(3), true, mask);
  auto events = both.server.feed(wire);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, websocket_event_kind::ping);
  EXPECT_EQ(events[1].data, std::string(1000, 'f') + "end");
}

} // namespace
} // namespace coppice::http
