// The admin HTTP API: JSON under /api/messaging/. docs/messaging.md has the table of it.
#pragma once

#include "coppice/http/server.hpp"
#include "servers/messaging/shell/host.hpp"

#include <string>

namespace coppice::messaging {

/// Adds it to a server's routes. Whoever shows the token (`Authorization: Bearer TOKEN`) may all that it
/// offers.
void mount_admin(http::routes& routes, const host& h, std::string token);
/// Whether a request is one to it of a program that names no origin. Pages of other origins cannot show the
/// token, so nothing hangs on where it comes from. For servers that check that before they look for a route.
[[nodiscard]] bool is_administration(const http::request_head& request);

} // namespace coppice::messaging
