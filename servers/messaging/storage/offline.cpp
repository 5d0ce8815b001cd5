#include "servers/messaging/storage/offline.hpp"

#include <utility>

namespace coppice::messaging::storage {

namespace {

/// The first and the last. They leave from the first on, so there is none missing between.
struct ends {
  std::int64_t first = 1;
  std::int64_t last = 0;
  std::int64_t bytes_first = 0; ///< that came until then
  std::int64_t bytes_last = 0;
};

ends find_ends(store::transaction& t, std::string_view owner) {
  ends all;
  store::rows found = t.query("SELECT id, bytes_after FROM offline WHERE owner = $1 AND id IN "
                              "((SELECT min(id) FROM offline WHERE owner = $1), "
                              "(SELECT max(id) FROM offline WHERE owner = $1)) ORDER BY id",
                              owner);
  if (found.empty()) return all;
  all.first = found[0].get<std::int64_t>(0);
  all.bytes_first = found[0].get<std::int64_t>(1);
  all.last = found[found.size() - 1].get<std::int64_t>(0);
  all.bytes_last = found[found.size() - 1].get<std::int64_t>(1);
  return all;
}

} // namespace

bool add_offline(store::transaction& t, std::string_view owner, std::int64_t message, instant at,
                 std::string_view stanza, const offline_room& most) {
  const ends now = find_ends(t, owner);
  const std::int64_t bytes_after = now.bytes_last + static_cast<std::int64_t>(stanza.size());
  if (std::cmp_greater_equal(now.last - now.first + 1, most.messages)) return false;
  const bool is_first = now.last < now.first;
  if (!is_first && std::cmp_greater(bytes_after - now.bytes_first, most.bytes)) return false;
  t.execute(
      "INSERT INTO offline (owner, id, message, at, stanza, bytes_after) VALUES ($1, $2, $3, $4, $5, $6) "
      "ON CONFLICT DO NOTHING",
      owner, now.last + 1, message, to_column(at), stanza, bytes_after);
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
  const ends now = find_ends(t, owner);
  return static_cast<std::size_t>(now.last - now.first + 1);
}

void remove_offline(store::transaction& t, std::string_view owner, std::int64_t up_to) {
  t.execute("DELETE FROM offline WHERE owner = $1 AND id <= $2", owner, up_to);
}

} // namespace coppice::messaging::storage
