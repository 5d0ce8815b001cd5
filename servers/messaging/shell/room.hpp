// One room of the service for rooms: who is in it, what is said in it, what is kept of it. XEP-0045.
#pragma once

#include "servers/messaging/core/room_place.hpp"
#include "servers/messaging/shell/administration.hpp"
#include "servers/messaging/shell/host.hpp"
#include "servers/messaging/shell/keeper.hpp"
#include "servers/messaging/shell/messages.hpp"
#include "servers/messaging/shell/room_events.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace coppice::messaging {

/// Time to try again what the database has refused.
struct room_tries_again {};

/// The server stops: whoever is in the room is told and is not in it any more. `ok`: that is with the users.
struct close_room {};

/// Registered as `muc:NAME`, a child of `muc_sup`, started on demand. Its state is kept by the host, so
/// that it may die at any time: who has sent it something notices, and tells the next one. It ends by itself
/// when nobody is in the room.
class room : public gen_server {
public:
  using protocol =
      coppice::protocol<infos<deliver>, infos<kept>, infos<room_said>, infos<room_tries_again>, infos<down>,
                        calls<describe_room, std::optional<room_facts>>, calls<close_room, ok>>;

  room(host h, std::string name) : host_(std::move(h)), name_(std::move(name)) {}

  /// `ignore` if the room has a process already.
  init_result init();
  task<result<>> handle_continue(term what);
  task<result<>> handle_info(deliver m);
  task<result<>> handle_info(kept m);
  result<> handle_info(const room_said& m);
  task<result<>> handle_info(room_tries_again m);
  task<result<>> handle_info(down m);
  /// Nothing: there is no such room.
  result<std::optional<room_facts>> handle_call(const describe_room& m);
  task<result<ok>> handle_call(close_room m);
  task<result<>> handle_timeout();
  [[nodiscard]] term state() const;

private:
  using writing = std::function<void(store::transaction&)>;

  // room.cpp: requests, one after the other
  bool is_known(const deliver& m);
  task<> go_on();
  task<bool> prepare(room_request next);
  void take(const room_request& next);
  void take_by_rules(const room_request& next, const xmpp::jid& from, const xmpp::jid& to);
  void take_without_room(const room_request& next);
  void keep_message(const room_request& next, const xmpp::muc::archive& what);
  void keep_it(std::uint64_t token, const kept_message& what);
  void keep_all();
  void try_again();
  result<> rest();

  // room_steps.cpp: what follows from them
  task<bool> work_off();
  task<bool> carry_out(room_step step);
  task<> say(xmpp::muc::shared_stanza stanza, xmpp::muc::recipients to);
  task<> say_to_one(std::vector<xmpp::muc::shared_stanza> stanzas, xmpp::jid to);
  void publish(written_stanzas stanzas, std::shared_ptr<const std::vector<std::uint64_t>> to);
  task<> send_outside(xml::element stanza);
  task<> open_line(xmpp::jid who);
  void end_lines();
  task<> start_events();
  [[nodiscard]] static term number_of(const room_line& line);
  task<bool> store(room_step step);
  [[nodiscard]] writing keeps_part(room_step step) const;
  task<bool> write(writing what);

  // room_store.cpp: what is kept
  task<bool> load();
  [[nodiscard]] writing keeps_all() const;
  [[nodiscard]] static writing keeps_nothing(std::string address);
  void tell_service() const;
  task<> answer_archive(room_request next);
  task<xml::element> search(stanza_ptr iq, std::vector<stanza_ptr>& results);
  task<xml::element> find_ends(stanza_ptr iq);

  [[nodiscard]] xmpp::jid address() const;

  host host_;
  std::string name_;
  std::shared_ptr<room_place> place_;
  pid keeper_;
  pid events_;           ///< the manager, when all handlers are there
  bool retries_ = false; ///< `room_tries_again` is on its way
};

/// The process of a room, which is started if need be; nothing if that fails just now.
task<std::optional<pid>> find_room_process(std::string name);
/// The same, if it runs.
std::optional<pid> room_process(std::string_view name);

} // namespace coppice::messaging
