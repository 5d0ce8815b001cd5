#include "servers/chat/core/names.hpp"

#include <algorithm>
#include <cstdint>

namespace coppice::chat {
namespace {

constexpr std::size_t longest_name = 32;
constexpr std::size_t shortest_id = 8;
constexpr std::size_t longest_id = 40;
constexpr std::size_t longest_text = 4000;

bool is_alphanumeric(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool may_be_in_name(char c) noexcept { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; }
bool may_be_in_id(char c) noexcept { return is_alphanumeric(c) || c == '_' || c == '-'; }

/// Bytes of the code point that starts there, 0 if it is not well-formed (Unicode, table 3-7).
std::size_t code_point_size(std::string_view text) noexcept {
  auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

} // namespace

bool is_user_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= longest_name && std::ranges::all_of(name, may_be_in_name);
}

bool is_room_name(std::string_view name) noexcept {
  return names_a_room(name) && is_user_name(name.substr(1));
}

bool names_a_room(std::string_view to) noexcept { return to.starts_with('#'); }

bool is_message_id(std::string_view id) noexcept {
  return id.size() >= shortest_id && id.size() <= longest_id && std::ranges::all_of(id, may_be_in_id);
}

bool is_message_text(std::string_view text) noexcept {
  if (text.empty()) return false;
  for (std::size_t points = 0; !text.empty(); ++points) {
    const std::size_t size = code_point_size(text);
    if (size == 0 || text.front() == '\0' || points == longest_text) return false;
    text.remove_prefix(size);
  }
  return true;
}

} // namespace coppice::chat
