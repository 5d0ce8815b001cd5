// Bytes as base64 (RFC 4648, 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace coppice::xmpp {

/// With padding, on one line.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Back; nothing unless it is just what `to_base64` would make: no white space, padding in full, no bits
/// left over.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

} // namespace coppice::xmpp
