#include "servers/messaging/exchange/imported_part.hpp"

#include "servers/messaging/exchange/portable_file.hpp"
#include "servers/messaging/storage/archive.hpp"
#include "servers/messaging/storage/block_list.hpp"
#include "servers/messaging/storage/offline.hpp"
#include "servers/messaging/storage/pep.hpp"
#include "servers/messaging/storage/private_xml.hpp"
#include "servers/messaging/storage/pubsub.hpp"
#include "servers/messaging/storage/roster.hpp"
#include "servers/messaging/storage/vcard.hpp"
#include "servers/xmpp/data_form.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/private_storage.hpp"
#include "servers/xmpp/pubsub/account.hpp"
#include "servers/xmpp/pubsub/bookmarks.hpp"
#include "servers/xmpp/pubsub/node_config.hpp"
#include "servers/xmpp/roster.hpp"

#include <algorithm>

namespace coppice::messaging::exchange {
namespace {

using namespace xmpp; // NOLINT(google-build-using-namespace)

/// Whoever imports them has seen how big they are; the server takes nothing away from what is there.
constexpr std::size_t most_waiting = 1'000;
constexpr std::uint64_t any_bytes = INT64_MAX;

/// Keeps what is one user's.
class keeper_of_parts {
public:
  keeper_of_parts(store::transaction& t, imported_owner& owner, std::vector<std::string>& left_out)
      : t_(t), owner_(owner), name_(owner.address.text()), left_out_(left_out) {}

  void keep(const imported_part& part) {
    const xml::element& e = part.what;
    if (part.within == "offline-messages") return keep_waiting(e);
    if (part.within == "archive") return keep_archived(e);
    if (part.within == "query") return keep_private(e);
    if (part.within == "items") return keep_item(part.node, e);
    if (e.is(ns::roster, "query")) return keep_roster(e);
    if (e.is(ns::client, "presence")) return keep_request(e);
    if (e.is(ns::vcard, "vCard")) return storage::save_vcard(t_, name_, e.to_string());
    if (e.is(privacy, "query")) return keep_privacy(e);
    if (e.is(ns::pubsub_owner, "pubsub")) return keep_nodes(e);
    leave_out(e.name() + " of " + e.ns());
  }

private:
  static constexpr std::string_view privacy = "jabber:iq:privacy";

  void leave_out(const std::string& what) { left_out_.push_back(name_ + ": " + what); }

  // --- contacts ---

  void keep_roster(const xml::element& query) {
    for (const xml::element* e : query.children()) {
      const auto contact = jid::parse(e->get("jid"));
      const auto state = subscription_state_of(e->find("subscription").value_or("none"));
      if (!contact || !state) {
        leave_out("a contact '" + std::string(e->get("jid")) + "' that is none");
        continue;
      }
      roster_item item{.contact = contact->bare(), .name = std::string(e->get("name")), .state = *state};
      item.state.asked = e->get("ask") == "subscribe" && !item.state.to;
      item.state.approved = e->get("approved") == "true" || e->get("approved") == "1";
      for (const xml::element* group : e->children()) add_group(item, *group);
      const auto before = storage::find_roster_item(t_, name_, item.contact.text());
      item.state.asking = before && before->state.asking && !item.state.from;
      if (!storage::put_roster_item(t_, name_, item)) leave_out("the roster is full");
    }
  }
  static void add_group(roster_item& item, const xml::element& group) {
    const std::string name = group.text();
    if (group.name() != "group" || name.empty() ||
        std::ranges::find(item.groups, name) != item.groups.end()) {
      return;
    }
    item.groups.push_back(name);
  }

  void keep_request(const xml::element& presence) {
    const auto from = jid::parse(presence.get("from"));
    if (!from || presence.get("type") != "subscribe") return leave_out("a presence that asks for nothing");
    auto item = storage::find_roster_item(t_, name_, from->bare().text());
    if (!item) item = roster_item{.contact = from->bare(), .listed = false};
    item->state.asking = !item->state.from;
    if (!storage::put_roster_item(t_, name_, *item)) leave_out("the roster is full");
  }

  void keep_privacy(const xml::element& lists) {
    const xml::element* chosen = lists.child("default");
    if (chosen == nullptr)
      return leave_out("privacy lists without a default: they say whom to block for nobody");
    std::vector<jid> blocked;
    for (const xml::element* list : lists.children()) {
      if (list->name() != "list" || list->get("name") != chosen->get("name")) continue;
      for (const xml::element* item : list->children()) {
        const auto who = jid::parse(item->get("value"));
        const bool denies = item->get("type") == "jid" && item->get("action") == "deny";
        if (denies && who) blocked.push_back(*who);
        if (!denies && item->get("action") == "deny")
          leave_out("a rule of a privacy list that is about no address");
      }
    }
    if (!storage::block(t_, name_, blocked)) leave_out("there are too many blocked addresses");
  }

  // --- messages ---

  std::optional<instant> time_of(const xml::element* delay) const {
    return delay == nullptr ? std::nullopt : parse_instant(delay->get("stamp"));
  }
  /// Numbers are times, each greater than the one before.
  static std::int64_t next_number(std::int64_t& last, instant at) {
    return last = std::max(last + 1, at.time_since_epoch().count());
  }

  void keep_waiting(const xml::element& message) {
    if (!message.is(ns::client, "message")) return leave_out("something among the messages that is none");
    const instant at = time_of(message.child(ns::delay, "delay")).value_or(owner_.now);
    const std::int64_t number = next_number(owner_.last_message, at);
    if (!storage::add_offline(t_, name_, number, at, message.to_string(), {most_waiting, any_bytes})) {
      leave_out("a message, of more than " + std::to_string(most_waiting) + " that wait");
    }
  }

  void keep_archived(const xml::element& found) {
    const xml::element* forwarded = found.child(ns::forward, "forwarded");
    const xml::element* message = forwarded == nullptr ? nullptr : forwarded->child(ns::client, "message");
    const auto at = forwarded == nullptr ? std::nullopt : time_of(forwarded->child(ns::delay, "delay"));
    if (message == nullptr || !at)
      return leave_out("something in the archive that has no message or no time");
    const jid from = jid::parse(message->get("from")).value_or(jid());
    const jid to = jid::parse(message->get("to")).value_or(jid());
    const jid& other = from.bare_text() == owner_.address.text() ? to : from;
    storage::archive_entry entry{.id = next_number(owner_.last_archived, *at),
                                 .with_bare = std::string(other.bare_text()),
                                 .with_resource = std::string(other.resource()),
                                 .at = *at,
                                 .stanza = message->to_string()};
    storage::append_to_archive(t_, name_, entry);
  }

  // --- what clients keep ---

  void keep_private(const xml::element& part) {
    if (part.is(ns::bookmarks_legacy, "storage")) return keep_bookmarks(part);
    if (!storage::save_private_xml(t_, name_, private_key(part), part.to_string(), {100, any_bytes})) {
      leave_out("private data: there is too much of it");
    }
  }
  /// Those of old are a view of those of today.
  void keep_bookmarks(const xml::element& storage) {
    const auto before = storage::read_items(t_, name_, ns::bookmarks, pubsub::most_items);
    for (const pubsub::stored_item& one : pubsub::changes_by_storage(storage, before).put) {
      publish(std::string(ns::bookmarks), one.id, one.payload);
    }
  }

  void keep_item(const std::string& node, const xml::element& item) {
    const xml::element* payload = item.first();
    if (payload == nullptr || item.get("id").empty()) return leave_out("an empty item of " + node);
    if (node == ns::bookmarks_legacy) return keep_private(*payload);
    publish(node, std::string(item.get("id")), *payload);
  }
  void publish(const std::string& node, const std::string& id, const xml::element& payload) {
    const pubsub::node state = node_of(node);
    const storage::pubsub_item item{id, name_, owner_.now, payload.to_string()};
    if (state.config.kept() == 0 || !storage::publish_item(t_, name_, node, item, state.config.kept())) {
      leave_out("an item of " + node);
    }
  }

  /// As it is, or a new one.
  pubsub::node node_of(const std::string& name) {
    const auto there = storage::find_node(t_, name_, name);
    auto known = there ? pubsub::parse_node(there->config) : std::unexpected(std::string());
    if (known) return *known;
    pubsub::node fresh{.config = pubsub::default_config(name)};
    save(name, fresh);
    return fresh;
  }
  void save(const std::string& name, const pubsub::node& state) {
    const std::string text = pubsub::to_text(state);
    const auto made = storage::create_node(t_, name_, {name, text, owner_.now});
    if (made == storage::node_creation::exists) storage::configure_node(t_, name_, name, text);
    if (made == storage::node_creation::full) leave_out("the node " + name + ": there are too many");
  }

  void keep_nodes(const xml::element& nodes) {
    for (const xml::element* one : nodes.children()) {
      const std::string name(one->get("node"));
      if (name.empty() || name == ns::bookmarks_legacy) continue;
      pubsub::node state = node_of(name);
      if (one->name() == "configure") {
        configure(state, *one);
      } else if (one->name() == "subscriptions") {
        subscribe(state, *one);
      } else {
        leave_out(one->name() + " of the node " + name);
        continue;
      }
      save(name, state);
    }
  }
  /// Field by field: what we do not know is left as it is by default (XEP-0227, 4.8.1).
  static void configure(pubsub::node& state, const xml::element& e) {
    const xml::element* x = e.child(ns::data_forms, "x");
    const auto form = x == nullptr ? std::unexpected(std::string()) : data_form::parse(*x);
    if (!form) return;
    for (const form_field& field : form->fields) {
      if (field.var == "FORM_TYPE") continue;
      data_form one{.kind = form_kind::submit};
      one.fields.push_back({.var = "FORM_TYPE", .values = {std::string(pubsub::config_form)}});
      one.fields.push_back(field);
      if (auto next = pubsub::changed(state.config, one)) state.config = *next;
    }
  }
  static void subscribe(pubsub::node& state, const xml::element& e) {
    for (const xml::element* one : e.children()) {
      const auto who = jid::parse(one->get("jid"));
      if (who && std::ranges::find(state.subscribers, *who) == state.subscribers.end()) {
        state.subscribers.push_back(*who);
      }
    }
  }

  store::transaction& t_;
  imported_owner& owner_;
  std::string name_;
  std::vector<std::string>& left_out_;
};

} // namespace

void keep_part(store::transaction& t, imported_owner& owner, const imported_part& part,
               std::vector<std::string>& left_out) {
  keeper_of_parts(t, owner, left_out).keep(part);
}

} // namespace coppice::messaging::exchange
