#include "servers/messaging/storage/uploads.hpp"

namespace coppice::messaging::storage {

std::vector<xmpp::upload_use> upload_uses(store::transaction& t, std::string_view owner, instant since,
                                          instant promised) {
  std::vector<xmpp::upload_use> uses;
  for (const store::row& r : t.query("SELECT asked, size FROM upload WHERE owner = $1 AND asked > $2 AND "
                                     "(state <> 0 OR asked > $3) ORDER BY asked",
                                     owner, to_column(since), to_column(promised))) {
    uses.push_back({from_column(r.get<std::int64_t>(0)), r.get<std::uint64_t>(1)});
  }
  return uses;
}

void promise_upload(store::transaction& t, const stored_upload& upload) {
  t.execute(
      "INSERT INTO upload (id, owner, name, size, type, asked, state) VALUES ($1, $2, $3, $4, $5, $6, $7)",
      upload.id, upload.owner, upload.file.name, static_cast<std::int64_t>(upload.file.size),
      upload.file.type, to_column(upload.asked), static_cast<int>(upload.state));
}

std::optional<stored_upload> find_upload(store::transaction& t, std::string_view id) {
  store::rows found = t.query("SELECT owner, name, size, type, asked, state FROM upload WHERE id = $1", id);
  if (found.empty()) return std::nullopt;
  const store::row r = found[0];
  return stored_upload{.id = std::string(id),
                       .owner = r.take(0),
                       .file = {r.take(1), r.get<std::uint64_t>(2), r.take(3)},
                       .asked = from_column(r.get<std::int64_t>(4)),
                       .state = static_cast<upload_state>(r.get<int>(5))};
}

bool begin_upload(store::transaction& t, std::string_view id, std::string_view type) {
  return t.execute("UPDATE upload SET state = 1, type = $2 WHERE id = $1 AND state = 0", id, type) == 1;
}

bool finish_upload(store::transaction& t, std::string_view id) {
  return t.execute("UPDATE upload SET state = 2 WHERE id = $1 AND state = 1", id) == 1;
}

void remove_upload(store::transaction& t, std::string_view id) {
  t.execute("DELETE FROM upload WHERE id = $1", id);
}

std::vector<std::string> old_uploads(store::transaction& t, upload_state state, instant before,
                                     std::size_t most) {
  std::vector<std::string> ids;
  for (const store::row& r :
       t.query("SELECT id FROM upload WHERE state = $1 AND asked < $2 ORDER BY asked LIMIT $3",
               static_cast<int>(state), to_column(before), static_cast<std::int64_t>(most))) {
    ids.push_back(r.take(0));
  }
  return ids;
}

void disown_uploads(store::transaction& t, std::string_view owner) {
  t.execute("UPDATE upload SET owner = '', asked = 0 WHERE owner = $1", owner);
}

} // namespace coppice::messaging::storage
