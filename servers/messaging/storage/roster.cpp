#include "servers/messaging/storage/roster.hpp"

#include <algorithm>

namespace coppice::messaging::storage {

namespace {

enum flag : int {
  flag_to = 1,
  flag_from = 2,
  flag_asked = 4,
  flag_asking = 8,
  flag_approved = 16,
  flag_listed = 32
};

int flags_of(const xmpp::roster_item& item) noexcept {
  const xmpp::subscription_state& s = item.state;
  return (s.to ? flag_to : 0) | (s.from ? flag_from : 0) | (s.asked ? flag_asked : 0) |
         (s.asking ? flag_asking : 0) | (s.approved ? flag_approved : 0) | (item.listed ? flag_listed : 0);
}

/// Groups one after the other, a NUL behind each; names have none.
std::string groups_as_bytes(const std::vector<std::string>& groups) {
  std::string bytes;
  for (const std::string& g : groups) bytes.append(g).push_back('\0');
  return bytes;
}
std::vector<std::string> groups_of(std::string_view bytes) {
  std::vector<std::string> groups;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\0'), bytes.size() - 1);
    groups.emplace_back(bytes.substr(0, end));
    bytes.remove_prefix(end + 1);
  }
  return groups;
}

xmpp::jid jid_of(const std::string& text) {
  auto parsed = xmpp::jid::parse(text);
  if (!parsed) throw store::failure(store::error_kind::io, "an address in the roster is none: " + text);
  return *parsed;
}

/// Columns: contact, name, flags, user_groups.
xmpp::roster_item item_of(const store::row& r) {
  xmpp::roster_item item;
  item.contact = jid_of(r.get<std::string>(0));
  item.name = r.take(1);
  const int flags = r.get<int>(2);
  item.state = {.to = (flags & flag_to) != 0,
                .from = (flags & flag_from) != 0,
                .asked = (flags & flag_asked) != 0,
                .asking = (flags & flag_asking) != 0,
                .approved = (flags & flag_approved) != 0};
  item.listed = (flags & flag_listed) != 0;
  item.groups = groups_of(r.get<store::blob>(3).bytes);
  return item;
}

std::uint64_t version_of(store::transaction& t, std::string_view owner) {
  store::rows found = t.query("SELECT version FROM roster_version WHERE owner = $1", owner);
  return found.empty() ? 0 : found[0].get<std::uint64_t>(0);
}

std::int64_t next_version(store::transaction& t, std::string_view owner) {
  return t
      .query("INSERT INTO roster_version (owner, version, oldest) VALUES ($1, 1, 0) "
             "ON CONFLICT (owner) DO UPDATE SET version = roster_version.version + 1 RETURNING version",
             owner)[0]
      .get<std::int64_t>(0);
}

std::size_t size_of(store::transaction& t, std::string_view owner) {
  return t.query("SELECT count(*) FROM roster WHERE owner = $1", owner)[0].get<std::size_t>(0);
}

/// Forgets the older half of the removals if there are too many.
void forget_removals(store::transaction& t, std::string_view owner, std::size_t most) {
  store::rows found = t.query("SELECT version FROM roster_gone WHERE owner = $1 ORDER BY version", owner);
  if (found.size() <= most) return;
  const auto forgotten = found[found.size() - 1 - most / 2].get<std::int64_t>(0);
  t.execute("DELETE FROM roster_gone WHERE owner = $1 AND version <= $2", owner, forgotten);
  t.execute("UPDATE roster_version SET oldest = $2 WHERE owner = $1", owner, forgotten);
}

} // namespace

stored_roster load_roster(store::transaction& t, std::string_view owner) {
  stored_roster result;
  store::rows version = t.query("SELECT version, oldest FROM roster_version WHERE owner = $1", owner);
  if (!version.empty()) {
    result.version = version[0].get<std::uint64_t>(0);
    result.oldest = version[0].get<std::uint64_t>(1);
  }
  for (const store::row& r : t.query("SELECT contact, name, flags, user_groups FROM roster WHERE owner = $1 "
                                     "ORDER BY contact",
                                     owner)) {
    result.items.push_back(item_of(r));
  }
  return result;
}

std::optional<xmpp::roster_item> find_roster_item(store::transaction& t, std::string_view owner,
                                                  std::string_view contact) {
  store::rows found = t.query("SELECT contact, name, flags, user_groups FROM roster "
                              "WHERE owner = $1 AND contact = $2",
                              owner, contact);
  if (found.empty()) return std::nullopt;
  return item_of(found[0]);
}

std::optional<std::uint64_t> put_roster_item(store::transaction& t, std::string_view owner,
                                             const xmpp::roster_item& item, const roster_bounds& bounds) {
  const std::string& contact = item.contact.text();
  const std::optional<xmpp::roster_item> before = find_roster_item(t, owner, contact);
  if (!before && size_of(t, owner) >= bounds.items) return std::nullopt;
  const bool seen = item.listed || (before && before->listed);
  const std::int64_t version = seen ? next_version(t, owner) : 0;
  t.execute(
      "INSERT INTO roster (owner, contact, name, flags, user_groups, version) "
      "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (owner, contact) DO UPDATE SET name = excluded.name, "
      "flags = excluded.flags, user_groups = excluded.user_groups, version = excluded.version",
      owner, contact, item.name, flags_of(item), store::blob(groups_as_bytes(item.groups)), version);
  if (!seen) return version_of(t, owner);
  t.execute("DELETE FROM roster_gone WHERE owner = $1 AND contact = $2", owner, contact);
  return static_cast<std::uint64_t>(version);
}

std::optional<std::uint64_t> remove_roster_item(store::transaction& t, std::string_view owner,
                                                std::string_view contact, const roster_bounds& bounds) {
  const std::optional<xmpp::roster_item> before = find_roster_item(t, owner, contact);
  if (!before) return std::nullopt;
  t.execute("DELETE FROM roster WHERE owner = $1 AND contact = $2", owner, contact);
  if (!before->listed) return version_of(t, owner);
  const std::int64_t version = next_version(t, owner);
  t.execute("INSERT INTO roster_gone (owner, contact, version) VALUES ($1, $2, $3) "
            "ON CONFLICT (owner, contact) DO UPDATE SET version = excluded.version",
            owner, contact, version);
  forget_removals(t, owner, bounds.removals);
  return static_cast<std::uint64_t>(version);
}

std::vector<roster_change> roster_changes(store::transaction& t, std::string_view owner,
                                          std::uint64_t since) {
  const auto from = static_cast<std::int64_t>(std::min<std::uint64_t>(since, INT64_MAX));
  std::vector<roster_change> changes;
  for (const store::row& r : t.query("SELECT contact, name, flags, user_groups, version FROM roster "
                                     "WHERE owner = $1 AND version > $2",
                                     owner, from)) {
    changes.push_back({item_of(r), r.get<std::uint64_t>(4)});
  }
  for (const store::row& r : t.query("SELECT contact, version FROM roster_gone "
                                     "WHERE owner = $1 AND version > $2",
                                     owner, from)) {
    xmpp::roster_item gone;
    gone.contact = jid_of(r.get<std::string>(0));
    gone.listed = false;
    changes.push_back({std::move(gone), r.get<std::uint64_t>(1)});
  }
  std::ranges::sort(changes, {}, &roster_change::version);
  return changes;
}

void remove_roster(store::transaction& t, std::string_view owner) {
  t.execute("DELETE FROM roster WHERE owner = $1", owner);
  t.execute("DELETE FROM roster_gone WHERE owner = $1", owner);
  t.execute("DELETE FROM roster_version WHERE owner = $1", owner);
}

} // namespace coppice::messaging::storage
