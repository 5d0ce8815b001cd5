#include "servers/messaging/storage/rooms.hpp"

#include "servers/messaging/storage/archive.hpp"

namespace coppice::messaging::storage {

namespace {

/// Columns: address, config, subject, created.
stored_room room_of(const store::row& r) {
  return {r.take(0), r.take(1), r.take(2), from_column(r.get<std::int64_t>(3))};
}

} // namespace

void save_room(store::transaction& t, const stored_room& room) {
  t.execute("INSERT INTO room (address, config, subject, created) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (address) DO UPDATE SET config = excluded.config, subject = excluded.subject, "
            "created = excluded.created",
            room.address, room.config, room.subject, to_column(room.created));
}

std::optional<stored_room> find_room(store::transaction& t, std::string_view address) {
  store::rows found =
      t.query("SELECT address, config, subject, created FROM room WHERE address = $1", address);
  if (found.empty()) return std::nullopt;
  return room_of(found[0]);
}

bool save_room_config(store::transaction& t, std::string_view address, std::string_view config) {
  return t.execute("UPDATE room SET config = $2 WHERE address = $1", address, config) > 0;
}

bool save_room_subject(store::transaction& t, std::string_view address, std::string_view subject) {
  return t.execute("UPDATE room SET subject = $2 WHERE address = $1", address, subject) > 0;
}

bool remove_room(store::transaction& t, std::string_view address) {
  if (t.execute("DELETE FROM room WHERE address = $1", address) == 0) return false;
  t.execute("DELETE FROM room_affiliation WHERE room = $1", address);
  remove_archive(t, address);
  return true;
}

std::vector<stored_room> list_rooms(store::transaction& t, std::string_view after, std::size_t most) {
  std::vector<stored_room> rooms;
  for (const store::row& r : t.query("SELECT address, config, subject, created FROM room WHERE address > $1 "
                                     "ORDER BY address LIMIT $2",
                                     after, static_cast<std::int64_t>(most))) {
    rooms.push_back(room_of(r));
  }
  return rooms;
}

bool save_affiliation(store::transaction& t, std::string_view room, const stored_affiliation& affiliation,
                      std::size_t most) {
  if (affiliation.affiliation == 0) {
    t.execute("DELETE FROM room_affiliation WHERE room = $1 AND who = $2", room, affiliation.who);
    return true;
  }
  const auto others =
      t.query("SELECT count(*) FROM room_affiliation WHERE room = $1 AND who <> $2", room, affiliation.who)[0]
          .get<std::size_t>(0);
  if (others >= most) return false;
  t.execute("INSERT INTO room_affiliation (room, who, affiliation, reason, nick) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT (room, who) DO UPDATE SET affiliation = excluded.affiliation, "
            "reason = excluded.reason, nick = excluded.nick",
            room, affiliation.who, affiliation.affiliation, affiliation.reason, affiliation.nick);
  return true;
}

std::vector<stored_affiliation> load_affiliations(store::transaction& t, std::string_view room) {
  std::vector<stored_affiliation> all;
  for (const store::row& r : t.query("SELECT who, affiliation, reason, nick FROM room_affiliation "
                                     "WHERE room = $1 ORDER BY who",
                                     room)) {
    all.push_back({r.take(0), r.get<int>(1), r.take(2), r.take(3)});
  }
  return all;
}

} // namespace coppice::messaging::storage
