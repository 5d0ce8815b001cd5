#include "bench/http/socket.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

namespace bench {

address address::parse(const std::string& text) {
  std::size_t colon = text.rfind(':');
  address a;
  if (colon == std::string::npos || inet_pton(AF_INET, text.substr(0, colon).c_str(), &a.host) != 1) {
    std::fprintf(stderr, "http_bench_load: '%s' is no address of the form 127.0.0.1:8080\n", text.c_str());
    std::exit(2);
  }
  a.port = static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1));
  return a;
}

std::shared_ptr<SSL_CTX> client_context(int version) {
  std::shared_ptr<SSL_CTX> made(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_CTX_set_min_proto_version(made.get(), version);
  SSL_CTX_set_max_proto_version(made.get(), version);
  SSL_CTX_set_verify(made.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS);
  return made;
}

connection::connection(const address& to, SSL_CTX* tls, SSL_SESSION* session) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = to.host;
  at.sin_port = htons(to.port);
  timeval patience{.tv_sec = 20, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return;
  if (tls != nullptr) {
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, fd_);
    if (session != nullptr) SSL_set_session(ssl_, session);
    if (SSL_connect(ssl_) != 1) return;
  }
  ok_ = true;
}

connection::~connection() {
  SSL_free(ssl_);
  if (fd_ >= 0) ::close(fd_);
}

void connection::swap(connection& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(ssl_, other.ssl_);
  std::swap(ok_, other.ok_);
}

bool connection::send(std::string_view bytes) {
  while (ok_ && !bytes.empty()) {
    long n = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                             : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) ok_ = false;
    if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return ok_;
}

std::size_t connection::receive(char* into, std::size_t size) {
  long n = 0;
  if (ok_) n = ssl_ != nullptr ? SSL_read(ssl_, into, static_cast<int>(size)) : ::recv(fd_, into, size, 0);
  if (n <= 0) ok_ = false;
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

namespace {

/// The Content-Length of a head; none: 0.
std::size_t announced(std::string_view head) {
  for (std::string_view name : {"\r\nContent-Length: ", "\r\ncontent-length: "}) {
    std::size_t at = head.find(name);
    if (at == std::string_view::npos) continue;
    std::size_t size = 0;
    std::from_chars(head.data() + at + name.size(), head.data() + head.size(), size);
    return size;
  }
  return 0;
}

} // namespace

long connection::exchange(std::string_view request) {
  if (!send(request)) return -1;
  static thread_local char buffer[65536];
  std::string head;
  std::size_t end = std::string::npos;
  while (end == std::string::npos) {
    std::size_t n = receive(buffer, sizeof buffer);
    if (n == 0) return -1;
    head.append(buffer, n);
    end = head.find("\r\n\r\n");
  }
  std::size_t size = announced(std::string_view(head).substr(0, end + 2));
  std::size_t got = head.size() - end - 4;
  while (got < size) {
    std::size_t n = receive(buffer, sizeof buffer);
    if (n == 0) return -1;
    got += n;
  }
  return static_cast<long>(size);
}

bool connection::upgrade() {
  return exchange("GET /ws HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n") == 0;
}

long connection::push(std::string_view bytes) {
  ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n >= 0) return n;
  return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
}

} // namespace bench
