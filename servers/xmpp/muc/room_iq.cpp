// Requests: what the room is, registration, and requests between occupants. XEP-0045, sections 6.4 to 6.6,
// 7.10, 7.12, 17.4; XEP-0410.
#include "servers/xmpp/muc/detail/room_parts.hpp"

#include <charconv>

namespace coppice::xmpp::muc {
namespace {

constexpr std::string_view register_form = "http://jabber.org/protocol/muc#register";
constexpr std::string_view roominfo = "http://jabber.org/protocol/muc#roominfo";
constexpr std::string_view reserved_nick_node = "x-roomuser-item";
constexpr std::size_t most_id = 512; ///< bytes of the id of a request between occupants

xml::element feature(std::string_view var) { return xml::element(ns::disco_info, "feature").set("var", var); }

data_form registration_form(std::string_view nick) {
  data_form form = data_form::of(form_kind::form, register_form);
  form.title = "Registration with the room";
  form.add("muc#register_roomnick", field_type::text_single, "Nick to be reserved", nick).required = true;
  return form;
}

/// The request that goes on to an occupant: its id says whose it is.
std::string forwarded_id(std::uint64_t serial, std::string_view id) {
  return std::to_string(serial) + '-' + std::string(id);
}

} // namespace

void room::on_iq(turn& t, xml::element& stanza) {
  const std::string_view type = stanza.get("type");
  if (type == "result" || type == "error") {
    if (!t.to.is_bare()) on_forwarded_answer(t, stanza);
    return;
  }
  if (!is_sound_iq(stanza)) return t.refuse(stanza, condition::bad_request);
  if (!t.to.is_bare()) return on_occupant_iq(t, stanza);
  const xml::element& query = *stanza.first();
  const bool get = type == "get";
  if (query.is(ns::disco_info, "query") && get) return on_disco_info(t, stanza, query);
  if (query.is(ns::disco_items, "query") && get) return on_disco_items(t, stanza);
  if (query.is(ns::muc_admin, "query")) return on_admin(t, stanza, query);
  if (query.is(ns::muc_owner, "query")) return on_owner(t, stanza, query);
  if (query.is(ns::registration, "query")) return on_registration(t, stanza, query);
  if (query.is(ns::ping, "ping") && get) return t.say(result_reply(stanza));
  t.refuse(stanza, condition::service_unavailable);
}

void room::on_occupant_iq(turn& t, xml::element& stanza) {
  const occupant* who = find(t.from);
  const xml::element& query = *stanza.first();
  if (who == nullptr) {
    const bool disco = query.ns() == ns::disco_info || query.ns() == ns::disco_items; // 6.6
    return t.refuse(stanza, disco ? condition::bad_request : condition::not_acceptable,
                    "You are not in the room.");
  }
  occupant* other = find_nick(t.to.resource());
  if (other == nullptr) return t.refuse(stanza, condition::item_not_found);
  if (other == who && query.is(ns::ping, "ping")) return t.say(result_reply(stanza));
  if (stanza.get("id").size() > most_id)
    return t.refuse(stanza, condition::bad_request, "The id is too long.");
  std::uint64_t serial = 0;
  for (const session& s : who->sessions) {
    if (s.full == t.from) serial = s.serial;
  }
  // What is the account's, and not the session's, its server answers.
  const bool of_account = query.ns() == ns::vcard || query.ns() == ns::pubsub;
  stanza.set("from", occupant_address(who->nick));
  stanza.set("to", of_account ? other->user.text() : other->sessions.back().full.text());
  const std::string id = forwarded_id(serial, stanza.get("id"));
  stanza.set("id", id);
  t.say(std::move(stanza));
}

/// The answer goes to the session that has asked, if it is still there.
void room::on_forwarded_answer(turn& t, xml::element& stanza) {
  const std::string_view id = stanza.get("id");
  std::uint64_t serial = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), serial);
  if (error != std::errc() || end == id.data() + id.size() || *end != '-') return;
  const occupant* asker = find_nick(t.to.resource());
  if (asker == nullptr) return;
  const occupant* answerer = find(t.from);
  for (const auto& [nick, other] : occupants_) {
    if (answerer == nullptr && t.from.is_bare() && other.user == t.from) answerer = &other;
  }
  if (answerer == nullptr) return;
  for (const session& s : asker->sessions) {
    if (s.serial != serial) continue;
    const std::string own_id(id.substr(static_cast<std::size_t>(end - id.data()) + 1));
    stanza.set("id", own_id);
    stanza.set("from", occupant_address(answerer->nick));
    stanza.set("to", s.full.text());
    return t.say(std::move(stanza));
  }
}

void room::on_disco_info(turn& t, const xml::element& stanza, const xml::element& query) {
  const std::string_view node = query.get("node");
  xml::element info(ns::disco_info, "query");
  if (!node.empty()) info.set("node", node);
  xml::element identity(ns::disco_info, "identity");
  identity.set("category", "conference").set("type", "text");
  if (node == reserved_nick_node) {
    const auto user = users_.find(t.from.bare_text());
    if (user != users_.end() && !user->second.nick.empty()) {
      info.add(std::move(identity.set("name", user->second.nick)));
    }
    return t.say(result_reply(stanza).add(std::move(info)));
  }
  if (!node.empty()) return t.refuse(stanza, condition::service_unavailable);
  if (locked_ && !may_read(t.from)) return t.refuse(stanza, condition::item_not_found);
  if (!config_.name.empty()) identity.set("name", config_.name);
  info.add(std::move(identity));
  for (const std::string_view var :
       {ns::disco_info, ns::disco_items, ns::muc,
        std::string_view("http://jabber.org/protocol/muc#stable_id"),
        std::string_view("http://jabber.org/protocol/muc#self-ping-optimization"),
        std::string_view("http://jabber.org/protocol/muc#request"), ns::occupant_ids, ns::stanza_ids,
        ns::ping, ns::registration}) {
    info.add(feature(var));
  }
  if (config_.archived) info.add(feature(ns::archive));
  info.add(feature(config_.password.empty() ? "muc_unsecured" : "muc_passwordprotected"));
  info.add(feature(config_.listed ? "muc_public" : "muc_hidden"));
  info.add(feature(config_.persistent ? "muc_persistent" : "muc_temporary"));
  info.add(feature(config_.members_only ? "muc_membersonly" : "muc_open"));
  info.add(feature(config_.moderated ? "muc_moderated" : "muc_unmoderated"));
  info.add(feature(config_.anonymous ? "muc_semianonymous" : "muc_nonanonymous"));
  data_form form = data_form::of(form_kind::result, roominfo);
  form.add("muc#roomconfig_roomname", config_.name);
  form.add("muc#roominfo_description", config_.description);
  form.add("muc#roominfo_occupants", std::to_string(occupants_.size()));
  form.add("muc#roomconfig_changesubject", config_.change_subject ? "1" : "0");
  form.add("muc#maxhistoryfetch", std::to_string(config_.history));
  if (!config_.lang.empty()) form.add("muc#roominfo_lang", config_.lang);
  if (subject_ && may_read(t.from))
    form.add("muc#roominfo_subject", subject_->text_of("subject").value_or(""));
  info.add(to_element(form));
  t.say(result_reply(stanza).add(std::move(info)));
}

/// 6.5: who is in the room, for those who are.
void room::on_disco_items(turn& t, const xml::element& stanza) {
  xml::element items(ns::disco_items, "query");
  if (find(t.from) != nullptr) {
    for (const auto& [nick, who] : occupants_) {
      items.add(xml::element(ns::disco_items, "item").set("jid", occupant_address(nick)).set("name", nick));
    }
  }
  t.say(result_reply(stanza).add(std::move(items)));
}

void room::on_registration(turn& t, const xml::element& stanza, const xml::element& query) {
  const affiliation is = affiliation_of(t.from);
  if (is == affiliation::outcast) return t.refuse(stanza, condition::forbidden);
  if (locked_) return t.refuse(stanza, condition::item_not_found);
  if (config_.members_only && is < affiliation::member) return t.refuse(stanza, condition::not_allowed);
  if (stanza.get("type") == "set") return register_user(t, stanza, query);
  const auto user = users_.find(t.from.bare_text());
  xml::element answer(ns::registration, "query");
  std::string nick;
  if (user != users_.end() && user->second.is >= affiliation::member) {
    nick = user->second.nick;
    answer.add(xml::element(ns::registration, "registered"));
    if (!nick.empty()) answer.add(xml::element(ns::registration, "username").add_text(nick));
  }
  answer.add(
      xml::element(ns::registration, "instructions").add_text("Choose a nick to be reserved for you."));
  answer.add(to_element(registration_form(nick)));
  t.say(result_reply(stanza).add(std::move(answer)));
}

void room::register_user(turn& t, const xml::element& stanza, const xml::element& query) {
  const jid user = t.from.bare();
  const auto found = users_.find(user.text());
  affiliated to = found == users_.end() ? affiliated() : found->second;
  if (query.child("remove") != nullptr) {
    to.nick.clear();
    if (to.is == affiliation::member) to.is = affiliation::none;
  } else {
    const xml::element* x = query.child(ns::data_forms, "x");
    if (x == nullptr) return t.refuse(stanza, condition::bad_request, "A form is missing.");
    const auto form = data_form::parse(*x);
    const auto answers = form ? checked_answers(registration_form(""), *form) : form;
    if (!answers) return t.refuse(stanza, condition::bad_request, answers.error());
    const auto nick = address_.with_resource(answers->value("muc#register_roomnick").value_or(""));
    if (!nick) return t.refuse(stanza, condition::not_acceptable, nick.error());
    if (auto refusal = nick_refusal(user, nick->resource())) return t.refuse(stanza, *refusal);
    if (found == users_.end() && users_.size() >= limits_.affiliations) {
      return t.refuse(stanza, condition::resource_constraint);
    }
    to.nick = nick->resource();
    if (to.is == affiliation::none) to.is = affiliation::member;
  }
  set_affiliation(t, user, std::move(to));
  t.say(result_reply(stanza));
}

} // namespace coppice::xmpp::muc
