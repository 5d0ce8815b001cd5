// A port mapper that Erlang nodes take for their `epmd`, for machines where none is installed.
#pragma once

#include "coppice/dist/epmd_protocol.hpp"
#include "coppice/net/listener.hpp"

#include <chrono>
#include <cstddef>
#include <expected>
#include <memory>
#include <system_error>

namespace coppice::dist {

namespace detail {
class epmd_registry;
}

/// How the port mapper listens, and what it bears.
struct epmd_server_options {
  net::endpoint endpoint =
      net::endpoint::loopback(epmd_default_port); ///< Erlang asks at 4369, or where `ERL_EPMD_PORT` says
  std::size_t max_nodes = 4096;       ///< listed at a time; more are refused as if the name were taken
  std::size_t max_connections = 8192; ///< beyond, connections wait
  duration request_timeout = std::chrono::seconds(5); ///< for a whole request to come
};

/// Opens the port and starts the port mapper, linked to the caller. It answers what nodes and `epmd -names`
/// ask; it cannot be told to stop or to show its inside. A node is listed for as long as its connection
/// lives. The error is the system's: `address_in_use` where a port mapper runs already, which serves as well.
std::expected<net::listener, std::error_code> start_epmd_server(const epmd_server_options& options = {});

} // namespace coppice::dist
