// What a room tells of its occupants.
#include "servers/xmpp/muc/detail/room_parts.hpp"

#include <array>

namespace coppice::xmpp::muc {
namespace {

xml::element status(int code) {
  return xml::element(ns::muc_user, "status").set("code", std::to_string(code));
}

recipients addressed(std::vector<jid> to) { return std::make_shared<const std::vector<jid>>(std::move(to)); }

shared_stanza shared(xml::element stanza) { return std::make_shared<const xml::element>(std::move(stanza)); }

} // namespace

recipients room::all(const std::vector<session>& sessions) {
  std::vector<jid> addresses;
  addresses.reserve(sessions.size());
  for (const session& s : sessions) addresses.push_back(s.full);
  return addressed(std::move(addresses));
}

bool room::sees_addresses(const occupant& who) const noexcept {
  return !config_.anonymous || who.as == role::moderator;
}

void room::forget_shown(occupant& who) noexcept {
  who.seen = nullptr;
  who.known = nullptr;
}

const shared_stanza& room::shown(occupant& who, bool with_address) {
  shared_stanza& made = with_address ? who.known : who.seen;
  if (!made) made = shared(presence_of(who, with_address, {}));
  return made;
}

xml::element room::presence_of(const occupant& who, bool with_address, const news& what) const {
  xml::element presence(ns::client, "presence");
  if (what.said != nullptr) {
    presence = *what.said;
  } else if (!what.gone && !who.sessions.empty()) {
    presence = *who.sessions.back().presence;
  }
  presence.set("from", occupant_address(who.nick));
  if (what.gone) presence.set("type", "unavailable");
  presence.add(xml::element(ns::occupant_ids, "occupant-id").set("id", who.id));
  standing is{affiliation_of(who.user), what.gone && what.nick.empty() ? role::none : who.as};
  if (what.is) is = *what.is;
  xml::element item(ns::muc_user, "item");
  item.set("affiliation", name_of(is.of)).set("role", name_of(is.as));
  if (with_address && !who.sessions.empty()) item.set("jid", who.sessions.back().full.text());
  if (!what.nick.empty()) item.set("nick", what.nick);
  if (!what.actor.empty()) item.add(xml::element(ns::muc_user, "actor").set("nick", what.actor));
  if (!what.reason.empty()) item.add(xml::element(ns::muc_user, "reason").add_text(what.reason));
  xml::element x(ns::muc_user, "x");
  x.add(std::move(item));
  if (what.more != nullptr) x.add(*what.more);
  for (const int code : what.codes) x.add(status(code));
  presence.add(std::move(x));
  return presence;
}

void room::announce(outcome& out, occupant& who, const news& what) {
  announce_to_others(out, who, what);
  announce_to_self(out, who, what, who.sessions);
}

void room::announce_to_others(outcome& out, occupant& who, const news& what) {
  std::array<std::vector<jid>, 2> to;
  for (const auto& [nick, other] : occupants_) {
    if (&other == &who) continue;
    for (const session& s : other.sessions) to.at(sees_addresses(other) ? 1 : 0).push_back(s.full);
  }
  for (const bool with_address : {false, true}) {
    std::vector<jid>& some = to.at(with_address ? 1 : 0);
    if (some.empty()) continue;
    shared_stanza stanza =
        what.is_plain() ? shown(who, with_address) : shared(presence_of(who, with_address, what));
    out.emplace_back(broadcast{std::move(stanza), addressed(std::move(some))});
  }
}

void room::announce_to_self(outcome& out, const occupant& who, const news& what,
                            const std::vector<session>& to) const {
  if (to.empty()) return;
  news own = what;
  own.codes.insert(own.codes.end(), what.own_codes.begin(), what.own_codes.end());
  own.codes.push_back(110);
  out.emplace_back(broadcast{shared(presence_of(who, true, own)), all(to)});
}

xml::element room::status_message(const std::vector<int>& codes) const {
  xml::element message = make_stanza("message", address_.text(), "", "groupchat");
  xml::element x(ns::muc_user, "x");
  for (const int code : codes) x.add(status(code));
  message.add(std::move(x));
  return message;
}

} // namespace coppice::xmpp::muc
