// Streams over TCP: with STARTTLS on one port (RFC 6120), TLS from the start on another (XEP-0368).
#pragma once

#include "coppice/net/listener.hpp"
#include "servers/messaging/shell/host.hpp"

namespace coppice::messaging {

/// Serves one client until it goes: what a listener runs for each connection. A connection without TLS must
/// begin it.
task<> serve_tcp(host h, self me, net::stream connection);

} // namespace coppice::messaging
