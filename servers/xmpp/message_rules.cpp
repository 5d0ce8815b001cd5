#include "servers/xmpp/message_rules.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace coppice::xmpp {
namespace {

/// What stands in a message, as far as it decides anything.
struct payloads {
  bool body = false;       ///< or what stands for one: something encrypted
  bool marks = false;      ///< receipts, markers and other words about messages
  bool state = false;      ///< a chat state
  bool other = false;      ///< anything else that somebody may wait for
  bool room = false;       ///< it says that it has to do with a room
  bool invitation = false; ///< to a room, from whomever
  bool is_private = false;
  bool no_copy = false;
  bool no_store = false;
  bool no_permanent_store = false;
  bool store = false;
};

/// Payloads that belong to a conversation though there is no body beside them.
bool is_word_about_messages(const xml::element& e) noexcept {
  return e.ns() == ns::receipts || e.ns() == ns::chat_markers || e.ns() == ns::reactions ||
         e.ns() == ns::retractions;
}

void note_hint(payloads& found, std::string_view name) noexcept {
  found.no_copy |= name == "no-copy";
  found.no_store |= name == "no-store";
  found.no_permanent_store |= name == "no-permanent-store";
  found.store |= name == "store";
}

void note(payloads& found, const xml::element& e) noexcept {
  if (e.ns() == ns::hints) {
    note_hint(found, e.name());
  } else if (e.ns() == ns::client) {
    found.body |= e.name() == "body";
    found.other |= e.name() != "body" && e.name() != "thread";
  } else if (e.ns() == ns::encryption) {
    found.body = true;
  } else if (is_word_about_messages(e)) {
    found.marks = true;
  } else if (e.ns() == ns::chat_states) {
    found.state = true;
  } else if (e.is(ns::muc_user, "x")) {
    found.room = true;
    found.invitation |= e.child("invite") != nullptr;
  } else if (e.is(ns::conference, "x")) {
    found.invitation = true;
  } else if (e.is(ns::carbons, "private")) {
    found.is_private = true;
  } else if (e.ns() != ns::stanza_ids && e.ns() != ns::delay) {
    found.other = true;
  }
}

payloads payloads_of(const xml::element& message) {
  payloads found;
  for (const xml::element* child : message.children()) note(found, *child);
  return found;
}

bool is_eligible_for_copies(message_type type, const payloads& has) noexcept {
  if (has.is_private || has.no_copy || type == message_type::groupchat || type == message_type::headline) {
    return false;
  }
  if (type == message_type::chat) return true;
  if (type == message_type::error) return has.body; // what it answers is in it, and was eligible
  return has.body || has.marks || has.state || has.invitation;
}

bool is_archived(message_type type, const payloads& has) noexcept {
  if (type != message_type::normal && type != message_type::chat) return false;
  if (has.no_store || has.no_permanent_store) return false;
  return has.store || has.body || has.marks || has.invitation;
}

bool is_kept_offline(message_type type, const payloads& has) noexcept {
  if (type != message_type::normal && type != message_type::chat) return false;
  if (has.no_store) return false;
  return has.store || has.body || has.marks || has.invitation || has.room || has.other;
}

/// Those that may get what was sent to no resource in particular.
resource_set willing(std::span<const message_target> resources) noexcept {
  resource_set found;
  for (std::size_t i = 0; i < std::min(resources.size(), most_resources); ++i) {
    found[i] = resources[i].available && resources[i].priority >= 0;
  }
  return found;
}

resource_set named(std::string_view resource, std::span<const message_target> resources) noexcept {
  resource_set found;
  for (std::size_t i = 0; i < std::min(resources.size(), most_resources); ++i) {
    found[i] = resources[i].resource == resource;
  }
  return found;
}

resource_set with_carbons(std::span<const message_target> resources) noexcept {
  resource_set found;
  for (std::size_t i = 0; i < std::min(resources.size(), most_resources); ++i) {
    found[i] = resources[i].carbons;
  }
  return found;
}

/// To no resource in particular, or to one that is gone while others may do (8.5.2).
message_delivery deliver_to_any(const message_traits& traits,
                                std::span<const message_target> resources) noexcept {
  message_delivery delivery;
  if (traits.type == message_type::error) return delivery;
  if (traits.type == message_type::groupchat) {
    delivery.error = true;
    return delivery;
  }
  delivery.to = willing(resources);
  if (delivery.to.none() && traits.type != message_type::headline) delivery.offline = traits.kept_offline;
  return delivery;
}

} // namespace

message_type type_of(const xml::element& message) noexcept {
  const std::string_view type = message.get("type");
  if (type == "chat") return message_type::chat;
  if (type == "groupchat") return message_type::groupchat;
  if (type == "headline") return message_type::headline;
  return type == "error" ? message_type::error : message_type::normal;
}

message_traits traits_of(const xml::element& message) {
  const payloads has = payloads_of(message);
  message_traits traits{.type = type_of(message)};
  const bool copied = is_eligible_for_copies(traits.type, has);
  const bool is_pm = has.room && !has.invitation;
  traits.archived = is_archived(traits.type, has);
  traits.kept_offline = is_kept_offline(traits.type, has);
  traits.copied_out = copied;
  traits.copied_in = copied && !is_pm; // the room sends these to all who share the nick
  traits.is_private_pm = is_pm;
  return traits;
}

message_delivery deliver(const message_traits& traits, std::string_view resource,
                         std::span<const message_target> resources) noexcept {
  message_delivery delivery;
  if (!resource.empty()) delivery.to = named(resource, resources);
  if (delivery.to.none()) {
    if (resource.empty() || (traits.type == message_type::chat && !traits.is_private_pm)) {
      delivery = deliver_to_any(traits, resources);
    } else {
      delivery.error = traits.type != message_type::error && traits.type != message_type::headline;
    }
  }
  if (traits.copied_in && !delivery.error) delivery.carbons = with_carbons(resources) & ~delivery.to;
  return delivery;
}

resource_set copies_of_sent(const message_traits& traits, std::string_view sender,
                            std::span<const message_target> resources) noexcept {
  if (!traits.copied_out) return {};
  return with_carbons(resources) & ~named(sender, resources);
}

void remove_stanza_ids(xml::element& message, std::string_view by) {
  std::vector<xml::element> others;
  bool forged = false;
  for (const xml::element* child : message.children()) {
    if (!child->is(ns::stanza_ids, "stanza-id")) continue;
    if (child->get("by") == by) {
      forged = true;
    } else {
      others.push_back(*child);
    }
  }
  if (!forged) return;
  message.remove(ns::stanza_ids, "stanza-id");
  for (xml::element& other : others) message.add(std::move(other));
}

void set_stanza_id(xml::element& message, std::string_view by, std::string_view id) {
  remove_stanza_ids(message, by);
  xml::element e(ns::stanza_ids, "stanza-id");
  e.set("by", by).set("id", id);
  message.add(std::move(e));
}

xml::element make_forwarded(xml::element stanza, std::optional<instant> at) {
  xml::element forwarded(ns::forward, "forwarded");
  if (at) {
    xml::element delay(ns::delay, "delay");
    delay.set("stamp", to_text(*at));
    forwarded.add(std::move(delay));
  }
  forwarded.add(std::move(stanza));
  return forwarded;
}

xml::element make_carbon(carbon direction, std::string_view user, std::string_view to,
                         const xml::element& message) {
  xml::element wrapped(ns::carbons, direction == carbon::sent ? "sent" : "received");
  wrapped.add(make_forwarded(message));
  return make_stanza("message", user, to, message.get("type")).add(std::move(wrapped));
}

} // namespace coppice::xmpp
