// The console's page and API over HTTP.
#pragma once

#include "coppice/http/request.hpp"
#include "servers/console/shell/archive.hpp"

#include <memory>
#include <string>

namespace coppice::console {

/// Answers what is below `/console/` but for the WebSocket.
task<http::response> serve(http::request& request, std::shared_ptr<archive> kept, std::string token);

} // namespace coppice::console
