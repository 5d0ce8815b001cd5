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

/// Whether a request has the token, as `Authorization: Bearer TOKEN` (RFC 6750 section 2.1).
[[nodiscard]] bool shows_token(const http::request_head& request, std::string_view token);
/// The answer to one that has not.
[[nodiscard]] http::response wants_token();

} // namespace coppice::messaging
