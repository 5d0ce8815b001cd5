// What the processes of the chat say to each other.
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "servers/chat/core/replica_messages.hpp"

namespace coppice::chat {

// --- to the mailbox store, besides `open_mailbox`, `join_room`, `leave_room` and `ack_events` ---

struct post_message {
  std::string from;
  std::string id;
  std::string to;
  std::string text;
};
/// The message is in the mailbox of every receiver.
struct taken {
  std::int64_t at = 0;
  std::uint32_t recipients = 0;
};
/// From the store of another node.
struct from_store {
  pid store;
  std::string node; ///< its name
  replica_message said;
};
/// Time to look after the other nodes.
struct store_tick {};

// --- to a session ---

/// Sends the connection all events above `after`, now and from now on.
struct attach {
  pid connection;
  std::uint64_t after = 0;
};
/// The connection has written what it got and is ready for more.
struct took {
  pid connection;
};
struct new_events {
  event_range range;
};
struct events_acked {
  std::uint64_t seq = 0;
};
/// News may have been lost: look into the mailbox.
struct catch_up {};

// --- from a session to its connections ---

struct deliver {
  pid session; ///< who waits for `took`
  std::vector<event_ptr> events;
};

// --- to a session, and from it to its connections ---

struct room_news {
  std::string room;
  member_list members;
};
struct left_news {
  std::string room;
};
/// Another epoch: what they know of numbers is of no use any more.
struct renumbered {};

// --- to the directory ---

struct sign_in {
  std::string user;
  pid connection;
};
struct who_is_online {};
struct online_list {
  std::vector<std::string> users; ///< some of them
  std::size_t total = 0;
};
/// A room came or went, or a count changed.
struct rooms_changed {};
/// From the directory of another node: who is online there.
struct people {
  pid directory;
  std::vector<std::string> users;
  bool answer = false; ///< it wants to know the same
};
/// A change of that.
struct person_moved {
  pid directory;
  std::string user;
  bool online = false;
};

// --- from the directory to every connection ---

struct presence_news {
  std::string user;
  bool online = false;
};
struct online_news {
  std::shared_ptr<const online_list> list;
};
struct rooms_news {
  std::shared_ptr<const std::vector<room_entry>> rooms;
};

// --- to the room registry ---

struct members_changed {
  std::string room;
};
/// News may have been lost: compare all rooms with the table.
struct check_rooms {};

} // namespace coppice::chat
