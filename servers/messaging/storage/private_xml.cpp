#include "servers/messaging/storage/private_xml.hpp"

namespace coppice::messaging::storage {

std::optional<std::string> load_private_xml(store::transaction& t, std::string_view owner,
                                            std::string_view name) {
  store::rows found = t.query("SELECT body FROM private_xml WHERE owner = $1 AND name = $2", owner, name);
  if (found.empty()) return std::nullopt;
  return found[0].take(0);
}

bool save_private_xml(store::transaction& t, std::string_view owner, std::string_view name,
                      std::string_view body, std::size_t most) {
  const auto others =
      t.query("SELECT count(*) FROM private_xml WHERE owner = $1 AND name <> $2", owner, name)[0]
          .get<std::size_t>(0);
  if (others >= most) return false;
  t.execute("INSERT INTO private_xml (owner, name, body) VALUES ($1, $2, $3) "
            "ON CONFLICT (owner, name) DO UPDATE SET body = excluded.body",
            owner, name, body);
  return true;
}

void remove_private_xml(store::transaction& t, std::string_view owner) {
  t.execute("DELETE FROM private_xml WHERE owner = $1", owner);
}

} // namespace coppice::messaging::storage
