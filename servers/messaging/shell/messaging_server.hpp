// The server as a program inside the node, or a shell of Erlang's, sees it: the requests of the case study,
// and what an administrator asks.
//
//   gen_server:call({messaging_server, 'node@host'}, {send_message, <<"alice">>, <<"bob">>, <<"Hello">>}).
//   gen_server:call({messaging_server, 'node@host'}, {get_messages, <<"bob">>}).
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "servers/messaging/shell/administration.hpp"
#include "servers/messaging/shell/messages.hpp"

#include <map>
#include <string>
#include <variant>
#include <vector>

namespace coppice::messaging {

/// `{send_message, From, To, Text}`: users by name or address. `ok` when it is safe: in both archives, with
/// the receiver's clients or waiting for him.
struct send_message {
  std::string from;
  std::string to;
  std::string text;
};
/// `{get_messages, User}`: the last hundred that he has got or sent, oldest first.
struct get_messages {
  std::string user;
};
/// `{get_unread, User}`: those that wait for him, oldest first.
struct get_unread {
  std::string user;
};
/// `{get_archive, User, Before, Most}`: the last so many that came before that one.
struct get_archive {
  std::string user;
  std::int64_t before = 0;
  std::uint32_t most = 0;
};
/// `{get_sessions, User}`
struct get_sessions {
  std::string user;
};
/// `{kick_address, Address}`: all sessions of a user, or the one of a full address; how many.
struct kick_address {
  std::string address;
};
/// `get_rooms`: the first thousand, by address.
struct get_rooms {};

/// Registered as `messaging_server`. What it sends goes the way of clients' stanzas: archives, copies to
/// other clients, waiting messages.
class messaging_server : public gen_server {
public:
  using done_or_not = std::variant<ok, error>;
  using messages_or_not = std::variant<std::vector<inbox_message>, error>;
  using rooms_or_not = std::variant<std::vector<room_facts>, error>;
  using number_or_not = std::variant<std::int64_t, error>;
  using protocol =
      coppice::protocol<calls<send_message, done_or_not>, calls<get_messages, messages_or_not>,
                        calls<get_unread, messages_or_not>, calls<get_archive, messages_or_not>,
                        calls<get_sessions, std::vector<session_facts>>, calls<get_rooms, rooms_or_not>,
                        calls<kick_address, number_or_not>, infos<accepted>, infos<not_spoken>, infos<down>>;

  explicit messaging_server(host h) : host_(std::move(h)) {}

  task<> handle_call(send_message m, reply_to<done_or_not> who);
  task<messages_or_not> handle_call(get_messages m);
  task<messages_or_not> handle_call(get_unread m);
  task<messages_or_not> handle_call(get_archive m);
  task<std::vector<session_facts>> handle_call(get_sessions m);
  task<rooms_or_not> handle_call(get_rooms m);
  task<number_or_not> handle_call(kick_address m);
  void handle_info(const accepted& m);
  void handle_info(const not_spoken& m);
  task<> handle_info(down m);
  [[nodiscard]] term state() const;

private:
  /// A message on its way.
  struct message {
    reply_to<done_or_not> who; ///< wants to know
    stanza_ptr stanza;
    std::string user; ///< in whose name it goes
    pid process;      ///< his
    std::int64_t id = 0;
  };
  task<> give(std::uint64_t token);
  void answer(std::uint64_t token, done_or_not what);

  host host_;
  std::map<std::uint64_t, message> open_; ///< by token
  std::map<pid, reference> watched_;      ///< processes of users who have something of ours
  std::uint64_t last_token_ = 0;
};

} // namespace coppice::messaging
