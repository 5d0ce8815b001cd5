// What web pages are told about where the server is (XEP-0156, RFC 6415). Pure.
#pragma once

#include <string>
#include <string_view>

namespace coppice::messaging {

/// @{
/// The document with the URL of the WebSocket; '': there is none.
std::string host_meta_xrd(std::string_view websocket);
std::string host_meta_json(std::string_view websocket);
/// @}

} // namespace coppice::messaging
