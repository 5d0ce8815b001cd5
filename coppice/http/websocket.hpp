// WebSocket (RFC 6455), both sides, pure: the opening handshake, and a session that turns bytes into messages
// and messages into bytes. It sends nothing and knows no time; pings and deadlines are the shell's to start.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/http/detail/utf8.hpp"
#include "coppice/http/http1_writer.hpp"
#include "coppice/http/message.hpp"
#include "coppice/http/websocket_deflate.hpp"
#include "coppice/http/websocket_frame.hpp"

namespace coppice::http {

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2).
std::string websocket_accept(std::string_view key);

/// Why a handshake is refused.
struct websocket_refusal {
  /// Ready to send: 400, or 426 with the version that is spoken here.
  response_head response;
  std::string_view reason; ///< lives for ever
};

/// A server's half of the opening handshake (RFC 6455 section 4.2): the 101 response to send, with the first
/// of `protocols` (the server's order of preference) that the client offers, or why not. Extensions are
/// declined; who wants compression adds `accept_deflate`'s field. Whether the Origin is welcome is the
/// caller's to decide first (`same_origin`).
std::expected<response_head, websocket_refusal>
websocket_upgrade(const request_head& request, std::span<const std::string> protocols = {});

/// A client's half: the request, for 16 random bytes as nonce.
request_to_send websocket_request(std::string authority, std::string target,
                                  std::span<const std::uint8_t, 16> nonce,
                                  std::span<const std::string> protocols = {});
/// Checks the response to such a request (RFC 6455 section 4.1); gives the subprotocol chosen, maybe empty.
/// If the request offered extensions, what was answered to them is the caller's to check (`deflate_answer`).
std::expected<std::string, std::string_view> websocket_accepted(const response_head& response,
                                                                const request_to_send& request);

/// In bytes unless said. Beyond a limit the session ends with 1009 (`fragments`: 1008).
struct websocket_limits {
  std::uint64_t frame = 1 << 20;   ///< payload of one frame
  std::uint64_t message = 1 << 20; ///< payload of one message; what a session buffers at most
  std::size_t fragments = 1024;    ///< number of frames of one message
};

/// What a session has found.
enum class websocket_event_kind : std::uint8_t { text, binary, ping, pong, close };

/// A whole message, a control frame, or the end.
struct websocket_event {
  websocket_event_kind kind = websocket_event_kind::text; ///< `close` is the last
  /// The message, the ping's or pong's payload, or why it was closed.
  std::string data;
  /// For `close`: the peer's code; `no_status` if it gave none; `abnormal` if the connection just ended; or
  /// the code with which this side refused the peer's bytes.
  close_code code = close_code::no_status;
  /// For `close`: the closing handshake went through (RFC 6455 section 7.1.4).
  bool clean = true;
};

/// One WebSocket after the opening handshake. Feed it what arrives, send what `take_output` gives, and close
/// the connection when `done` (a server at once, a client after waiting a moment for the server to do so).
///
/// Pings are answered and close frames echoed by itself. Text is checked as UTF-8 byte by byte, also across
/// fragments. `close` is the last event. Not thread-safe.
class websocket_session {
public:
  /// Four unpredictable bytes for each frame (RFC 6455 section 10.3).
  using mask_source = std::function<frame_mask()>;
  /// Queued, or why not: a text that lives for ever.
  using send_result = std::expected<void, std::string_view>;

  /// Refuses frames that are not masked (RFC 6455 section 5.1).
  static websocket_session server(const websocket_limits& limits = {});
  /// `masks` must not be empty.
  static websocket_session client(mask_source masks, const websocket_limits& limits = {});

  /// Messages are compressed from here on; call it before anything is fed or sent.
  void compress(const deflate_agreement& agreement);

  /// What the bytes amount to. Buffers only the message under way. After `close` everything is ignored. How
  /// the stream is cut changes nothing. Linear in the bytes.
  std::vector<websocket_event> feed(std::string_view bytes);
  /// The peer's side of the connection has ended: gives the `close` event if there was none yet.
  std::optional<websocket_event> finish();

  /// @{
  /// Queue a message. Errors: closing or closed; text that is not UTF-8; a ping or pong over 125 bytes.
  send_result text(std::string_view message);
  send_result binary(std::string_view message);
  send_result ping(std::string_view payload = {});
  send_result pong(std::string_view payload = {});
  /// @}
  /// Starts the closing handshake; messages still arrive until the peer's answer, but none can be sent.
  /// Errors: closing already; a code not for the wire; a reason over 123 bytes or not UTF-8. `no_status`
  /// sends an empty close frame.
  send_result close(close_code code = close_code::normal, std::string_view reason = {});

  /// The bytes to send now; they are the caller's from then on.
  [[nodiscard]] std::string take_output() noexcept;
  /// Bytes that wait for `take_output`; nothing else bounds them.
  [[nodiscard]] std::size_t output_size() const noexcept { return output_.size(); }

  /// Messages can be sent.
  [[nodiscard]] bool is_open() const noexcept { return state_ == state::open; }
  /// Nothing more will be read or written: close the connection once the output is sent.
  [[nodiscard]] bool done() const noexcept { return state_ == state::closed; }

private:
  enum class state : std::uint8_t { open, closing, closed };
  using events = std::vector<websocket_event>;

  websocket_session(websocket_role role, mask_source masks, const websocket_limits& limits);

  void send(opcode op, std::string_view payload);
  send_result send_data(opcode op, std::string_view payload);
  void fail(close_code code, std::string_view reason, events& out);
  void on_header(events& out);
  void on_payload(const frame_event& piece, events& out);
  void on_inflated(websocket_deflater::outcome result, std::size_t begin, events& out);
  void on_end(events& out);
  void on_close(events& out);

  websocket_limits limits_;
  mask_source masks_;
  websocket_frame_parser parser_;
  detail::utf8_validator utf8_;
  std::optional<websocket_deflater> deflater_;
  std::string message_; // the data message under way, maybe in fragments
  std::string control_; // the control frame under way
  std::string output_;
  std::size_t fragments_ = 0; // frames of the message under way; 0: none is
  opcode message_opcode_ = opcode::text;
  bool message_compressed_ = false;
  state state_ = state::open;
};

} // namespace coppice::http
