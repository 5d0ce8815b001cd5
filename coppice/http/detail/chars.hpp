// Character classes of RFC 9110 section 5.6 and small ASCII helpers, shared by every parser of the layer.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace coppice::http::detail {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr char to_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr bool is_ows(char c) noexcept { return c == ' ' || c == '\t'; }

/// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

using char_set = std::array<bool, 256>;

constexpr char_set make_char_set(std::string_view extra, bool alphanumeric) noexcept {
  char_set set{};
  for (char c : extra) set[static_cast<unsigned char>(c)] = true;
  for (std::size_t i = 0; alphanumeric && i < 128; ++i) {
    const char c = static_cast<char>(i);
    if (is_digit(c) || is_alpha(c)) set[i] = true;
  }
  return set;
}

inline constexpr char_set token_chars = make_char_set("!#$%&'*+-.^_`|~", true);
inline constexpr char_set unreserved_chars = make_char_set("-._~", true);
inline constexpr char_set reg_name_chars = make_char_set("-._~!$&'()*+,;=", true);
// What browsers leave unencoded in a path; wider than RFC 3986 by []|^ and never by a delimiter.
inline constexpr char_set path_chars = make_char_set("-._~!$&'()*+,;=:@/%[]|^", true);
inline constexpr char_set query_chars = make_char_set("-._~!$&'()*+,;=:@/%[]|^?{}`\\", true);

constexpr bool in(const char_set& set, char c) noexcept { return set[static_cast<unsigned char>(c)]; }

constexpr bool all_in(const char_set& set, std::string_view text) noexcept {
  for (char c : text) {
    if (!in(set, c)) return false;
  }
  return true;
}

/// field-value characters: visible ASCII, space, tab and obs-text; no other control, no DEL.
constexpr bool is_field_char(char c) noexcept {
  const auto u = static_cast<unsigned char>(c);
  return u == '\t' || (u >= 0x20 && u != 0x7f);
}

constexpr bool is_field_text(std::string_view text) noexcept {
  for (char c : text) {
    if (!is_field_char(c)) return false;
  }
  return true;
}

constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

constexpr std::string_view trim_ows(std::string_view text) noexcept {
  while (!text.empty() && is_ows(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_ows(text.back())) text.remove_suffix(1);
  return text;
}

} // namespace coppice::http::detail
