// The poller on sockets, for node_options::make_poller.
#pragma once

#include "coppice/runtime/poller.hpp"

namespace coppice::net {

/// Makes pollers on which processes can wait for sockets: `node_options.make_poller = net::make_poller();`.
/// Each core gets one (epoll by way of Boost.Asio). Needs a node with threads and the system's clock.
poller_factory make_poller();

} // namespace coppice::net
