#include "coppice/http/websocket_frame.hpp"

#include <algorithm>
#include <cstring>

namespace coppice::http {

namespace {

constexpr std::size_t max_control_size = 125;

} // namespace

bool valid_on_wire(close_code code) noexcept {
  const auto n = static_cast<unsigned>(code);
  return (n >= 1000 && n <= 1003) || (n >= 1007 && n <= 1014) || (n >= 3000 && n <= 4999);
}

void apply_mask(char* data, std::size_t size, const frame_mask& mask, std::uint64_t offset) noexcept {
  std::array<std::uint8_t, 8> key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = mask[(offset + i) % 4];
  std::uint64_t word_key = 0;
  std::memcpy(&word_key, key.data(), 8);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, data + i, 8);
    word ^= word_key;
    std::memcpy(data + i, &word, 8);
  }
  for (; i < size; ++i) data[i] = static_cast<char>(static_cast<std::uint8_t>(data[i]) ^ key[i % 8]);
}

void write_frame(std::string& out, opcode op, std::string_view payload, bool fin,
                 const std::optional<frame_mask>& mask, bool compressed) {
  out.reserve(out.size() + payload.size() + 14);
  const std::uint64_t size = payload.size();
  const std::size_t size_bytes = size <= 125 ? 0 : size <= 0xffff ? 2 : 8;
  const unsigned short_size = size_bytes == 0 ? static_cast<unsigned>(size) : size_bytes == 2 ? 126u : 127u;
  out.push_back(
      static_cast<char>((fin ? 0x80u : 0u) | (compressed ? 0x40u : 0u) | static_cast<unsigned>(op)));
  out.push_back(static_cast<char>((mask ? 0x80u : 0u) | short_size));
  for (std::size_t i = size_bytes; i > 0; --i)
    out.push_back(static_cast<char>((size >> (8 * (i - 1))) & 0xff));
  if (mask) {
    for (std::uint8_t byte : *mask) out.push_back(static_cast<char>(byte));
  }
  const std::size_t begin = out.size();
  out.append(payload);
  if (mask) apply_mask(out.data() + begin, payload.size(), *mask, 0);
}

bool websocket_frame_parser::fail(close_code code, std::string_view reason) noexcept {
  failed_ = true;
  code_ = code;
  reason_ = reason;
  return false;
}

frame_event websocket_frame_parser::next(std::string_view& input) noexcept {
  frame_event event;
  if (in_payload_ && offset_ == header_.size) {
    in_payload_ = false;
    event.kind = frame_event_kind::end;
    return event;
  }
  if (in_payload_ && !input.empty()) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(header_.size - offset_, input.size()));
    event.kind = frame_event_kind::payload;
    event.payload = input.substr(0, n);
    event.offset = offset_;
    offset_ += n;
    input.remove_prefix(n);
    return event;
  }
  while (!failed_ && !in_payload_ && !input.empty()) {
    const auto byte = static_cast<std::uint8_t>(input.front());
    input.remove_prefix(1);
    if (!take_header_byte(byte)) continue;
    in_payload_ = true;
    offset_ = 0;
    count_ = 0;
    event.kind = frame_event_kind::header;
  }
  if (failed_) return {frame_event_kind::error, {}, 0, code_, reason_};
  return event;
}

/// True when the header is complete.
bool websocket_frame_parser::take_header_byte(std::uint8_t byte) noexcept {
  bytes_[count_++] = byte;
  if (count_ == 1) return check_first(byte), false;
  if (count_ == 2 && !check_second(byte)) return false;
  const std::size_t size_end = 2 + size_bytes_;
  if (count_ == size_end && !check_size()) return false;
  if (count_ != size_end + (masked_ ? 4 : 0)) return false;
  header_.mask.reset();
  if (masked_) {
    frame_mask mask{};
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(size_end), 4, mask.begin());
    header_.mask = mask;
  }
  return true;
}

bool websocket_frame_parser::check_first(std::uint8_t byte) noexcept {
  const auto code = byte & 0x0f;
  header_.compressed = (byte & 0x40) != 0;
  const bool may_be = compressed_allowed_ && (code == 1 || code == 2);
  if ((byte & 0x30) != 0 || (header_.compressed && !may_be))
    return fail(close_code::protocol_error, "reserved bits are set");
  header_.fin = (byte & 0x80) != 0;
  header_.opcode = static_cast<opcode>(code);
  switch (header_.opcode) {
  case opcode::continuation:
  case opcode::text:
  case opcode::binary: return true;
  case opcode::close:
  case opcode::ping:
  case opcode::pong: return header_.fin || fail(close_code::protocol_error, "a control frame is fragmented");
  }
  return fail(close_code::protocol_error, "reserved opcode");
}

bool websocket_frame_parser::check_second(std::uint8_t byte) noexcept {
  if (((byte & 0x80) != 0) != masked_) {
    return fail(close_code::protocol_error,
                masked_ ? "a client's frame is not masked" : "a server's frame is masked");
  }
  const unsigned size = byte & 0x7f;
  if (is_control(header_.opcode) && size > max_control_size) {
    return fail(close_code::protocol_error, "a control frame is longer than 125 bytes");
  }
  size_bytes_ = size == 126 ? 2 : size == 127 ? 8 : 0;
  header_.size = size_bytes_ == 0 ? size : 0;
  return true;
}

bool websocket_frame_parser::check_size() noexcept {
  if (size_bytes_ > 0) {
    std::uint64_t size = 0;
    for (std::size_t i = 0; i < size_bytes_; ++i) size = size << 8 | bytes_[2 + i];
    if (size >> 63 != 0) return fail(close_code::protocol_error, "a frame length has its highest bit set");
    if (size <= (size_bytes_ == 2 ? max_control_size : std::size_t{0xffff})) {
      return fail(close_code::protocol_error, "a frame length is not in its shortest form");
    }
    header_.size = size;
  }
  return header_.size <= max_size_ || fail(close_code::message_too_big, "a frame is too large");
}

} // namespace coppice::http
