// Strict UTF-8 decoding, shared by atoms, text and strings (RFC 3629: no overlong forms, no surrogates).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::detail {

/// The character that `s` begins with; its length in bytes is taken off `s`. Empty if `s` does not begin
/// with a well-formed character (then `s` is left alone).
constexpr std::optional<char32_t> take_utf8(std::string_view& s) noexcept {
  if (s.empty()) return {};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const std::uint32_t first = byte(0);
  if (first < 0x80) {
    s.remove_prefix(1);
    return static_cast<char32_t>(first);
  }
  const std::size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || s.size() < len) return {};
  std::uint32_t c = first & (0x7fu >> len);
  for (std::size_t i = 1; i < len; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    c = (c << 6) | (byte(i) & 0x3f);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return {};
  s.remove_prefix(len);
  return static_cast<char32_t>(c);
}

/// The number of characters in `s`, or nothing if `s` is not UTF-8.
constexpr std::optional<std::size_t> utf8_length(std::string_view s) noexcept {
  std::size_t n = 0;
  for (; !s.empty(); ++n) {
    if (!take_utf8(s)) return {};
  }
  return n;
}

/// Appends the character `c` (which must be a Unicode scalar value) to `out`.
inline void append_utf8(std::string& out, char32_t c) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xc0 | (c >> 6));
    put(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    put(0xe0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3f));
    put(0x80 | (c & 0x3f));
  } else {
    put(0xf0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3f));
    put(0x80 | ((c >> 6) & 0x3f));
    put(0x80 | (c & 0x3f));
  }
}

/// Whether `c` may stand in UTF-8 text at all.
constexpr bool is_scalar_value(std::uint64_t c) noexcept {
  return c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
}

} // namespace coppice::detail
