// Accounts that their users make, change and remove themselves. XEP-0077.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/stanza.hpp"

#include <expected>
#include <string>
#include <string_view>

namespace coppice::xmpp {

/// What is wanted of an account.
struct registration_request {
  enum class kind : std::uint8_t {
    ask,    ///< which fields are to be filled in
    save,   ///< make the account, or give it another password
    remove, ///< remove it
  };
  kind wants = kind::ask;
  std::string user = {};     ///< of `save`: the part of the address before the @
  std::string password = {}; ///< likewise

  bool operator==(const registration_request&) const = default;
};
/// Of an iq that holds `<query/>`. Errors: bad-request; not-acceptable, if name or password is missing (3.1).
[[nodiscard]] std::expected<registration_request, stanza_error> parse_registration(const xml::element& iq);

/// The answer to `ask` of somebody who has no account: the fields.
[[nodiscard]] xml::element registration_fields(const xml::element& iq);
/// The answer to `ask` of a user.
[[nodiscard]] xml::element registered_as(const xml::element& iq, std::string_view user);

} // namespace coppice::xmpp
