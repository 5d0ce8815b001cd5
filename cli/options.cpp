#include "cli/options.hpp"

#include "cli/config_file.hpp"
#include "cli/messaging_options.hpp"
#include "cli/node_options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <sstream>
#include <utility>

namespace coppice::cli {
namespace {

struct raw_options {
  std::uint16_t port = default_port;
  std::string host = "127.0.0.1";
  bool allow_remote = false;
  std::vector<std::string> served_as;
  log_format format = log_format::text;
  severity level = severity::notice;
  unsigned cores = 0;
  std::optional<bool> console_state;
  membership_options cluster;
  std::vector<std::string> join;
  raw_messaging_options messaging;
  bool checks_only = false;
  bool shows_config = false;
};

const char* const yes_no = "yes, no";
const char* const formats = "text, json";
const char* const levels = "debug, info, notice, warning, error, critical";

/// An option that takes one of some names, which `parse` knows.
template <class T, class Parse>
void add_choice(CLI::App& app, const std::string& option, T& into, Parse parse, const char* names,
                const std::string& help, const std::string& standard) {
  app.add_option_function<std::string>(
         option,
         [&into, parse, names, option](const std::string& name) {
           const auto value = parse(name);
           if (!value) throw CLI::ValidationError(option, "'" + name + "' is none of " + names);
           const auto chosen = *value;
           into = chosen;
         },
         help)
      ->type_name(names)
      ->default_str(standard);
}

std::optional<bool> parse_yes_no(const std::string& text) {
  if (text == "yes") return true;
  if (text == "no") return false;
  return std::nullopt;
}

void describe(CLI::App& app, CLI::App& run, raw_options& o) {
  app.set_version_flag("--version", "coppice " COPPICE_VERSION);
  app.require_subcommand(1);
  app.footer("Each command takes --help.");
  run.add_option("--port", o.port, "The port to listen on; 0 takes any free one")
      ->type_name("N")
      ->check(CLI::Range(0, 65535))
      ->default_val(default_port);
  run.add_option("--host", o.host,
                 "The address to listen on, numeric; a loopback one unless --allow-remote is given")
      ->type_name("ADDRESS")
      ->default_val("127.0.0.1");
  run.add_flag(
      "--allow-remote", o.allow_remote,
      "Listen on an address that other machines reach. Nothing is encrypted, whoever is there may chat "
      "under any name, and whoever loads the console may kill any process");
  run.add_option(
         "--served-as", o.served_as,
         "A further name by which browsers reach this node (may be repeated): requests for other hosts "
         "are refused")
      ->type_name("HOST[:PORT]")
      ->allow_extra_args(false)
      ->check(CLI::Validator(check_served_as, ""));
  add_choice(run, "--log-format", o.format, parse_log_format, formats, "How the log on stderr looks", "text");
  add_choice(run, "--log-level", o.level, parse_severity, levels, "The least important reports to log",
             "notice");
  add_choice(
      run, "--console-state", o.console_state, parse_yes_no, yes_no,
      "Whether the console shows the states of processes and their messages, which may hold secrets: yes "
      "unless others can reach it, by --allow-remote or --served-as",
      "");
  describe_membership(run, o.cluster);
  run.add_option("--join", o.join,
                 "Another node with the chat, by its name in full, with which this one shares it: may be "
                 "repeated, wants --name")
      ->type_name("NODE")
      ->allow_extra_args(false);
  describe_messaging(run, o.messaging);
  run.add_flag(
      "--check", o.checks_only,
      "Only say whether the configuration is well: exit status 0, or 2 with what is wrong and where");
  run.add_flag(
      "--show-config", o.shows_config,
      "Only print, as a configuration file with comments, what the file and the command line say, and "
      "the defaults of the rest");
  run.add_option("--cores", o.cores, "Threads that run processes; 0: as many as the machine has")
      ->type_name("N")
      ->check(CLI::Range(0, 1024))
      ->default_val(0);
}

/// What the file says takes the place of the defaults.
std::optional<just_say> take_file(raw_options& raw) {
  file_options o;
  if (auto wrong = read_config(raw.messaging.config_file, o)) return wrong;
  raw.host = o.listen.address();
  raw.port = o.listen.port();
  raw.allow_remote = o.allow_remote;
  raw.served_as = o.served_as;
  raw.format = o.format;
  raw.level = o.level;
  raw.cores = o.cores;
  raw.messaging.starttls = o.messaging.starttls.to_string();
  raw.messaging.tls = o.messaging.tls.to_string();
  raw.messaging.https = o.messaging.https ? o.messaging.https->to_string() : "";
  raw.messaging.user.server = o.messaging;
  raw.messaging.server = std::move(o.messaging);
  return std::nullopt;
}

/// All as a file. `o` is what was made of it.
std::string shown(const raw_options& raw, const run_options& o) {
  file_options all;
  all.listen = o.listen;
  all.allow_remote = raw.allow_remote;
  all.served_as = raw.served_as;
  all.format = raw.format;
  all.level = raw.level;
  all.cores = raw.cores;
  all.messaging = o.messaging.value_or(raw.messaging.server);
  return config_text(std::move(all));
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::optional<just_say> check_join(const raw_options& raw) {
  if (!raw.join.empty() && raw.cluster.name.empty()) {
    return just_say{status_usage,
                    "coppice run: --join wants --name: nodes of a cluster call each other by their names.\n"};
  }
  for (const std::string& node : raw.join) {
    if (auto wrong = check_node_name("run", node)) return wrong;
  }
  return std::nullopt;
}

command checked(raw_options raw) {
  if (raw.host == "localhost") raw.host = "127.0.0.1";
  const bool v6 = raw.host.find(':') != std::string::npos && !raw.host.starts_with('[');
  const std::string text = fmt::format("{}:{}", v6 ? "[" + raw.host + "]" : raw.host, raw.port);
  std::expected<net::endpoint, std::string> at = net::endpoint::parse(text);
  if (!at) {
    return just_say{status_usage, fmt::format("coppice run: --host {}: {}. Give a numeric address of this "
                                              "machine, as 127.0.0.1 or ::1.\n",
                                              raw.host, at.error())};
  }
  if (!at->is_loopback() && !raw.allow_remote) {
    return just_say{
        status_usage,
        fmt::format("coppice run: --host {}: other machines could reach this node. If that is meant, "
                    "add --allow-remote (and see what its help says).\n",
                    raw.host)};
  }
  run_options o;
  o.listen = *at;
  o.format = raw.format;
  o.level = raw.level;
  o.cores = raw.cores;
  o.config_file = raw.messaging.config_file;
  o.checks_only = raw.checks_only;
  o.remote = !at->is_loopback();
  o.console_state = raw.console_state.value_or(!o.remote && raw.served_as.empty());
  if (!raw.cluster.name.empty()) {
    if (auto wrong = check_membership("run", raw.cluster)) return *wrong;
    o.cluster = raw.cluster;
  }
  if (auto wrong = check_join(raw)) return *wrong;
  o.join = std::move(raw.join);
  auto messaging = checked_messaging(std::move(raw.messaging), raw.allow_remote);
  if (!messaging) return messaging.error();
  o.messaging = std::move(*messaging);
  for (std::string& name : raw.served_as) o.served_as.push_back(lower(std::move(name)));
  if (o.remote) o.served_as.push_back(at->is_v6() ? "[" + at->address() + "]" : at->address());
  return o;
}

} // namespace

command parse_command_line(arguments told) {
  CLI::App app("A node of supervised processes, with its servers", "coppice");
  CLI::App* run = app.add_subcommand(
      "run",
      "Start a node with the chat and the console, print its address, and run until SIGTERM or SIGINT");
  raw_node_options nodes;
  describe_node_commands(app, nodes);
  raw_options raw;
  describe(app, *run, raw);
  describe_messaging_command(app, raw.messaging);
  arguments reversed(told.rbegin(), told.rend()); // as CLI11 wants them
  try {
    app.parse(arguments(reversed));
    if (!raw.messaging.config_file.empty()) {
      if (auto wrong = take_file(raw)) return *wrong;
      app.parse(std::move(reversed)); // once more: it comes before the file
    }
  } catch (const CLI::ParseError& e) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = app.exit(e, out, err);
    if (code == 0) return just_say{0, out.str()};
    const std::vector<CLI::App*> given = app.get_subcommands();
    const std::string help = given.empty() ? "coppice --help" : "coppice " + given[0]->get_name() + " --help";
    return just_say{status_usage, "coppice: " + std::string(e.what()) + "\nTry " + help + ".\n"};
  }
  if (std::optional<command> node_command = checked_node_command(app, nodes)) return *node_command;
  if (std::optional<command> users = checked_messaging_command(app, raw.messaging)) return *users;
  command run_it = checked(raw);
  if (auto* o = std::get_if<run_options>(&run_it)) {
    o->told = std::move(told);
    if (raw.shows_config) return just_say{0, shown(raw, *o)};
  }
  return run_it;
}

} // namespace coppice::cli
