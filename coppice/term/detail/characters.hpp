// The characters and words of Erlang's text, for printing and parsing alike.
#pragma once

#include <algorithm>
#include <string_view>

namespace coppice::detail {

constexpr bool is_reserved_word(std::string_view s) noexcept {
  constexpr std::string_view words[] = {"after",  "and",     "andalso", "band", "begin", "bnot", "bor",
                                        "bsl",    "bsr",     "bxor",    "case", "catch", "cond", "div",
                                        "end",    "fun",     "if",      "let",  "not",   "of",   "or",
                                        "orelse", "receive", "rem",     "try",  "when",  "xor"};
  return std::ranges::binary_search(words, s);
}

constexpr bool is_lower(char32_t c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}
constexpr bool is_upper(char32_t c) noexcept {
  return (c >= 'A' && c <= 'Z') || c == '_' || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}
constexpr bool is_digit(char32_t c) noexcept { return c >= '0' && c <= '9'; }
/// What may stand in an atom without quotes after its first letter.
constexpr bool is_name(char32_t c) noexcept { return is_lower(c) || is_upper(c) || is_digit(c) || c == '@'; }

/// The letter of the escape that stands for `c`, or 0.
constexpr char escape_letter(char32_t c) noexcept {
  switch (c) {
  case '\n': return 'n';
  case '\r': return 'r';
  case '\t': return 't';
  case '\v': return 'v';
  case '\b': return 'b';
  case '\f': return 'f';
  case 0x1b: return 'e';
  case 0x7f: return 'd';
  default: return 0;
  }
}

} // namespace coppice::detail
