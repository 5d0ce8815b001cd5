// The messaging server as an application: what it is opened with, and its place in a node.
#pragma once

#include "coppice/otp/application.hpp"
#include "servers/messaging/shell/supervisors.hpp"
#include "servers/xmpp/scram.hpp"

#include <expected>
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
