// HTTP servers and listeners as children of supervisors.
#pragma once

#include "coppice/http/server.hpp"
#include "coppice/otp/child.hpp"

#include <functional>

namespace coppice::http {

/// Called in the supervisor's process at each start of such a child, with what was started: to register a
/// name, to say where it listens. An exception ends it and is the reason why the start failed.
using when_listening = std::function<void(const net::listener&)>;

/// A child that is an HTTP server: what `start_server` starts, again after each crash.
///
/// A port 0 is resolved at the first start and kept from then on, so that clients find the server where it
/// was. When the supervisor stops it, the server has `listener_options::drain_timeout` for its connections,
/// and three seconds more.
[[nodiscard]] child_description child_server(child_id id, routes table, server_options options = {},
                                             when_listening then = {});

/// The same for a listener of another protocol: what `net::start_listener` starts.
[[nodiscard]] child_description child_listener(child_id id, net::listener_options options,
                                               net::connection_handler serve, when_listening then = {});

} // namespace coppice::http
