// A room with people in it, for tests: what each of them is sent, as XML.
#pragma once

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/muc/room.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace coppice::xmpp::muc {

/// The status codes of a presence or message, in order.
inline std::vector<std::string> codes(const xml::element& stanza) {
  std::vector<std::string> all;
  const xml::element* x = stanza.child(ns::muc_user, "x");
  if (x == nullptr) return all;
  for (const xml::element* part : x->children()) {
    if (part->name() == "status") all.emplace_back(part->get("code"));
  }
  return all;
}
/// The `<item/>` of a presence; an empty element if it has none.
inline xml::element item(const xml::element& stanza) {
  const xml::element* x = stanza.child(ns::muc_user, "x");
  const xml::element* found = x == nullptr ? nullptr : x->child("item");
  return found == nullptr ? xml::element() : *found;
}
/// `member participant`
inline std::string standing_in(const xml::element& stanza) {
  return std::string(item(stanza).get("affiliation")) + " " + std::string(item(stanza).get("role"));
}
/// The condition of an error, with its type: `auth forbidden`; '' if it is none.
inline std::string error_in(const xml::element& stanza) {
  const xml::element* error = stanza.child("error");
  if (stanza.get("type") != "error" || error == nullptr) return "";
  return std::string(error->get("type")) + " " + error->first()->name();
}

/// @{
/// Who is in the tests: the specification's people.
inline const std::string crone = "crone1@shakespeare.lit/desktop";
inline const std::string wicca = "wiccarocks@shakespeare.lit/laptop";
inline const std::string hag = "hag66@shakespeare.lit/pda";
inline const std::string coven = "coven@chat.shakespeare.lit";
/// @}
using strings = std::vector<std::string>;

/// A room as it was kept: crone1 is its owner, wiccarocks an administrator.
inline room_state kept(room_config config = {}) {
  config.persistent = true;
  room_state state{.config = config, .subject = "", .users = {}};
  state.users["crone1@shakespeare.lit"] = {.is = affiliation::owner};
  state.users["wiccarocks@shakespeare.lit"] = {.is = affiliation::admin};
  return state;
}

/// Lets stanzas into a room and keeps what comes out, by address.
class test_room {
public:
  explicit test_room(room_config config = {}, room_limits limits = {})
      : room_(jid::parse("coven@chat.shakespeare.lit").value(), std::move(config), limits, "secret") {}
  explicit test_room(room_state kept, room_limits limits = {})
      : room_(jid::parse("coven@chat.shakespeare.lit").value(), std::move(kept), limits, "secret") {}

  /// Takes a stanza written with `from` and `to`.
  void take(std::string_view text) { take(xml::parse_element(text).value()); }
  void take(xml::element stanza) {
    const jid from = jid::parse(stanza.get("from")).value();
    const jid to = jid::parse(stanza.get("to")).value();
    record(room_.take(from, to, std::move(stanza), at_));
  }
  void enter(const std::string& who, const std::string& nick, const std::string& inside = "") {
    take("<presence xmlns='jabber:client' from='" + who + "' to='coven@chat.shakespeare.lit/" + nick +
         "'><x xmlns='http://jabber.org/protocol/muc'>" + inside + "</x></presence>");
  }
  /// The three of them.
  void fill() {
    enter(crone, "firstwitch");
    enter(wicca, "secondwitch");
    enter(hag, "thirdwitch");
    forget();
  }
  void leave(const std::string& who, const std::string& nick) {
    take("<presence xmlns='jabber:client' type='unavailable' from='" + who +
         "' to='coven@chat.shakespeare.lit/" + nick + "'/>");
  }
  void say(const std::string& who, const std::string& text) {
    message(who, "groupchat", "<body>" + text + "</body>");
  }
  void message(const std::string& who, const std::string& type, const std::string& inside,
               const std::string& nick = "") {
    take("<message xmlns='jabber:client' id='m' " + (type.empty() ? "" : "type='" + type + "'") + " from='" +
         who + "' to='" + coven + (nick.empty() ? "" : "/" + nick) + "'>" + inside + "</message>");
  }
  void set(const std::string& who, const std::string& query) { iq(who, "set", query); }
  void iq(const std::string& who, const std::string& type, const std::string& query,
          const std::string& nick = "") {
    take("<iq xmlns='jabber:client' id='i' type='" + type + "' from='" + who +
         "' to='coven@chat.shakespeare.lit" + (nick.empty() ? "" : "/" + nick) + "'>" + query + "</iq>");
  }
  void admin(const std::string& who, const std::string& item) {
    set(who, "<query xmlns='http://jabber.org/protocol/muc#admin'>" + item + "</query>");
  }
  void configure(const std::string& who, const std::string& fields) {
    set(who, "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'>" +
                 fields + "</x></query>");
  }
  void gone(const std::string& who) { record(room_.gone(jid::parse(who).value(), at_)); }

  /// What somebody was sent since the last call, as XML, with `to`.
  std::vector<xml::element> sent(const std::string& who) { return std::exchange(sent_[who], {}); }
  /// The last of it; an empty element if there is none.
  xml::element last(const std::string& who) {
    const std::vector<xml::element> all = sent(who);
    return all.empty() ? xml::element() : all.back();
  }
  void forget() {
    sent_.clear();
    others_.clear();
  }
  /// The commands that are no stanzas, since `forget`.
  template <class Command>
  std::vector<Command> commands() const {
    std::vector<Command> some;
    for (const command& c : others_) {
      if (const auto* one = std::get_if<Command>(&c)) some.push_back(*one);
    }
    return some;
  }

  room& operator*() { return room_; }
  room* operator->() { return &room_; }
  surroundings& at() { return at_; }
  void record(outcome out) {
    for (command& c : out) {
      if (auto* one = std::get_if<send>(&c)) {
        sent_[std::string(one->stanza.get("to"))].push_back(one->stanza);
      } else if (auto* some = std::get_if<broadcast>(&c)) {
        for (const jid& to : *some->to) sent_[to.text()].push_back(with(*some->stanza, to));
      } else if (auto* all = std::get_if<send_all>(&c)) {
        for (const shared_stanza& s : all->stanzas) sent_[all->to.text()].push_back(with(*s, all->to));
      } else {
        others_.push_back(std::move(c));
      }
    }
  }

private:
  static xml::element with(xml::element stanza, const jid& to) { return stanza.set("to", to.text()); }

  room room_;
  int ids_ = 0;
  surroundings at_{.now = instant(std::chrono::seconds(1'000'000'000)),
                   .fresh_id = [this] { return "id" + std::to_string(++ids_); }};
  std::map<std::string, std::vector<xml::element>> sent_;
  std::vector<command> others_;
};

} // namespace coppice::xmpp::muc
