// Nodes of users and what is published at them. XEP-0060, XEP-0163.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/messaging/storage/schema.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::messaging::storage {

struct pubsub_node {
  std::string name;
  std::string config; ///< as its caller writes it
  instant created;
};

struct pubsub_item {
  std::string id;        ///< of the node
  std::string publisher; ///< an address
  instant at;            ///< when it was published
  std::string payload;   ///< XML
};

/// What came of the wish for a node.
enum class node_creation : std::uint8_t {
  created,
  exists, ///< and is as it was
  full,   ///< the owner has `most` already
};
[[nodiscard]] node_creation create_node(store::transaction& t, std::string_view owner,
                                        const pubsub_node& node, std::size_t most = 1'000);
[[nodiscard]] std::optional<pubsub_node> find_node(store::transaction& t, std::string_view owner,
                                                   std::string_view node);
/// By name.
[[nodiscard]] std::vector<pubsub_node> list_nodes(store::transaction& t, std::string_view owner);
/// False: there is no such node.
bool configure_node(store::transaction& t, std::string_view owner, std::string_view node,
                    std::string_view config);
/// With its items. False: there is no such node.
bool remove_node(store::transaction& t, std::string_view owner, std::string_view node);
/// All of a user.
void remove_nodes(store::transaction& t, std::string_view owner);

/// What went when an item came.
struct displaced {
  std::vector<std::string> ids; ///< of others, oldest first
  std::int64_t bytes = 0;       ///< of their payloads, and of the one that it replaces
};
/// Publishes it as the newest, in the place of one with its id; then only the newest `most` stay. Nothing if
/// there is no such node.
[[nodiscard]] std::optional<displaced> publish_item(store::transaction& t, std::string_view owner,
                                                    std::string_view node, const pubsub_item& item,
                                                    std::size_t most);
/// @{
/// Bytes of the payloads of one item, of all of a node, of all of a user; 0 if there is none.
[[nodiscard]] std::int64_t item_bytes(store::transaction& t, std::string_view owner, std::string_view node,
                                      std::string_view id);
[[nodiscard]] std::int64_t node_bytes(store::transaction& t, std::string_view owner, std::string_view node);
[[nodiscard]] std::int64_t all_node_bytes(store::transaction& t, std::string_view owner);
/// @}
[[nodiscard]] std::optional<pubsub_item> find_item(store::transaction& t, std::string_view owner,
                                                   std::string_view node, std::string_view id);
/// The newest ones, at most so many, oldest of them first.
[[nodiscard]] std::vector<pubsub_item> load_items(store::transaction& t, std::string_view owner,
                                                  std::string_view node, std::size_t most);
/// The ids of all, oldest first.
[[nodiscard]] std::vector<std::string> list_items(store::transaction& t, std::string_view owner,
                                                  std::string_view node);
/// False: there is no such item.
bool retract_item(store::transaction& t, std::string_view owner, std::string_view node, std::string_view id);
/// Removes all items of a node.
void purge_node(store::transaction& t, std::string_view owner, std::string_view node);

} // namespace coppice::messaging::storage
