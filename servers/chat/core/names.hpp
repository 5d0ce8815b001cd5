// What may be a user's name, a room's name, a message's id and its text (PROTOCOL.md, "Frames").
#pragma once

#include <string_view>

namespace coppice::chat {

/// `[A-Za-z0-9._-]{1,32}`
bool is_user_name(std::string_view name) noexcept;
/// `#` and the same
bool is_room_name(std::string_view name) noexcept;
/// Whether a receiver is a room rather than a user; says nothing of its validity.
bool names_a_room(std::string_view to) noexcept;
/// `[A-Za-z0-9_-]{8,40}`
bool is_message_id(std::string_view id) noexcept;
/// 1 to 4000 code points of well-formed UTF-8, no U+0000.
bool is_message_text(std::string_view text) noexcept;

} // namespace coppice::chat
