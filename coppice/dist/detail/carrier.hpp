// The process that has the socket of a connection: it alone reads and writes.
#pragma once

#include "coppice/dist/detail/network.hpp"
#include "coppice/dist/detail/setup.hpp"
#include "coppice/net/stream.hpp"
#include "coppice/runtime/process.hpp"

#include <cstdint>
#include <functional>

namespace coppice::dist::detail {

/// To every connection, four times in `net_ticktime`: say that we live, and look whether the other does.
struct tick_due {};

/// From a connection's process to the net kernel, which answers `true`: it is up. Messages of the peer are
/// delivered only after that, so whoever watches nodes knows of it first.
struct node_is_up {
  atom node;
  bool hidden = false;
  std::uint64_t connection = 0; ///< the later, the greater
};
/// Everybody who was tied to it has been told.
struct node_is_down {
  atom node;
  bool hidden = false;
  std::uint64_t connection = 0;
  atom reason;
};

/// Carries signals both ways until the connection ends; calls `when_up` once it counts. The running process
/// must not trap exits.
task<> carry(network* all, peer* with, net::stream* connection, agreed what, frame_limits limits,
             std::function<void()> when_up = {});

} // namespace coppice::dist::detail
