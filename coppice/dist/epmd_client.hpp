// Asking a port mapper (epmd), and being listed by it. For processes.
#pragma once

#include "coppice/dist/epmd_protocol.hpp"
#include "coppice/net/socket.hpp"
#include "coppice/runtime/task.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

namespace coppice::dist {

/// Why a port mapper was of no help.
struct epmd_error {
  /// What can be done about it.
  enum class reason : std::uint8_t {
    unreachable, ///< none listens there, or it does not answer in time
    name_taken,  ///< another node has that name
    nonsense     ///< what listens there is no port mapper
  };
  reason why;          ///< for programs
  std::string message; ///< names the place: `epmd at 127.0.0.1:4369: Connection refused`
};

/// The node is listed for as long as this lives: the port mapper sees the connection end.
struct epmd_registration {
  net::tcp_socket connection; ///< its end (a read of 0) means that the port mapper has gone
  std::uint32_t creation = 0; ///< tells this incarnation of the node apart
};

/// Lists the node. `timeout` is for the whole of it, as for the others.
task<std::expected<epmd_registration, epmd_error>> epmd_register(net::endpoint mapper, epmd_entry entry,
                                                                 duration timeout = std::chrono::seconds(5));

/// Where the node of that name (without the host) listens; nothing if there is no such node.
task<std::expected<std::optional<epmd_entry>, epmd_error>>
epmd_lookup(net::endpoint mapper, std::string name, duration timeout = std::chrono::seconds(5));

/// The nodes of the machine.
task<std::expected<std::vector<named_port>, epmd_error>>
epmd_list(net::endpoint mapper, duration timeout = std::chrono::seconds(5));

} // namespace coppice::dist
