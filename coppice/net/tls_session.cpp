#include "coppice/net/detail/tls_session.hpp"

#include "coppice/net/detail/tls_context.hpp"
#include "coppice/net/endpoint.hpp"

#include <algorithm>
#include <cerrno>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <optional>
#include <sys/socket.h>

namespace coppice::net::detail {
namespace {

/// A step takes at most that much from the socket, so that a peer that sends without end (empty records, key
/// updates) costs a process no more than its slice; the rest is still there when it is asked again.
constexpr std::size_t bytes_a_step = 256 << 10;
/// A handshake has certificates at most.
constexpr std::size_t handshake_bytes = 256 << 10;

bool is_later(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

std::string subject_of(const X509* certificate) {
  BIO* text = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  long size = BIO_get_mem_data(text, &data);
  std::string subject(data, static_cast<std::size_t>(std::max(size, 0L)));
  BIO_free(text);
  return subject;
}

std::string fingerprint_of(const X509* certificate) {
  constexpr std::string_view digits = "0123456789abcdef";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  std::string text;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1) return text;
  for (unsigned i = 0; i < size; ++i) {
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

/// RFC 9266, section 2.
std::optional<std::string> exported_binding(SSL* ssl) {
  constexpr std::string_view label = "EXPORTER-Channel-Binding";
  unsigned char key[32];
  if (SSL_export_keying_material(ssl, key, sizeof(key), label.data(), label.size(), nullptr, 0, 1) != 1) {
    return std::nullopt;
  }
  return std::string(reinterpret_cast<const char*>(key), sizeof(key));
}

/// RFC 5929, section 4: the certificate by the hash of its signature, or SHA-256 for those that are too weak.
std::optional<std::string> end_point_binding(const X509* certificate) {
  if (certificate == nullptr) return std::nullopt;
  int hash = NID_undef;
  if (X509_get_signature_info(const_cast<X509*>(certificate), &hash, nullptr, nullptr, nullptr) != 1 ||
      hash == NID_undef) {
    return std::nullopt; // a signature that has no hash of its own (Ed25519): not defined
  }
  const EVP_MD* digest = hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (digest == nullptr || X509_digest(certificate, digest, bytes, &size) != 1) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

} // namespace

// --- the socket as OpenSSL sees it ---

struct tls_session::bio {
  static transport& of(BIO* b) noexcept { return *static_cast<transport*>(BIO_get_data(b)); }

  static int read(BIO* b, char* into, int size) noexcept {
    transport& t = of(b);
    BIO_clear_retry_flags(b);
    if (t.allowance == 0) {
      BIO_set_retry_read(b);
      return -1;
    }
    std::size_t wanted = std::min<std::size_t>(static_cast<std::size_t>(size), t.allowance);
    ssize_t n = ::recv(t.fd, into, wanted, 0);
    if (n < 0) {
      t.error = errno;
      if (is_later(t.error)) BIO_set_retry_read(b);
      return -1;
    }
    t.allowance -= static_cast<std::size_t>(n);
    t.ended = n == 0;
    return static_cast<int>(n);
  }
  static int write(BIO* b, const char* data, int size) noexcept {
    transport& t = of(b);
    BIO_clear_retry_flags(b);
    ssize_t n = ::send(t.fd, data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (n < 0) {
      t.error = errno;
      if (is_later(t.error)) BIO_set_retry_write(b);
      return -1;
    }
    return static_cast<int>(n);
  }
  static long control(BIO* b, int command, long, void*) noexcept {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return of(b).ended ? 1 : 0;
    return 0;
  }
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "coppice descriptor");
      BIO_meth_set_read(m, &read);
      BIO_meth_set_write(m, &write);
      BIO_meth_set_ctrl(m, &control);
      return m;
    }();
    return made;
  }
};

// --- making one ---

tls_session::tls_session(std::shared_ptr<const tls_context> context, int fd, std::string host)
    : context_(std::move(context)), transport_{fd}, host_(std::move(host)) {}

tls_session::~tls_session() { SSL_free(ssl_); }

bool tls_session::prepare(bool server) {
  ssl_ = SSL_new(context_->get());
  BIO* b = BIO_new(bio::method());
  if (ssl_ == nullptr || b == nullptr) {
    BIO_free(b);
    return false;
  }
  BIO_set_data(b, &transport_);
  BIO_set_init(b, 1);
  SSL_set_bio(ssl_, b, b);
  if (server) {
    SSL_set_accept_state(ssl_);
    return true;
  }
  SSL_set_connect_state(ssl_);
  X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl_);
  if (endpoint::parse(host_ + ":0") || endpoint::parse("[" + host_ + "]:0")) {
    return X509_VERIFY_PARAM_set1_ip_asc(wanted, host_.c_str()) == 1;
  }
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return !host_.empty() && X509_VERIFY_PARAM_set1_host(wanted, host_.c_str(), host_.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl_, host_.c_str()) == 1;
}

std::expected<tls_session*, std::string> tls_session::make(std::shared_ptr<const tls_context> context, int fd,
                                                           bool server, const std::string& host) {
  std::unique_ptr<tls_session> made(new tls_session(std::move(context), fd, host));
  ERR_clear_error();
  if (!made->prepare(server)) {
    if (server) return std::unexpected("TLS: no memory for another connection");
    return std::unexpected("TLS: '" + host +
                           "' is no host name and no numeric address to verify a certificate by");
  }
  return made.release();
}

// --- steps ---

void tls_session::begin() noexcept {
  ERR_clear_error();
  transport_.allowance = bytes_a_step;
  transport_.error = 0;
}

tls_step tls_session::took(int result, std::size_t moved) noexcept {
  tls_step step;
  step.moved = moved;
  if (result > 0) return step;
  switch (SSL_get_error(ssl_, result)) {
  case SSL_ERROR_WANT_READ: step.result = tls_step::outcome::wants_read; return step;
  case SSL_ERROR_WANT_WRITE: step.result = tls_step::outcome::wants_write; return step;
  case SSL_ERROR_ZERO_RETURN: return step;
  default: break;
  }
  broken_ = true;
  failure_ = ERR_peek_error();
  bool cut =
      ERR_GET_LIB(failure_) == ERR_LIB_SSL && ERR_GET_REASON(failure_) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  if (cut || (failure_ == 0 && transport_.error == 0)) {
    step.error = make_error_code(tls_errc::truncated);
  } else if (failure_ == 0) {
    step.error = std::error_code(transport_.error, std::system_category());
  } else if (!done_ && SSL_get_verify_result(ssl_) != X509_V_OK) {
    step.error = make_error_code(tls_errc::untrusted);
  } else {
    step.error = make_error_code(tls_errc::protocol);
  }
  ERR_clear_error();
  return step;
}

tls_step tls_session::handshake() noexcept {
  begin();
  tls_step step = took(SSL_do_handshake(ssl_), 0);
  hand_shaken_ += bytes_a_step - transport_.allowance;
  if (step.result == tls_step::outcome::over) {
    done_ = read_found_ = !step.error;
    owes_ticket_ = done_ && SSL_is_server(ssl_) == 1 && SSL_version(ssl_) == TLS1_3_VERSION;
  } else if (hand_shaken_ > handshake_bytes) {
    step.result = tls_step::outcome::over;
    step.error = make_error_code(tls_errc::protocol);
    broken_ = true;
  }
  return step;
}

tls_step tls_session::read(std::span<char> into) noexcept {
  tls_step failed;
  failed.error = make_error_code(tls_errc::protocol);
  if (broken_) return failed;
  begin();
  std::size_t moved = 0;
  int result = SSL_read_ex(ssl_, into.data(), into.size(), &moved);
  read_found_ = result > 0;
  return took(result, moved);
}

tls_step tls_session::write(std::string_view data) noexcept {
  tls_step failed;
  failed.error = make_error_code(tls_errc::protocol);
  if (broken_ || ended_) return failed;
  begin();
  if (owes_ticket_) { // with the first answer and not before: a client that only sends would close with it
                      // unread,
    owes_ticket_ = false; // which resets the connection under what it has sent
    SSL_new_session_ticket(ssl_);
  }
  std::size_t moved = 0;
  int result = SSL_write_ex(ssl_, data.data(), data.size(), &moved);
  return took(result, moved);
}

void tls_session::end() noexcept {
  if (!done_ || broken_ || ended_) return;
  ended_ = true;
  begin();
  if (SSL_shutdown(ssl_) < 0) broken_ = true; // the peer takes nothing: it will see a cut, which is the truth
  ERR_clear_error();
}

bool tls_session::may_hold_bytes() const noexcept { return read_found_ && SSL_has_pending(ssl_) == 1; }

// --- what to say of it ---

tls_info tls_session::info() const {
  tls_info all;
  all.version = SSL_get_version(ssl_);
  all.cipher = SSL_get_cipher_name(ssl_);
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &protocol, &size);
  if (size > 0) all.alpn.assign(reinterpret_cast<const char*>(protocol), size);
  if (const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name)) all.server_name = name;
  if (const X509* certificate = SSL_get0_peer_certificate(ssl_)) {
    all.peer_subject = subject_of(certificate);
    all.peer_fingerprint = fingerprint_of(certificate);
  }
  all.resumed = SSL_session_reused(ssl_) == 1;
  return all;
}

std::vector<tls_binding> tls_session::bindings() const {
  const bool server = SSL_is_server(ssl_) == 1;
  std::vector<tls_binding> all;
  if (SSL_version(ssl_) == TLS1_3_VERSION) {
    if (std::optional<std::string> exported = exported_binding(ssl_)) {
      all.push_back({"tls-exporter", std::move(*exported)});
    }
  } else if (SSL_get_extms_support(ssl_) == 1) { // without it two connections may have the same
    // The first Finished of the handshake: the client's, or the server's where a session is resumed.
    const bool own = server == (SSL_session_reused(ssl_) == 1);
    std::string finished(EVP_MAX_MD_SIZE, '\0');
    finished.resize(own ? SSL_get_finished(ssl_, finished.data(), finished.size())
                        : SSL_get_peer_finished(ssl_, finished.data(), finished.size()));
    all.push_back({"tls-unique", std::move(finished)});
  }
  const X509* certificate = server ? SSL_get_certificate(ssl_) : SSL_get0_peer_certificate(ssl_);
  if (std::optional<std::string> digest = end_point_binding(certificate)) {
    all.push_back({"tls-server-end-point", std::move(*digest)});
  }
  return all;
}

std::string tls_session::explain() const {
  if (!host_.empty() && SSL_get_verify_result(ssl_) == X509_V_ERR_HOSTNAME_MISMATCH) {
    return "the certificate is not for '" + host_ + "'";
  }
  long verified = SSL_get_verify_result(ssl_);
  if (verified != X509_V_OK) {
    std::string why = std::string("the peer's certificate: ") + X509_verify_cert_error_string(verified);
    switch (verified) {
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return why + "; if it is to be trusted, name its authority in the CA file";
    case X509_V_ERR_UNABLE_TO_GET_CRL: return why + "; the CRL file has no list of its issuer";
    default: return why;
    }
  }
  if (hand_shaken_ > handshake_bytes) return "the peer's handshake is too large";
  if (failure_ == 0) return "the peer broke the connection off";
  const char* reason = ERR_reason_error_string(failure_);
  return reason != nullptr ? reason : "error " + std::to_string(failure_) + " of OpenSSL";
}

} // namespace coppice::net::detail
