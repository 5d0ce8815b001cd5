#include "servers/messaging/application.hpp"

#include "servers/messaging/shell/certificate.hpp"
#include "servers/messaging/shell/files.hpp"
#include "servers/messaging/storage/schema.hpp"
#include "servers/xmpp/jid.hpp"

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
