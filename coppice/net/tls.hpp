// TLS 1.2 and 1.3 by OpenSSL: who we are, whom we trust, and the handshakes that make a `stream` of a socket.
//
// OpenSSL works on the non-blocking descriptor itself, through a small BIO of ours: no pair of buffers
// between, as a BIO pair or Asio's ssl::stream has (some 68 KB a connection), and no SIGPIPE, which
// SSL_set_fd's plain write(2) could raise. Its own buffers are released while a connection is idle.
#pragma once

#include "coppice/net/socket.hpp"

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

namespace coppice::net {

class stream;
namespace detail {
class tls_context;
class tls_server_state;
} // namespace detail

/// What can go wrong in TLS, beside the system's errors and `std::errc::timed_out`.
enum class tls_errc {
  truncated =
      1,    ///< the connection ended without the peer's close_notify: something may be missing (RFC 8446 6.1)
  protocol, ///< one of the two broke off: an alert, no common version, cipher or protocol, damaged bytes
  untrusted, ///< the peer's certificate does not convince: issuer, dates, name, or none at all
};
/// The category of `tls_errc`.
[[nodiscard]] const std::error_category& tls_category() noexcept;
/// For `std::error_code`, which finds it by its name.
[[nodiscard]] inline std::error_code make_error_code(tls_errc e) noexcept {
  return {static_cast<int>(e), tls_category()};
}

/// Why a handshake failed: for programs, and for people.
struct tls_error {
  std::error_code code; ///< `tls_errc`, `std::errc::timed_out` or the system's
  std::string text;     ///< what was wrong, with the certificate say, and the remedy where there is one
};

/// A certificate with its key, as PEM files.
struct tls_identity {
  std::string certificate_file; ///< our own certificate first, then the intermediate ones
  std::string key_file;         ///< not encrypted; readable for the program's user alone
};

/// Whether a server asks its clients for certificates (RFC 8446 section 4.3.2).
enum class client_certificates {
  none,
  optional, ///< one that is sent must be good; without one, `tls_info::peer_subject` is empty
  required,
};

/// Who a server is, and whom it lets in.
struct tls_server_options {
  /// Chosen by the name that the client asks for (SNI), compared with the certificates' DNS names, of which
  /// the first label may be `*`. Several for one name (RSA and ECDSA) are offered by what the client can
  /// verify. The first one is for clients that ask for no name or an unknown one.
  std::vector<tls_identity> identities;
  client_certificates clients = client_certificates::none; ///< any other wants `client_ca_file`
  std::string client_ca_file = {};                         ///< PEM: who may have signed clients' certificates
  std::string client_crl_file = {}; ///< PEM: which of these are revoked; empty: not checked
  std::vector<std::string> alpn =
      {};                ///< by preference; a client that offers others only is refused (RFC 7301)
  bool only_1_3 = false; ///< else TLS 1.2 too
  /// A handshake that takes longer is broken off. Until then it counts as a connection.
  duration handshake_timeout = std::chrono::seconds(10);
};

/// A server's side of TLS: a handle that may be copied, shared and used from any thread.
class tls_server {
public:
  /// Reads the files. The error names the file and the remedy.
  [[nodiscard]] static std::expected<tls_server, std::string> make(tls_server_options options);

  /// Reads the same files again: handshakes from now on take what they hold, connections keep what they have,
  /// tickets of before are not resumed. After an error all is as it was. Blocks on the files.
  [[nodiscard]] std::expected<void, std::string> reload() const;

private:
  friend task<std::expected<stream, tls_error>> tls_accept(tcp_socket socket, const tls_server& server);
  explicit tls_server(std::shared_ptr<detail::tls_server_state> state) noexcept : state_(std::move(state)) {}
  std::shared_ptr<detail::tls_server_state> state_;
};

/// How a client checks servers, and what it offers.
struct tls_client_options {
  std::string ca_file = {};                  ///< PEM: whom to trust; empty: the system's authorities
  std::string crl_file = {};                 ///< PEM: revoked certificates; empty: not checked
  std::optional<tls_identity> identity = {}; ///< for servers that ask for one
  std::vector<std::string> alpn = {};        ///< what to offer, by preference
  bool only_1_3 = false;                     ///< else TLS 1.2 too
  /// Without it anyone can pose as the server. For tests against a server of one's own.
  bool verify = true;
};

/// A client's side of TLS: a handle that may be copied, shared and used from any thread.
class tls_client {
public:
  /// Reads the files. The error names the file and the remedy.
  [[nodiscard]] static std::expected<tls_client, std::string> make(const tls_client_options& options = {});

private:
  friend task<std::expected<stream, tls_error>> tls_connect(tcp_socket socket, const tls_client& client,
                                                            const std::string& host, duration timeout);
  explicit tls_client(std::shared_ptr<const detail::tls_context> context) noexcept
      : context_(std::move(context)) {}
  std::shared_ptr<const detail::tls_context> context_;
};

/// What the two sides agreed on.
struct tls_info {
  std::string version;      ///< "TLSv1.3"
  std::string cipher;       ///< "TLS_AES_256_GCM_SHA384"
  std::string alpn;         ///< empty: none
  std::string server_name;  ///< that the client asked for; empty: none
  std::string peer_subject; ///< of the peer's certificate, "CN=alice,O=Example" (RFC 2253); empty: none sent
  std::string peer_fingerprint; ///< its SHA-256, as 64 hexadecimal digits
  bool resumed = false;         ///< by a ticket of an earlier connection
};

/// What an exchange above TLS can be tied to, so that it is worth nothing on another connection (RFC 5056).
struct tls_binding {
  std::string type; ///< `tls-exporter` (RFC 9266), `tls-unique`, `tls-server-end-point` (RFC 5929)
  std::string data; ///< bytes, the same on both sides
};

/// The server's side of a handshake, within `tls_server_options::handshake_timeout`. What a listener with
/// `listener_options::tls` does for each connection; needed by hand only after a STARTTLS.
task<std::expected<stream, tls_error>> tls_accept(tcp_socket socket, const tls_server& server);

/// The client's side. The server's certificate must be for `host`, a DNS name (sent as SNI) or a numeric
/// address, and be signed by one that we trust.
task<std::expected<stream, tls_error>> tls_connect(tcp_socket socket, const tls_client& client,
                                                   const std::string& host, duration timeout);

} // namespace coppice::net

template <>
struct std::is_error_code_enum<coppice::net::tls_errc> : std::true_type {};
