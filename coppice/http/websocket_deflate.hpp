// permessage-deflate (RFC 7692): negotiation and the compression of WebSocket messages, pure.
//
// Off unless asked for: it costs memory for each connection (about 45 KB to inflate, 145 KB to deflate), and
// what mixes secrets with an attacker's text should not be compressed (RFC 7692 section 8, the CRIME attack).
#pragma once

#include "coppice/http/message.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::http {

/// What one side wants of the extension.
struct websocket_deflate {
  /// Whether messages may refer to earlier ones: compresses better, and keeps memory between messages.
  bool own_context = true;
  bool peer_context =
      true; ///< of a server: also what it lets its clients do; a client asks its server for it
};

/// What both agreed on, seen from one side.
struct deflate_agreement {
  bool own_context = true;  ///< our messages may refer to earlier ones
  bool peer_context = true; ///< the peer's may
  int own_window_bits = 15; ///< 8 to 15: the base-2 logarithm of how far back our messages may refer
};

/// A server's choice: the value of Sec-WebSocket-Extensions to answer with, and what it means.
struct accepted_deflate {
  std::string field;           ///< to add to the 101
  deflate_agreement agreement; ///< for `websocket_session::compress`
};
/// The first of a client's offers that suits (RFC 7692 section 5.1), or nothing, also if the field is
/// malformed. A window of 256 bytes is declined: zlib cannot make it.
std::optional<accepted_deflate> accept_deflate(const headers& request, const websocket_deflate& ours);

/// A client's offer, as the value of Sec-WebSocket-Extensions.
std::string offer_deflate(const websocket_deflate& ours);
/// What the server made of that offer: nothing if it declined; an error if it answered what was not offered.
std::expected<std::optional<deflate_agreement>, std::string_view>
deflate_answer(const headers& response, const websocket_deflate& ours);

/// Both directions of one connection. Memory is taken with the first message of each. Not thread-safe.
class websocket_deflater {
public:
  /// Of what `accept_deflate` or `deflate_answer` gave.
  explicit websocket_deflater(const deflate_agreement& agreement);
  /// @{
  /// What is moved from can only be destroyed or assigned to.
  websocket_deflater(websocket_deflater&&) noexcept;
  websocket_deflater& operator=(websocket_deflater&&) noexcept;
  /// @}
  ~websocket_deflater();

  /// Whether our messages can be compressed: zlib makes no window of 256 bytes. The peer's may be all the
  /// same.
  [[nodiscard]] bool can_compress() const noexcept { return agreement_.own_window_bits > 8; }
  /// A whole message as the payload of frames whose first has RSV1. Only if `can_compress`.
  std::string compress(std::string_view message);

  /// After anything but `ok` the connection is of no more use: nothing is resumed.
  enum class outcome : std::uint8_t { ok, malformed, too_large };
  /// Appends what a piece of a message's payload amounts to. Never makes `out` larger than `limit`.
  outcome inflate(std::string_view piece, std::string& out, std::uint64_t limit);
  /// The message's payload is at its end: appends the rest.
  outcome end(std::string& out, std::uint64_t limit);

private:
  struct streams;
  std::unique_ptr<streams> streams_;
  deflate_agreement agreement_;
};

} // namespace coppice::http
