#include "servers/messaging/core/origin.hpp"

#include "coppice/net/detail/base64.hpp"
#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <openssl/evp.h>

namespace coppice::messaging {
namespace {

/// Shorter ones are counted up from 1 by some clients, at each start.
constexpr std::size_t shortest_id = 16;
constexpr std::size_t digest_bytes = 24;

} // namespace

std::optional<std::string> origin_of(const xml::element& message) {
  const xml::element* origin = message.child(xmpp::ns::stanza_ids, "origin-id");
  const std::string_view id = origin != nullptr ? origin->get("id") : message.get("id");
  if (id.empty() || (origin == nullptr && id.size() < shortest_id)) return std::nullopt;
  const xmpp::jid from = xmpp::jid::parse(message.get("from")).value_or(xmpp::jid());
  std::string all(from.bare_text());
  for (const std::string_view part : {message.get("to"), id}) {
    all += '\0';
    all += part;
  }
  all += '\0';
  all += message.text_of("body").value_or("");
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(all.data(), all.size(), digest, &size, EVP_sha256(), nullptr) != 1) return std::nullopt;
  return net::detail::to_base64(std::string_view(reinterpret_cast<const char*>(digest), digest_bytes));
}

} // namespace coppice::messaging
