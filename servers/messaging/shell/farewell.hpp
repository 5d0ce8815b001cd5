// The last words of a server that stops.
#pragma once

#include "coppice/otp/supervisor.hpp"
#include "servers/messaging/shell/host.hpp"

namespace coppice::messaging {

/// A process, registered as `farewell`, that does nothing until its supervisor stops it. Then, while
/// connections are still open, it has every room tell who is in it that the service ends (XEP-0045, 17.3:
/// status 332), and waits until that is with the streams, which the end of the listeners closes. So it must
/// be started behind these.
child_description farewell_child(const host& h);

} // namespace coppice::messaging
