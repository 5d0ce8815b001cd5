#include "coppice/net/detail/tls_context.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coppice::net::detail {
namespace {

using bio_ptr = std::unique_ptr<BIO, freed_by<&BIO_free>>;
using crl_ptr = std::unique_ptr<X509_CRL, freed_by<&X509_CRL_free>>;
using failed = std::unexpected<std::string>;

constexpr std::size_t largest_file = 16 << 20;
/// AEAD with forward secrecy, for TLS 1.2; those of 1.3 are all sound.
constexpr const char* ciphers_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL";

/// OpenSSL's first complaint; the queue is empty then.
std::string complaint() {
  unsigned long code = ERR_peek_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "OpenSSL refuses";
}

std::expected<std::string, std::string> contents(const std::string& file, std::string_view what) {
  auto wrong = [&](const std::string& why) { return failed(std::string(what) + " '" + file + "': " + why); };
  int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return wrong(std::string(std::strerror(errno)) +
                 "; check the path and that the program's user may read it");
  }
  std::string all;
  char buffer[16384];
  ssize_t n = 0;
  while ((n = ::read(fd, buffer, sizeof(buffer))) > 0 && all.size() <= largest_file) {
    all.append(buffer, static_cast<std::size_t>(n));
  }
  int error = errno;
  ::close(fd);
  if (n < 0) return wrong(std::strerror(error));
  if (all.size() > largest_file) return wrong("is larger than 16 MB: not a PEM file");
  return all;
}

bio_ptr reader(const std::string& text) {
  return bio_ptr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Whether the last PEM_read ended because there was no more, and nothing is wrong.
bool at_end_of_pem() {
  unsigned long code = ERR_peek_last_error();
  bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (end) ERR_clear_error();
  return end;
}

std::expected<std::vector<x509_ptr>, std::string> certificates_in(const std::string& file) {
  auto text = contents(file, "certificate file");
  if (!text) return failed(text.error());
  bio_ptr from = reader(*text);
  std::vector<x509_ptr> all;
  while (X509* one = PEM_read_bio_X509(from.get(), nullptr, nullptr, nullptr)) all.emplace_back(one);
  if (!at_end_of_pem()) return failed("certificate file '" + file + "': malformed: " + complaint());
  if (all.empty()) {
    return failed("certificate file '" + file +
                  "': holds no certificate; it must be PEM, with a BEGIN CERTIFICATE");
  }
  return all;
}

/// Never asks a terminal for a password.
int no_password(char*, int, int, void* asked) noexcept {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::expected<pkey_ptr, std::string> key_in(const std::string& file) {
  auto text = contents(file, "key file");
  if (!text) return failed(text.error());
  bio_ptr from = reader(*text);
  bool encrypted = false;
  pkey_ptr key(PEM_read_bio_PrivateKey(from.get(), nullptr, &no_password, &encrypted));
  OPENSSL_cleanse(text->data(), text->size());
  if (key != nullptr) return key;
  std::string why = complaint();
  if (encrypted) {
    return failed("key file '" + file +
                  "': is encrypted; store it decrypted (openssl pkey) and protect the file");
  }
  return failed("key file '" + file + "': holds no private key (" + why +
                "); it must be PEM, with a BEGIN PRIVATE KEY");
}

std::expected<tls_certificate, std::string> load(const tls_identity& from) {
  ERR_clear_error();
  auto certificates = certificates_in(from.certificate_file);
  if (!certificates) return failed(certificates.error());
  auto key = key_in(from.key_file);
  if (!key) return failed(key.error());
  tls_certificate made;
  made.leaf = std::move(certificates->front());
  made.key = std::move(*key);
  if (X509_check_private_key(made.leaf.get(), made.key.get()) != 1) {
    ERR_clear_error();
    return failed("key file '" + from.key_file + "': the key does not fit the first certificate of '" +
                  from.certificate_file +
                  "'; give the key it was made with, and put our own certificate first");
  }
  made.chain.reset(sk_X509_new_null());
  for (std::size_t i = 1; i < certificates->size(); ++i) {
    sk_X509_push(made.chain.get(), (*certificates)[i].release());
  }
  return made;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

int use(SSL* ssl, const tls_certificate& c) {
  return SSL_use_cert_and_key(ssl, c.leaf.get(), c.key.get(), c.chain.get(), 1);
}

} // namespace

// --- common to both sides ---

tls_context::tls_context() : ctx_(SSL_CTX_new(TLS_method())) {
  SSL_CTX* c = ctx_.get();
  if (c == nullptr) throw std::bad_alloc();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                             SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                          SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(c, 1);                          // a record in one system call, not in two
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF); // tickets only: the server remembers nobody
  SSL_CTX_set_cipher_list(c, ciphers_1_2);
}

std::expected<void, std::string> tls_context::trust(const std::string& ca_file, const std::string& crl_file,
                                                    bool as_server) {
  auto authorities = certificates_in(ca_file);
  if (!authorities) return failed("CA: " + authorities.error());
  X509_STORE* store = SSL_CTX_get_cert_store(ctx_.get());
  for (const x509_ptr& one : *authorities) {
    if (X509_STORE_add_cert(store, one.get()) != 1)
      return failed("CA file '" + ca_file + "': " + complaint());
    if (as_server) SSL_CTX_add_client_CA(ctx_.get(), one.get());
  }
  if (crl_file.empty()) return {};
  auto text = contents(crl_file, "CRL file");
  if (!text) return failed(text.error());
  bio_ptr from = reader(*text);
  std::size_t lists = 0;
  while (crl_ptr one = crl_ptr(PEM_read_bio_X509_CRL(from.get(), nullptr, nullptr, nullptr))) {
    if (X509_STORE_add_crl(store, one.get()) != 1)
      return failed("CRL file '" + crl_file + "': " + complaint());
    ++lists;
  }
  if (!at_end_of_pem()) return failed("CRL file '" + crl_file + "': malformed: " + complaint());
  if (lists == 0)
    return failed("CRL file '" + crl_file + "': holds no list; it must be PEM, with a BEGIN X509 CRL");
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return {};
}

std::expected<void, std::string> tls_context::offer_protocols(const std::vector<std::string>& alpn) {
  for (const std::string& one : alpn) {
    if (one.empty() || one.size() > 255) return failed("alpn: a protocol's name has 1 to 255 bytes");
    alpn_ += static_cast<char>(one.size());
    alpn_ += one;
  }
  return {};
}

// --- the server's side ---

void tls_context::learn_names(std::size_t number) {
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificates_[number].leaf.get(), NID_subject_alt_name, nullptr, nullptr));
  if (names == nullptr) return;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    std::string_view text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
                          static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
    std::vector<std::size_t>& all = names_[lower(text)];
    if (std::find(all.begin(), all.end(), number) == all.end()) all.push_back(number);
  }
  GENERAL_NAMES_free(names);
}

const std::vector<std::size_t>& tls_context::named(std::string_view server_name) const {
  std::string name = lower(server_name);
  if (auto found = names_.find(name); found != names_.end()) return found->second;
  std::size_t dot = name.find('.');
  if (dot == std::string::npos) return default_;
  auto wild = names_.find("*" + name.substr(dot));
  return wild != names_.end() ? wild->second : default_;
}

int tls_context::choose_certificate(SSL* ssl, void* context) {
  const auto& me = *static_cast<const tls_context*>(context);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const std::vector<std::size_t>& chosen = me.named(name != nullptr ? name : "");
  if (&chosen == &me.default_) return 1;
  SSL_certs_clear(ssl);
  for (std::size_t i : chosen) {
    if (use(ssl, me.certificates_[i]) != 1) return 0;
  }
  return 1;
}

int tls_context::choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                                 const unsigned char* in, unsigned in_size, void* context) {
  const auto& me = *static_cast<const tls_context*>(context);
  const auto* ours = reinterpret_cast<const unsigned char*>(me.alpn_.data());
  unsigned char* chosen = nullptr;
  int found =
      SSL_select_next_proto(&chosen, out_size, ours, static_cast<unsigned>(me.alpn_.size()), in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

std::expected<std::shared_ptr<const tls_context>, std::string>
tls_context::for_server(const tls_server_options& options) {
  ERR_clear_error();
  if (options.identities.empty()) {
    return failed("tls: a server needs a certificate with its key (tls_server_options::identities)");
  }
  std::shared_ptr<tls_context> made(new tls_context());
  SSL_CTX* c = made->get();
  for (const tls_identity& one : options.identities) {
    auto loaded = load(one);
    if (!loaded) return failed(loaded.error());
    made->certificates_.push_back(std::move(*loaded));
    made->learn_names(made->certificates_.size() - 1);
  }
  for (std::size_t i : made->default_) {
    const tls_certificate& one = made->certificates_[i];
    if (SSL_CTX_use_cert_and_key(c, one.leaf.get(), one.key.get(), one.chain.get(), 1) != 1) {
      return failed("certificate file '" + options.identities[i].certificate_file + "': " + complaint());
    }
  }
  // With one certificate there is nothing to choose, and each handshake is spared to check it anew.
  if (made->certificates_.size() > 1) SSL_CTX_set_cert_cb(c, &choose_certificate, made.get());
  if (auto offered = made->offer_protocols(options.alpn); !offered) return failed(offered.error());
  if (!made->alpn_.empty()) SSL_CTX_set_alpn_select_cb(c, &choose_protocol, made.get());
  if (options.only_1_3) SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
  SSL_CTX_set_num_tickets(c, 0); // the session sends one when it first writes
  constexpr std::string_view id = "coppice";
  SSL_CTX_set_session_id_context(c, reinterpret_cast<const unsigned char*>(id.data()), id.size());
  if (options.clients == client_certificates::none) return made;
  if (options.client_ca_file.empty()) {
    return failed(
        "tls: to verify clients' certificates, name their authority (tls_server_options::client_ca_file)");
  }
  if (auto known = made->trust(options.client_ca_file, options.client_crl_file, true); !known) {
    return failed(known.error());
  }
  int mode = SSL_VERIFY_PEER;
  if (options.clients == client_certificates::required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(c, mode, nullptr);
  return made;
}

// --- the client's side ---

std::expected<std::shared_ptr<const tls_context>, std::string>
tls_context::for_client(const tls_client_options& options) {
  ERR_clear_error();
  std::shared_ptr<tls_context> made(new tls_context());
  SSL_CTX* c = made->get();
  SSL_CTX_set_verify(c, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (options.ca_file.empty() && !options.crl_file.empty()) {
    return failed("tls: crl_file goes with ca_file, the authority whose list it is");
  }
  if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(c);
  } else if (auto known = made->trust(options.ca_file, options.crl_file, false); !known) {
    return failed(known.error());
  }
  if (options.identity) {
    auto loaded = load(*options.identity);
    if (!loaded) return failed(loaded.error());
    const tls_certificate& own = *loaded;
    if (SSL_CTX_use_cert_and_key(c, own.leaf.get(), own.key.get(), own.chain.get(), 1) != 1) {
      return failed("certificate file '" + options.identity->certificate_file + "': " + complaint());
    }
  }
  if (auto offered = made->offer_protocols(options.alpn); !offered) return failed(offered.error());
  if (!made->alpn_.empty()) {
    SSL_CTX_set_alpn_protos(c, reinterpret_cast<const unsigned char*>(made->alpn_.data()),
                            static_cast<unsigned>(made->alpn_.size()));
  }
  if (options.only_1_3) SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
  return made;
}

} // namespace coppice::net::detail
