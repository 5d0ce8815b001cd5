// Bytes as base64 (RFC 4648, 4).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace coppice::net::detail {

/// @{
/// With padding, on one line.
[[nodiscard]] std::string to_base64(std::string_view bytes);
[[nodiscard]] inline std::string to_base64(std::span<const std::uint8_t> bytes) {
  return to_base64(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}
/// @}
/// Back; nothing unless it is just what `to_base64` would make: no white space, padding in full, no bits
/// left over.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

} // namespace coppice::net::detail
