// The web client: converse.js, with the page around it.
#pragma once

#include "coppice/http/server.hpp"
#include "servers/messaging/shell/host.hpp"

#include <string>
#include <string_view>

namespace coppice::messaging {

/// Where it is.
inline constexpr std::string_view web_client_path = "/messaging/";

/// Adds it to a server's routes. It talks to `/xmpp-websocket` of the same server, and its content policy
/// lets it load nothing from elsewhere, save files from where `host::uploads_url` says that they are.
/// `supervision`: where the same server shows its processes; '': it does not.
void mount_web_client(http::routes& routes, const host& h, std::string supervision);

} // namespace coppice::messaging
