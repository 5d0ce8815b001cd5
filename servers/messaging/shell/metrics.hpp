// The server's numbers for Prometheus, in its text format (version 0.0.4).
#pragma once

#include "coppice/http/server.hpp"
#include "servers/messaging/shell/host.hpp"

#include <string>

namespace coppice::messaging {

/// Adds `/metrics` to a server's routes: for whoever asks from this machine, or shows the admin token.
void mount_metrics(http::routes& routes, const host& h, std::string token);

} // namespace coppice::messaging
