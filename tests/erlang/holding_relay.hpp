// A way to a node whose end is not seen from afar, as when a machine loses its power: the connection is held.
#pragma once

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstdint>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace coppice {

/// A descriptor that is closed in the end.
class owned_fd {
public:
  explicit owned_fd(int fd) : fd_(fd) {
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
  }
  ~owned_fd() { close(fd_); }
  owned_fd(const owned_fd&) = delete;
  owned_fd& operator=(const owned_fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

/// The address of a port of this machine.
inline sockaddr_in loopback_address(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

/// Connects with a port of this machine.
inline int connect_to_port(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in at = loopback_address(port);
  if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0) return fd;
  close(fd);
  return -1;
}

/// Passes one connection on to a port of this machine, both ways. When the end there is gone, the one who
/// came does not hear of it.
class holding_relay {
public:
  explicit holding_relay(std::uint16_t to) : to_(to), door_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at = loopback_address(0);
    socklen_t size = sizeof(at);
    if (bind(door_.get(), reinterpret_cast<const sockaddr*>(&at), size) != 0 || listen(door_.get(), 1) != 0 ||
        getsockname(door_.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0) {
      throw std::system_error(errno, std::generic_category(), "bind");
    }
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~holding_relay() {
    shutdown(door_.get(), SHUT_RDWR);
    thread_.join();
  }
  holding_relay(const holding_relay&) = delete;
  holding_relay& operator=(const holding_relay&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

private:
  void run() {
    const int newcomer = accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (newcomer < 0) return; // it is over
    const owned_fd theirs(newcomer);
    const owned_fd ours(connect_to_port(to_));
    std::array<pollfd, 2> both{pollfd{theirs.get(), POLLIN, 0}, pollfd{ours.get(), POLLIN, 0}};
    for (;;) {
      poll(both.data(), both.size(), -1);
      if (both[0].revents != 0 && !pass(theirs.get(), ours.get())) return;
      if (both[1].revents != 0 && !pass(ours.get(), theirs.get())) both[1].fd = -1;
    }
  }
  static bool pass(int from, int to) {
    std::array<char, 4096> buffer{};
    const ssize_t n = recv(from, buffer.data(), buffer.size(), 0);
    if (n > 0) send(to, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL);
    return n > 0;
  }

  const std::uint16_t to_;
  owned_fd door_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

} // namespace coppice
