// Blocking sockets, plain or with TLS, for the programs that put load on servers.
#pragma once

#include <cstdint>
#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <string_view>

namespace bench {

/// Where a server listens.
struct address {
  std::uint32_t host = 0; ///< of IPv4, in network order
  std::uint16_t port = 0;

  static address parse(const std::string& text); ///< "127.0.0.1:8080"; ends the program if it is none
};

/// A context for clients that believe every server; `version` is the one to use, TLS1_2_VERSION or later.
std::shared_ptr<SSL_CTX> client_context(int version);

/// A connection; what fails is seen by `ok()`.
class connection {
public:
  connection() = default;
  /// Connects. With a context it shakes hands, resuming `session` if there is one.
  explicit connection(const address& to, SSL_CTX* tls = nullptr, SSL_SESSION* session = nullptr);
  connection(connection&& other) noexcept { swap(other); }
  connection& operator=(connection&& other) noexcept {
    swap(other);
    return *this;
  }
  ~connection();

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] SSL* tls() const noexcept { return ssl_; }
  bool send(std::string_view bytes);
  /// Some bytes; 0 at the end or an error.
  std::size_t receive(char* into, std::size_t size);
  /// Sends a request and reads its answer, which has a Content-Length; the answer's body size, or -1.
  long exchange(std::string_view request);
  /// Opens a WebSocket.
  bool upgrade();
  /// As many bytes as go without waiting; 0: none now, -1: the peer has closed.
  long push(std::string_view bytes);

private:
  void swap(connection& other) noexcept;
  int fd_ = -1;
  SSL* ssl_ = nullptr;
  bool ok_ = false;
};

} // namespace bench
