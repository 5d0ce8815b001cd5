#include "servers/messaging/storage/pep.hpp"

#include "servers/messaging/storage/pubsub.hpp"
#include "servers/messaging/storage/vcard.hpp"
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/pubsub/avatars.hpp"

#include <algorithm>
#include <iterator>
#include <type_traits>

namespace coppice::messaging::storage {

namespace {

namespace pubsub = xmpp::pubsub;
namespace ns = xmpp::ns;

/// What is stored was within bounds when it came.
constexpr xml::parser_limits for_stored{.stanza = std::size_t{8} << 20};

std::optional<pubsub::stored_item> item_of(pubsub_item&& one) {
  pubsub::stored_item item{.id = std::move(one.id), .publisher = std::move(one.publisher), .at = one.at};
  if (one.payload.empty()) return item;
  auto payload = xml::parse_element(one.payload, for_stored);
  if (!payload) return std::nullopt;
  item.payload = *std::move(payload);
  return item;
}

std::string text_of(const pubsub::put_item& c) {
  return c.payload.name().empty() ? "" : c.payload.to_string();
}

/// Bytes that items to come need besides those that they replace. What they push out is not counted: it goes
/// only when they are there.
std::int64_t needed(store::transaction& t, std::string_view owner, std::span<const pubsub::command> todo) {
  std::int64_t bytes = 0;
  for (const pubsub::command& one : todo) {
    const auto* put = std::get_if<pubsub::put_item>(&one);
    if (put == nullptr || put->keep == 0) continue;
    bytes += static_cast<std::int64_t>(text_of(*put).size()) - item_bytes(t, owner, put->node, put->id);
  }
  return bytes;
}

/// Carries out one command after the other.
class executor {
public:
  executor(store::transaction& t, std::string_view owner, xmpp::instant at) : t_(t), owner_(owner), at_(at) {}

  void operator()(const pubsub::save_node& c) {
    const std::string text = pubsub::to_text(c.state);
    if (create_node(t_, owner_, {c.name, text, at_}) == node_creation::exists) {
      configure_node(t_, owner_, c.name, text);
    }
  }
  void operator()(const pubsub::drop_node& c) {
    result.grown -= node_bytes(t_, owner_, c.name);
    remove_node(t_, owner_, c.name);
    show_none(c.name);
  }
  void operator()(const pubsub::put_item& c) {
    if (c.keep > 0) {
      const std::string payload = text_of(c);
      const auto gone = publish_item(t_, owner_, c.node, {c.id, c.publisher, at_, payload}, c.keep);
      if (gone) result.grown += static_cast<std::int64_t>(payload.size()) - gone->bytes;
    }
    if (c.node == ns::user_avatar_metadata) show(c.payload);
  }
  void operator()(const pubsub::drop_item& c) {
    result.found = result.found && retract(c.node, c.id);
    if (result.found) show_none(c.node);
  }
  void operator()(const pubsub::drop_items& c) {
    const std::vector<std::string> ids = list_items(t_, owner_, c.node);
    const std::size_t gone = ids.size() - std::min(ids.size(), c.keep);
    for (std::size_t i = 0; i < gone; ++i) retract(c.node, ids[i]);
    if (c.keep == 0) show_none(c.node);
  }
  void operator()(const pubsub::read_items& c) {
    if (c.ids.empty()) {
      result.items = read_items(t_, owner_, c.node, c.newest);
      return;
    }
    for (const std::string& id : c.ids) {
      auto found = find_item(t_, owner_, c.node, id);
      if (!found) continue;
      if (auto item = item_of(*std::move(found))) result.items.push_back(*std::move(item));
    }
  }
  void operator()(const pubsub::tell& /*c*/) {}
  void operator()(const pubsub::send_last_item& c) { result.items = read_items(t_, owner_, c.node, 1); }

  carried_out result;

private:
  bool retract(std::string_view node, std::string_view id) {
    result.grown -= item_bytes(t_, owner_, node, id);
    return retract_item(t_, owner_, node, id);
  }
  /// The vCard shows the picture that the metadata tell of.
  void show(const xml::element& metadata) {
    const std::string id = pubsub::avatar_id(metadata);
    if (id.empty()) return show_none(ns::user_avatar_metadata);
    const auto stored = find_item(t_, owner_, ns::user_avatar_data, id);
    const auto data =
        stored ? xml::parse_element(stored->payload, for_stored) : std::unexpected(xml::stream_error());
    const auto picture = data ? pubsub::avatar_of_items(metadata, *data) : std::nullopt;
    if (!picture) return; // there are no bytes that the vCard could have
    change_photo(picture);
    result.avatar = id;
  }
  void show_none(std::string_view node) {
    if (node != ns::user_avatar_metadata) return;
    change_photo(std::nullopt);
    result.avatar = "";
  }
  void change_photo(const std::optional<pubsub::avatar>& picture) {
    xml::element card(ns::vcard, "vCard");
    const auto before = load_vcard(t_, owner_);
    if (before) {
      auto read = xml::parse_element(*before, for_stored);
      if (!read) return; // not ours to lose
      card = *std::move(read);
    }
    if (!before && !picture) return;
    pubsub::set_photo(card, picture);
    save_vcard(t_, owner_, card.to_string());
  }

  store::transaction& t_;
  std::string_view owner_;
  xmpp::instant at_;
};

} // namespace

stored_account load_account_nodes(store::transaction& t, std::string_view owner) {
  stored_account all;
  for (pubsub_node& one : list_nodes(t, owner)) {
    auto node = pubsub::parse_node(one.config);
    if (node) all.nodes.emplace(std::move(one.name), *std::move(node));
  }
  if (all.nodes.contains(ns::user_avatar_metadata)) {
    const auto items = read_items(t, owner, ns::user_avatar_metadata, 1);
    if (!items.empty()) all.avatar = pubsub::avatar_id(items.back().payload);
  }
  all.bytes = all_node_bytes(t, owner);
  return all;
}

carried_out carry_out(store::transaction& t, std::string_view owner, std::span<const pubsub::command> todo,
                      xmpp::instant at, std::int64_t room) {
  if (const std::int64_t bytes = needed(t, owner, todo); bytes > 0 && bytes > room) return {.full = true};
  executor all(t, owner, at);
  for (const pubsub::command& one : todo) {
    std::visit(all, one);
    if (!all.result.found) break;
  }
  return std::move(all.result);
}

std::vector<pubsub::stored_item> read_items(store::transaction& t, std::string_view owner,
                                            std::string_view node, std::size_t newest) {
  std::vector<pubsub::stored_item> items;
  std::vector<pubsub_item> found = load_items(t, owner, node, newest);
  std::size_t bytes = 0;
  for (auto one = found.rbegin(); one != found.rend(); ++one) {
    bytes += one->payload.size();
    if (bytes > most_answer) break;
    if (auto item = item_of(std::move(*one))) items.push_back(*std::move(item));
  }
  std::ranges::reverse(items);
  return items;
}

} // namespace coppice::messaging::storage
