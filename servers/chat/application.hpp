// The chat as an application: what it is started with, and its place in a node.
#pragma once

#include "coppice/http/server.hpp"
#include "coppice/otp/application.hpp"
#include "servers/chat/shell/supervisors.hpp"

namespace coppice::chat {

/// The child `chat_sup` for a node's root supervisor. The chat's table lives as long as a copy of the
/// handle does, so keep one beside the root: then the death of any process leaves it alone.
child_description top_child(const chat& c);

/// The same as an application of its own, `chat`; its HTTP server is somebody else's.
application_spec application(const chat& c);

/// Adds the page (`/chat/...`) and its WebSocket (`/chat/ws`) to a server's routes. The server checks
/// Host and Origin and sets the security headers of every answer (PROTOCOL.md, "HTTP"); its listener should
/// be registered as `connection_sup`: the connections' processes are its children.
void mount(http::routes& routes, const chat& c);

} // namespace coppice::chat
