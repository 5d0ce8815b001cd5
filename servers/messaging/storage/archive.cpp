#include "servers/messaging/storage/archive.hpp"

#include <algorithm>

namespace coppice::messaging::storage {

namespace {

/// What is read of an entry.
const std::string columns = "id, with_bare, with_resource, at, stanza, origin";

archive_entry entry_of(const store::row& r) {
  return {r.get<std::int64_t>(0),
          r.take(1),
          r.take(2),
          from_column(r.get<std::int64_t>(3)),
          r.take(4),
          r.take(5)};
}

/// Between which ids a filter looks, both excluded.
struct id_range {
  std::int64_t low;
  std::int64_t high;
};

/// Times become ids: as ids grow with time, what is of `start` or later has no lesser id, and what is later
/// than `end` begins somewhere, soon behind that id.
id_range range_of(store::transaction& t, std::string_view owner, const archive_filter& filter) {
  id_range range{filter.after, filter.before};
  if (filter.start) {
    const std::int64_t least = std::max<std::int64_t>(to_column(*filter.start), 1);
    range.low = std::max(range.low, least - 1);
  }
  if (filter.end) {
    store::rows found = t.query("SELECT id FROM archive WHERE owner = $1 AND id > $2 AND at > $2 "
                                "ORDER BY owner, id LIMIT 1",
                                owner, to_column(*filter.end));
    if (!found.empty()) range.high = std::min(range.high, found[0].get<std::int64_t>(0));
  }
  return range;
}

/// Asks for what the filter means; the statements are a few fixed ones.
template <class... Args>
store::rows select(store::transaction& t, std::string_view before, std::string_view behind,
                   std::string_view owner, const archive_filter& filter, const Args&... args) {
  const id_range range = range_of(t, owner, filter);
  const std::string text(before);
  const std::string_view meant = " FROM archive WHERE owner = $1 AND id > $2 AND id < $3 ";
  auto sql = [&](std::string_view with) {
    return text + std::string(meant) + std::string(with) + std::string(behind);
  };
  if (filter.with_bare.empty()) return t.query(sql(""), owner, range.low, range.high, args...);
  if (filter.with_resource.empty()) {
    return t.query(sql("AND with_bare = $5 "), owner, range.low, range.high, args..., filter.with_bare);
  }
  return t.query(sql("AND with_bare = $5 AND with_resource = $6 "), owner, range.low, range.high, args...,
                 filter.with_bare, filter.with_resource);
}

} // namespace

void append_to_archive(store::transaction& t, std::string_view owner, const archive_entry& entry) {
  t.execute("INSERT INTO archive (owner, id, with_bare, with_resource, at, stanza, origin) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            owner, entry.id, entry.with_bare, entry.with_resource, to_column(entry.at), entry.stanza,
            entry.origin);
}

archive_page load_archive(store::transaction& t, std::string_view owner, const archive_filter& filter,
                          std::size_t most, bool backwards) {
  const std::string_view way =
      backwards ? "ORDER BY owner DESC, id DESC LIMIT $4" : "ORDER BY owner, id LIMIT $4";
  store::rows found = select(t, "SELECT " + columns, way, owner, filter, static_cast<std::int64_t>(most) + 1);
  archive_page page;
  page.complete = found.size() <= most;
  const std::size_t count = std::min(found.size(), most);
  page.entries.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    page.entries.push_back(entry_of(found[backwards ? count - 1 - i : i]));
  return page;
}

std::optional<std::vector<archive_entry>> load_archive_entries(store::transaction& t, std::string_view owner,
                                                               std::span<const std::int64_t> ids) {
  const std::string sql = "SELECT " + columns + " FROM archive WHERE owner = $1 AND id = $2";
  std::vector<archive_entry> entries;
  entries.reserve(ids.size());
  for (std::int64_t id : ids) {
    store::rows found = t.query(sql, owner, id);
    if (found.empty()) return std::nullopt;
    entries.push_back(entry_of(found[0]));
  }
  return entries;
}

bool is_archived(store::transaction& t, std::string_view owner, std::int64_t id) {
  return !t.query("SELECT 1 FROM archive WHERE owner = $1 AND id = $2", owner, id).empty();
}

std::optional<std::size_t> count_archive(store::transaction& t, std::string_view owner,
                                         const archive_filter& filter, std::size_t most) {
  const auto count = select(t, "SELECT count(*) FROM (SELECT 1", "LIMIT $4) AS meant", owner, filter,
                            static_cast<std::int64_t>(most) + 1)[0]
                         .get<std::size_t>(0);
  if (count > most) return std::nullopt;
  return count;
}

std::optional<archive_ends> find_archive_ends(store::transaction& t, std::string_view owner) {
  store::rows first =
      t.query("SELECT id, at FROM archive WHERE owner = $1 ORDER BY owner, id LIMIT 1", owner);
  if (first.empty()) return std::nullopt;
  store::rows last =
      t.query("SELECT id, at FROM archive WHERE owner = $1 ORDER BY owner DESC, id DESC LIMIT 1", owner);
  return archive_ends{first[0].get<std::int64_t>(0), from_column(first[0].get<std::int64_t>(1)),
                      last[0].get<std::int64_t>(0), from_column(last[0].get<std::int64_t>(1))};
}

std::size_t expire_archives(store::transaction& t, instant at, std::size_t most) {
  return static_cast<std::size_t>(
      t.execute("DELETE FROM archive WHERE (owner, id) IN "
                "(SELECT owner, id FROM archive WHERE at < $1 ORDER BY at LIMIT $2)",
                to_column(at), static_cast<std::int64_t>(most)));
}

void remove_archive(store::transaction& t, std::string_view owner) {
  t.execute("DELETE FROM archive WHERE owner = $1", owner);
  t.execute("DELETE FROM archive_policy WHERE owner = $1", owner);
  t.execute("DELETE FROM archive_rule WHERE owner = $1", owner);
}

// --- preferences ---

std::optional<xmpp::archive_preferences> load_archive_preferences(store::transaction& t,
                                                                  std::string_view owner) {
  store::rows policy = t.query("SELECT policy FROM archive_policy WHERE owner = $1", owner);
  if (policy.empty()) return std::nullopt;
  xmpp::archive_preferences result;
  result.otherwise = static_cast<xmpp::archive_preferences::policy>(policy[0].get<int>(0));
  for (const store::row& r :
       t.query("SELECT contact, always FROM archive_rule WHERE owner = $1 ORDER BY always, contact", owner)) {
    auto contact = xmpp::jid::parse(r.get<std::string_view>(0));
    if (contact) (r.get<bool>(1) ? result.always : result.never).push_back(*std::move(contact));
  }
  return result;
}

void save_archive_preferences(store::transaction& t, std::string_view owner,
                              const xmpp::archive_preferences& preferences) {
  t.execute("INSERT INTO archive_policy (owner, policy) VALUES ($1, $2) "
            "ON CONFLICT (owner) DO UPDATE SET policy = excluded.policy",
            owner, static_cast<int>(preferences.otherwise));
  t.execute("DELETE FROM archive_rule WHERE owner = $1", owner);
  const char* add =
      "INSERT INTO archive_rule (owner, contact, always) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
  for (const xmpp::jid& contact : preferences.always) t.execute(add, owner, contact.text(), true);
  for (const xmpp::jid& contact : preferences.never) t.execute(add, owner, contact.text(), false);
}

} // namespace coppice::messaging::storage
