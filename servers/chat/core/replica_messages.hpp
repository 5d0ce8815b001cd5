// What the stores of several nodes say to each other. As terms they are tagged tuples.
#pragma once

#include "servers/chat/core/chat_table.hpp"

namespace coppice::chat {

/// To everybody known, from time to time and at each change: where the sender stands.
struct hello {
  std::string leader;               ///< whom it follows, or itself; '' while it looks for one
  std::vector<std::string> members; ///< all nodes that it knows
  std::vector<tenure> past;
};

// --- coming in: an attempt has a number, which all that belongs to it carries ---

/// To a leader: take me in.
struct ask_in {
  std::uint64_t attempt = 0;
  std::vector<tenure> past;
};
/// The table is right as far as it goes, and this follows.
struct admit {
  std::uint64_t attempt = 0;
  std::uint64_t after = 0;
  std::vector<operation> operations;
  std::uint64_t committed = 0;
};
/// There is more in your table than in ours: give me what came after `common`.
struct ask_changes {
  std::uint64_t attempt = 0;
  std::uint64_t common = 0;
};
struct give_changes {
  std::uint64_t attempt = 0;
  std::vector<change> changes;
  bool more = false;
};
/// These are safe; give me more.
struct took_changes {
  std::uint64_t attempt = 0;
};
/// A part of the leader's table, which replaces the other.
struct give_part {
  std::uint64_t attempt = 0;
  std::vector<tenure> past;
  table_part part;
};
/// Give me the mailboxes after that name.
struct ask_part {
  std::uint64_t attempt = 0;
  std::string after;
};

// --- in it ---

/// From the leader: keep these; they follow `after`.
struct keep {
  std::uint64_t after = 0;
  std::vector<operation> operations;
};
/// To the leader: I have all up to there.
struct kept {
  std::uint64_t last = 0;
};
/// From the leader: all have these, so they count.
struct commit {
  std::uint64_t last = 0;
};
/// From the leader: who has all that counts.
struct in_step {
  std::vector<std::string> members;
};
/// From the leader: you have been too slow.
struct drop_out {};
/// To the leader: what our own clients want.
struct forward {
  std::vector<operation> operations;
};

using replica_message = std::variant<hello, ask_in, admit, ask_changes, give_changes, took_changes, give_part,
                                     ask_part, keep, kept, commit, in_step, drop_out, forward>;

} // namespace coppice::chat
