// Streams over WebSocket (RFC 7395): each message is one element.
#pragma once

#include "coppice/http/websocket_connection.hpp"
#include "servers/messaging/shell/host.hpp"

namespace coppice::messaging {

/// The WebSocket's settings for a server of such limits.
http::websocket_options websocket_settings(const settings& how);

/// Serves one client until it goes: what a route of the HTTP server runs, in the connection's process.
/// `secure`: nobody can listen in, by TLS or because nothing leaves the machine; others are turned away, for
/// there is no STARTTLS here (RFC 7395, section 4).
task<> serve_websocket(host h, http::websocket& ws, std::string peer, bool secure);

} // namespace coppice::messaging
