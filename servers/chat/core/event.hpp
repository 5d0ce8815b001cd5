// What a mailbox holds: messages and receipts, numbered. Immutable, so that all who have it share it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace coppice::chat {

/// What somebody wrote.
struct chat_message {
  std::string id;   ///< made by the sender's client, never used again by that user
  std::string from; ///< a user
  std::string to;   ///< a user or a room
  std::string text;
  std::int64_t at = 0; ///< milliseconds since 1970 UTC
};

/// That one receiver has seen a message.
struct receipt {
  std::string id; ///< of the message
  std::string to; ///< where it was sent
  std::string by; ///< who has seen it
};

struct event {
  std::uint64_t seq = 0; ///< its place in that mailbox, from 1
  std::variant<std::shared_ptr<const chat_message>, receipt> what;
  std::uint64_t made = 0;      ///< by which of the table's operations
  std::uint32_t numbering = 0; ///< of the table that `seq` belongs to, see `chat_table::numbering`

  [[nodiscard]] const chat_message* message() const noexcept {
    const auto* m = std::get_if<std::shared_ptr<const chat_message>>(&what);
    return m == nullptr ? nullptr : m->get();
  }
};

using event_ptr = std::shared_ptr<const event>;

/// A new event and in whose mailbox it is.
struct delivery {
  std::string user;
  event_ptr what;
};

/// All that a mailbox holds with `after < seq <= last`.
struct event_range {
  std::uint64_t after = 0;
  std::uint64_t last = 0;
  std::vector<event_ptr> events; ///< in order of seq
};

/// Who is in a room, in order of name.
using member_list = std::shared_ptr<const std::vector<std::string>>;

struct room_entry {
  std::string room;
  member_list members;
};

} // namespace coppice::chat
