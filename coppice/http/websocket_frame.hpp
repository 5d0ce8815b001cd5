// WebSocket frames as bytes (RFC 6455 section 5): an incremental header parser, masking, a writer. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::http {

/// RFC 6455 section 5.2; all other values are refused.
enum class opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
/// Close, ping and pong (RFC 6455 section 5.5).
constexpr bool is_control(opcode op) noexcept { return static_cast<unsigned>(op) >= 8; }

/// RFC 6455 section 7.4.1. Applications may use 3000 to 4999 by casting.
enum class close_code : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_status = 1005, ///< never on the wire: the close frame was empty
  abnormal = 1006,  ///< never on the wire: the connection ended without a close frame
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
};

/// Whether a close frame may carry the code (RFC 6455 section 7.4 and the IANA registry).
bool valid_on_wire(close_code code) noexcept;

/// Which side of a connection one is: clients mask, servers do not.
enum class websocket_role : std::uint8_t { server, client };

/// The masking key (RFC 6455 section 5.3).
using frame_mask = std::array<std::uint8_t, 4>;

/// What stands before a frame's payload (RFC 6455 section 5.2).
struct frame_header {
  bool fin = true;                    ///< the last frame of its message
  bool compressed = false;            ///< RSV1, where it was allowed (RFC 7692 section 6)
  http::opcode opcode = opcode::text; ///< never a reserved one
  std::optional<frame_mask> mask;     ///< on what clients send, and only there
  std::uint64_t size = 0;             ///< of the payload, in bytes
};

/// Masks or unmasks in place (the same operation). `offset` is where `data` begins in its frame.
void apply_mask(char* data, std::size_t size, const frame_mask& mask, std::uint64_t offset) noexcept;

/// Appends a whole frame. Control frames over 125 bytes and masks are the caller's to get right; the session
/// does.
void write_frame(std::string& out, opcode op, std::string_view payload, bool fin = true,
                 const std::optional<frame_mask>& mask = std::nullopt, bool compressed = false);

/// What the parser of frames has found.
enum class frame_event_kind : std::uint8_t { need_more, header, payload, end, error };

/// A step of the parser of frames.
struct frame_event {
  frame_event_kind kind = frame_event_kind::need_more; ///< says which of the rest means something
  /// For `payload`: the next piece as received, still masked, a view into the input.
  std::string_view payload;
  /// For `payload`: where the piece begins in the frame's payload.
  std::uint64_t offset = 0;
  /// For `error`: what to close with.
  close_code code = close_code::protocol_error;
  /// For `error`: why, a text that lives for ever.
  std::string_view reason;
};

/// Reads frames one after the other. Refuses what section 5 forbids as soon as the byte is there: reserved
/// bits, reserved opcodes, a wrong mask bit, lengths not in their shortest form or with the highest bit set,
/// control frames that are long or fragmented; and frames above `max_size` (1009). Order among frames is the
/// session's.
class websocket_frame_parser {
public:
  /// `role` is our own: a server reads masked frames, a client unmasked ones. `max_size` in bytes of payload.
  websocket_frame_parser(websocket_role role, std::uint64_t max_size) noexcept
      : max_size_(max_size), masked_(role == websocket_role::server) {}

  /// Lets the first frame of a data message have RSV1.
  void allow_compressed() noexcept { compressed_allowed_ = true; }

  /// Consumes a prefix of `input` and gives the next event: `header`, any number of `payload`, `end`, and so
  /// on until `need_more`. After `error` it gives the error again.
  frame_event next(std::string_view& input) noexcept;

  /// The frame being read, from its `header` event to its `end` event.
  [[nodiscard]] const frame_header& header() const noexcept { return header_; }
  /// A frame has begun, and its `end` has not been given: the stream must not end here.
  [[nodiscard]] bool in_frame() const noexcept { return in_payload_ || count_ > 0; }

private:
  bool take_header_byte(std::uint8_t byte) noexcept;
  bool check_first(std::uint8_t byte) noexcept;
  bool check_second(std::uint8_t byte) noexcept;
  bool check_size() noexcept;
  bool fail(close_code code, std::string_view reason) noexcept;

  frame_header header_;
  std::uint64_t max_size_;
  std::uint64_t offset_ = 0;
  std::string_view reason_;
  close_code code_ = close_code::protocol_error;
  std::array<std::uint8_t, 14> bytes_{};
  std::size_t count_ = 0;      // of bytes_
  std::size_t size_bytes_ = 0; // extended length: 0, 2 or 8
  bool masked_;
  bool compressed_allowed_ = false;
  bool in_payload_ = false;
  bool failed_ = false;
};

} // namespace coppice::http
