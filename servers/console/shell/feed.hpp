// The WebSocket of a page: a snapshot each second, and at once when the page looks at something else.
#pragma once

#include "coppice/http/websocket_connection.hpp"
#include "servers/console/core/observer.hpp"

#include <memory>
#include <string>

namespace coppice::console {

/// Serves one page until it goes, or breaks the protocol.
task<> serve_feed(http::request& request, http::websocket& page, std::shared_ptr<observer> seen,
                  std::string token);

} // namespace coppice::console
