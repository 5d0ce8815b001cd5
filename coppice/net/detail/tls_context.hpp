// An SSL_CTX made of options, and what its callbacks need. Never changes after it is made.
#pragma once

#include "coppice/net/tls.hpp"

#include <memory>
#include <mutex>
#include <openssl/ssl.h>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace coppice::net::detail {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
inline void free_chain(STACK_OF(X509) * chain) noexcept { sk_X509_pop_free(chain, &X509_free); }

using x509_ptr = std::unique_ptr<X509, freed_by<&X509_free>>;
using x509_chain_ptr = std::unique_ptr<STACK_OF(X509), freed_by<&free_chain>>;
using pkey_ptr = std::unique_ptr<EVP_PKEY, freed_by<&EVP_PKEY_free>>;
using ssl_ctx_ptr = std::unique_ptr<SSL_CTX, freed_by<&SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<&SSL_free>>;

/// A certificate, its key and its intermediate certificates.
struct tls_certificate {
  x509_ptr leaf;
  pkey_ptr key;
  x509_chain_ptr chain;
};

class tls_context {
public:
  static std::expected<std::shared_ptr<const tls_context>, std::string>
  for_server(const tls_server_options& options);
  static std::expected<std::shared_ptr<const tls_context>, std::string>
  for_client(const tls_client_options& options);

  [[nodiscard]] SSL_CTX* get() const noexcept { return ctx_.get(); }

private:
  tls_context();
  std::expected<void, std::string> trust(const std::string& ca_file, const std::string& crl_file,
                                         bool as_server);
  std::expected<void, std::string> offer_protocols(const std::vector<std::string>& alpn);
  void learn_names(std::size_t number);
  const std::vector<std::size_t>& named(std::string_view server_name) const;
  static int choose_certificate(SSL* ssl, void* context);
  static int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                             const unsigned char* in, unsigned in_size, void* context);

  ssl_ctx_ptr ctx_;
  std::vector<tls_certificate> certificates_;
  std::unordered_map<std::string, std::vector<std::size_t>>
      names_; ///< of certificates_; lower case, may be "*.x"
  std::vector<std::size_t> default_{0};
  std::string alpn_; ///< as on the wire
};

/// What copies of a `tls_server` share: the context that the next handshake takes.
class tls_server_state {
public:
  tls_server_state(tls_server_options options, std::shared_ptr<const tls_context> context)
      : options_(std::move(options)), context_(std::move(context)) {}
  [[nodiscard]] const tls_server_options& options() const noexcept { return options_; }
  [[nodiscard]] std::shared_ptr<const tls_context> context() const {
    std::lock_guard lock(mutex_);
    return context_;
  }
  void replace(std::shared_ptr<const tls_context> context) {
    std::lock_guard lock(mutex_);
    context_.swap(context);
  }

private:
  const tls_server_options options_;
  mutable std::mutex mutex_;
  std::shared_ptr<const tls_context> context_;
};

} // namespace coppice::net::detail
