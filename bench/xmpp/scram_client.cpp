#include "bench/xmpp/scram_client.hpp"

#include "coppice/net/detail/base64.hpp"
#include "servers/xmpp/scram.hpp"

#include <array>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace coppice::bench {
namespace {

using digest = std::array<unsigned char, SHA_DIGEST_LENGTH>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(
      text.data()); // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}
std::string text_of(const digest& d) { return {d.begin(), d.end()}; }

std::string hmac(std::string_view key, std::string_view text) {
  digest out{};
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), bytes_of(text), text.size(), out.data(),
       nullptr);
  return text_of(out);
}
std::string sha1(std::string_view text) {
  digest out{};
  SHA1(bytes_of(text), text.size(), out.data());
  return text_of(out);
}

/// Of `r=...,s=...,i=...`
std::optional<std::string> attribute(std::string_view message, char name) {
  while (!message.empty()) {
    const std::string_view part = message.substr(0, message.find(','));
    if (part.size() > 1 && part[0] == name && part[1] == '=') return std::string(part.substr(2));
    message.remove_prefix(std::min(message.size(), part.size() + 1));
  }
  return std::nullopt;
}

} // namespace

std::string scram_client::first(std::string_view user) {
  nonce_ = net::detail::to_base64(xmpp::random_bytes(18));
  first_bare_ = fmt::format("n={},r={}", user, nonce_);
  return "n,," + first_bare_;
}

std::optional<std::string> scram_client::last(std::string_view challenge, std::string_view password) {
  const auto nonce = attribute(challenge, 'r');
  const auto salt = attribute(challenge, 's');
  const auto count = attribute(challenge, 'i');
  if (!nonce || !salt || !count || !nonce->starts_with(nonce_)) return std::nullopt;
  if (const std::string now = *salt + "," + *count; now != salted_for_) {
    const auto raw = net::detail::from_base64(*salt);
    if (!raw) return std::nullopt;
    digest salted{};
    PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), bytes_of(*raw),
                      static_cast<int>(raw->size()), std::stoi(*count), EVP_sha1(), salted.size(),
                      salted.data());
    client_key_ = hmac(text_of(salted), "Client Key");
    salted_for_ = now;
  }
  const std::string final_bare = "c=biws,r=" + *nonce;
  std::string proof = client_key_;
  const std::string signature =
      hmac(sha1(client_key_), first_bare_ + "," + std::string(challenge) + "," + final_bare);
  for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature[i]);
  return final_bare + ",p=" + net::detail::to_base64(proof);
}

} // namespace coppice::bench
