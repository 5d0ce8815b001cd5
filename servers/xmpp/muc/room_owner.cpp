// What owners do: configure the room, and end it. XEP-0045, sections 10.1, 10.2 and 10.9.
#include "servers/xmpp/muc/detail/room_parts.hpp"

namespace coppice::xmpp::muc {

void room::on_owner(turn& t, const xml::element& stanza, const xml::element& query) {
  if (affiliation_of(t.from) != affiliation::owner) return t.refuse(stanza, condition::forbidden);
  if (stanza.get("type") == "get") {
    xml::element answer(ns::muc_owner, "query");
    answer.add(to_element(config_form(config_, limits_)));
    return t.say(result_reply(stanza).add(std::move(answer)));
  }
  if (const xml::element* how = query.child("destroy")) {
    const std::string text = how->to_string();
    if (text.size() > limits_.text)
      return t.refuse(stanza, condition::not_acceptable, "The reason is too long.");
    t.say(result_reply(stanza));
    return destroy(t, how);
  }
  const xml::element* x = query.child(ns::data_forms, "x");
  if (x == nullptr) return t.refuse(stanza, condition::bad_request, "A form is missing.");
  configure(t, stanza, *x);
}

void room::configure(turn& t, const xml::element& stanza, const xml::element& x) {
  const auto form = data_form::parse(x);
  if (!form) return t.refuse(stanza, condition::bad_request, form.error());
  if (form->kind == form_kind::cancel) {
    t.say(result_reply(stanza));
    if (locked_) destroy(t, nullptr); // 10.1.3
    return;
  }
  auto config = configured(config_, *form, limits_);
  if (!config) return t.refuse(stanza, condition::not_acceptable, config.error());
  const room_config before = std::exchange(config_, std::move(*config));
  const bool was_locked = std::exchange(locked_, false);
  if (before != config_ || was_locked) t.out.emplace_back(store_config{});
  t.say(result_reply(stanza));
  if (before != config_) tell_change(t, before);
}

void room::tell_change(turn& t, const room_config& before) {
  for (auto& [nick, who] : occupants_) forget_shown(who);
  if (config_.members_only && !before.members_only) {
    std::vector<std::string> strangers;
    for (const auto& [nick, who] : occupants_) {
      if (affiliation_of(who.user) < affiliation::member) strangers.push_back(nick);
    }
    for (const std::string& nick : strangers) remove(t.out, *find_nick(nick), {.gone = true, .codes = {322}});
  }
  std::vector<int> codes;
  if (before.archived != config_.archived) codes.push_back(config_.archived ? 170 : 171);
  if (before.anonymous != config_.anonymous) codes.push_back(config_.anonymous ? 173 : 172);
  room_config rest = config_;
  rest.archived = before.archived;
  rest.anonymous = before.anonymous;
  if (rest != before) codes.push_back(104);
  if (occupants_.empty()) return;
  auto message = std::make_shared<const xml::element>(status_message(codes));
  t.out.emplace_back(broadcast{std::move(message), everyone()});
}

void room::destroy(turn& t, const xml::element* how) {
  xml::element told(ns::muc_user, "destroy");
  if (how != nullptr) {
    if (const auto other = how->find("jid")) told.set("jid", *other);
    for (const std::string_view name : {"reason", "password"}) {
      if (const auto text = how->text_of(name)) told.add(xml::element(ns::muc_user, name).add_text(*text));
    }
  }
  const news what{.gone = true, .is = standing{affiliation::none, role::none}, .more = &told};
  while (!occupants_.empty()) {
    occupant& who = occupants_.begin()->second;
    announce_to_self(t.out, who, what, who.sessions);
    for (const session& s : who.sessions) sessions_.erase(s.full.text());
    occupants_.erase(occupants_.begin());
  }
  everyone_ = nullptr;
  ended_ = true;
  t.out.emplace_back(destroyed{});
}

} // namespace coppice::xmpp::muc
