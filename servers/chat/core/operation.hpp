// What changes the chat's table, as values: a node can hand them to others, where they have the same outcome.
// As terms they are tagged tuples.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace coppice::chat {

/// Makes a mailbox if there is none.
struct open_mailbox {
  std::string user;
};
/// Puts a message that was written now.
struct put_message {
  std::string from;
  std::string id;
  std::string to;
  std::string text;
  std::int64_t at = 0; ///< milliseconds since 1970 UTC, by the clock of the node that took it
};
struct join_room {
  std::string user;
  std::string room;
};
struct leave_room {
  std::string user;
  std::string room;
};
/// All up to `seq` was shown, to somebody who was told numbers of that epoch.
struct ack_events {
  std::string user;
  std::uint64_t seq = 0;
  std::string epoch;
};

/// Another node leads from here on, and another epoch begins.
struct begin_tenure {
  std::string id; ///< never used before
};
/// A message that a part of the cluster accepted while it was cut off, for one mailbox.
struct adopt_message {
  std::string user;
  std::string id;
  std::string from;
  std::string to;
  std::string text;
  std::int64_t at = 0;
  std::uint32_t recipients = 0;
};
/// Likewise a user who joined or left a room there. `common` is the last operation that both parts have: who
/// changed the membership here since then is right.
struct adopt_membership {
  std::string user;
  std::string room;
  bool joined = false;
  std::uint64_t common = 0;
};

using change = std::variant<open_mailbox, put_message, join_room, leave_room, ack_events, begin_tenure,
                            adopt_message, adopt_membership>;

/// A change in its place among all others, and for whom it was made: the node, and the number of the request
/// there.
struct operation {
  std::string origin;
  std::uint64_t request = 0;
  change what;
};

} // namespace coppice::chat
