// What the server and the accounts on it are and can do, as clients discover it. XEP-0030, XEP-0115.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/disco.hpp"

namespace coppice::messaging {

/// The server. `registers`: users may make accounts, or change theirs (XEP-0077).
[[nodiscard]] xmpp::disco_info server_info(bool registers);
/// An account on it.
[[nodiscard]] xmpp::disco_info account_info();
/// One of an account's nodes (XEP-0060, 5.3).
[[nodiscard]] xmpp::disco_info node_info(std::string_view node);
/// `<c/>` of the server for the features of its streams (XEP-0115, 6.3).
[[nodiscard]] xml::element server_caps(bool registers);
/// Whether a request for that node means the server itself: the one that `server_caps` names, or none.
[[nodiscard]] bool is_server_node(std::string_view node, bool registers);

} // namespace coppice::messaging
