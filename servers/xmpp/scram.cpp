#include "servers/xmpp/scram.hpp"

#include "coppice/net/detail/base64.hpp"
#include "servers/xmpp/prepared.hpp"

#include <algorithm>
#include <array>
#include <fmt/core.h>
#include <new>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdexcept>
#include <utility>

namespace coppice::xmpp {

using net::detail::from_base64;
using net::detail::to_base64;

namespace {

constexpr std::size_t longest_message = 8192;

const EVP_MD* function_of(scram_hash hash) noexcept {
  return hash == scram_hash::sha1 ? EVP_sha1() : EVP_sha256();
}
std::size_t size_of(scram_hash hash) noexcept { return hash == scram_hash::sha1 ? 20 : 32; }

const unsigned char* bytes(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string digest(scram_hash hash, std::string_view text) {
  std::string out(size_of(hash), '\0');
  if (EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr,
                 function_of(hash), nullptr) != 1) {
    throw std::bad_alloc();
  }
  return out;
}

std::string keyed(scram_hash hash, std::string_view key, std::string_view text) {
  std::string out(size_of(hash), '\0');
  if (HMAC(function_of(hash), key.data(), static_cast<int>(key.size()), bytes(text), text.size(),
           reinterpret_cast<unsigned char*>(out.data()), nullptr) == nullptr) {
    throw std::bad_alloc();
  }
  return out;
}

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

scram_verifier verifier_of(scram_hash hash, std::string_view prepared_password, std::string_view salt,
                           std::uint32_t iterations) {
  std::string salted(size_of(hash), '\0');
  if (PKCS5_PBKDF2_HMAC(prepared_password.data(), static_cast<int>(prepared_password.size()), bytes(salt),
                        static_cast<int>(salt.size()), static_cast<int>(iterations), function_of(hash),
                        static_cast<int>(salted.size()),
                        reinterpret_cast<unsigned char*>(salted.data())) != 1) {
    throw std::bad_alloc();
  }
  scram_verifier made{hash, iterations, std::string(salt), digest(hash, keyed(hash, salted, "Client Key")),
                      keyed(hash, salted, "Server Key")};
  OPENSSL_cleanse(salted.data(), salted.size());
  return made;
}

sasl_failure malformed(std::string text) { return {"malformed-request", std::move(text)}; }
sasl_failure not_authorized() { return {"not-authorized", "the user name or the password is wrong"}; }

/// Takes what stands up to the comma, and the comma.
std::string_view take_field(std::string_view& rest) noexcept {
  const std::size_t comma = rest.find(',');
  const std::string_view field = rest.substr(0, comma);
  rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  return field;
}

/// A name in which `=2C` stands for a comma and `=3D` for an equals sign.
std::optional<std::string> unescaped(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '=') {
      out += name[i];
      continue;
    }
    const std::string_view code = name.substr(i + 1, 2);
    if (code != "2C" && code != "3D") return std::nullopt;
    out += code == "2C" ? ',' : '=';
    i += 2;
  }
  return out;
}

bool is_nonce(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != ','; });
}

} // namespace

std::optional<scram_verifier> make_verifier(scram_hash hash, std::string_view password, std::string_view salt,
                                            std::uint32_t iterations) {
  const std::optional<std::string> form = prepared(password, profile::password);
  if (!form || form->empty()) return std::nullopt;
  return verifier_of(hash, *form, salt, iterations);
}

bool is_password(const scram_verifier& verifier, std::string_view password) {
  const std::optional<std::string> form = prepared(password, profile::password);
  const scram_verifier tried =
      verifier_of(verifier.hash, form.value_or(std::string()), verifier.salt, verifier.iterations);
  return same(tried.stored_key, verifier.stored_key) && form && !form->empty();
}

scram_verifier decoy_verifier(scram_hash hash, std::string_view user, std::string_view secret,
                              std::uint32_t iterations) {
  constexpr std::size_t salt_size = 16;
  return {hash, iterations, keyed(scram_hash::sha256, secret, user).substr(0, salt_size),
          random_bytes(size_of(hash)), random_bytes(size_of(hash))};
}

std::string random_bytes(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1) {
    throw std::runtime_error("the system has no random bytes");
  }
  return out;
}

scram_server::scram_server(scram_hash hash, bool plus, std::vector<channel_binding> offered,
                           std::string nonce)
    : hash_(hash), plus_(plus), offered_(std::move(offered)), nonce_(std::move(nonce)) {}

/// `n,,`, `y,a=someone,` or `p=tls-exporter,,`: what is said of the channel, and as whom.
std::optional<sasl_failure> scram_server::take_header(std::string_view& message, scram_user& user) {
  const std::string_view all = message;
  const std::string_view flag = take_field(message);
  const bool binds = flag.starts_with("p=");
  if (!binds && flag != "n" && flag != "y") return malformed("the message does not begin as it should");
  if (binds != plus_) return malformed("the mechanism and what is said of channel binding do not fit");
  if (flag == "y" && !offered_.empty()) {
    return sasl_failure{"not-authorized", "channel binding was offered, but did not reach the client"};
  }
  if (binds) {
    const auto found = std::ranges::find(offered_, flag.substr(2), &channel_binding::type);
    if (found == offered_.end()) return malformed("the connection has no channel binding of that type");
    bound_ = found->data;
  }
  const std::string_view authorization = take_field(message);
  if (!authorization.empty()) {
    const auto name = unescaped(authorization.starts_with("a=") ? authorization.substr(2) : "=");
    if (!name || name->empty()) return malformed("the authorization identity is not sound");
    user.authorization = *name;
  }
  header_ = all.substr(0, all.size() - message.size());
  return std::nullopt;
}

std::expected<scram_user, sasl_failure> scram_server::first(std::string_view message) {
  if (message.size() > longest_message) return std::unexpected(malformed("the message is too long"));
  scram_user user;
  if (auto failed = take_header(message, user)) return std::unexpected(std::move(*failed));
  said_ = message;
  const std::string_view name = take_field(message);
  if (name.starts_with("m="))
    return std::unexpected(malformed("an extension is wanted that is unknown here"));
  const auto unescaped_name = unescaped(name.starts_with("n=") ? name.substr(2) : "=");
  if (!unescaped_name || unescaped_name->empty()) {
    return std::unexpected(malformed("the user name is not sound"));
  }
  user.name = *unescaped_name;
  const std::string_view nonce = take_field(message);
  if (!nonce.starts_with("r=") || !is_nonce(nonce.substr(2))) {
    return std::unexpected(malformed("the nonce is not sound"));
  }
  nonce_.insert(0, nonce.substr(2));
  return user;
}

std::string scram_server::challenge(scram_verifier verifier) {
  verifier_ = std::move(verifier);
  std::string message =
      fmt::format("r={},s={},i={}", nonce_, to_base64(verifier_.salt), verifier_.iterations);
  said_ += "," + message;
  return message;
}

/// Whether what the client says of the channel is what it said first, and true.
bool scram_server::is_bound_as(std::string_view told) const {
  const std::optional<std::string> decoded = from_base64(told);
  return decoded && same(*decoded, header_ + bound_);
}

std::expected<std::string, sasl_failure> scram_server::last(std::string_view message) {
  if (message.size() > longest_message) return std::unexpected(malformed("the message is too long"));
  const std::size_t proof_at = message.rfind(",p=");
  if (proof_at == std::string_view::npos) return std::unexpected(malformed("there is no proof"));
  const std::optional<std::string> proof = from_base64(message.substr(proof_at + 3));
  std::string_view rest = message.substr(0, proof_at);
  said_ += "," + std::string(rest);
  const std::string_view channel = take_field(rest);
  const std::string_view nonce = take_field(rest);
  if (!channel.starts_with("c=") || !nonce.starts_with("r=") || !proof || proof->size() != size_of(hash_)) {
    return std::unexpected(malformed("the message is not sound"));
  }
  if (!is_bound_as(channel.substr(2)) || !same(nonce.substr(2), nonce_)) {
    return std::unexpected(not_authorized());
  }
  std::string client_key = keyed(hash_, verifier_.stored_key, said_);
  std::ranges::transform(client_key, *proof, client_key.begin(),
                         [](char a, char b) { return static_cast<char>(a ^ b); });
  if (!same(digest(hash_, client_key), verifier_.stored_key)) return std::unexpected(not_authorized());
  return "v=" + to_base64(keyed(hash_, verifier_.server_key, said_));
}

} // namespace coppice::xmpp
