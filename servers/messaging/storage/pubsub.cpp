#include "servers/messaging/storage/pubsub.hpp"

#include <algorithm>

namespace coppice::messaging::storage {

namespace {

/// Columns: id, publisher, at, payload.
pubsub_item item_of(const store::row& r) {
  return {r.take(0), r.take(1), from_column(r.get<std::int64_t>(2)), r.take(3)};
}

pubsub_node node_of(const store::row& r) {
  return {r.take(0), r.take(1), from_column(r.get<std::int64_t>(2))};
}

/// Removes all but the newest `most` of a node.
displaced evict(store::transaction& t, std::string_view owner, std::string_view node, std::size_t most) {
  displaced gone;
  store::rows oldest =
      t.query("SELECT id, seq, octet_length(payload) FROM pubsub_item WHERE owner = $1 AND node = $2 "
              "ORDER BY seq DESC LIMIT 1000000 OFFSET $3",
              owner, node, static_cast<std::int64_t>(most));
  if (oldest.empty()) return gone;
  for (const store::row& r : oldest) {
    gone.ids.push_back(r.take(0));
    gone.bytes += r.get<std::int64_t>(2);
  }
  std::ranges::reverse(gone.ids);
  t.execute("DELETE FROM pubsub_item WHERE owner = $1 AND node = $2 AND seq <= $3", owner, node,
            oldest[0].get<std::int64_t>(1));
  return gone;
}

constexpr std::string_view sum_of_payloads =
    "SELECT CAST(coalesce(sum(octet_length(payload)), 0) AS bigint) FROM pubsub_item WHERE owner = $1";

} // namespace

node_creation create_node(store::transaction& t, std::string_view owner, const pubsub_node& node,
                          std::size_t most) {
  if (find_node(t, owner, node.name)) return node_creation::exists;
  const auto others =
      t.query("SELECT count(*) FROM pubsub_node WHERE owner = $1", owner)[0].get<std::size_t>(0);
  if (others >= most) return node_creation::full;
  t.execute("INSERT INTO pubsub_node (owner, node, config, created) VALUES ($1, $2, $3, $4)", owner,
            node.name, node.config, to_column(node.created));
  return node_creation::created;
}

std::optional<pubsub_node> find_node(store::transaction& t, std::string_view owner, std::string_view node) {
  store::rows found =
      t.query("SELECT node, config, created FROM pubsub_node WHERE owner = $1 AND node = $2", owner, node);
  if (found.empty()) return std::nullopt;
  return node_of(found[0]);
}

std::vector<pubsub_node> list_nodes(store::transaction& t, std::string_view owner) {
  std::vector<pubsub_node> nodes;
  for (const store::row& r :
       t.query("SELECT node, config, created FROM pubsub_node WHERE owner = $1 ORDER BY node", owner)) {
    nodes.push_back(node_of(r));
  }
  return nodes;
}

bool configure_node(store::transaction& t, std::string_view owner, std::string_view node,
                    std::string_view config) {
  return t.execute("UPDATE pubsub_node SET config = $3 WHERE owner = $1 AND node = $2", owner, node, config) >
         0;
}

bool remove_node(store::transaction& t, std::string_view owner, std::string_view node) {
  purge_node(t, owner, node);
  return t.execute("DELETE FROM pubsub_node WHERE owner = $1 AND node = $2", owner, node) > 0;
}

void remove_nodes(store::transaction& t, std::string_view owner) {
  t.execute("DELETE FROM pubsub_item WHERE owner = $1", owner);
  t.execute("DELETE FROM pubsub_node WHERE owner = $1", owner);
}

std::int64_t item_bytes(store::transaction& t, std::string_view owner, std::string_view node,
                        std::string_view id) {
  const std::string sql = std::string(sum_of_payloads) + " AND node = $2 AND id = $3";
  return t.query(sql, owner, node, id)[0].get<std::int64_t>(0);
}

std::int64_t node_bytes(store::transaction& t, std::string_view owner, std::string_view node) {
  const std::string sql = std::string(sum_of_payloads) + " AND node = $2";
  return t.query(sql, owner, node)[0].get<std::int64_t>(0);
}

std::int64_t all_node_bytes(store::transaction& t, std::string_view owner) {
  return t.query(sum_of_payloads, owner)[0].get<std::int64_t>(0);
}

std::optional<displaced> publish_item(store::transaction& t, std::string_view owner, std::string_view node,
                                      const pubsub_item& item, std::size_t most) {
  if (t.query("SELECT 1 FROM pubsub_node WHERE owner = $1 AND node = $2", owner, node).empty()) {
    return std::nullopt;
  }
  const std::int64_t replaced = item_bytes(t, owner, node, item.id);
  t.execute(
      "INSERT INTO pubsub_item (owner, node, id, publisher, at, payload, seq) VALUES ($1, $2, $3, $4, $5, "
      "$6, (SELECT coalesce(max(seq), 0) + 1 FROM pubsub_item WHERE owner = $1 AND node = $2)) "
      "ON CONFLICT (owner, node, id) DO UPDATE SET publisher = excluded.publisher, at = excluded.at, "
      "payload = excluded.payload, seq = excluded.seq",
      owner, node, item.id, item.publisher, to_column(item.at), item.payload);
  displaced gone = evict(t, owner, node, std::max<std::size_t>(most, 1));
  gone.bytes += replaced;
  return gone;
}

std::optional<pubsub_item> find_item(store::transaction& t, std::string_view owner, std::string_view node,
                                     std::string_view id) {
  store::rows found = t.query("SELECT id, publisher, at, payload FROM pubsub_item "
                              "WHERE owner = $1 AND node = $2 AND id = $3",
                              owner, node, id);
  if (found.empty()) return std::nullopt;
  return item_of(found[0]);
}

std::vector<pubsub_item> load_items(store::transaction& t, std::string_view owner, std::string_view node,
                                    std::size_t most) {
  std::vector<pubsub_item> items;
  for (const store::row& r : t.query("SELECT id, publisher, at, payload FROM pubsub_item "
                                     "WHERE owner = $1 AND node = $2 ORDER BY seq DESC LIMIT $3",
                                     owner, node, static_cast<std::int64_t>(most))) {
    items.push_back(item_of(r));
  }
  std::ranges::reverse(items);
  return items;
}

std::vector<std::string> list_items(store::transaction& t, std::string_view owner, std::string_view node) {
  std::vector<std::string> ids;
  for (const store::row& r :
       t.query("SELECT id FROM pubsub_item WHERE owner = $1 AND node = $2 ORDER BY seq", owner, node)) {
    ids.push_back(r.take(0));
  }
  return ids;
}

bool retract_item(store::transaction& t, std::string_view owner, std::string_view node, std::string_view id) {
  return t.execute("DELETE FROM pubsub_item WHERE owner = $1 AND node = $2 AND id = $3", owner, node, id) > 0;
}

void purge_node(store::transaction& t, std::string_view owner, std::string_view node) {
  t.execute("DELETE FROM pubsub_item WHERE owner = $1 AND node = $2", owner, node);
}

} // namespace coppice::messaging::storage
