// Roles and affiliations, changed and listed. XEP-0045, sections 8, 9 and 10.3 to 10.8.
#include "servers/xmpp/muc/detail/room_parts.hpp"

#include <algorithm>
#include <utility>

namespace coppice::xmpp::muc {
namespace {

std::unexpected<stanza_error> wrong(condition c, std::string text = "") {
  return std::unexpected(stanza_error{.is = c, .text = std::move(text)});
}

} // namespace

void room::on_admin(turn& t, const xml::element& stanza, const xml::element& query) {
  std::vector<const xml::element*> items = query.children();
  std::erase_if(items, [](const xml::element* e) { return !e->is(ns::muc_admin, "item"); });
  if (items.empty()) return t.refuse(stanza, condition::bad_request, "An item is missing.");
  if (items.size() > limits_.items) return t.refuse(stanza, condition::policy_violation, "Too many items.");
  if (stanza.get("type") == "get") return give_list(t, stanza, *items.front());
  std::vector<change> changes;
  for (const xml::element* item : items) {
    auto read = read_change(*item);
    if (!read) return t.refuse(stanza, read.error());
    if (auto refusal = refusal_of(t, *read)) return t.refuse(stanza, *refusal);
    changes.push_back(std::move(*read));
  }
  if (leaves_no_owner(changes)) return t.refuse(stanza, condition::conflict, "The room needs an owner.");
  if (users_.size() + changes.size() > limits_.affiliations &&
      std::ranges::any_of(changes, [](const change& c) { return c.of && *c.of != affiliation::none; })) {
    return t.refuse(stanza, condition::resource_constraint, "The room knows too many users.");
  }
  for (const change& c : changes) apply(t, c);
  t.say(result_reply(stanza));
}

std::expected<room::change, stanza_error> room::read_change(const xml::element& item) const {
  const auto as = item.find("role");
  const auto of = item.find("affiliation");
  if (as.has_value() == of.has_value()) {
    return wrong(condition::bad_request, "An item has either a role or an affiliation.");
  }
  change c;
  if (as) c.as = parse_role(*as);
  if (of) c.of = parse_affiliation(*of);
  if (!c.as && !c.of) return wrong(condition::bad_request, "There is no such role or affiliation.");
  c.reason = item.text_of("reason").value_or("");
  if (c.reason.size() > limits_.text) return wrong(condition::not_acceptable, "The reason is too long.");
  if (const auto address = item.find("jid")) {
    const auto user = jid::parse(*address);
    if (!user) return wrong(condition::jid_malformed, user.error());
    c.user = user->bare();
  }
  if (const auto nick = item.find("nick")) {
    const auto prepared = address_.with_resource(*nick);
    if (!prepared) return wrong(condition::jid_malformed, prepared.error());
    c.nick = prepared->resource();
  }
  if (c.of && !c.user.empty()) return c;
  auto there = occupants_.find(c.nick);
  if (c.as && c.nick.empty()) {
    there = std::ranges::find_if(occupants_, [&](const auto& o) { return o.second.user == c.user; });
  }
  if (there == occupants_.end()) return wrong(condition::item_not_found, "There is no such occupant.");
  c.user = there->second.user;
  c.nick = c.as ? there->second.nick : "";
  return c;
}

std::optional<stanza_error> room::refusal_of(const turn& t, const change& c) const {
  const standing actor = standing_of(t.from);
  std::optional<condition> refused;
  if (c.as) {
    const role had = occupants_.find(c.nick)->second.as;
    refused = refusal(actor, {affiliation_of(c.user), had}, *c.as);
  } else {
    const bool himself = c.user.text() == t.from.bare_text();
    refused = refusal(actor.of, affiliation_of(c.user), *c.of);
    const bool lessens = himself && *c.of < actor.of;
    // 9.1; but an administrator may always become less.
    if (lessens && *c.of == affiliation::outcast && refused != condition::forbidden)
      refused = condition::conflict;
    if (lessens && refused == condition::not_allowed) refused = std::nullopt;
    if (!refused && !c.nick.empty() && *c.of >= affiliation::member) {
      if (auto taken = nick_refusal(c.user, c.nick)) return taken;
    }
  }
  if (!refused) return std::nullopt;
  return stanza_error{.is = *refused};
}

/// 10.5: whether nobody would own the room after all that.
bool room::leaves_no_owner(const std::vector<change>& changes) const {
  std::map<std::string_view, affiliation> after;
  bool touched = false;
  for (const change& c : changes) {
    if (!c.of) continue;
    after[c.user.text()] = *c.of;
    const auto before = users_.find(c.user.text());
    touched = touched || (before != users_.end() && before->second.is == affiliation::owner);
  }
  if (!touched) return false;
  for (const auto& [user, is] : users_) {
    const auto changed = after.find(user);
    if ((changed == after.end() ? is.is : changed->second) == affiliation::owner) return false;
  }
  return std::ranges::none_of(after, [](const auto& a) { return a.second == affiliation::owner; });
}

void room::apply(turn& t, const change& c) {
  if (c.as) {
    if (occupant* who = find_nick(c.nick)) set_role(t, *who, *c.as, c.reason);
    return;
  }
  const auto found = users_.find(c.user.text());
  affiliated to{.is = *c.of, .nick = found == users_.end() ? "" : found->second.nick, .reason = c.reason};
  if (!c.nick.empty()) to.nick = c.nick;
  if (*c.of < affiliation::member) to.nick.clear();
  set_affiliation(t, c.user, std::move(to));
}

void room::set_role(turn& t, occupant& who, role as, std::string_view reason) {
  const std::string actor(nick_of(t.from));
  if (as == role::none) {
    return remove(t.out, who, {.gone = true, .codes = {307}, .reason = reason, .actor = actor});
  }
  if (who.as == as) return;
  who.as = as;
  forget_shown(who);
  announce(t.out, who, {.reason = reason});
}

void room::keep(turn& t, const jid& user, affiliated to) {
  const auto found = users_.find(user.text());
  if (found != users_.end() && !found->second.nick.empty()) nicks_.erase(found->second.nick);
  t.out.emplace_back(store_affiliation{user, to.is, to.nick, to.reason});
  if (!to.nick.empty()) nicks_[to.nick] = user.text();
  if (to.is == affiliation::none && to.nick.empty()) {
    users_.erase(user.text());
  } else {
    users_.insert_or_assign(user.text(), std::move(to));
  }
}

void room::set_affiliation(turn& t, const jid& user, affiliated to) {
  const std::string actor(nick_of(t.from));
  const std::string reason = to.reason;
  const affiliation now = to.is;
  std::vector<std::pair<std::string, affiliation>> concerned; // nicks, and what they were
  for (const auto& [nick, who] : occupants_) {
    if (who.user == user || who.user.domain() == user.text()) {
      concerned.emplace_back(nick, affiliation_of(who.user));
    }
  }
  keep(t, user, std::move(to));
  for (const auto& [nick, before] : concerned) {
    occupant& who = *find_nick(nick);
    const affiliation after = affiliation_of(who.user);
    if (after == before) continue;
    forget_shown(who);
    if (after == affiliation::outcast) {
      remove(t.out, who, {.gone = true, .codes = {301}, .reason = reason, .actor = actor});
    } else if (config_.members_only && after < affiliation::member) {
      remove(t.out, who, {.gone = true, .codes = {321}, .reason = reason, .actor = actor});
    } else {
      who.as = role_after(before, after, who.as, config_.moderated);
      announce(t.out, who, {.reason = reason});
    }
  }
  if (!concerned.empty() || now < affiliation::member || user.local().empty()) return;
  xml::element item(ns::muc_user, "item");
  item.set("affiliation", name_of(now)).set("jid", user.text()).set("role", "none");
  if (!reason.empty()) item.add(xml::element(ns::muc_user, "reason").add_text(reason));
  xml::element x(ns::muc_user, "x");
  x.add(std::move(item)).add(xml::element(ns::muc_user, "status").set("code", "101"));
  t.say(std::move(make_stanza("message", address_.text(), user.text()).add(std::move(x))));
}

std::optional<stanza_error> room::list_refusal(const turn& t, affiliation wanted) const {
  const standing is = standing_of(t.from);
  if (is.of == affiliation::owner) return std::nullopt;
  bool allowed = is.of == affiliation::admin;
  if (wanted >= affiliation::admin) allowed = allowed && !config_.anonymous; // 10.5, 10.8
  if (wanted == affiliation::member && config_.members_only && !config_.anonymous) {
    allowed = allowed || is.as != role::none; // 9.5
  }
  if (allowed) return std::nullopt;
  return stanza_error{.is = condition::forbidden};
}

void room::give_list(turn& t, const xml::element& stanza, const xml::element& item) {
  const auto of = parse_affiliation(item.get("affiliation"));
  const auto as = parse_role(item.get("role"));
  if (of.has_value() == as.has_value() || of == affiliation::none || as == role::none) {
    return t.refuse(stanza, condition::bad_request, "There is no such list.");
  }
  xml::element list(ns::muc_admin, "query");
  if (of) {
    if (auto refusal = list_refusal(t, *of)) return t.refuse(stanza, *refusal);
    for (const auto& [user, what] : users_) {
      if (what.is != *of) continue;
      xml::element one(ns::muc_admin, "item");
      one.set("affiliation", name_of(*of)).set("jid", user);
      if (!what.nick.empty()) one.set("nick", what.nick);
      if (!what.reason.empty()) one.add(xml::element(ns::muc_admin, "reason").add_text(what.reason));
      list.add(std::move(one));
    }
    return t.say(result_reply(stanza).add(std::move(list)));
  }
  const standing is = standing_of(t.from);
  const bool allowed = *as == role::moderator ? is.of >= affiliation::admin : is.as == role::moderator;
  if (!allowed) return t.refuse(stanza, condition::forbidden);
  for (const auto& [nick, who] : occupants_) {
    if (who.as != *as) continue;
    xml::element one(ns::muc_admin, "item");
    one.set("nick", nick).set("role", name_of(*as)).set("affiliation", name_of(affiliation_of(who.user)));
    one.set("jid", who.sessions.back().full.text());
    list.add(std::move(one));
  }
  t.say(result_reply(stanza).add(std::move(list)));
}

} // namespace coppice::xmpp::muc
