// Where files are sent and fetched: `/upload/ID/NAME` of the HTTP server. XEP-0363, sections 7 to 9.
#pragma once

#include "coppice/http/server.hpp"
#include "servers/messaging/shell/host.hpp"

namespace coppice::messaging {

/// Adds them, if there are uploads. Pages of every origin may use them: who knows the address may fetch a
/// file, and who was promised room may send it, once.
void mount_uploads(http::routes& routes, const host& h);
/// Whether a path is one of those.
[[nodiscard]] bool is_for_uploads(std::string_view path) noexcept;

} // namespace coppice::messaging
