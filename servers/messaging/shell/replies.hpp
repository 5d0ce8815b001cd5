// Answers that many requests have in common.
#pragma once

#include "servers/xmpp/stanza.hpp"

namespace coppice::messaging {

/// No, for that reason.
inline xml::element refused(const xml::element& iq, xmpp::condition why) {
  return xmpp::error_reply(iq, {.is = why});
}
/// Not now.
inline xml::element unavailable(const xml::element& iq) {
  return xmpp::error_reply(
      iq, {xmpp::condition::internal_server_error, "The database does not answer: try again.", "wait"});
}

} // namespace coppice::messaging
