// What an administrator asks of the running server and has it do; the same for the Erlang shell, the command
// line and the admin HTTP API. Functions for any process.
#pragma once

#include "coppice/otp/ok.hpp"
#include "coppice/runtime/task.hpp"
#include "servers/messaging/shell/host.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace coppice::messaging {

/// Why something was not done.
enum class problem : std::uint8_t {
  no_user,      ///< there is no account of that name
  no_receiver,  ///< nor of the one that a message is for
  no_session,   ///< nobody is there who could be ended
  user_exists,  ///< the name is taken
  bad_name,     ///< it cannot be part of an address
  bad_password, ///< it cannot be one
  too_long,     ///< the text, beyond `longest_text`
  not_allowed,  ///< the user has blocked whom he writes to
  unavailable,  ///< the database does not answer, or too much is under way: later
};
/// On the wire `{error, no_user}`.
struct error {
  problem reason = problem::unavailable;
};
/// As an atom is spelt: `no_user`.
[[nodiscard]] const char* name_of(problem p) noexcept;

/// The most bytes of the text of one message, and the most entries on a page.
inline constexpr std::size_t longest_text = 60'000;
inline constexpr std::size_t longest_page = 1'000;

/// A message that a user has or had to read. On the wire a map.
struct inbox_message {
  using coppice_as_map = void;
  std::int64_t id = 0; ///< grows with time: for the next page
  std::int64_t at = 0; ///< milliseconds since 1970
  std::string from;    ///< address
  std::string to;
  std::string text; ///< '' if it has none
};
/// A client of a user. On the wire a map.
struct session_facts {
  using coppice_as_map = void;
  std::string address;    ///< full
  std::string transport;  ///< `tcp` or `websocket`
  bool connected = false; ///< else it waits for its client to come back
  bool available = false; ///< it has sent presence
  std::int32_t priority = 0;
};
/// Somebody in a room. On the wire a map.
struct occupant_facts {
  using coppice_as_map = void;
  std::string nick;
  std::string address; ///< bare
  std::string affiliation;
  std::string role;
  std::int64_t sessions = 0;
};
/// A room. On the wire a map.
struct room_facts {
  using coppice_as_map = void;
  std::string address;
  std::string name;
  bool persistent = false;
  bool members_only = false;
  std::vector<occupant_facts> occupants;
};

/// Asks the process of a user for its sessions, and that of a room for what it is.
struct list_sessions {};
struct describe_room {};
/// Tells the process of a user that his account was made or removed: sessions of one that is not there any
/// more end, and what was read of it is read again.
struct account_changed {};

/// Which of a user's messages.
enum class inbox : std::uint8_t {
  unread, ///< that wait until he comes
  archive ///< all, both ways
};
/// Of those before or (`unread`) behind the message `from` (0: any), at most so many, oldest first. `unread`
/// has the first, `archive` the last of them. Nothing is taken away.
task<std::variant<std::vector<inbox_message>, error>> find_messages(host h, std::string user, inbox which,
                                                                    std::int64_t from, std::size_t most);
/// The addresses of users behind that name, in order.
task<std::variant<std::vector<std::string>, error>> find_users(host h, std::string after, std::size_t most);

/// Who has a session, by user, from the one behind `after` on; of at most so many users.
struct session_page {
  std::vector<session_facts> sessions;
  std::string last; ///< the user at whom it ends; '': there are no more
};
task<session_page> find_sessions(host h, std::string after, std::size_t most);
/// Those of one user.
task<std::vector<session_facts>> sessions_of(std::string user);

/// Rooms that are kept or in which somebody is, by address, behind `after`. Who is in them too.
task<std::variant<std::vector<room_facts>, error>> find_rooms(host h, std::string after, std::size_t most);

/// Ends all sessions of a user, or the one of a full address; they cannot be resumed. How many.
task<std::variant<std::int64_t, error>> end_sessions(host h, std::string address);

/// @{
/// Accounts. `name` is the part of the address before the @. Whoever is removed is thrown out at once.
task<std::variant<ok, error>> add_user(host h, std::string name, std::string password);
/// A new password ends his sessions, but for the one with the resource `keeps`, if that is not ''.
task<std::variant<ok, error>> set_password(host h, std::string name, std::string password,
                                           std::string keeps = {});
task<std::variant<ok, error>> remove_user(host h, std::string name);
/// @}

/// What a name, or an address of this server's, stands for; nothing if it cannot be a user's.
[[nodiscard]] std::optional<xmpp::jid> user_address(const host& h, std::string_view text);

} // namespace coppice::messaging
