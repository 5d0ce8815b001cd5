#include "servers/messaging/storage/accounts.hpp"

#include "servers/messaging/storage/archive.hpp"
#include "servers/messaging/storage/block_list.hpp"
#include "servers/messaging/storage/offline.hpp"
#include "servers/messaging/storage/private_xml.hpp"
#include "servers/messaging/storage/pubsub.hpp"
#include "servers/messaging/storage/roster.hpp"
#include "servers/messaging/storage/uploads.hpp"
#include "servers/messaging/storage/vcard.hpp"

namespace coppice::messaging::storage {

using store::blob;

const xmpp::scram_verifier* account::find(xmpp::scram_hash hash) const noexcept {
  for (const xmpp::scram_verifier& v : verifiers) {
    if (v.hash == hash) return &v;
  }
  return nullptr;
}

namespace {

void add_verifiers(store::transaction& t, std::string_view name,
                   std::span<const xmpp::scram_verifier> verifiers) {
  for (const xmpp::scram_verifier& v : verifiers) {
    t.execute("INSERT INTO verifier (account, hash, iterations, salt, stored_key, server_key) "
              "VALUES ($1, $2, $3, $4, $5, $6)",
              name, static_cast<int>(v.hash), v.iterations, blob(v.salt), blob(v.stored_key),
              blob(v.server_key));
  }
}

} // namespace

bool create_account(store::transaction& t, std::string_view name,
                    std::span<const xmpp::scram_verifier> verifiers, instant now) {
  if (t.execute("INSERT INTO account (name, created) VALUES ($1, $2) ON CONFLICT DO NOTHING", name,
                to_column(now)) == 0) {
    return false;
  }
  add_verifiers(t, name, verifiers);
  return true;
}

std::optional<account> find_account(store::transaction& t, std::string_view name) {
  store::rows found = t.query("SELECT created FROM account WHERE name = $1", name);
  if (found.empty()) return std::nullopt;
  account a{std::string(name), from_column(found[0].get<std::int64_t>(0)), {}};
  for (const store::row& r : t.query("SELECT hash, iterations, salt, stored_key, server_key FROM verifier "
                                     "WHERE account = $1 ORDER BY hash",
                                     name)) {
    a.verifiers.push_back({static_cast<xmpp::scram_hash>(r.get<int>(0)), r.get<std::uint32_t>(1), r.take(2),
                           r.take(3), r.take(4)});
  }
  return a;
}

bool has_account(store::transaction& t, std::string_view name) {
  return !t.query("SELECT 1 FROM account WHERE name = $1", name).empty();
}

bool set_verifiers(store::transaction& t, std::string_view name,
                   std::span<const xmpp::scram_verifier> verifiers) {
  if (!has_account(t, name)) return false;
  t.execute("DELETE FROM verifier WHERE account = $1", name);
  add_verifiers(t, name, verifiers);
  return true;
}

bool remove_account(store::transaction& t, std::string_view name) {
  if (t.execute("DELETE FROM account WHERE name = $1", name) == 0) return false;
  t.execute("DELETE FROM verifier WHERE account = $1", name);
  remove_roster(t, name);
  remove_offline(t, name);
  remove_archive(t, name);
  remove_private_xml(t, name);
  remove_vcard(t, name);
  unblock_all(t, name);
  remove_nodes(t, name);
  disown_uploads(t, name);
  return true;
}

std::vector<std::string> list_accounts(store::transaction& t, std::string_view after, std::size_t most) {
  std::vector<std::string> names;
  for (const store::row& r : t.query("SELECT name FROM account WHERE name > $1 ORDER BY name LIMIT $2", after,
                                     static_cast<std::int64_t>(most))) {
    names.push_back(r.take(0));
  }
  return names;
}

std::size_t count_accounts(store::transaction& t) {
  return t.query("SELECT count(*) FROM account")[0].get<std::size_t>(0);
}

} // namespace coppice::messaging::storage
