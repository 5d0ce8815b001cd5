// What other servers have kept of passwords.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/scram.hpp"

#include <expected>
#include <string>
#include <string_view>

namespace coppice::messaging::exchange {

/// Of `<scram-credentials/>` (XEP-0227, 4.2). The error says what is wrong; SCRAM-SHA-512 is not known.
std::expected<xmpp::scram_verifier, std::string> read_credentials(const xml::element& e);

/// What ejabberd wrote into the attribute `password` before it knew those: `scram:` and parts between commas.
/// `text`: what is behind the colon.
std::expected<xmpp::scram_verifier, std::string> read_old_credentials(std::string_view text);

} // namespace coppice::messaging::exchange
