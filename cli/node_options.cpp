#include "cli/node_options.hpp"

#include "coppice/dist/epmd_protocol.hpp"
#include "coppice/dist/handshake.hpp"
#include "coppice/term/text.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <string_view>
#include <system_error>
#include <utility>

namespace coppice::cli {
namespace {

struct asking {
  question what;
  const char* name;
  const char* help;
};

constexpr std::array<asking, 6> questions{{
    {question::ping, "ping", "Whether a node can be reached and shares the cookie"},
    {question::call, "call", "Call a server of a node (gen_server:call) and print its reply"},
    {question::cast, "cast", "Tell a server of a node something (gen_server:cast)"},
    {question::nodes, "nodes", "The nodes of a host, as its port mapper (epmd) lists them"},
    {question::ps, "ps", "The processes of a node"},
    {question::tree, "tree", "The supervision trees of a node"},
}};

const char* const cookie_help =
    "The file with the cookie that the nodes share; only its owner may be able to read it. Default: "
    "~/.erlang.cookie";
const char* const epmd_help =
    "The port of the port mapper (epmd), by which nodes find each other. Default: ERL_EPMD_PORT, else 4369";
const char* const epmd_variable = "ERL_EPMD_PORT";

void add_epmd_port(CLI::App& command, std::uint16_t& into) {
  command.add_option("--epmd-port", into, epmd_help)->type_name("N")->check(CLI::Range(1, 65535));
}

void add_cookie_file(CLI::App& command, std::string& into) {
  command.add_option("--cookie-file", into, cookie_help)->type_name("FILE");
}

} // namespace

void describe_membership(CLI::App& app, membership_options& o) {
  app.add_option("--name", o.name, "The name of the node in full, as cpp@127.0.0.1")->type_name("NODE");
  add_cookie_file(app, o.cookie_file);
  app.add_flag("--published", o.published,
               "A visible node: others tell each other of it. Else it is hidden, and connected only "
               "where somebody asks for it");
  add_epmd_port(app, o.epmd_port);
  app.add_option("--listen-port", o.listen_port,
                 "The port where other nodes connect, of 127.0.0.1; 0 takes any free one")
      ->type_name("N")
      ->check(CLI::Range(0, 65535))
      ->default_val(0);
  app.add_option("--net-ticktime", o.net_ticktime,
                 "Seconds: a node that has been silent for a quarter longer is given up. As Erlang's "
                 "net_ticktime, and the same on all nodes")
      ->type_name("N")
      ->check(CLI::Range(4, 86400))
      ->default_val(60);
}

namespace {

void describe_question(CLI::App& command, question what, raw_node_options& raw) {
  remote_options& o = raw.remote;
  const bool talks = what == question::call || what == question::cast;
  if (what == question::nodes) {
    command.add_option("HOST", o.node, "The host. Default: 127.0.0.1");
  } else {
    command.add_option("NODE", o.node, "The node's name in full, as erl@127.0.0.1")->required();
  }
  if (talks) {
    command.add_option("NAME", o.server, "The name that the server is registered by there")->required();
    command
        .add_option("TERM", raw.message, "What it is told, as Erlang writes it: {get_messages,<<\"bob\">>}")
        ->required();
  }
  command.add_flag("--json", o.json, "Print one JSON object, in which terms are texts");
  if (what != question::nodes) {
    command
        .add_option("--name", o.name,
                    "Our own name meanwhile. Default: cli-N@127.0.0.1, with the first N that is free")
        ->type_name("NODE");
    add_cookie_file(command, o.cookie_file);
  }
  add_epmd_port(command, o.epmd_port);
  command.add_option("--timeout", raw.timeout, "Seconds to wait for each answer")
      ->type_name("N")
      ->check(CLI::Range(1, 86400))
      ->default_val(5);
}

std::string not_a_node(std::string_view command, std::string_view name) {
  return fmt::format("coppice {}: '{}' is no name of a node: give it in full, as cpp@127.0.0.1.\n", command,
                     name);
}

/// Where a port mapper listens if that is not said: as Erlang has it. 0: what the environment says is no
/// port.
std::uint16_t usual_epmd_port() {
  const char* set = std::getenv(epmd_variable);
  if (set == nullptr) return dist::epmd_default_port;
  const std::string_view text(set);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() ? port : std::uint16_t{0};
}

command checked(question what, const char* name, raw_node_options& raw) {
  remote_options o = raw.remote;
  o.what = what;
  o.timeout = std::chrono::seconds(raw.timeout);
  if (what == question::nodes) {
    if (o.node.empty()) o.node = "127.0.0.1";
    return o;
  }
  if (!dist::is_node_name(o.node)) return just_say{status_usage, not_a_node(name, o.node)};
  if (!o.name.empty() && !dist::is_node_name(o.name)) {
    return just_say{status_usage, not_a_node(name, o.name)};
  }
  if (what != question::call && what != question::cast) return o;
  constexpr std::size_t longest_name = 255;
  if (o.server.empty() || o.server.size() > longest_name) {
    return just_say{status_usage,
                    fmt::format("coppice {}: a registered name has 1 to {} bytes.\n", name, longest_name)};
  }
  std::expected<term, parse_error> message = parse_term(raw.message);
  if (!message) {
    return just_say{status_usage,
                    fmt::format("coppice {}: TERM, {}. Put it in quotes, and write it as in Erlang: "
                                "'{{get_messages,<<\"bob\">>}}'.\n",
                                name, message.error().message())};
  }
  o.message = std::move(*message);
  return o;
}

} // namespace

void describe_node_commands(CLI::App& app, raw_node_options& raw) {
  CLI::App* lone = app.add_subcommand("node", "Run a node among others (Erlang's too) with nothing on it but "
                                              "a server 'echo', until SIGTERM or SIGINT");
  describe_membership(*lone, raw.lone);
  lone->get_option("--name")->required();
  for (const asking& q : questions) describe_question(*app.add_subcommand(q.name, q.help), q.what, raw);
}

namespace {

std::optional<just_say> fill_in(std::uint16_t& epmd_port) {
  if (epmd_port == 0) epmd_port = usual_epmd_port();
  if (epmd_port != 0) return std::nullopt;
  return just_say{status_usage,
                  fmt::format("coppice: {} is no port: give one of 1 to 65535 there, or as --epmd-port.\n",
                              epmd_variable)};
}

} // namespace

std::optional<just_say> check_node_name(const char* told_by, const std::string& name) {
  if (dist::is_node_name(name)) return std::nullopt;
  return just_say{status_usage, not_a_node(told_by, name)};
}

std::optional<just_say> check_membership(const char* told_by, membership_options& told) {
  if (auto wrong = check_node_name(told_by, told.name)) return wrong;
  return fill_in(told.epmd_port);
}

std::optional<command> checked_node_command(const CLI::App& app, raw_node_options& raw) {
  if (app.got_subcommand("run")) return std::nullopt;
  if (app.got_subcommand("node")) {
    if (auto wrong = check_membership("node", raw.lone)) return *wrong;
    return raw.lone;
  }
  if (auto wrong = fill_in(raw.remote.epmd_port)) return *wrong;
  for (const asking& q : questions) {
    if (app.got_subcommand(q.name)) return checked(q.what, q.name, raw);
  }
  return std::nullopt;
}

} // namespace coppice::cli
