#include "servers/messaging/application.hpp"

#include "coppice/http/fields.hpp"
#include "servers/messaging/core/host_meta.hpp"
#include "servers/messaging/shell/certificate.hpp"
#include "servers/messaging/shell/files.hpp"
#include "servers/messaging/shell/upload_routes.hpp"
#include "servers/messaging/shell/websocket_stream.hpp"
#include "servers/messaging/storage/schema.hpp"
#include "servers/xmpp/jid.hpp"

#include <algorithm>
#include <memory>

namespace coppice::messaging {
namespace {

constexpr std::size_t secret_bytes = 32;

std::expected<std::string, std::string> own_secret(const std::string& folder) {
  const std::string file = folder + "/secret";
  if (!is_there(file)) {
    if (auto written = write_private(file, xmpp::random_bytes(secret_bytes)); !written) {
      return std::unexpected(written.error());
    }
  }
  auto secret = read_file(file);
  if (secret && secret->size() != secret_bytes) {
    return std::unexpected("'" + file + "' is not what the server wrote: restore it, or delete it");
  }
  return secret;
}

constexpr std::string_view websocket_path = "/xmpp-websocket";
constexpr std::string_view host_meta = "/.well-known/host-meta";

/// Whether it comes from a page that may use the WebSocket besides the host's own.
bool is_listed(const http::request_head& request, const web_entrance& in) {
  const auto origin = request.headers.only("Origin");
  return origin && std::ranges::find(in.origins, *origin) != in.origins.end();
}

bool is_encrypted(const http::request& r, const web_entrance& in) {
  return r.tls().has_value() || (in.behind_tls && in.behind_tls(r.head()));
}

bool is_secure(const http::request& r, const web_entrance& in) {
  return is_encrypted(r, in) || (in.trusts_loopback && r.peer().is_loopback());
}

/// By the name that the client knows us by; '' if it would be turned away there.
std::string websocket_url(const http::request& r, const web_entrance& in) {
  if (!is_secure(r, in) || r.head().authority.empty()) return {};
  std::string url = is_encrypted(r, in) ? "wss://" : "ws://";
  url += r.head().authority;
  url += websocket_path;
  return url;
}

/// `r` and `ws` live until it ends.
task<> serve_client(host h, const http::request& r, http::websocket& ws,
                    std::shared_ptr<const web_entrance> shared) {
  const web_entrance& in = *shared;
  if (!http::same_origin(r.head()) && !is_listed(r.head(), in)) {
    ws.close(http::close_code::policy_violation, "this page may not use it");
    co_return;
  }
  std::string peer = r.peer().to_string();
  co_await serve_websocket(h, ws, std::move(peer), is_secure(r, in));
}

} // namespace

std::expected<store::database, std::string> open_database(const server_options& options) {
  if (options.database.empty()) {
    if (auto made = make_folder(options.folder); !made) return std::unexpected(made.error());
  }
  store::database_options o;
  o.where = options.database.empty() ? options.folder + "/messaging.db" : options.database;
  o.schema = storage::schema_name;
  o.migrations = storage::migrations();
  return store::database::open(o);
}

std::expected<host, std::string> open(server_options options) {
  const auto domain = xmpp::jid::of("", options.how.domain);
  if (!domain) return std::unexpected("the domain '" + options.how.domain + "': " + domain.error());
  options.how.domain = domain->domain();
  if (auto made = make_folder(options.folder); !made) return std::unexpected(made.error());
  auto secret = own_secret(options.folder);
  if (!secret) return std::unexpected(secret.error());
  options.how.uploads.folder = options.folder + "/uploads";
  if (options.identity.certificate_file.empty()) {
    auto made = own_certificate(options.folder, options.how.domain);
    if (!made) return std::unexpected(made.error());
    options.identity = *made;
  }
  auto tls = net::tls_server::make({.identities = {options.identity}});
  if (!tls) return std::unexpected(tls.error());
  auto db = open_database(options);
  if (!db) return std::unexpected(db.error());
  return host(std::move(options.how), std::move(*db), std::move(*tls), std::move(*secret));
}

child_description top_child(const host& h, entrances in) {
  return child<messaging_sup>("messaging_sup", local("messaging_sup"), h, std::move(in));
}

void mount(http::routes& routes, const host& h, web_entrance in) {
  http::websocket_options options = websocket_settings(h.how());
  options.same_origin_only = in.origins.empty();
  const auto shared = std::make_shared<const web_entrance>(std::move(in));
  const auto answer = [shared](http::request& r, std::string_view type,
                               std::string (*document)(std::string_view)) {
    http::response found(http::status::ok, type, document(websocket_url(r, *shared)));
    found.header("Access-Control-Allow-Origin", "*");
    return found;
  };
  routes
      .get(std::string(host_meta),
           [answer](http::request& r) { return answer(r, "application/xrd+xml", &host_meta_xrd); })
      .get(std::string(host_meta) + ".json",
           [answer](http::request& r) { return answer(r, "application/json", &host_meta_json); })
      .websocket(
          std::string(websocket_path),
          [h, shared](http::request& r, http::websocket& ws) { return serve_client(h, r, ws, shared); },
          options);
  mount_uploads(routes, h);
}

bool admits_origin(const http::request_head& request, const web_entrance& in) {
  const std::string_view path = request.path();
  if (path == host_meta || path == std::string(host_meta) + ".json") {
    return request.method == http::method::get || request.method == http::method::head;
  }
  if (is_for_uploads(path)) return true;
  return path == websocket_path && request.upgrade &&
         (!request.headers.contains("Origin") || is_listed(request, in));
}

std::expected<credentials, std::string> make_credentials(std::string_view name, std::string_view password,
                                                         const settings& how) {
  const auto address = xmpp::jid::of(name, how.domain);
  if (!address) return std::unexpected("the name '" + std::string(name) + "': " + address.error());
  if (address->local().empty()) return std::unexpected("a user must have a name");
  credentials made{address->text(), {}};
  for (const xmpp::scram_hash hash : {xmpp::scram_hash::sha1, xmpp::scram_hash::sha256}) {
    auto one = xmpp::make_verifier(hash, password, xmpp::random_bytes(16), how.iterations);
    if (!one) {
      return std::unexpected("a password has 1 to 1023 bytes, and no control characters (RFC 4013)");
    }
    made.verifiers.push_back(std::move(*one));
  }
  return made;
}

} // namespace coppice::messaging
