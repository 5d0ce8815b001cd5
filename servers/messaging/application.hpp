// The messaging server as an application: what it is opened with, and its place in a node.
#pragma once

#include "coppice/http/server.hpp"
#include "coppice/otp/application.hpp"
#include "servers/messaging/shell/supervisors.hpp"
#include "servers/xmpp/scram.hpp"

#include <expected>
#include <functional>
#include <string>
#include <string_view>

namespace coppice::messaging {

/// Where it keeps what, and how it is run.
struct server_options {
  std::string folder;        ///< for the database, the certificate, the server's secret; made if need be
  std::string database = {}; ///< '': SQLite in the folder; else as `store::database_options::where`
  net::tls_identity identity = {}; ///< '': a certificate that it makes for itself
  settings how = {};
};

/// Opens all that; blocks. The error names the file or the option, and the remedy.
std::expected<host, std::string> open(server_options options);
/// Opens the database alone: for whoever administers users. Likewise.
std::expected<store::database, std::string> open_database(const server_options& options);

/// The child `messaging_sup` for a node's root supervisor.
child_description top_child(const host& h, entrances in);

/// How clients come in from the web.
struct web_entrance {
  /// Whose pages may use the WebSocket besides those of the host itself: `https://chat.example.org`.
  std::vector<std::string> origins = {};
  /// Who comes from this machine need not encrypt.
  bool trusts_loopback = true;
  /// Whether a proxy before the server did TLS for this request. Called from any core.
  std::function<bool(const http::request_head&)> behind_tls = {};
};

/// Adds `/xmpp-websocket` (RFC 7395) and where it is, `/.well-known/host-meta` and `host-meta.json`
/// (XEP-0156), to a server's routes; and `/upload/` (XEP-0363), which wants `host::serves_at`. Sign-in is
/// part of the stream, so nothing hangs on cookies; still, of pages only the host's own and those of
/// `in.origins` are let in. Connections that are not encrypted get no stream.
void mount(http::routes& routes, const host& h, web_entrance in = {});
/// Whether a request may come from the pages of any origin for all that `mount` serves: where the WebSocket
/// is may be asked by all, files may be sent and fetched, and it may be used by those of `in.origins`, and by
/// what is no page and so names no origin. For servers that check it before they look for a route.
[[nodiscard]] bool admits_origin(const http::request_head& request, const web_entrance& in);

/// A user with what proves his password.
struct credentials {
  std::string address; ///< bare
  std::vector<xmpp::scram_verifier> verifiers;
};
/// Of a new user, or a new password: for `storage::create_account` or `set_verifiers`. The error says what is
/// wrong with name or password. Takes some milliseconds.
std::expected<credentials, std::string> make_credentials(std::string_view name, std::string_view password,
                                                         const settings& how);

} // namespace coppice::messaging
