// The WebSocket of a page: what it looks at, each second, and at once when it looks at something else.
#pragma once

#include "coppice/http/websocket_connection.hpp"
#include "servers/console/shell/archive.hpp"

#include <memory>
#include <string>

namespace coppice::console {

/// Serves one page until it goes, or breaks the protocol.
task<> serve_feed(http::request& request, http::websocket& page, std::shared_ptr<archive> kept,
                  std::string token);

} // namespace coppice::console
