// Entering, leaving, changing nicks. XEP-0045, sections 7.1 to 7.3, 7.6, 7.7 and 7.14.
#include "servers/xmpp/muc/detail/room_parts.hpp"

#include <algorithm>

namespace coppice::xmpp::muc {
namespace {

/// What an occupant says, without what only the room may say.
std::shared_ptr<const xml::element> said_in(const xml::element& stanza) {
  xml::element said = stanza;
  said.unset("to");
  said.remove(ns::muc, "x");
  said.remove(ns::muc_user, "x");
  said.remove(ns::occupant_ids, "occupant-id");
  said.remove(ns::delay, "delay");
  return std::make_shared<const xml::element>(std::move(said));
}

/// Whether the nick is not as he wrote it, but in the form in which nicks are compared (RFC 7622, 3.4).
bool is_another_nick(const xml::element& stanza, const jid& to) {
  const std::string_view written = stanza.get("to");
  const std::size_t slash = written.find('/');
  return slash != std::string_view::npos && written.substr(slash + 1) != to.resource();
}

bool is_blank(std::string_view nick) noexcept {
  return std::ranges::all_of(nick, [](char c) { return c == ' '; });
}

} // namespace

void room::on_presence(turn& t, xml::element& stanza) {
  const std::string_view type = stanza.get("type");
  occupant* who = find(t.from);
  if (type.empty()) {
    on_available(t, stanza);
  } else if (who != nullptr && type == "unavailable") {
    const auto said = said_in(stanza);
    leave(t, *who, {.gone = true, .said = said.get()});
  } else if (who != nullptr && type == "error") {
    on_error(t, stanza);
  }
}

void room::on_available(turn& t, xml::element& stanza) {
  if (t.from.is_bare()) return;
  if (t.to.is_bare()) return t.refuse(stanza, condition::jid_malformed, "A nick is missing.");
  if (auto refusal = presence_refusal(stanza)) return t.refuse(stanza, *refusal);
  const bool enters = stanza.child(ns::muc, "x") != nullptr;
  occupant* who = find(t.from);
  if (who != nullptr && t.to.resource() != who->nick) return change_nick(t, *who, stanza);
  if (who != nullptr) {
    if (enters) welcome(t, *who, stanza, false);
    if (!enters) show_again(t, *who, said_in(stanza));
    return;
  }
  if (enters) return enter(t, stanza);
  // 7.2.3: he believes that he is in the room
  const occupant stranger{
      .nick = std::string(t.to.resource()), .user = t.from.bare(), .id = "", .sessions = {}};
  const std::vector<session> to = {{t.from, 0, nullptr}};
  announce_to_self(t.out, stranger,
                   {.gone = true,
                    .codes = {},
                    .own_codes = {307, 333},
                    .reason = "You are not in the room.",
                    .is = standing{affiliation_of(t.from), role::none}},
                   to);
}

std::optional<stanza_error> room::presence_refusal(const xml::element& stanza) const {
  std::string text;
  stanza.append_to(text, ns::client);
  if (text.size() <= limits_.presence) return std::nullopt;
  return stanza_error{.is = condition::policy_violation, .text = "The presence is too long."};
}

void room::enter(turn& t, const xml::element& stanza) {
  if (auto refusal = entry_refusal(t, stanza)) return t.refuse(stanza, *refusal);
  const bool created = fresh_;
  if (fresh_) {
    fresh_ = false;
    keep(t, t.from.bare(), {.is = affiliation::owner});
  }
  add_session(t.from, t.to.resource(), said_in(stanza));
  welcome(t, *find(t.from), stanza, created);
}

std::optional<stanza_error> room::entry_refusal(const turn& t, const xml::element& stanza) const {
  const affiliation is = affiliation_of(t.from);
  if (is == affiliation::outcast) return stanza_error{.is = condition::forbidden};
  if (locked_ && !fresh_ && is != affiliation::owner) return stanza_error{.is = condition::item_not_found};
  if (!fresh_ && config_.members_only && is < affiliation::member) {
    return stanza_error{.is = condition::registration_required};
  }
  const xml::element* x = stanza.child(ns::muc, "x");
  if (!fresh_ && !config_.password.empty() && x->text_of("password") != config_.password) {
    return stanza_error{.is = condition::not_authorized};
  }
  if (auto refusal = nick_refusal(t.from, t.to.resource())) return refusal;
  const auto there = occupants_.find(t.to.resource());
  if (there != occupants_.end()) {
    if (there->second.sessions.size() < limits_.sessions) return std::nullopt;
    return stanza_error{.is = condition::resource_constraint, .text = "Too many sessions of one occupant."};
  }
  const std::size_t most =
      config_.max_users == 0 ? limits_.occupants : std::min(config_.max_users, limits_.occupants);
  if (occupants_.size() >= most && is < affiliation::admin) {
    return stanza_error{.is = condition::service_unavailable, .text = "The room is full.", .type = "wait"};
  }
  return std::nullopt;
}

std::optional<stanza_error> room::nick_refusal(const jid& user, std::string_view nick) const {
  if (is_blank(nick) || nick.size() > limits_.nick) {
    return stanza_error{.is = condition::not_acceptable, .text = "The nick is blank or too long."};
  }
  const std::string* reserved = owner_of_nick(nick);
  const auto there = occupants_.find(nick);
  const bool taken = (reserved != nullptr && *reserved != user.bare_text()) ||
                     (there != occupants_.end() && there->second.user.text() != user.bare_text());
  if (taken) return stanza_error{.is = condition::conflict, .text = "The nick belongs to another."};
  return std::nullopt;
}

/// Tells the others of a session that has entered, and the session of the room: occupants, itself, what was
/// said, the subject, in that order.
void room::welcome(turn& t, occupant& who, const xml::element& stanza, bool created) {
  if (who.sessions.back().full != t.from) {
    const auto mine = std::ranges::find(who.sessions, t.from, &session::full);
    std::rotate(mine, mine + 1, who.sessions.end());
  }
  who.sessions.back().presence = said_in(stanza);
  forget_shown(who);
  announce_to_others(t.out, who, {});
  std::vector<session> mine = who.sessions;
  const session entered = mine.back();
  mine.pop_back();
  announce_to_self(t.out, who, {}, mine);
  send_all all{.stanzas = {}, .to = t.from};
  for (auto& [nick, other] : occupants_) {
    if (&other != &who) all.stanzas.push_back(shown(other, sees_addresses(who)));
  }
  if (!all.stanzas.empty()) t.out.emplace_back(std::move(all));
  news what;
  if (!config_.anonymous) what.own_codes.push_back(100);
  if (config_.archived) what.own_codes.push_back(170);
  if (created) what.own_codes.push_back(201);
  if (is_another_nick(stanza, t.to)) what.own_codes.push_back(210);
  announce_to_self(t.out, who, what, {entered});
  give_past(t, stanza);
}

void room::give_past(turn& t, const xml::element& stanza) {
  const history_request wanted = history_request::of(*stanza.child(ns::muc, "x"));
  send_all all{.stanzas = history_.since(wanted, config_.history, t.at.now, address_.text()), .to = t.from};
  if (subject_) {
    all.stanzas.push_back(subject_);
  } else {
    xml::element none = make_stanza("message", address_.text(), "", "groupchat");
    none.add(xml::element(ns::client, "subject"));
    all.stanzas.push_back(std::make_shared<const xml::element>(std::move(none)));
  }
  t.out.emplace_back(std::move(all));
}

void room::show_again(turn& t, occupant& who, own_presence what) {
  const auto mine = std::ranges::find(who.sessions, t.from, &session::full);
  mine->presence = std::move(what);
  std::rotate(mine, mine + 1, who.sessions.end());
  forget_shown(who);
  announce(t.out, who, {});
}

void room::change_nick(turn& t, occupant& who, const xml::element& stanza) {
  const std::string nick(t.to.resource());
  if (auto refusal = nick_refusal(t.from, nick)) return t.refuse(stanza, *refusal);
  const occupant* there = find_nick(nick);
  if (there != nullptr && there->sessions.size() >= limits_.sessions) {
    return t.refuse(stanza, condition::resource_constraint, "Too many sessions of one occupant.");
  }
  if (there == nullptr && who.sessions.size() == 1) return rename(t, who, nick, said_in(stanza));
  if (there == nullptr && occupants_.size() >= limits_.occupants) {
    return t.refuse(stanza, condition::service_unavailable, "The room is full.");
  }
  move_session(t, who, nick, said_in(stanza));
}

void room::rename(turn& t, occupant& who, const std::string& nick, own_presence what) {
  announce(t.out, who, {.gone = true, .codes = {303}, .nick = nick});
  auto node = occupants_.extract(who.nick);
  node.key() = nick;
  node.mapped().nick = nick;
  occupant& renamed = occupants_.insert(std::move(node)).position->second;
  everyone_ = nullptr;
  show_again(t, renamed, std::move(what));
}

/// One of several sessions takes another nick, or goes to those of the same user that have it.
void room::move_session(turn& t, occupant& who, const std::string& nick, own_presence what) {
  const auto mine = std::ranges::find(who.sessions, t.from, &session::full);
  const news renamed{.gone = true, .codes = {303}, .nick = nick};
  if (who.sessions.size() == 1) announce_to_others(t.out, who, renamed);
  announce_to_self(t.out, who, renamed, {*mine});
  const role as = who.as;
  const bool shown_one = &*mine == &who.sessions.back();
  drop_session(who, t.from);
  if (who.sessions.empty()) {
    occupants_.erase(occupants_.find(who.nick));
  } else {
    if (shown_one) announce(t.out, who, {});
    // For him, too, the others are still there.
    const bool sees = !config_.anonymous || as == role::moderator;
    t.out.emplace_back(send_all{.stanzas = {shown(who, sees)}, .to = t.from});
  }
  const bool is_new = find_nick(nick) == nullptr;
  occupant& other = add_session(t.from, nick, std::move(what));
  if (is_new) other.as = as;
  announce(t.out, other, {});
}

void room::leave(turn& t, occupant& who, const news& how) {
  const auto mine = std::ranges::find(who.sessions, t.from, &session::full);
  if (who.sessions.size() == 1) return remove(t.out, who, how);
  announce_to_self(t.out, who, how, {*mine});
  const bool shown_one = &*mine == &who.sessions.back();
  drop_session(who, t.from);
  if (shown_one) announce(t.out, who, {});
}

void room::remove(outcome& out, occupant& who, const news& how) {
  announce(out, who, how);
  for (const session& s : who.sessions) sessions_.erase(s.full.text());
  occupants_.erase(occupants_.find(who.nick));
  everyone_ = nullptr;
}

void room::end_if_empty(outcome& out) {
  if (!occupants_.empty() || ended_ || fresh_ || (config_.persistent && !locked_)) return;
  ended_ = true;
  out.emplace_back(destroyed{});
}

} // namespace coppice::xmpp::muc
