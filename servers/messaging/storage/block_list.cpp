#include "servers/messaging/storage/block_list.hpp"

namespace coppice::messaging::storage {

xmpp::block_list load_block_list(store::transaction& t, std::string_view owner) {
  xmpp::block_list list;
  for (const store::row& r : t.query("SELECT who FROM blocked WHERE owner = $1", owner)) {
    if (auto who = xmpp::jid::parse(r.get<std::string_view>(0))) list.add(*who);
  }
  return list;
}

bool block(store::transaction& t, std::string_view owner, std::span<const xmpp::jid> who, std::size_t most) {
  xmpp::block_list list = load_block_list(t, owner);
  for (const xmpp::jid& j : who) list.add(j);
  if (list.size() > most) return false;
  for (const xmpp::jid& j : who) {
    t.execute("INSERT INTO blocked (owner, who) VALUES ($1, $2) ON CONFLICT DO NOTHING", owner, j.text());
  }
  return true;
}

void unblock(store::transaction& t, std::string_view owner, std::span<const xmpp::jid> who) {
  for (const xmpp::jid& j : who) {
    t.execute("DELETE FROM blocked WHERE owner = $1 AND who = $2", owner, j.text());
  }
}

void unblock_all(store::transaction& t, std::string_view owner) {
  t.execute("DELETE FROM blocked WHERE owner = $1", owner);
}

} // namespace coppice::messaging::storage
