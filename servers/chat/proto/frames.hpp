// The frames of PROTOCOL.md: JSON text to requests, answers to JSON text. Nothing else here knows JSON.
#pragma once

#include "servers/chat/core/chat_table.hpp"

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace coppice::chat::frames {

/// The longest frame that a client may send, in bytes.
inline constexpr std::size_t longest = std::size_t{16} * 1024;

// --- from the client ---

struct resume_point {
  std::string epoch;
  std::uint64_t seq = 0;
};
struct hello {
  std::string user;
  std::optional<resume_point> resume;
};
struct send {
  std::string id;
  std::string to;
  std::string text;
};
struct ack {
  std::uint64_t seq = 0;
};
struct join {
  std::string room;
};
struct leave {
  std::string room;
};
struct who {};
struct ping {
  std::uint64_t n = 0;
};

using request = std::variant<hello, send, ack, join, leave, who, ping>;

/// Why a text is no request.
struct fault {
  bool unknown_type = false; ///< well-formed, but of a type that is not known; else it is a bad frame
  std::string text;          ///< the place and the remedy, for people
};

/// Reads one frame. Names, ids and texts are any strings yet: the mailboxes judge them. Linear in the bytes;
/// nesting is bounded, and a text beyond `longest` is refused.
std::expected<request, fault> parse(std::string_view json);

// --- to the client ---

struct welcome {
  std::string user;
  std::string node;
  std::string epoch;
  std::uint64_t seq = 0;
  std::vector<std::string> online; ///< some of them
  std::size_t online_total = 0;
};
struct accepted {
  std::string id;
  std::string to;
  std::int64_t at = 0;
  std::uint32_t recipients = 0;
};
struct presence {
  std::string user;
  bool online = false;
};
struct online {
  std::vector<std::string> users;
  std::size_t total = 0;
};
struct error {
  std::string_view code; ///< of static storage
  std::string text;
  std::string id;                      ///< of the `send` that it answers, or empty
  std::string room;                    ///< of the `join` or `leave` that it answers, or empty
  std::optional<std::int64_t> retry{}; ///< milliseconds
};

std::string to_json(const welcome& frame);
std::string to_json(const event& e); ///< `message` or `delivered`
std::string to_json(const accepted& frame);
std::string to_json(const presence& frame);
std::string to_json(const online& frame);
std::string to_json(const error& frame);
/// `rooms` as that user sees them.
std::string rooms_to_json(const std::vector<room_entry>& rooms, std::string_view user);
/// `room`; no members if null.
std::string room_to_json(std::string_view room, const member_list& members);
std::string left_to_json(std::string_view room);
std::string pong_to_json(std::uint64_t n);

/// The code that stands for it in an `error`.
std::string_view code_of(refusal why) noexcept;
/// What it means, for people.
std::string_view text_of(refusal why) noexcept;

} // namespace coppice::chat::frames
