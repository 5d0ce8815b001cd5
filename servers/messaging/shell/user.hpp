// One user: all of his sessions, his roster and presence, and whatever is sent to him.
#pragma once

#include "servers/messaging/shell/administration.hpp"
#include "servers/messaging/shell/host.hpp"
#include "servers/messaging/shell/keeper.hpp"
#include "servers/messaging/shell/messages.hpp"
#include "servers/messaging/shell/room_events.hpp"
#include "servers/messaging/storage/roster.hpp"
#include "servers/xmpp/message_rules.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace coppice::messaging {

/// A session has waited long enough for its client.
struct resumption_over {
  std::uint64_t session = 0;
  std::string resume_id;
};
/// Time to ask the keeper again.
struct keep_again {
  std::uint64_t token = 0;
};
/// Time to look for a room again.
struct route_again {
  std::uint64_t token = 0;
};
/// Ends the sessions of a user, from outside.
struct kick {
  std::string resource; ///< '': all
  std::string condition;
  std::string text;
  std::string except = {}; ///< with that resource he may stay
};

/// Registered as `user:NAME`, a child of `user_sup`, started on demand. Its state is kept by the host, so
/// that it may die at any time: its streams notice and tell the next one what it may not have got. It ends by
/// itself when the user has no session and nothing to do.
class user : public gen_server {
public:
  using opened_or_not = std::expected<session_opened, xmpp::stanza_error>;
  using resumed_or_not = std::expected<session_opened, xmpp::condition>;
  using protocol =
      coppice::protocol<calls<open_session, opened_or_not>, calls<resume_session, resumed_or_not>,
                        calls<attach_stream, std::optional<stream_attached>>, casts<from_client>,
                        casts<stream_wrote>, casts<stream_over>, casts<kick>, infos<deliver>, infos<accepted>,
                        infos<kept>, infos<keep_again>, infos<notification>, infos<last_items_wanted>,
                        infos<down>, infos<resumption_over>, infos<from_room>, infos<route_again>,
                        calls<list_sessions, std::vector<session_facts>>, casts<account_changed>,
                        infos<speak>>;

  user(host h, std::string name)
      : host_(std::move(h)), name_(std::move(name)),
        bare_(xmpp::jid::of(name_, host_.domain()).value_or(xmpp::jid())) {}

  /// `ignore` if the user has a process already.
  init_result init();
  task<> handle_continue(const term& what);
  task<opened_or_not> handle_call(open_session m);
  task<resumed_or_not> handle_call(resume_session m);
  std::optional<stream_attached> handle_call(const attach_stream& m);
  task<result<>> handle_cast(from_client m);
  task<result<>> handle_cast(stream_wrote m);
  task<result<>> handle_cast(stream_over m);
  task<result<>> handle_cast(kick m);
  task<result<>> handle_info(deliver m);
  result<> handle_info(const accepted& m);
  task<result<>> handle_info(kept m);
  result<> handle_info(keep_again m);
  result<> handle_info(const notification& m);
  task<result<>> handle_info(last_items_wanted m);
  task<result<>> handle_info(down m);
  task<result<>> handle_info(resumption_over m);
  result<> handle_info(const from_room& m);
  task<result<>> handle_info(route_again m);
  result<std::vector<session_facts>> handle_call(const list_sessions& m);
  task<result<>> handle_cast(account_changed m);
  task<result<>> handle_info(speak m);
  result<> handle_timeout();
  [[nodiscard]] term state() const;

private:
  // user.cpp: sessions and their streams
  task<> load_account();
  session* find(std::uint64_t number);
  session* of_resource(std::string_view resource);
  void forget_begun(session& s);
  void attach(session& s, pid stream, xmpp::framing frames);
  void detach(session& s);
  task<> end(std::uint64_t number, std::string condition, std::string text);
  void write(session& s, const xml::element& e);
  void write_text(session& s, std::string text);
  void write_unmanaged(session& s, const xml::element& e);
  void put(session& s, std::string_view text);
  /// What was written in this callback goes to the streams.
  void flush();
  result<> rest();

  // user_outgoing.cpp: what clients send
  task<> take(session* s, stanza_ptr element);
  task<> take_stanza(session* s, xml::element stanza);
  task<bool> take_management(session* s, stanza_ptr e);
  void enable(session& s, const xml::element& e);
  void acknowledge_when_asked(session& s);
  /// Sends it to whoever has its `to`. With a token, he tells us when he answers for it.
  task<> route(stanza_ptr stanza, std::uint64_t token, std::int64_t id);
  void send_back(const xml::element& stanza, std::uint64_t token, const xmpp::stanza_error& why);
  task<> take_message(session* s, xml::element stanza);
  task<> send_again_to(pid lost);
  task<> take_over();
  void done(std::uint64_t token);
  void say_that_it_is_full(const keep_job& job);
  /// Gives it to the keeper; again, if that one is another by now.
  void keep_it(std::uint64_t token, const unfinished& what);
  void watch(pid other);
  void copy_to_others(const session& from, const xmpp::message_traits& traits, const unfinished& sent);
  [[nodiscard]] static storage::archive_entry archived_as(std::int64_t id, const xmpp::jid& with,
                                                          const xml::element& message);

  // user_rooms.cpp
  task<> route_to_room(stanza_ptr stanza, std::uint64_t token, std::int64_t id);

  // user_incoming.cpp: what comes from elsewhere
  task<> deliver_again(std::string text);
  task<> take_iq_for(stanza_ptr stanza);
  task<> take_message_for(deliver m);
  [[nodiscard]] bool shares_presence(const session& s, const xmpp::jid& with) const;
  void answer_error(const xml::element& stanza, const xmpp::stanza_error& why);
  [[nodiscard]] std::vector<xmpp::message_target> targets() const;
  [[nodiscard]] bool archives_with(const xmpp::jid& other) const;
  bool is_blocked(const deliver& m);
  void give(const xmpp::message_delivery& where, const xml::element& message);

  // user_presence.cpp
  task<> take_presence(session* s, xml::element stanza);
  task<> become_available(session* s, stanza_ptr presence);
  task<> become_unavailable(session* s, xml::element presence);
  task<> take_subscription(xml::element stanza, xmpp::subscription_act act);
  task<> take_presence_from(stanza_ptr stanza);
  task<> take_subscription_from(stanza_ptr stanza, xmpp::subscription_act act);
  void answer_probe(const xmpp::jid& from, std::string_view resource);
  task<> save(xmpp::roster_item item, bool pushed);
  task<> probe_contacts(session* s);
  task<> probe_again();
  task<> give_offline(session* s);
  task<bool> give_some_offline(session* s);
  task<> give_offline_to_who_came();
  task<> show_to(xmpp::jid contact, bool visible);
  task<> say_farewell(xmpp::jid contact, xmpp::subscription_farewell what);

  // user_broadcast.cpp: the user's event manager, and who hears by it
  task<> broadcast(stanza_ptr presence);
  [[nodiscard]] bool is_there() const;
  task<bool> tell_contacts(stanza_ptr presence);
  [[nodiscard]] std::vector<std::string> contacts_there() const;
  [[nodiscard]] bool may_hear(const xmpp::jid& contact) const;
  task<bool> start_presence_events();
  task<bool> add_listener(std::string contact);
  task<> let_hear(xmpp::jid contact);
  task<> drop_listeners();
  void lose_presence_events();
  task<> end_presence_events();

  // user_iq.cpp: what the server does for the user
  struct request_kind;
  task<> take_iq(session* s, xml::element iq);
  task<xml::element> answer(session* s, xml::element iq);
  task<xml::element> answer_stranger(xml::element iq);
  task<xml::element> answer_simply(session* s, xml::element iq);
  task<xml::element> answer_roster(session* s, xml::element iq);
  task<xml::element> answer_roster_query(session* s, xml::element iq);
  void push_roster_changes(session& s, const std::vector<storage::roster_change>& changes);

  // user_account.cpp: what is kept for the account
  task<xml::element> answer_archive(session* s, xml::element iq);
  task<xml::element> answer_archive_query(session* s, xml::element iq);
  task<xml::element> answer_archive_metadata(session* s, xml::element iq);
  task<xml::element> answer_archive_preferences(session* s, xml::element iq);
  task<xml::element> answer_blocking(session* s, xml::element iq);
  task<> change_blocks(xmpp::block_request what);
  [[nodiscard]] bool seen_by(const xmpp::jid& contact) const;
  task<xml::element> answer_private(session* s, xml::element iq);
  task<xml::element> answer_vcard(session* s, xml::element iq);

  // user_registration.cpp
  task<xml::element> answer_registration(session* s, xml::element iq);

  // user_upload.cpp: what `upload.DOMAIN` answers
  task<xml::element> answer_upload(xml::element iq);
  task<xml::element> promise_upload(xml::element iq, std::string url);

  // user_pep.cpp: the nodes of the account
  using item_list = std::vector<xmpp::pubsub::stored_item>;
  using command_list = std::vector<xmpp::pubsub::command>;
  task<xml::element> answer_pubsub(session* s, xml::element iq);
  [[nodiscard]] xml::element discover(const xml::element& iq) const;
  [[nodiscard]] xmpp::pubsub::party party_of(const xmpp::jid& who) const;
  /// All of it in one transaction, then those are told whom it concerns. `vcard`: the user's new one; or ''.
  task<std::expected<item_list, xmpp::stanza_error>> carry_out(command_list todo, std::string vcard);
  void tell(const xmpp::pubsub::tell& what);
  void tell_others(std::string_view name, const xmpp::pubsub::node& node, const stanza_ptr& message);
  void notify(const xmpp::jid& contact, notification what);
  task<> give_last_items(xmpp::jid who, std::shared_ptr<const client_wishes> wishes);
  task<> push_last_items();
  void give_last_item(const xmpp::jid& who, std::string_view node, const xmpp::pubsub::stored_item& item);
  task<> notice_caps(session* s, bool first);
  task<> take_caps(session* s, xml::element iq);
  task<> meet_wishes(session* s);

  // user_views.cpp: what is shown in forms of old too
  task<xml::element> answer_bookmark_view(session* s, xml::element iq, xmpp::pubsub::request wish);
  task<std::optional<xmpp::stanza_error>> change_bookmarks(session* s, xml::element storage);
  task<std::expected<item_list, xmpp::stanza_error>> bookmarks();
  task<> tell_bookmark_view();
  task<xml::element> save_vcard(session* s, xml::element iq);
  task<> show_avatar(std::string id);

  [[nodiscard]] const xmpp::jid& bare() const noexcept { return bare_; }

  host host_;
  std::string name_;
  xmpp::jid bare_; ///< the user's address, which every stanza is compared with
  std::shared_ptr<user_state> state_;
  pid keeper_;                       ///< who has what is to be kept
  pid presence_events_;              ///< the manager `presence:NAME`, if one is needed
  std::set<std::string> listeners_;  ///< the contacts who have a handler there
  std::map<pid, reference> watched_; ///< streams, and users who have something of ours
};

/// The process of a user, which is started if need be; nothing if that fails just now.
task<std::optional<pid>> find_user_process(std::string name);
/// The same, if it runs.
std::optional<pid> user_process(std::string_view name);

} // namespace coppice::messaging
