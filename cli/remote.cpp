#include "cli/remote.hpp"

#include "cli/cookie.hpp"
#include "cli/passing_name.hpp"
#include "cli/remote_look.hpp"
#include "cli/remote_text.hpp"
#include "cli/root.hpp"
#include "coppice/dist/distribution.hpp"
#include "coppice/dist/epmd_client.hpp"
#include "coppice/dist/erpc.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/term/text.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace coppice::cli {
namespace {

using namespace coppice::literals;

/// What to print, or what is wrong.
using outcome = std::expected<std::string, std::string>;

/// Why the last attempt to connect has come to nothing: the distribution only reports that.
class refusal {
public:
  void note(const report& r) {
    if (r.kind != "connection_refused") return;
    std::lock_guard guard(lock_);
    for (const auto& [key, value] : r.fields) {
      if (key == "why") why_ = value.as_text().value_or("");
    }
  }
  [[nodiscard]] std::string why() const {
    std::lock_guard guard(lock_);
    return why_.empty() ? "it does not answer" : why_;
  }

private:
  mutable std::mutex lock_;
  std::string why_;
};

const char* command_name(question what) {
  switch (what) {
  case question::ping: return "ping";
  case question::call: return "call";
  case question::cast: return "cast";
  case question::nodes: return "nodes";
  case question::ps: return "ps";
  case question::tree: break;
  }
  return "tree";
}

// --- where nodes are ---

using located = std::expected<net::endpoint, std::string>;

std::unexpected<std::string> no_mapper(const std::string& why, const std::string& host) {
  return std::unexpected(fmt::format("{}. Does a node run on {}? The port of its epmd is said with "
                                     "--epmd-port N",
                                     why, host));
}

task<located> mapper_of(std::string host, std::uint16_t port, duration timeout) {
  const bool bare_v6 = host.find(':') != std::string::npos;
  located at = net::endpoint::parse(fmt::format("{}:{}", bare_v6 ? "[" + host + "]" : host, port));
  if (at) co_return at;
  auto all = co_await net::resolve(host, port, timeout);
  if (!all)
    co_return std::unexpected(fmt::format("{}: {}. Give a host that can be looked up", host, all.error()));
  co_return all->front();
}

task<located> locate(remote_options o) {
  const std::size_t at = o.node.find('@');
  const std::string host = o.node.substr(at + 1);
  located mapper = co_await mapper_of(host, o.epmd_port, o.timeout);
  if (!mapper) co_return mapper;
  auto entry = co_await dist::epmd_lookup(*mapper, o.node.substr(0, at), o.timeout);
  if (!entry) co_return no_mapper(entry.error().message, host);
  if (!*entry) {
    co_return std::unexpected(
        fmt::format("epmd at {} knows no node of that name; 'coppice nodes {}' lists those "
                    "that it knows",
                    mapper->to_string(), host));
  }
  co_return mapper->with_port((*entry)->port);
}

task<outcome> list_nodes(remote_options o) {
  located mapper = co_await mapper_of(o.node, o.epmd_port, o.timeout);
  if (!mapper) co_return std::unexpected(std::move(mapper.error()));
  auto all = co_await dist::epmd_list(*mapper, o.timeout);
  if (!all) co_return no_mapper(all.error().message, o.node);
  co_return o.json ? nodes_as_json(o.node, *all) : nodes_as_text(*all);
}

// --- connecting ---

/// What is wrong; '' when there is a connection.
task<std::string> connect(remote_options o, std::string cookie) {
  located where = co_await locate(o);
  if (!where) co_return std::move(where.error());
  dist::options how;
  how.name = o.name;
  how.cookie = std::move(cookie);
  how.epmd = dist::epmd_use::none; // nobody needs to find us
  how.known.emplace(o.node, *where);
  how.setup_time = o.timeout;
  auto net = co_await dist::start(std::move(how));
  if (!net) co_return innermost(net.error().value());
  bool up = co_await dist::connect_node(atom(o.node));
  if (up) co_return "";
  co_return fmt::format("no connection with {}: {}. The cookie must be the same there (--cookie-file FILE)",
                        where->to_string(), this_node().part<refusal>()->why());
}

// --- what is asked ---

task<outcome> ping(remote_options o) {
  bool answers = co_await dist::ping(atom(o.node));
  if (!answers) co_return std::unexpected("it is connected, but its net_kernel does not answer");
  co_return o.json ? pong_as_json(o.node) : "pong\n";
}

std::string no_process(const remote_options& o) {
  return fmt::format("no process is registered there as {}; 'coppice ps {}' lists those that are",
                     atom(o.server), o.node);
}

std::string no_reply(const remote_options& o, const exit_reason& why) {
  if (why == exit_reason::noproc()) return no_process(o);
  if (why == exit_reason::timeout()) {
    return fmt::format("{} has not replied within {} s; --timeout N waits longer", atom(o.server),
                       o.timeout.count());
  }
  if (why.value().is_tagged("nodedown"_atom, 2)) return "the connection was lost before there was a reply";
  return fmt::format("{} has ended instead of replying: {}", atom(o.server), why.to_string(1000));
}

task<outcome> call(remote_options o) {
  server_name to(remote_name{atom(o.server), atom(o.node)});
  auto reply = co_await try_call_any<term>(std::move(to), o.message, o.timeout);
  if (!reply) co_return std::unexpected(no_reply(o, reply.error()));
  co_return o.json ? reply_as_json(o.node, o.server, *reply) : to_string(*reply, {.unicode = true}) + "\n";
}

task<outcome> cast(remote_options o) {
  std::vector<term> name{atom(o.server)};
  dist::erpc_result process =
      co_await dist::erpc(atom(o.node), "erlang"_atom, "whereis"_atom, std::move(name), o.timeout);
  if (process && process->is_atom("undefined"_atom)) co_return std::unexpected(no_process(o));
  cast_any(server_name(remote_name{atom(o.server), atom(o.node)}), o.message);
  bool arrived = co_await dist::ping(atom(o.node)); // what was sent before has arrived before
  if (!arrived) co_return std::unexpected("the connection was lost: it may not have arrived");
  co_return o.json ? cast_as_json(o.node, o.server, o.message) : "ok\n";
}

task<outcome> ps(remote_options o) {
  auto rows = co_await processes_of(atom(o.node), o.timeout);
  if (!rows) co_return std::unexpected(std::move(rows.error()));
  co_return o.json ? processes_as_json(o.node, *rows) : processes_as_text(*rows);
}

task<outcome> tree(remote_options o) {
  auto roots = co_await supervisors_of(atom(o.node), o.timeout);
  if (!roots) co_return std::unexpected(std::move(roots.error()));
  co_return o.json ? tree_as_json(o.node, *roots) : tree_as_text(*roots);
}

task<outcome> ask(self, remote_options o, std::string cookie) {
  if (o.what == question::nodes) co_return co_await list_nodes(std::move(o));
  std::string wrong = co_await connect(o, std::move(cookie));
  if (!wrong.empty()) co_return std::unexpected(std::move(wrong));
  switch (o.what) {
  case question::ping: co_return co_await ping(std::move(o));
  case question::call: co_return co_await call(std::move(o));
  case question::cast: co_return co_await cast(std::move(o));
  case question::ps: co_return co_await ps(std::move(o));
  case question::tree: break;
  case question::nodes: break;
  }
  co_return co_await tree(std::move(o));
}

int failed(const remote_options& o, const std::string& why) {
  std::fprintf(stderr, "coppice %s: %s: %s.\n", command_name(o.what), o.node.c_str(), why.c_str());
  return status_failed;
}

} // namespace

int ask_remote(const remote_options& asked) {
  const passing_name meanwhile;
  remote_options options = asked;
  if (options.name.empty()) options.name = meanwhile.text();
  std::string secret;
  if (options.what != question::nodes) {
    std::expected<std::string, std::string> cookie = read_cookie(options.cookie_file);
    if (!cookie) return failed(options, cookie.error());
    secret = std::move(*cookie);
  }
  node_options settings;
  settings.cores = 1;
  settings.make_poller = net::make_poller();
  node home(std::move(settings));
  home.set_report_sink([refused = home.part<refusal>()](const report& r) { refused->note(r); },
                       severity::warning);
  const outcome done = home.run(&ask, options, std::move(secret));
  if (!done) return failed(options, done.error());
  std::fwrite(done->data(), 1, done->size(), stdout);
  if (std::fflush(stdout) != 0) return failed(options, "its answer could not be written");
  return 0;
}

} // namespace coppice::cli
