// WebSockets to other servers: opened by the HTTP client, used as on the server's side.
#pragma once

#include "coppice/http/client.hpp"
#include "coppice/http/websocket_connection.hpp"

#include <memory>

namespace coppice::http {

/// Opens a WebSocket for the calling process (`ws:` and `wss:` URLs, or `http:` and `https:`), within the
/// client's deadlines. `request` may bring fields (Origin, Authorization); `options.protocols` are offered in
/// that order.
///
/// The error is the client's; `refused` if the peer answers anything but a correct 101 (RFC 6455
/// section 4.1). To end it, `co_await ws->finish()`; destruction alone breaks the connection off.
task<client_result<std::unique_ptr<websocket>>> open_websocket(self me, client web, client_request request,
                                                               websocket_options options = {});

} // namespace coppice::http
