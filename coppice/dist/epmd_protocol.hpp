// The protocol of the Erlang port mapper (epmd) as bytes: who asks it where the nodes of a machine listen.
// ERTS User's Guide, "Distribution Protocol", EPMD Protocol.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace coppice::dist {

/// Where `epmd` listens unless `ERL_EPMD_PORT` says otherwise.
inline constexpr std::uint16_t epmd_default_port = 4369;
/// Longer requests are nobody's: two texts of 255 bytes, and what is between them.
inline constexpr std::size_t epmd_max_request = 1024;

/// What a node tells of itself, and what others get to know.
struct epmd_entry {
  /// What a node calls itself; today's nodes find out about each other in the handshake.
  enum class node_kind : std::uint8_t { hidden = 72, normal = 77 };

  std::string name;                   ///< without the host: 1 to 255 bytes
  std::uint16_t port = 0;             ///< where it listens
  node_kind kind = node_kind::normal; ///< nobody decides by it
  std::uint8_t protocol = 0;          ///< 0: TCP over IPv4
  std::uint16_t highest = 6;          ///< version of the distribution protocol; Erlang/OTP 25 and later: 6
  std::uint16_t lowest = 6;           ///< and the oldest that it speaks
  std::string extra;                  ///< handed on as it is; hardly used

  friend bool operator==(const epmd_entry&, const epmd_entry&) = default;
};

/// To be listed (`ALIVE2_REQ`).
struct epmd_alive {
  epmd_entry entry; ///< what others will get to know
};
/// Where a node listens (`PORT_PLEASE2_REQ`).
struct epmd_port_please {
  std::string name; ///< without the host
};
/// Which nodes there are (`NAMES_REQ`).
struct epmd_names {};
/// What is asked.
using epmd_request = std::variant<epmd_alive, epmd_port_please, epmd_names>;

/// A request as it is sent, its length before it. Names longer than 255 bytes are cut.
std::string to_bytes(const epmd_request& request);

/// Reads a request without its length. The error tells what is wrong with it.
std::expected<epmd_request, std::string> parse_epmd_request(std::string_view body);

// --- answers: none has a length before it; all but the first are followed by the end of the stream ---

/// The answer to `epmd_alive`: the creation, which tells incarnations of the node apart, or nothing if the
/// name is taken. Old nodes, whose `highest` is below 6, know creations of 16 bits.
std::string alive_answer(std::optional<std::uint32_t> creation, std::uint16_t highest);
/// The answer to `epmd_port_please`; nothing: there is no such node.
std::string port_answer(const std::optional<epmd_entry>& entry);
/// The answer to `epmd_names`. `port` is the one that the mapper listens at: Erlang takes no other.
std::string names_answer(std::uint16_t port, const std::vector<epmd_entry>& entries);

/// How far an answer has come.
enum class answer_state : std::uint8_t {
  incomplete, ///< more bytes are to come
  complete,
  wrong, ///< it is none
};

/// What `epmd_alive` was answered with.
struct alive_result {
  answer_state state = answer_state::incomplete; ///< the rest counts when it is `complete`
  std::optional<std::uint32_t> creation;         ///< nothing: refused, as the name is taken
};
alive_result parse_alive_answer(std::string_view bytes);

/// What `epmd_port_please` was answered with.
struct port_result {
  answer_state state = answer_state::incomplete; ///< the rest counts when it is `complete`
  std::optional<epmd_entry> entry;               ///< nothing: there is no such node
};
port_result parse_port_answer(std::string_view bytes);

/// A node of a list.
struct named_port {
  std::string name;       ///< without the host
  std::uint16_t port = 0; ///< where it listens
  friend bool operator==(const named_port&, const named_port&) = default;
};
/// Reads the whole answer to `epmd_names`; nothing if it is none.
std::optional<std::vector<named_port>> parse_names_answer(std::string_view bytes);

} // namespace coppice::dist
