#include "cli/messaging_options.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

namespace coppice::cli {
namespace {

std::expected<net::endpoint, just_say> endpoint_of(const char* option, const std::string& text,
                                                   bool allow_remote) {
  std::expected<net::endpoint, std::string> at = net::endpoint::parse(text);
  if (!at) {
    return std::unexpected(
        just_say{status_usage, fmt::format("coppice run: {} {}: {}. Give a numeric address with a port, as "
                                           "127.0.0.1:5222 or [::1]:5222.\n",
                                           option, text, at.error())});
  }
  if (!at->is_loopback() && !allow_remote) {
    return std::unexpected(just_say{
        status_usage,
        fmt::format("coppice run: {} {}: other machines could reach this node. If that is "
                    "meant, add --allow-remote (and see what its help says), or allow_remote: yes to the "
                    "group node of the configuration file.\n",
                    option, text)});
  }
  return *at;
}

void describe_place(CLI::App& command, raw_messaging_options& raw, messaging_options& o) {
  command
      .add_option(
          "--config", raw.config_file,
          "A configuration file (YAML) with this and more; what the command line says comes before it")
      ->type_name("FILE");
  command
      .add_option("--data", o.folder,
                  "The folder of the messaging server (XMPP): its database, its certificate; made if it "
                  "is not there")
      ->type_name("FOLDER");
  command
      .add_option("--database", o.database,
                  "PostgreSQL instead of a file in that folder, as postgresql://user@host/name; the "
                  "password belongs into ~/.pgpass")
      ->type_name("URL");
  command.add_option("--domain", o.how.domain, "The domain of its users' addresses")
      ->type_name("DOMAIN")
      ->default_val("localhost");
}

} // namespace

void describe_messaging(CLI::App& run, raw_messaging_options& raw) {
  describe_place(run, raw, raw.server);
  run.add_option("--xmpp", raw.starttls, "Where clients of XMPP connect, and then begin TLS (STARTTLS)")
      ->type_name("ADDRESS:PORT")
      ->default_val(raw.starttls);
  run.add_option("--xmpp-tls", raw.tls, "Where they connect with TLS from the start")
      ->type_name("ADDRESS:PORT")
      ->default_val(raw.tls);
  run.add_option(
         "--xmpp-https", raw.https,
         "Where browsers find the web client, WebSocket and files over TLS; else they find them where "
         "the pages of this node are, without")
      ->type_name("ADDRESS:PORT");
  run.add_option("--xmpp-origin", raw.server.origins,
                 "A web site whose pages may sign in over WebSocket, as https://chat.example.org; pages of "
                 "this node may anyway. Can be given again")
      ->type_name("ORIGIN")
      ->allow_extra_args(false);
  run.add_flag("--demo", raw.server.demo_accounts,
               "If there is no account yet, make two to try it with, alice and bob; their passwords are "
               "printed, this once");
  run.add_option("--certificate", raw.server.certificate_file,
                 "The certificate for it, PEM, with the intermediate ones behind it. Default: one of its "
                 "own, signed by itself, in the folder")
      ->type_name("FILE");
  run.add_option("--key", raw.server.key_file, "The certificate's key, PEM")->type_name("FILE");
}

std::expected<std::optional<messaging_options>, just_say> checked_messaging(raw_messaging_options raw,
                                                                            bool allow_remote) {
  const bool half = raw.server.certificate_file.empty() != raw.server.key_file.empty();
  if (half) {
    return std::unexpected(just_say{status_usage, "coppice run: --certificate and --key go together.\n"});
  }
  if (raw.server.folder.empty()) {
    if (raw.server.certificate_file.empty() && raw.server.database.empty() && !raw.server.demo_accounts) {
      return std::nullopt;
    }
    return std::unexpected(just_say{
        status_usage, "coppice run: the messaging server wants --data, the folder where it keeps what is "
                      "its own.\n"});
  }
  auto starttls = endpoint_of("--xmpp", raw.starttls, allow_remote);
  if (!starttls) return std::unexpected(starttls.error());
  auto tls = endpoint_of("--xmpp-tls", raw.tls, allow_remote);
  if (!tls) return std::unexpected(tls.error());
  for (const std::string& origin : raw.server.origins) {
    const std::string wrong = messaging::check_origin(origin);
    if (wrong.empty()) continue;
    return std::unexpected(just_say{status_usage, fmt::format("coppice run: --xmpp-origin: {}.\n", wrong)});
  }
  if (!raw.https.empty()) {
    auto https = endpoint_of("--xmpp-https", raw.https, allow_remote);
    if (!https) return std::unexpected(https.error());
    raw.server.https = *https;
  }
  raw.server.starttls = *starttls;
  raw.server.tls = *tls;
  return std::move(raw.server);
}

void describe_messaging_command(CLI::App& app, raw_messaging_options& raw) {
  CLI::App* messaging = app.add_subcommand("messaging", "Administer the messaging server");
  messaging->require_subcommand(1);
  CLI::App* user = messaging->add_subcommand("user", "Its users");
  user->require_subcommand(1);
  const auto add_to = [&raw](CLI::App* above, const char* name, user_task what, const char* help,
                             bool wants_name) {
    CLI::App* one = above->add_subcommand(name, help);
    if (wants_name) {
      one->add_option("NAME", raw.user.name, "The part of the address before the @")->required();
    }
    describe_place(*one, raw, raw.user.server);
    one->callback([&raw, what] { raw.user.what = what; });
    return one;
  };
  const auto add = [&](const char* name, user_task what, const char* help, bool wants_name) {
    add_to(user, name, what, help, wants_name);
  };
  add("add", user_task::add, "Make an account; its password is the first line of the input", true);
  add("passwd", user_task::passwd, "Give an account another password, the first line of the input", true);
  add("remove", user_task::remove, "Remove an account, with everything that was kept for it", true);
  add("list", user_task::list, "The names of all accounts, one a line", false);
  add("kick", user_task::kick,
      "End the sessions of a user, or the one of a full address; by the server that runs", true);
  add_to(messaging, "send", user_task::send,
         "Send a message in the name of a user, by the server that runs; its text is the input", true)
      ->add_option("TO", raw.user.to, "Whom it is for")
      ->required();
  add_to(messaging, "inbox", user_task::inbox, "The last messages of a user; by the server that runs", true)
      ->add_flag("--unread", raw.user.unread, "Those that wait until he comes");
  add_to(messaging, "rooms", user_task::rooms, "The rooms, and who is in them; by the server that runs",
         false);
  const auto with_path = [&](const char* name, user_task what, const char* help, const char* path) {
    add_to(messaging, name, what, help, false)->add_option(path, raw.user.path, "Where that is")->required();
  };
  with_path("backup", user_task::backup, "Copy all that the server keeps into a new folder", "FOLDER");
  with_path("restore", user_task::restore, "Make the data of a server from such a copy", "FOLDER");
  with_path("import", user_task::import, "Take over users of another server, from a file of XEP-0227",
            "FILE");
  add_to(messaging, "sessions", user_task::sessions, "Who is signed in; by the server that runs", false);
}

std::optional<command> checked_messaging_command(const CLI::App& app, const raw_messaging_options& raw) {
  if (!app.got_subcommand("messaging")) return std::nullopt;
  if (raw.user.server.folder.empty()) {
    return just_say{status_usage,
                    "coppice messaging: --data is missing, the folder of the messaging server.\n"};
  }
  return raw.user;
}

} // namespace coppice::cli
