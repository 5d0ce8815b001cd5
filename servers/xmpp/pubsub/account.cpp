#include "servers/xmpp/pubsub/account.hpp"

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <utility>

namespace coppice::xmpp::pubsub {
namespace {

using kind = request::kind;

xml::element with_node(std::string_view ns, std::string_view name, std::string_view node) {
  xml::element e(ns, name);
  if (!node.empty()) e.set("node", node);
  return e;
}

xml::element in_pubsub(xml::element what) {
  xml::element pubsub(what.ns(), "pubsub");
  pubsub.add(std::move(what));
  return pubsub;
}

std::unexpected<stanza_error> no_such_node() {
  return std::unexpected(stanza_error{condition::item_not_found, "There is no such node."});
}
std::unexpected<stanza_error> only_the_owner() {
  return std::unexpected(stanza_error{condition::forbidden, "That is for the owner."});
}

xml::element item_element(std::string_view ns, std::string_view id) {
  xml::element item(ns, "item");
  item.set("id", id);
  return item;
}

/// `<subscription/>`; `ns` is that of its parent.
xml::element subscription_of(std::string_view ns, std::string_view node, const jid& who, bool subscribed) {
  xml::element e = with_node(ns, "subscription", node);
  e.set("jid", who.text()).set("subscription", subscribed ? "subscribed" : "none");
  return e;
}

/// `<event/>` with an element that names the node.
xml::element event_of(xml::element what) {
  xml::element event(ns::pubsub_event, "event");
  event.add(std::move(what));
  return event;
}

xml::element published_event(std::string_view node, std::string_view id, const xml::element* payload) {
  xml::element item = item_element(ns::pubsub_event, id);
  if (payload != nullptr) item.add(*payload);
  xml::element items = with_node(ns::pubsub_event, "items", node);
  items.add(std::move(item));
  return event_of(std::move(items));
}

xml::element retracted_event(std::string_view node, std::string_view id) {
  xml::element retract(ns::pubsub_event, "retract");
  retract.set("id", id);
  xml::element items = with_node(ns::pubsub_event, "items", node);
  items.add(std::move(retract));
  return event_of(std::move(items));
}

bool is_for_owner(kind k) noexcept {
  switch (k) {
  case kind::items:
  case kind::subscribe:
  case kind::unsubscribe:
  case kind::subscriptions:
  case kind::affiliations: return false;
  default: return true;
  }
}

} // namespace

std::string to_text(const node& n) {
  xml::element e("", "node");
  e.add(to_element(to_form(n.config, form_kind::submit)));
  for (const jid& who : n.subscribers) {
    xml::element subscriber("", "subscriber");
    subscriber.set("jid", who.text());
    e.add(std::move(subscriber));
  }
  return e.to_string();
}

std::expected<node, std::string> parse_node(std::string_view text) {
  const auto e = xml::parse_element(text);
  if (!e) return std::unexpected(e.error().text);
  const xml::element* x = e->child(ns::data_forms, "x");
  if (x == nullptr) return std::unexpected("it has no configuration");
  const auto form = data_form::parse(*x);
  if (!form) return std::unexpected(form.error());
  auto config = changed(node_config(), *form);
  if (!config) return std::unexpected(config.error().text);
  node n{.config = *std::move(config)};
  for (const xml::element* child : e->children()) {
    if (!child->is("", "subscriber")) continue;
    auto who = jid::parse(child->get("jid"));
    if (!who) return std::unexpected(who.error());
    n.subscribers.push_back(*std::move(who));
  }
  return n;
}

std::optional<stanza_error> refusal(const node_config& config, const party& who) {
  if (who.is_owner) return std::nullopt;
  switch (config.access) {
  case access_model::open: return std::nullopt;
  case access_model::presence:
    if (who.sees_presence) return std::nullopt;
    return error(condition::not_authorized, "presence-subscription-required");
  case access_model::roster: {
    const auto allowed = [&](const std::string& group) {
      return std::ranges::find(config.groups, group) != config.groups.end();
    };
    if (std::ranges::any_of(who.groups, allowed)) return std::nullopt;
    return error(condition::not_authorized, "not-in-roster-group");
  }
  case access_model::whitelist: break;
  }
  return error(condition::not_allowed, "closed-node");
}

bool is_notified(const node& n, const party& who, bool wants) {
  if (refusal(n.config, who)) return false;
  if (wants && (who.is_owner || who.sees_presence)) return true;
  return std::ranges::any_of(n.subscribers, [&](const jid& s) {
    return s == who.who || (s.is_bare() && s.text() == who.who.bare_text());
  });
}

std::string notify_feature(std::string_view node) { return std::string(node) + "+notify"; }

account::account(jid owner, node_map nodes, const account_limits& limits)
    : owner_(std::move(owner)), nodes_(std::move(nodes)), limits_(limits) {}

const node* account::find(std::string_view name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? nullptr : &found->second;
}

std::vector<std::string> account::names_for(const party& who) const {
  std::vector<std::string> names;
  for (const auto& [name, n] : nodes_) {
    if (!refusal(n.config, who)) names.push_back(name);
  }
  return names;
}

std::expected<outcome, stanza_error> account::handle(const request& r, const party& from,
                                                     std::string_view fresh) const {
  if (!from.is_owner && is_for_owner(r.wants)) return only_the_owner();
  switch (r.wants) {
  case kind::publish: return publish(r, from, fresh);
  case kind::create: return create(r);
  case kind::get_default: {
    xml::element form(ns::pubsub_owner, "default");
    form.add(to_element(to_form(node_config())));
    return outcome{.reply = in_pubsub(std::move(form))};
  }
  case kind::subscriptions:
  case kind::affiliations: return subscriptions_of(r, from);
  default: break;
  }
  const node* n = find(r.node);
  return n == nullptr ? result(no_such_node()) : on_node(r, *n, from);
}

account::result account::on_node(const request& r, const node& n, const party& from) const {
  if (is_for_owner(r.wants)) return as_owner(r, n);
  if (r.wants == kind::unsubscribe) return unsubscribe(r, n, from);
  auto refused = refusal(n.config, from);
  if (refused) return std::unexpected(*std::move(refused));
  if (r.wants == kind::subscribe) return subscribe(r, n, from);
  if (!n.config.persist) {
    return std::unexpected(error(condition::feature_not_implemented, "unsupported", "", "persistent-items"));
  }
  outcome out;
  out.todo.emplace_back(
      read_items{.node = r.node, .ids = r.ids, .newest = std::min(r.max.value_or(most_items), most_items)});
  return out;
}

account::result account::as_owner(const request& r, const node& n) const {
  outcome out;
  switch (r.wants) {
  case kind::retract:
    out.todo.emplace_back(drop_item{.node = r.node, .id = r.ids.front()});
    if (n.config.notify_retract || r.notify) {
      out.todo.emplace_back(tell{r.node, n, message(n, retracted_event(r.node, r.ids.front()))});
    }
    return out;
  case kind::remove:
    out.todo.emplace_back(drop_node{r.node});
    if (n.config.notify_delete) {
      out.todo.emplace_back(
          tell{r.node, n, message(n, event_of(with_node(ns::pubsub_event, "delete", r.node)))});
    }
    return out;
  case kind::purge:
    out.todo.emplace_back(drop_items{.node = r.node, .keep = 0});
    if (n.config.notify_retract) {
      out.todo.emplace_back(
          tell{r.node, n, message(n, event_of(with_node(ns::pubsub_event, "purge", r.node)))});
    }
    return out;
  case kind::get_config: {
    xml::element configure = with_node(ns::pubsub_owner, "configure", r.node);
    configure.add(to_element(to_form(n.config)));
    out.reply = in_pubsub(std::move(configure));
    return out;
  }
  case kind::set_config: return configure(r, n);
  case kind::owners: {
    xml::element owner(ns::pubsub_owner, "affiliation");
    owner.set("jid", owner_.text()).set("affiliation", "owner");
    xml::element all = with_node(ns::pubsub_owner, "affiliations", r.node);
    all.add(std::move(owner));
    out.reply = in_pubsub(std::move(all));
    return out;
  }
  default: {
    xml::element all = with_node(ns::pubsub_owner, "subscriptions", r.node);
    for (const jid& who : n.subscribers) all.add(subscription_of(ns::pubsub_owner, "", who, true));
    out.reply = in_pubsub(std::move(all));
    return out;
  }
  }
}

account::result account::publish(const request& r, const party& from, std::string_view fresh) const {
  const node* there = find(r.node);
  if (there == nullptr && nodes_.size() >= limits_.nodes) {
    return std::unexpected(stanza_error{condition::resource_constraint, "The account has too many nodes."});
  }
  node n = there == nullptr ? node{.config = default_config(r.node)} : *there;
  if (r.form) {
    auto expected = changed(n.config, *r.form);
    if (there == nullptr && expected) {
      n.config = *std::move(expected);
    } else if (!expected || *expected != n.config) {
      return std::unexpected(error(condition::conflict, "precondition-not-met"));
    }
  }
  const std::string id = r.ids.empty() ? std::string(fresh) : r.ids.front();
  outcome out;
  if (there == nullptr) out.todo.emplace_back(save_node{r.node, n});
  out.todo.emplace_back(put_item{
      .node = r.node, .id = id, .payload = r.item, .publisher = from.who.text(), .keep = n.config.kept()});
  xml::element event = published_event(r.node, id, n.config.deliver_payloads ? &r.item : nullptr);
  xml::element told = message(n, std::move(event));
  out.todo.emplace_back(tell{r.node, std::move(n), std::move(told)});
  xml::element published = with_node(ns::pubsub, "publish", r.node);
  published.add(item_element(ns::pubsub, id));
  out.reply = in_pubsub(std::move(published));
  return out;
}

account::result account::create(const request& r) const {
  if (find(r.node) != nullptr) {
    return std::unexpected(stanza_error{condition::conflict, "There is such a node."});
  }
  if (nodes_.size() >= limits_.nodes) {
    return std::unexpected(stanza_error{condition::resource_constraint, "The account has too many nodes."});
  }
  node n{.config = default_config(r.node)};
  if (r.form) {
    auto config = changed(n.config, *r.form);
    if (!config) return std::unexpected(std::move(config).error());
    n.config = *std::move(config);
  }
  outcome out;
  out.todo.emplace_back(save_node{r.node, std::move(n)});
  return out;
}

account::result account::configure(const request& r, const node& n) const {
  if (!r.form) return outcome();
  auto config = changed(n.config, *r.form);
  if (!config) return std::unexpected(std::move(config).error());
  node now{.config = *std::move(config), .subscribers = n.subscribers};
  outcome out;
  if (now.config.kept() < n.config.kept()) out.todo.emplace_back(drop_items{r.node, now.config.kept()});
  out.todo.emplace_back(save_node{r.node, std::move(now)});
  return out;
}

account::result account::subscribe(const request& r, const node& n, const party& from) const {
  if (r.who.bare_text() != from.who.bare_text()) {
    return std::unexpected(error(condition::bad_request, "invalid-jid"));
  }
  outcome out;
  if (std::ranges::find(n.subscribers, r.who) == n.subscribers.end()) {
    if (n.subscribers.size() >= limits_.subscribers) {
      return std::unexpected(error(condition::policy_violation, "too-many-subscriptions"));
    }
    node now = n;
    now.subscribers.push_back(r.who);
    out.todo.emplace_back(save_node{r.node, std::move(now)});
  }
  if (n.config.persist && n.config.last != send_last::never) {
    out.todo.emplace_back(send_last_item{.node = r.node, .to = r.who});
  }
  out.reply = in_pubsub(subscription_of(ns::pubsub, r.node, r.who, true));
  return out;
}

account::result account::unsubscribe(const request& r, const node& n, const party& from) const {
  if (r.who.bare_text() != from.who.bare_text())
    return std::unexpected(stanza_error{.is = condition::forbidden});
  node now = n;
  if (std::erase(now.subscribers, r.who) == 0) {
    return std::unexpected(error(condition::unexpected_request, "not-subscribed"));
  }
  outcome out;
  out.todo.emplace_back(save_node{r.node, std::move(now)});
  out.reply = in_pubsub(subscription_of(ns::pubsub, r.node, r.who, false));
  return out;
}

outcome account::subscriptions_of(const request& r, const party& from) const {
  const bool affiliations = r.wants == kind::affiliations;
  xml::element all = with_node(ns::pubsub, affiliations ? "affiliations" : "subscriptions", r.node);
  for (const auto& [name, n] : nodes_) {
    if (!r.node.empty() && r.node != name) continue;
    if (affiliations && from.is_owner) {
      xml::element e = with_node(ns::pubsub, "affiliation", name);
      e.set("affiliation", "owner");
      all.add(std::move(e));
    }
    for (const jid& who : n.subscribers) {
      if (affiliations || who.bare_text() != from.who.bare_text()) continue;
      all.add(subscription_of(ns::pubsub, name, who, true));
    }
  }
  return outcome{.reply = in_pubsub(std::move(all))};
}

void account::done(const command& c) {
  if (const auto* saved = std::get_if<save_node>(&c)) nodes_.insert_or_assign(saved->name, saved->state);
  if (const auto* dropped = std::get_if<drop_node>(&c)) nodes_.erase(dropped->name);
}

std::vector<std::string>
account::last_items_for(const party& who, const std::function<bool(std::string_view feature)>& wants) const {
  std::vector<std::string> names;
  for (const auto& [name, n] : nodes_) {
    if (!n.config.persist || n.config.last != send_last::on_sub_and_presence) continue;
    if (is_notified(n, who, wants(notify_feature(name)))) names.push_back(name);
  }
  return names;
}

xml::element account::message(const node& n, xml::element event) const {
  xml::element m = make_stanza("message", owner_.text(), "", n.config.headline ? "headline" : "");
  m.add(std::move(event));
  return m;
}

xml::element account::last_item_message(std::string_view name, const stored_item& item) const {
  const node* n = find(name);
  const node as_is = n == nullptr ? node() : *n;
  xml::element m =
      message(as_is, published_event(name, item.id, as_is.config.deliver_payloads ? &item.payload : nullptr));
  add_delay(m, owner_.text(), item.at);
  return m;
}

xml::element items_result(std::string_view node, std::span<const stored_item> items) {
  xml::element all = with_node(ns::pubsub, "items", node);
  for (const stored_item& one : items) {
    xml::element item = item_element(ns::pubsub, one.id);
    item.add(one.payload);
    all.add(std::move(item));
  }
  return in_pubsub(std::move(all));
}

std::vector<std::string> account_features() {
  std::vector<std::string> features{std::string(ns::pubsub)};
  for (const char* part : {"access-open",
                           "access-presence",
                           "access-roster",
                           "access-whitelist",
                           "auto-create",
                           "auto-subscribe",
                           "config-node",
                           "config-node-max",
                           "create-and-configure",
                           "create-nodes",
                           "delete-items",
                           "delete-nodes",
                           "filtered-notifications",
                           "item-ids",
                           "last-published",
                           "multi-items",
                           "persistent-items",
                           "presence-subscribe",
                           "publish",
                           "publish-options",
                           "purge-nodes",
                           "retract-items",
                           "retrieve-affiliations",
                           "retrieve-default",
                           "retrieve-items",
                           "retrieve-subscriptions",
                           "subscribe"}) {
    features.push_back(std::string(ns::pubsub) + '#' + part);
  }
  return features;
}

} // namespace coppice::xmpp::pubsub
