// What clients keep with the server for themselves. XEP-0049.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/stanza.hpp"

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace coppice::xmpp {

/// What a client wants kept, or back.
struct private_request {
  bool keeps = false;                   ///< else it wants back
  std::vector<xml::element> parts = {}; ///< to keep; or one, empty, that stands for what was kept

  bool operator==(const private_request&) const = default;
};
/// What one part is kept under: its namespace and name; no two parts share it unless they replace each other.
[[nodiscard]] std::string private_key(const xml::element& part);
/// Of an iq that holds `<query/>`, with at most `most` parts to keep. Errors: not-acceptable for parts
/// without a namespace or of one that is reserved, bad-request for requests that make no sense.
[[nodiscard]] std::expected<private_request, stanza_error> parse_private_request(const xml::element& iq,
                                                                                 std::size_t most = 10);
/// The answer to a request to have a part back: what was kept, or the part that was asked for.
[[nodiscard]] xml::element private_result(const xml::element& iq, xml::element part);

} // namespace coppice::xmpp
