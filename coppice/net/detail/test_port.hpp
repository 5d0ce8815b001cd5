// A port for a program that a test starts, which cannot tell which one it got.
#pragma once

#include "coppice/net/socket.hpp"

#include <cstdint>
#include <random>
#include <system_error>

namespace coppice::net::testing {

/// A port of 127.0.0.1 that nobody listens at. It lies below those that the system gives to connections that
/// are made meanwhile, and at random, for other tests look for one as well.
inline std::uint16_t unused_port() {
  std::random_device chance;
  std::uniform_int_distribution<std::uint16_t> below_ephemeral(10'000, 32'000);
  for (int tries = 0; tries < 1000; ++tries) {
    const std::uint16_t port = below_ephemeral(chance);
    if (listen_socket::open(endpoint::loopback(port))) return port;
  }
  throw std::system_error(std::make_error_code(std::errc::address_in_use), "no port is free");
}

} // namespace coppice::net::testing
