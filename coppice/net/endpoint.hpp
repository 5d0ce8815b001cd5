// An address and a port, as text and for sockets.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace coppice::net {

/// Where a TCP socket is or listens: a numeric IPv4 or IPv6 address and a port. A value.
class endpoint {
public:
  /// 127.0.0.1 with port 0, which a listener takes as "any free port".
  endpoint() noexcept;

  /// Reads "127.0.0.1:8080" or "[::1]:80"; a link-local address may have a scope, "[fe80::1%2]:80", by
  /// number. The error says what is wrong. Names are not looked up (see `resolve`).
  static std::expected<endpoint, std::string> parse(std::string_view text);
  /// 127.0.0.1: reachable from this machine alone.
  static endpoint loopback(std::uint16_t port) noexcept;
  /// 0.0.0.0: every IPv4 address of this machine.
  static endpoint any(std::uint16_t port) noexcept;
  /// @{
  /// `address` in network order, as `bytes` gives it; `scope` as `scope()`.
  static endpoint v4(const std::array<std::uint8_t, 4>& address, std::uint16_t port) noexcept;
  static endpoint v6(const std::array<std::uint8_t, 16>& address, std::uint16_t port,
                     std::uint32_t scope = 0) noexcept;
  /// @}

  /// In the host's byte order. 0 in a place to listen at: any free port.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// The same address with another port.
  [[nodiscard]] endpoint with_port(std::uint16_t port) const noexcept {
    endpoint other = *this;
    other.port_ = port;
    return other;
  }
  /// Else IPv4. An IPv4 address mapped into IPv6 (`::ffff:127.0.0.1`) is IPv6 here.
  [[nodiscard]] bool is_v6() const noexcept { return v6_; }
  /// The address's bytes in network order; the first four for IPv4.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  /// The number of the interface that a link-local address belongs to (RFC 4007); 0: none, as of all IPv4.
  [[nodiscard]] std::uint32_t scope() const noexcept { return scope_; }
  /// 127.0.0.0/8 or ::1.
  [[nodiscard]] bool is_loopback() const noexcept;
  /// The address alone, without brackets: "::1".
  [[nodiscard]] std::string address() const;
  /// What `parse` reads.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const endpoint&, const endpoint&) = default;

private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint32_t scope_ = 0;
  std::uint16_t port_ = 0;
  bool v6_ = false;
};

} // namespace coppice::net
