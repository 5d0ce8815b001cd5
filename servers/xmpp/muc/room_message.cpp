// What is said: to all, to one, and to the room itself. XEP-0045, sections 7.4, 7.5, 7.8, 7.13, 8.1 and 8.6.
#include "servers/xmpp/muc/detail/room_parts.hpp"

#include <algorithm>
#include <array>

namespace coppice::xmpp::muc {
namespace {

constexpr std::string_view request_form = "http://jabber.org/protocol/muc#request";

/// Whether a message says something that those who come later should know, as opposed to what is but of the
/// moment (XEP-0313, 5.1.2; XEP-0334).
bool is_lasting(const xml::element& message) {
  if (message.child(ns::hints, "no-store") != nullptr) return false;
  if (message.child(ns::hints, "no-permanent-store") != nullptr) return false;
  return std::ranges::any_of(message.children(), [](const xml::element* part) {
    const std::string& name = part->name();
    if (part->ns() == ns::client) return name == "body" || name == "subject";
    return part->is(ns::hints, "store") || name == "encrypted" || name == "reactions" || name == "retract" ||
           name == "apply-to";
  });
}

/// 13.3: the recipient is not there any more.
bool is_of_delivery(const xml::element& stanza) {
  const xml::element* error = stanza.child("error");
  if (error == nullptr) return false;
  constexpr std::array gone = {
      condition::gone,     condition::item_not_found,          condition::recipient_unavailable,
      condition::redirect, condition::remote_server_not_found, condition::remote_server_timeout};
  return std::ranges::any_of(
      gone, [&](condition c) { return error->child(ns::stanza_errors, name_of(c)) != nullptr; });
}

std::string reason_in(const xml::element& e) { return e.text_of("reason").value_or(""); }

data_form voice_form(std::string_view address, std::string_view nick) {
  data_form form = data_form::of(form_kind::form, request_form);
  form.title = "Voice request";
  form.instructions = "To let this person speak, allow it and submit the form.";
  form.add("muc#role", field_type::list_single, "Requested role", "participant")
      .options.push_back({"Participant", "participant"});
  form.add("muc#jid", field_type::jid_single, "User", address);
  form.add("muc#roomnick", field_type::text_single, "Nick", nick);
  form.add_bool("muc#request_allow", "Let this person speak?", false);
  return form;
}

} // namespace

void room::on_message(turn& t, xml::element& stanza) {
  const std::string_view type = stanza.get("type");
  if (type == "error") return on_error(t, stanza);
  const xml::element* x = t.to.is_bare() ? stanza.child(ns::muc_user, "x") : nullptr;
  if (x != nullptr && type != "groupchat") {
    if (const xml::element* decline = x->child("decline")) return on_decline(t, stanza, *decline);
  }
  const occupant* who = find(t.from);
  if (who == nullptr) return t.refuse(stanza, condition::not_acceptable, "You are not in the room.");
  if (!t.to.is_bare()) return on_private_message(t, stanza, *who);
  if (type == "groupchat") return on_group_message(t, stanza, *who);
  if (x != nullptr && x->child("invite") != nullptr) return on_invitations(t, stanza, *x);
  const xml::element* form = stanza.child(ns::data_forms, "x");
  if (form != nullptr) return on_voice_request(t, stanza, *form, *who);
  t.refuse(stanza, condition::bad_request, "What is for the room has the type groupchat.");
}

/// Takes away what only the room may say, and says it.
void room::clean(xml::element& stanza, const occupant& who) const {
  stanza.unset("to");
  stanza.set("from", occupant_address(who.nick));
  stanza.remove(ns::stanza_ids, "stanza-id");
  stanza.remove(ns::occupant_ids, "occupant-id");
  stanza.remove(ns::muc_user, "x");
  stanza.remove(ns::delay, "delay");
  stanza.add(xml::element(ns::occupant_ids, "occupant-id").set("id", who.id));
}

void room::on_group_message(turn& t, xml::element& stanza, const occupant& who) {
  const xml::element* subject = stanza.child("subject");
  const bool of_subject =
      subject != nullptr && stanza.child("body") == nullptr && stanza.child("thread") == nullptr;
  if (of_subject) {
    const role least = config_.change_subject ? role::participant : role::moderator;
    if (who.as < least) return t.refuse(stanza, condition::forbidden, "You may not change the subject.");
    if (subject->text().size() > limits_.subject) {
      return t.refuse(stanza, condition::not_acceptable, "The subject is too long.");
    }
  } else if (config_.moderated && who.as < role::participant) {
    return t.refuse(stanza, condition::forbidden, "Visitors may not speak.");
  }
  clean(stanza, who);
  const bool lasting = is_lasting(stanza);
  std::string id;
  if (lasting) {
    id = t.at.fresh_id();
    stanza.add(xml::element(ns::stanza_ids, "stanza-id").set("by", address_.text()).set("id", id));
  }
  const auto message = std::make_shared<const xml::element>(std::move(stanza));
  if (of_subject) {
    xml::element kept = *message;
    add_delay(kept, address_.text(), t.at.now);
    subject_ = std::make_shared<const xml::element>(std::move(kept));
    t.out.emplace_back(store_subject{});
  } else if (lasting) {
    history_.add(message, t.at.now);
  }
  if (lasting && config_.archived) t.out.emplace_back(archive{message, id, t.from, t.at.now});
  t.out.emplace_back(broadcast{message, everyone()});
}

void room::on_private_message(turn& t, xml::element& stanza, const occupant& who) {
  if (stanza.get("type") == "groupchat") {
    return t.refuse(stanza, condition::bad_request, "What is for one alone has not the type groupchat.");
  }
  occupant* other = find_nick(t.to.resource());
  if (other == nullptr) return t.refuse(stanza, condition::item_not_found);
  const bool allowed = config_.pm == private_messages::anyone ||
                       (config_.pm == private_messages::participants && who.as >= role::participant) ||
                       (config_.pm == private_messages::moderators && who.as == role::moderator);
  if (!allowed) return t.refuse(stanza, condition::forbidden, "You may not send private messages.");
  clean(stanza, who);
  stanza.add(xml::element(ns::muc_user, "x"));
  t.out.emplace_back(
      broadcast{std::make_shared<const xml::element>(std::move(stanza)), all(other->sessions)});
}

/// 13.3: who cannot be reached is not there; other errors go to whose message it was.
void room::on_error(turn& t, xml::element& stanza) {
  occupant* who = find(t.from);
  if (who == nullptr) return;
  if (is_of_delivery(stanza)) return leave(t, *who, {.gone = true, .codes = {307, 333}});
  occupant* other = t.to.is_bare() ? nullptr : find_nick(t.to.resource());
  if (other == nullptr || kind_of(stanza) != stanza_kind::message) return;
  clean(stanza, *who);
  t.out.emplace_back(
      broadcast{std::make_shared<const xml::element>(std::move(stanza)), all(other->sessions)});
}

void room::on_invitations(turn& t, const xml::element& stanza, const xml::element& x) {
  const affiliation is = affiliation_of(t.from);
  const affiliation least = config_.invites ? affiliation::member : affiliation::admin;
  if (config_.members_only && is < least) return t.refuse(stanza, condition::forbidden);
  std::vector<jid> invited;
  for (const xml::element* one : x.children()) {
    if (!one->is(ns::muc_user, "invite")) continue;
    const auto to = jid::parse(one->get("to"));
    if (!to) return t.refuse(stanza, condition::jid_malformed, to.error());
    if (reason_in(*one).size() > limits_.text || invited.size() >= limits_.items) {
      return t.refuse(stanza, condition::not_acceptable, "The invitation is too long.");
    }
    if (affiliation_of(*to) == affiliation::outcast && is < affiliation::admin) {
      return t.refuse(stanza, condition::forbidden, "Who is invited has been banned.");
    }
    invited.push_back(*to);
  }
  auto to = invited.begin();
  for (const xml::element* one : x.children()) {
    if (!one->is(ns::muc_user, "invite")) continue;
    if (config_.members_only && affiliation_of(*to) == affiliation::none) {
      if (users_.size() >= limits_.affiliations) return t.refuse(stanza, condition::resource_constraint);
      set_affiliation(t, to->bare(), {.is = affiliation::member});
    }
    xml::element invite(ns::muc_user, "invite");
    invite.set("from", t.from.bare_text());
    for (const xml::element* part : one->children()) invite.add(*part);
    xml::element about(ns::muc_user, "x");
    about.add(std::move(invite));
    if (!config_.password.empty()) {
      about.add(xml::element(ns::muc_user, "password").add_text(config_.password));
    }
    xml::element message = make_stanza("message", address_.text(), to->text());
    if (!stanza.get("id").empty()) message.set("id", stanza.get("id"));
    t.say(std::move(message.add(std::move(about))));
    ++to;
  }
}

/// 7.8.2: back to who has invited, if that is somebody of this room: it is no way to reach others.
void room::on_decline(turn& t, const xml::element& stanza, const xml::element& decline) {
  const auto to = jid::parse(decline.get("to"));
  if (!to) return t.refuse(stanza, condition::jid_malformed, to.error());
  if (reason_in(decline).size() > limits_.text) return t.refuse(stanza, condition::not_acceptable);
  jid inviter = *to;
  if (to->bare() == address_) {
    const occupant* who = find_nick(to->resource());
    if (who == nullptr) return t.refuse(stanza, condition::item_not_found);
    inviter = who->user;
  }
  const bool known =
      affiliation_of(inviter) >= affiliation::member || std::ranges::any_of(occupants_, [&](const auto& o) {
        return o.second.user.text() == inviter.bare_text();
      });
  if (!known || affiliation_of(t.from) == affiliation::outcast) {
    return t.refuse(stanza, condition::item_not_found);
  }
  xml::element told(ns::muc_user, "decline");
  told.set("from", t.from.bare_text());
  for (const xml::element* part : decline.children()) told.add(*part);
  xml::element x(ns::muc_user, "x");
  x.add(std::move(told));
  t.say(std::move(make_stanza("message", address_.text(), inviter.text()).add(std::move(x))));
}

void room::on_voice_request(turn& t, const xml::element& stanza, const xml::element& x, const occupant& who) {
  const auto form = data_form::parse(x);
  if (!form || form->kind != form_kind::submit || form->form_type() != request_form) {
    return t.refuse(stanza, condition::bad_request, "The form is none of a room.");
  }
  if (const auto allow = form->value("muc#request_allow")) {
    occupant* other = find_nick(form->value("muc#roomnick").value_or(""));
    if (who.as != role::moderator) return t.refuse(stanza, condition::forbidden);
    if (other == nullptr) return t.refuse(stanza, condition::item_not_found);
    if (as_bool(*allow) == true && other->as == role::visitor) set_role(t, *other, role::participant, "");
    return;
  }
  if (form->value("muc#role") != "participant") return t.refuse(stanza, condition::bad_request);
  if (who.as != role::visitor)
    return t.refuse(stanza, condition::unexpected_request, "You have voice already.");
  std::vector<jid> moderators;
  for (const auto& [nick, other] : occupants_) {
    if (other.as != role::moderator) continue;
    for (const session& s : other.sessions) moderators.push_back(s.full);
  }
  xml::element message = make_stanza("message", address_.text(), "");
  message.add(to_element(voice_form(t.from.text(), who.nick)));
  t.out.emplace_back(broadcast{std::make_shared<const xml::element>(std::move(message)),
                               std::make_shared<const std::vector<jid>>(std::move(moderators))});
}

} // namespace coppice::xmpp::muc
