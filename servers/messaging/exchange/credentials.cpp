#include "servers/messaging/exchange/credentials.hpp"

#include "coppice/net/detail/base64.hpp"

#include <charconv>
#include <optional>
#include <vector>

namespace coppice::messaging::exchange {
namespace {

constexpr std::uint32_t most_iterations = 10'000'000;
constexpr std::size_t longest_salt = 1024;

std::optional<xmpp::scram_hash> hash_of(std::string_view mechanism) {
  if (mechanism == "SCRAM-SHA-1") return xmpp::scram_hash::sha1;
  if (mechanism == "SCRAM-SHA-256") return xmpp::scram_hash::sha256;
  return std::nullopt;
}

/// As they are written.
struct written_parts {
  std::string_view stored_key;
  std::string_view server_key;
  std::string_view salt;
  std::string_view iterations;
};

std::expected<xmpp::scram_verifier, std::string> verifier_of(xmpp::scram_hash hash,
                                                             const written_parts& parts) {
  auto stored = net::detail::from_base64(parts.stored_key);
  auto server = net::detail::from_base64(parts.server_key);
  auto salt = net::detail::from_base64(parts.salt);
  const std::size_t length = hash == xmpp::scram_hash::sha1 ? 20 : 32;
  // ejabberd 23.01 keeps them as base64, and encodes that once more.
  if (stored && server && salt && stored->size() == 4 * ((length + 2) / 3)) {
    stored = net::detail::from_base64(*stored);
    server = net::detail::from_base64(*server);
    salt = net::detail::from_base64(*salt);
  }
  if (!stored || !server || stored->size() != length || server->size() != length) {
    return std::unexpected("its keys are not those of the mechanism");
  }
  if (!salt || salt->empty() || salt->size() > longest_salt) return std::unexpected("it has no salt");
  const std::string number(parts.iterations);
  const char* end = number.c_str() + number.size();
  std::uint32_t n = 0;
  const auto [at, wrong] = std::from_chars(number.c_str(), end, n);
  if (wrong != std::errc() || at != end || n == 0 || n > most_iterations) {
    return std::unexpected("it has no number of iterations");
  }
  return xmpp::scram_verifier{hash, n, *salt, *stored, *server};
}

} // namespace

std::expected<xmpp::scram_verifier, std::string> read_credentials(const xml::element& e) {
  const auto hash = hash_of(e.get("mechanism"));
  if (!hash)
    return std::unexpected("the mechanism '" + std::string(e.get("mechanism")) + "' is not known here");
  const std::string stored = e.text_of("stored-key").value_or("");
  const std::string server = e.text_of("server-key").value_or("");
  const std::string salt = e.text_of("salt").value_or("");
  const std::string iterations = e.text_of("iter-count").value_or("");
  return verifier_of(*hash, {stored, server, salt, iterations});
}

std::expected<xmpp::scram_verifier, std::string> read_old_credentials(std::string_view text) {
  std::vector<std::string_view> parts;
  while (parts.size() < 5) {
    const std::size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  xmpp::scram_hash hash = xmpp::scram_hash::sha1;
  if (parts.size() == 5) {
    if (parts.front() != "sha256") return std::unexpected("the hash of the password is not known here");
    hash = xmpp::scram_hash::sha256;
    parts.erase(parts.begin());
  }
  if (parts.size() != 4) return std::unexpected("it has not four parts behind 'scram:'");
  return verifier_of(hash, {parts[0], parts[1], parts[2], parts[3]});
}

} // namespace coppice::messaging::exchange
