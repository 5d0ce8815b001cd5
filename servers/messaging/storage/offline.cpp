#include "servers/messaging/storage/offline.hpp"

#include <utility>

namespace coppice::messaging::storage {

namespace {

/// The numbers of the first and of the last. They leave from the first on, so there is none missing between.
std::pair<std::int64_t, std::int64_t> ends(store::transaction& t, std::string_view owner) {
  store::rows found = t.query("SELECT (SELECT min(id) FROM offline WHERE owner = $1), "
                              "(SELECT max(id) FROM offline WHERE owner = $1)",
                              owner);
  return {found[0].get<std::optional<std::int64_t>>(0).value_or(1),
          found[0].get<std::optional<std::int64_t>>(1).value_or(0)};
}

} // namespace

bool add_offline(store::transaction& t, std::string_view owner, std::int64_t message, instant at,
                 std::string_view stanza, std::size_t most) {
  const auto [first, last] = ends(t, owner);
  if (static_cast<std::size_t>(last - first + 1) >= most) return false;
  t.execute("INSERT INTO offline (owner, id, message, at, stanza) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT DO NOTHING",
            owner, last + 1, message, to_column(at), stanza);
  return true;
}

std::vector<offline_message> load_offline(store::transaction& t, std::string_view owner, std::int64_t after,
                                          std::size_t most) {
  std::vector<offline_message> messages;
  for (const store::row& r :
       t.query("SELECT id, at, stanza, message FROM offline WHERE owner = $1 AND id > $2 "
               "ORDER BY id LIMIT $3",
               owner, after, static_cast<std::int64_t>(most))) {
    messages.push_back(
        {r.get<std::int64_t>(0), from_column(r.get<std::int64_t>(1)), r.take(2), r.get<std::int64_t>(3)});
  }
  return messages;
}

std::size_t count_offline(store::transaction& t, std::string_view owner) {
  const auto [first, last] = ends(t, owner);
  return static_cast<std::size_t>(last - first + 1);
}

void remove_offline(store::transaction& t, std::string_view owner, std::int64_t up_to) {
  t.execute("DELETE FROM offline WHERE owner = $1 AND id <= $2", owner, up_to);
}

} // namespace coppice::messaging::storage
