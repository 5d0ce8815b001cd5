#include "cli/run.hpp"

#include "cli/lone_node.hpp"
#include "cli/messaging.hpp"
#include "cli/reload.hpp"
#include "cli/root.hpp"
#include "cli/service_manager.hpp"
#include "coppice/http/child.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/otp/logger.hpp"
#include "servers/chat/application.hpp"
#include "servers/console/shell/console.hpp"
#include "servers/messaging/demo_accounts.hpp"
#include "servers/messaging/shell/admin_access.hpp"
#include "servers/messaging/shell/admin_api.hpp"
#include "servers/messaging/shell/farewell.hpp"
#include "servers/messaging/shell/metrics.hpp"
#include "servers/messaging/shell/web_client.hpp"
#include "servers/web/guard.hpp"

#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>

namespace coppice::cli {
namespace {

using namespace std::chrono_literals;

std::string node_name() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) return "coppice@localhost";
  return fmt::format("coppice@{}", host.data());
}

http::response refuse(const web::refusal& why) { return http::response::json(web::to_json(why), why.status); }

/// What is served to pages of other origins, too.
using open_to_all = std::function<bool(const http::request_head&)>;

/// Host and Origin, before anything else of a request is looked at.
std::optional<http::response> admit(const web::served_hosts& hosts, const open_to_all& open,
                                    const http::request_head& request) {
  if (const auto why = hosts.check_host(request)) return refuse(*why);
  if (open && open(request)) return std::nullopt;
  const bool reads = request.method == http::method::get || request.method == http::method::head;
  if (const auto why = hosts.check_origin(request, request.upgrade || !reads)) return refuse(*why);
  return std::nullopt;
}

http::response not_found(http::request&) {
  return refuse({http::status::not_found, "not_found", "There is no such page."});
}

/// Whoever asks for no page gets the first one.
void lead_on(http::routes& routes, std::string_view first) {
  routes.get("/", [first](http::request&) { return http::response::redirect(first, http::status::found); });
}

/// Under which URL the HTTP server is reached: by the names that it was given, those with TLS before others.
std::string url_of(const run_options& options, std::uint16_t port) {
  for (const std::string& name : options.served_as) {
    if (name.ends_with(":443")) return "https://" + name.substr(0, name.size() - 4);
  }
  if (options.served_as.empty()) return fmt::format("http://{}", options.listen.with_port(port).to_string());
  const std::string& name = options.served_as.front();
  const bool has_port = name.find(':', name.find(']') + 1) != std::string::npos;
  return has_port ? "http://" + name : fmt::format("http://{}:{}", name, port);
}

/// The HTTP server. Once it has found a port it keeps it, so that pages come back to where they were.
child_description entrance(net::endpoint at, http::routes routes,
                           const std::shared_ptr<web::served_hosts>& hosts, open_to_all open,
                           std::function<void(std::uint16_t)> opened) {
  http::server_options options;
  options.listener.endpoint = at;
  options.listener.label = "http_connection";
  options.admit = [hosts, open = std::move(open)](const http::request_head& r) {
    return admit(*hosts, open, r);
  };
  web::secure(options.headers);
  const auto started = [hosts, opened = std::move(opened)](const net::listener& l) {
    // The connections' processes stand below it, so it has the name of their supervisor.
    if (!register_name(atom("connection_sup"), l.process()))
      throw std::runtime_error("the name connection_sup is taken");
    hosts->listens_on(l.local().port());
    opened(l.local().port());
  };
  return http::child_server("http", std::move(routes), std::move(options), started);
}

/// Says where clients of XMPP connect, as soon as that is known: a test may have asked for any free port.
messaging::entrances entrances_of(const messaging_options& told) {
  messaging::entrances in;
  in.starttls = told.starttls;
  in.tls = told.tls;
  in.max_connections = told.max_connections;
  in.opened = [](std::string_view which, const net::endpoint& at) {
    std::printf("coppice: xmpp %s %s\n", std::string(which).c_str(), at.to_string().c_str());
    std::fflush(stdout);
  };
  return in;
}

/// And from the web. A proxy before the node does TLS for the names that say so.
messaging::web_entrance web_entrance_of(const messaging_options& told,
                                        const std::shared_ptr<web::served_hosts>& hosts) {
  messaging::web_entrance in;
  in.origins = told.origins;
  in.behind_tls = [hosts](const http::request_head& r) { return hosts->is_behind_tls(r.authority); };
  return in;
}

/// The messaging server, and who may administer it.
struct messaging_parts {
  messaging::admin_access access;
  messaging::host server;
};

/// Their passwords are known to nobody else, so they are said, once, to whoever started the server; logs
/// never have them.
std::expected<void, std::string> give_demo_accounts(const messaging::host& server) {
  const auto made = messaging::make_demo_accounts(server);
  if (!made) return std::unexpected(made.error());
  for (const messaging::demo_account& one : *made) {
    std::printf("coppice: demo account %s has the password %s (said this once)\n", one.address.c_str(),
                one.password.c_str());
  }
  std::fflush(stdout);
  return {};
}

/// Only whoever has the folder to himself opens the database in it.
std::expected<messaging_parts, std::string> open_messaging(const messaging_options& told) {
  auto access = messaging::admin_access::open(told.folder);
  if (!access) return std::unexpected(access.error());
  auto server = messaging::open(server_options_of(told));
  if (!server) return std::unexpected(server.error());
  if (told.demo_accounts) {
    if (auto made = give_demo_accounts(*server); !made) return std::unexpected(made.error());
  }
  return messaging_parts{std::move(*access), std::move(*server)};
}

/// Where the commands find the admin API: at an address of this machine, if the node listens there.
void announce(const messaging::admin_access& access, const run_options& options, std::uint16_t port) {
  const net::endpoint at = options.listen.with_port(port);
  const bool everywhere = at.to_string().starts_with("0.0.0.0:") || at.to_string().starts_with("[::]:");
  const net::endpoint found = everywhere ? net::endpoint::loopback(port) : at;
  if (access.announce(fmt::format("http://{}", found.to_string()))) return;
  std::fprintf(stderr, "coppice: the commands of 'coppice messaging' will not find this server: its folder "
                       "cannot be written\n");
}

/// Files that users send are where the HTTP server is.
std::function<void(std::uint16_t)> when_listening(const run_options& options,
                                                  const std::optional<messaging_parts>& xmpp) {
  if (!xmpp) return [](std::uint16_t) {};
  return [&options, server = xmpp->server](std::uint16_t port) { server.serves_at(url_of(options, port)); };
}

void say_where(const run_options& options, std::uint16_t port) {
  net::endpoint at = options.listen.with_port(port);
  if (options.remote) {
    std::fprintf(stderr, "coppice: warning: other machines can reach %s; nothing is encrypted\n",
                 at.to_string().c_str());
  }
  std::printf("coppice: http://%s/\n", at.to_string().c_str());
  std::fflush(stdout);
}

int failed(const std::string& why) {
  std::fprintf(stderr, "coppice run: %s.\n", why.c_str());
  return status_failed;
}

/// What can only be seen by opening it.
int check(const run_options& options) {
  const std::string& file = options.config_file;
  if (options.messaging && !options.messaging->certificate_file.empty()) {
    const net::tls_identity identity{options.messaging->certificate_file, options.messaging->key_file};
    if (auto tls = net::tls_server::make({.identities = {identity}}); !tls) {
      std::fprintf(stderr, "coppice run: %s\n", tls.error().c_str());
      return status_usage;
    }
  }
  std::printf("coppice run: %s is well\n", file.empty() ? "the command line" : file.c_str());
  return 0;
}

} // namespace

int run(const run_options& options) {
  if (options.checks_only) return check(options);
  hold_reloading_signal();
  std::expected<dist::options, std::string> cluster;
  if (options.cluster) cluster = distribution(*options.cluster);
  if (!cluster) return failed(cluster.error());
  std::optional<messaging_parts> xmpp;
  if (options.messaging) {
    auto opened = open_messaging(*options.messaging);
    if (!opened) return failed(opened.error());
    xmpp = std::move(*opened);
  }
  const service_manager manager(service_environment::of_this_process());
  node_options settings;
  settings.cores = options.cores;
  settings.make_poller = net::make_poller();
  settings.shutdown_timeout = 12s;
  node home(std::move(settings));

  const std::string name = options.cluster ? options.cluster->name : node_name();
  console::console view(home, {.name = name, .version = COPPICE_VERSION, .root = root_keeper::name},
                        {.shows_state = options.console_state});
  install_logger(home, {.format = options.format, .level = options.level, .also = view.watcher()});

  auto hosts = std::make_shared<web::served_hosts>(options.served_as);
  http::routes routes;
  const chat::chat chat(chat::options{.node_name = name, .peers = options.join});
  chat::mount(routes, chat);
  view.mount(routes);
  open_to_all open;
  if (xmpp) {
    const messaging::web_entrance in = web_entrance_of(*options.messaging, hosts);
    messaging::mount(routes, xmpp->server, in);
    messaging::mount_web_client(routes, xmpp->server);
    messaging::mount_metrics(routes, xmpp->server, xmpp->access.token());
    messaging::mount_admin(routes, xmpp->server, xmpp->access.token());
    open = [in](const http::request_head& r) {
      return messaging::admits_origin(r, in) || messaging::is_administration(r);
    };
  }
  lead_on(routes, xmpp ? messaging::web_client_path : "/chat/");
  routes.any("/[...]", not_found);

  std::vector<child_spec> children;
  if (options.cluster) children.emplace_back(dist::child(std::move(*cluster)));
  children.emplace_back(chat::top_child(chat));
  if (xmpp) children.emplace_back(messaging::top_child(xmpp->server, entrances_of(*options.messaging)));
  children.push_back(view.supervisor());
  children.emplace_back(
      entrance(options.listen, std::move(routes), hosts, std::move(open), when_listening(options, xmpp)));
  if (xmpp) children.emplace_back(messaging::farewell_child(xmpp->server));
  root_keeper root(home, children, [&view](pid old, pid now) { view.root_replaced(old, now); });
  if (auto started = root.start(); !started) {
    std::fprintf(stderr, "coppice: %s\n", innermost(started.error().value()).c_str());
    return status_failed;
  }
  hold_ending_signals();
  if (xmpp) announce(xmpp->access, options, hosts->port());
  say_where(options, hosts->port());
  manager.notify("READY=1");
  heartbeat heart(home, manager);
  reloader reload(home, options, xmpp ? std::optional(xmpp->server) : std::nullopt);
  return home.run_until_stopped([&] {
    root.tend();
    heart.tend();
    reload.tend();
  });
}

} // namespace coppice::cli
