#include "servers/messaging/storage/private_xml.hpp"

namespace coppice::messaging::storage {

std::optional<std::string> load_private_xml(store::transaction& t, std::string_view owner,
                                            std::string_view name) {
  store::rows found = t.query("SELECT body FROM private_xml WHERE owner = $1 AND name = $2", owner, name);
  if (found.empty()) return std::nullopt;
  return found[0].take(0);
}

bool save_private_xml(store::transaction& t, std::string_view owner, std::string_view name,
                      std::string_view body, const private_room& most) {
  store::rows others = t.query("SELECT count(*), CAST(coalesce(sum(octet_length(body)), 0) AS bigint) "
                               "FROM private_xml WHERE owner = $1 AND name <> $2",
                               owner, name);
  if (others[0].get<std::size_t>(0) >= most.elements) return false;
  if (others[0].get<std::uint64_t>(1) + body.size() > most.bytes) return false;
  t.execute("INSERT INTO private_xml (owner, name, body) VALUES ($1, $2, $3) "
            "ON CONFLICT (owner, name) DO UPDATE SET body = excluded.body",
            owner, name, body);
  return true;
}

void remove_private_xml(store::transaction& t, std::string_view owner) {
  t.execute("DELETE FROM private_xml WHERE owner = $1", owner);
}

} // namespace coppice::messaging::storage
