// How a stream stands on its connection: as one long document (RFC 6120, 4.2), or as one element a WebSocket
// message (RFC 7395, 3.3).
#pragma once

#include "servers/xml/element.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace coppice::xmpp {

/// What carries the stream.
enum class framing : std::uint8_t { tcp, websocket };

/// What a server says first.
struct stream_head {
  std::string_view id;   ///< nobody can guess it
  std::string_view from; ///< who serves; '' if nobody knows
  std::string_view to;   ///< as the client named itself; '' if it did not
};

/// The server's opening, whole.
[[nodiscard]] std::string opening(framing frames, const stream_head& head);
/// An element of the stream, whole; with the prefix `stream` where it is of that namespace.
[[nodiscard]] std::string framed(framing frames, const xml::element& e);
/// The same, behind `out`.
void append_framed(std::string& out, framing frames, const xml::element& e);
/// The server's end.
[[nodiscard]] std::string_view closing(framing frames) noexcept;
/// `<stream:error/>` with a condition (RFC 6120, 4.9.3), and a text for people where it is not ''.
[[nodiscard]] xml::element stream_error_element(std::string_view condition, std::string_view text);
/// `<stream:error/>` that sends the client to another server: `HOST` or `HOST:PORT` (RFC 6120, 4.9.3.19).
[[nodiscard]] xml::element see_other_host(std::string_view where);
/// What closes a stream over WebSocket whose client is to go on at that address (RFC 7395, 3.6.1).
[[nodiscard]] std::string closing_elsewhere(std::string_view uri);

} // namespace coppice::xmpp
