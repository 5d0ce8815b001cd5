#include "cli/messaging_data.hpp"

#include "servers/messaging/exchange/backup.hpp"
#include "servers/messaging/exchange/user_import.hpp"
#include "servers/messaging/shell/admin_access.hpp"
#include "servers/xmpp/jid.hpp"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>

namespace coppice::cli {
namespace {

int failed(const std::string& why) {
  std::fprintf(stderr, "coppice messaging: %s\n", why.c_str());
  return status_failed;
}

/// What cannot be read is not worth being restored.
std::expected<void, std::string> check(const store::database& db) {
  if (!messaging::exchange::is_in_folder(db)) return {};
  auto found = db.read_now([](store::transaction& t) { return t.query("PRAGMA quick_check(1)")[0].take(0); });
  if (!found) return std::unexpected(found.error().text);
  if (*found != "ok") return std::unexpected("the database of the copy is damaged: " + *found);
  return {};
}

int restore(const user_options& told, const messaging::server_options& where) {
  if (auto done = messaging::exchange::restore(told.path, where.folder); !done) return failed(done.error());
  auto db = messaging::open_database(where);
  if (!db) return failed(db.error());
  auto sound = check(*db);
  return sound ? 0 : failed(sound.error());
}

int import(const user_options& told, messaging::server_options where) {
  const auto domain = xmpp::jid::of("", where.how.domain);
  if (!domain) return failed(fmt::format("the domain '{}': {}", where.how.domain, domain.error()));
  where.how.domain = domain->domain();
  auto db = messaging::open_database(where);
  if (!db) return failed(db.error());
  auto done = messaging::exchange::import_users(*db, where.how, told.path);
  if (!done) return failed(done.error());
  for (const std::string& line : done->left_out) std::fprintf(stderr, "left out: %s\n", line.c_str());
  if (done->left_out_in_all > done->left_out.size()) {
    std::fprintf(stderr, "left out: %zu more\n", done->left_out_in_all - done->left_out.size());
  }
  std::printf("%zu users are here now\n", done->users);
  if (done->one_hash.empty()) return 0;
  std::printf(
      "%zu of them can sign in by one mechanism alone, for the other server kept no more of their "
      "passwords: %s%s.\nClients that choose another one fail. Offer no other (messaging.sign_in) until all "
      "have signed in by PLAIN once, or have new passwords.\n",
      done->one_hash.size(), done->one_hash.front().c_str(), done->one_hash.size() > 1 ? ", ..." : "");
  return 0;
}

} // namespace

std::string absolute(const std::string& path) {
  std::error_code error;
  const std::filesystem::path found = std::filesystem::absolute(path, error).lexically_normal();
  std::string text = error ? path : found.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

void note_other_database(bool in_folder) {
  if (in_folder) return;
  std::puts("The copy has no database: that is in PostgreSQL. Save it too, with pg_dump.");
}

int handle_data(const user_options& told, const messaging::server_options& where) {
  // No server may start meanwhile.
  auto alone = messaging::admin_access::open(where.folder);
  if (!alone) return failed(alone.error());
  if (told.what == user_task::restore) return restore(told, where);
  if (told.what == user_task::import) return import(told, where);
  auto db = messaging::open_database(where);
  if (!db) return failed(db.error());
  auto saved = messaging::exchange::back_up(*db, where.folder, absolute(told.path));
  if (!saved) return failed(saved.error());
  note_other_database(messaging::exchange::is_in_folder(*db));
  return 0;
}

} // namespace coppice::cli
