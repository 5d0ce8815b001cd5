// A port mapper of ours for real nodes to find each other and us by, in a process that keeps it.
#pragma once

#include "coppice/dist/epmd_server.hpp"
#include "coppice/runtime/timer.hpp"

#include <cstdint>
#include <future>
#include <memory>

namespace coppice::dist {

/// Runs one at a port (0: a free one), and tells which.
inline process serve_epmd(self, std::uint16_t at, std::unique_ptr<std::promise<std::uint16_t>> port) {
  auto server = start_epmd_server({.endpoint = net::endpoint::loopback(at)});
  port->set_value(server->local().port());
  co_await idle_for(infinity);
}

} // namespace coppice::dist
