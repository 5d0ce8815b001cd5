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

/// Whether there is an entrance for browsers, with a name that its certificate may have.
bool gives_files_by_https(const run_options& options) {
  return options.messaging && options.messaging->https && !options.served_as.empty();
}

/// Under which URL that is reached.
std::string https_url_of(const run_options& options, std::uint16_t port) {
  const std::string& name = options.served_as.front();
  const bool has_port = name.find(':', name.find(']') + 1) != std::string::npos;
  return has_port || port == 443 ? "https://" + name : fmt::format("https://{}:{}", name, port);
}

/// Where HTTP is spoken.
struct http_entrance {
  const char* id;       ///< of the child
  const char* listener; ///< the registered name of its process, which the connections' stand below
  net::endpoint at;
  std::optional<net::tls_server> tls;
  std::size_t max_connections;
  std::shared_ptr<web::served_hosts> hosts;
  open_to_all open;
  std::function<void(const net::endpoint&)> opened;
};

/// The HTTP server there. Once it has found a port it keeps it, so that pages come back to where they were.
child_description entrance(const http_entrance& in, http::routes routes) {
  http::server_options options;
  options.listener.endpoint = in.at;
  options.listener.label = "http_connection";
  options.listener.tls = in.tls;
  options.listener.max_connections = in.max_connections;
  options.admit = [hosts = in.hosts, open = in.open](const http::request_head& r) {
    return admit(*hosts, open, r);
  };
  web::secure(options.headers);
  const auto started = [in](const net::listener& l) {
    if (!register_name(atom(in.listener), l.process()))
      throw std::runtime_error(fmt::format("the name {} is taken", in.listener));
    in.hosts->listens_on(l.local().port());
    in.opened(l.local());
  };
  return http::child_server(in.id, std::move(routes), std::move(options), started);
}

void say_xmpp_entrance(std::string_view which, const net::endpoint& at) {
  std::printf("coppice: xmpp %s %s\n", std::string(which).c_str(), at.to_string().c_str());
  std::fflush(stdout);
}

/// Says where clients of XMPP connect, as soon as that is known: a test may have asked for any free port.
messaging::entrances entrances_of(const messaging_options& told) {
  messaging::entrances in;
  in.starttls = told.starttls;
  in.tls = told.tls;
  in.max_connections = told.max_connections;
  in.opened = say_xmpp_entrance;
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

/// What the messaging server has on the node's pages, and which of that is open to others' pages.
open_to_all mount_messaging(http::routes& routes, const messaging_parts& xmpp,
                            const messaging::web_entrance& in) {
  messaging::mount(routes, xmpp.server, in);
  messaging::mount_web_client(routes, xmpp.server, "../console/#tree");
  messaging::mount_metrics(routes, xmpp.server, xmpp.access.token());
  messaging::mount_admin(routes, xmpp.server, xmpp.access.token());
  return [in](const http::request_head& r) {
    return messaging::admits_origin(r, in) || messaging::is_administration(r);
  };
}

/// The node's own, for all that it serves. Files that users send are there.
http_entrance http_entrance_of(const run_options& options, std::shared_ptr<web::served_hosts> hosts,
                               open_to_all open, const std::optional<messaging_parts>& xmpp) {
  std::optional<messaging::host> server; // whose files are found here
  if (xmpp && !gives_files_by_https(options)) server = xmpp->server;
  const auto opened = [&options, server](const net::endpoint& at) {
    if (server) server->serves_at(url_of(options, at.port()));
  };
  const std::size_t usual = net::listener_options().max_connections;
  return {"http", "connection_sup", options.listen, {}, usual, std::move(hosts), std::move(open), opened};
}

/// The one for browsers elsewhere: with TLS, and nothing by which the node is administered.
child_description https_entrance_of(const run_options& options, const messaging::host& server) {
  auto hosts = std::make_shared<web::served_hosts>(options.served_as, web::served_scheme::https);
  const messaging::web_entrance in = web_entrance_of(*options.messaging, hosts);
  http::routes routes;
  messaging::mount(routes, server, in);
  messaging::mount_web_client(routes, server, "");
  lead_on(routes, messaging::web_client_path);
  routes.any("/[...]", not_found);
  const auto open = [in](const http::request_head& r) { return messaging::admits_origin(r, in); };
  const auto opened = [&options, server](const net::endpoint& at) {
    say_xmpp_entrance("https", at);
    if (gives_files_by_https(options)) server.serves_at(https_url_of(options, at.port()));
  };
  const http_entrance where{"https",
                            "web_connection_sup",
                            *options.messaging->https,
                            server.tls(),
                            options.messaging->max_connections,
                            std::move(hosts),
                            open,
                            opened};
  return entrance(where, std::move(routes));
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
  if (xmpp) open = mount_messaging(routes, *xmpp, web_entrance_of(*options.messaging, hosts));
  lead_on(routes, xmpp ? messaging::web_client_path : "/chat/");
  routes.any("/[...]", not_found);

  std::vector<child_spec> children;
  if (options.cluster) children.emplace_back(dist::child(std::move(*cluster)));
  children.emplace_back(chat::top_child(chat));
  if (xmpp) children.emplace_back(messaging::top_child(xmpp->server, entrances_of(*options.messaging)));
  children.push_back(view.supervisor());
  children.emplace_back(entrance(http_entrance_of(options, hosts, std::move(open), xmpp), std::move(routes)));
  if (xmpp && options.messaging->https) {
    children.emplace_back(https_entrance_of(options, xmpp->server));
  }
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
