#include "servers/messaging/storage/vcard.hpp"

namespace coppice::messaging::storage {

std::optional<std::string> load_vcard(store::transaction& t, std::string_view owner) {
  store::rows found = t.query("SELECT body FROM vcard WHERE owner = $1", owner);
  if (found.empty()) return std::nullopt;
  return found[0].take(0);
}

void save_vcard(store::transaction& t, std::string_view owner, std::string_view body) {
  t.execute("INSERT INTO vcard (owner, body) VALUES ($1, $2) ON CONFLICT (owner) DO UPDATE SET body = "
            "excluded.body",
            owner, body);
}

void remove_vcard(store::transaction& t, std::string_view owner) {
  t.execute("DELETE FROM vcard WHERE owner = $1", owner);
}

} // namespace coppice::messaging::storage
