#include "cli/messaging.hpp"

#include "cli/messaging_admin.hpp"
#include "cli/messaging_data.hpp"
#include "servers/messaging/shell/admin_access.hpp"
#include "servers/messaging/storage/accounts.hpp"
#include "servers/xmpp/jid.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <termios.h>
#include <unistd.h>

namespace coppice::cli {
namespace {

int failed(const std::string& why) {
  std::fprintf(stderr, "coppice messaging: %s\n", why.c_str());
  return status_failed;
}

/// What is typed is not shown, while it lives.
class without_echo {
public:
  without_echo() : on_(isatty(STDIN_FILENO) != 0 && tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!on_) return;
    std::fputs("Password: ", stderr);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~without_echo() {
    if (!on_) return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputc('\n', stderr);
  }
  without_echo(const without_echo&) = delete;
  without_echo& operator=(const without_echo&) = delete;

private:
  termios before_{};
  bool on_;
};

std::string read_password() {
  const without_echo quiet;
  std::string line;
  std::getline(std::cin, line);
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

int put_account(const store::database& db, const user_options& told, const messaging::settings& how) {
  auto made = messaging::make_credentials(told.name, read_password(), how);
  if (!made) return failed(made.error());
  const bool adds = told.what == user_task::add;
  auto done = db.write_now([one = *made, adds](store::transaction& t) {
    const auto now = std::chrono::time_point_cast<xmpp::instant::duration>(std::chrono::system_clock::now());
    return adds ? messaging::storage::create_account(t, one.address, one.verifiers, now)
                : messaging::storage::set_verifiers(t, one.address, one.verifiers);
  });
  if (!done) return failed(done.error().text);
  if (*done) return 0;
  return failed(fmt::format("there is {} account {}", adds ? "already an" : "no", made->address));
}

int remove_account(const store::database& db, const user_options& told) {
  const auto address = xmpp::jid::of(told.name, told.server.how.domain);
  if (!address) return failed(fmt::format("the name '{}': {}", told.name, address.error()));
  auto done = db.write_now(
      [who = *address](store::transaction& t) { return messaging::storage::remove_account(t, who.text()); });
  if (!done) return failed(done.error().text);
  return *done ? 0 : failed(fmt::format("there is no account {}", address->text()));
}

int list_accounts(const store::database& db) {
  constexpr std::size_t page = 1'000;
  std::string last;
  for (;;) {
    auto names = db.read_now(
        [last](store::transaction& t) { return messaging::storage::list_accounts(t, last, page); });
    if (!names) return failed(names.error().text);
    for (const std::string& name : *names) std::puts(name.c_str());
    if (names->size() < page) return 0;
    last = names->back();
  }
}

} // namespace

messaging::server_options server_options_of(const messaging_options& told) {
  messaging::server_options o;
  o.folder = told.folder;
  o.database = told.database;
  o.identity = {told.certificate_file, told.key_file};
  o.how = told.how;
  return o;
}

int administer_users(const user_options& told) {
  const messaging::server_options o = server_options_of(told.server);
  auto running = messaging::find_running_server(o.folder);
  if (!running) return failed(running.error());
  const bool wants_alone = told.what == user_task::restore || told.what == user_task::import;
  if (*running && wants_alone) {
    return failed(fmt::format("a server runs with the folder '{}': end it first", o.folder));
  }
  if (*running) {
    const bool wants_password = told.what == user_task::add || told.what == user_task::passwd;
    return ask_server(**running, told, wants_password ? read_password() : std::string());
  }
  if (wants_alone || told.what == user_task::backup) return handle_data(told, o);
  if (told.what > user_task::list) {
    return failed(fmt::format("the server does not run: start it with 'coppice run --data {}'", o.folder));
  }
  auto db = messaging::open_database(o);
  if (!db) return failed(db.error());
  switch (told.what) {
  case user_task::add:
  case user_task::passwd: return put_account(*db, told, o.how);
  case user_task::remove: return remove_account(*db, told);
  default: break;
  }
  return list_accounts(*db);
}

} // namespace coppice::cli
