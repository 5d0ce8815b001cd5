#include "servers/messaging/storage/settings.hpp"

namespace coppice::messaging::storage {

std::optional<std::string> load_setting(store::transaction& t, std::string_view name) {
  store::rows found = t.query("SELECT value FROM setting WHERE name = $1", name);
  if (found.empty()) return std::nullopt;
  return found[0].take(0);
}

void save_setting(store::transaction& t, std::string_view name, std::string_view value) {
  t.execute("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = "
            "excluded.value",
            name, store::blob(value));
}

std::string load_or_save_setting(store::transaction& t, std::string_view name, std::string_view value) {
  t.execute("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", name,
            store::blob(value));
  return load_setting(t, name).value_or(std::string(value));
}

void remove_setting(store::transaction& t, std::string_view name) {
  t.execute("DELETE FROM setting WHERE name = $1", name);
}

} // namespace coppice::messaging::storage
