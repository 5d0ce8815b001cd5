// The console's page and API over HTTP.
#pragma once

#include "coppice/http/request.hpp"
#include "servers/console/core/observer.hpp"

#include <memory>
#include <string>

namespace coppice::console {

/// Answers what is below `/console/` but for the WebSocket.
task<http::response> serve(http::request& request, std::shared_ptr<observer> seen, std::string token);

} // namespace coppice::console
