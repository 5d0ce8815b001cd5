#include "servers/xmpp/roster.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace coppice::xmpp {
namespace {

/// The item in pushes of what is no longer there.
xml::element removed(const jid& contact) {
  xml::element item(ns::roster, "item");
  item.set("jid", contact.text()).set("subscription", "remove");
  return item;
}

std::expected<std::vector<std::string>, stanza_error> parse_groups(const xml::element& item,
                                                                   const roster_limits& limits) {
  std::vector<std::string> groups;
  for (const xml::element* child : item.children()) {
    if (!child->is(ns::roster, "group")) continue;
    std::string name = child->text();
    if (name.empty())
      return std::unexpected(stanza_error{condition::not_acceptable, "A group needs a name."});
    if (name.size() > limits.group) {
      return std::unexpected(stanza_error{condition::not_acceptable, "The name of a group is too long."});
    }
    if (std::ranges::find(groups, name) != groups.end()) {
      return std::unexpected(stanza_error{condition::bad_request, "A group is there twice."});
    }
    if (groups.size() == limits.groups) {
      return std::unexpected(stanza_error{condition::not_acceptable, "The contact is in too many groups."});
    }
    groups.push_back(std::move(name));
  }
  return groups;
}

} // namespace

xml::element to_element(const roster_item& item) {
  xml::element e(ns::roster, "item");
  e.set("jid", item.contact.text());
  if (!item.name.empty()) e.set("name", item.name);
  e.set("subscription", name_of(item.state));
  if (item.state.asked) e.set("ask", "subscribe");
  if (item.state.approved) e.set("approved", "true");
  for (const std::string& group : item.groups) {
    xml::element g(ns::roster, "group");
    g.add_text(group);
    e.add(std::move(g));
  }
  return e;
}

std::expected<roster_set, stanza_error> parse_roster_set(const xml::element& query, const jid& user,
                                                         const roster_limits& limits) {
  const auto items = query.children();
  if (items.size() != 1 || !items.front()->is(ns::roster, "item")) {
    return std::unexpected(stanza_error{condition::bad_request, "A roster is set item by item."});
  }
  const xml::element& item = *items.front();
  const auto contact = jid::parse(item.get("jid"));
  if (!contact) return std::unexpected(stanza_error{condition::jid_malformed, contact.error()});
  roster_set set{.contact = contact->bare(), .remove = item.get("subscription") == "remove"};
  if (set.remove) return set;
  if (set.contact == user.bare()) {
    return std::unexpected(stanza_error{condition::not_allowed, "Nobody is his own contact."});
  }
  set.name = item.get("name");
  if (set.name.size() > limits.name) {
    return std::unexpected(stanza_error{condition::not_acceptable, "The name is too long."});
  }
  auto groups = parse_groups(item, limits);
  if (!groups) return std::unexpected(std::move(groups).error());
  set.groups = *std::move(groups);
  return set;
}

std::optional<std::uint64_t> roster_version_of(std::string_view text) noexcept {
  std::uint64_t version = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return version;
}

roster_answer answer_to(std::optional<std::string_view> asked, std::uint64_t now,
                        std::uint64_t oldest) noexcept {
  if (!asked) return roster_answer::whole;
  const auto version = roster_version_of(*asked);
  if (!version || *version < oldest || *version > now) return roster_answer::whole;
  return *version == now ? roster_answer::unchanged : roster_answer::changes;
}

xml::element roster_result(const xml::element& iq, std::span<const roster_item> items,
                           std::optional<std::uint64_t> version) {
  xml::element query(ns::roster, "query");
  if (version) query.set("ver", std::to_string(*version));
  for (const roster_item& item : items) {
    if (item.listed) query.add(to_element(item));
  }
  return result_reply(iq).add(std::move(query));
}

xml::element roster_push(const roster_item& item, std::string_view to, std::string_view id,
                         std::uint64_t version) {
  xml::element query(ns::roster, "query");
  query.set("ver", std::to_string(version));
  query.add(item.listed ? to_element(item) : removed(item.contact));
  xml::element iq = make_stanza("iq", "", to, "set");
  iq.set("id", id).add(std::move(query));
  return iq;
}

} // namespace coppice::xmpp
