// Where a message goes and where it is kept: to which of a user's resources, offline, into archives, as
// carbon copies. RFC 6121 section 8.5; XEP-0160, 0280, 0313, 0334, 0359.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/delay.hpp"
#include "servers/xmpp/stanza.hpp"

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace coppice::xmpp {

/// What a message is (RFC 6121, 5.2.2).
enum class message_type : std::uint8_t { normal, chat, groupchat, headline, error };
/// Of a message; what it does not say, or says in unknown words, is normal.
[[nodiscard]] message_type type_of(const xml::element& message) noexcept;

/// What of a message decides where it goes; found once for each.
struct message_traits {
  message_type type = message_type::normal;
  bool archived = false;      ///< by those who archive, of both sides (XEP-0313, 6.1.1; XEP-0334)
  bool kept_offline = false;  ///< until the recipient comes, if nobody is there (XEP-0160)
  bool copied_out = false;    ///< to the sender's other resources (XEP-0280, 6.1)
  bool copied_in = false;     ///< to the recipient's other resources
  bool is_private_pm = false; ///< between occupants of a room: whoever sent it learns that nobody is there

  bool operator==(const message_traits&) const = default;
};
/// Of a message. Linear in its children.
[[nodiscard]] message_traits traits_of(const xml::element& message);

/// One of a user's resources, as far as messages go by it.
struct message_target {
  std::string_view resource; ///< of its address
  std::int8_t priority = 0;  ///< of its presence
  bool available = false;    ///< it has sent presence
  bool carbons = false;      ///< it wants copies
};
/// Resources that are looked at; a user can have no more.
inline constexpr std::size_t most_resources = 64;
/// Some of the resources, by their place.
using resource_set = std::bitset<most_resources>;

/// What becomes of a message to a user.
struct message_delivery {
  resource_set to;      ///< get it as it is
  resource_set carbons; ///< get a copy (`make_carbon`)
  bool offline = false; ///< it is kept; nobody got it
  bool error = false;   ///< it is answered with service-unavailable, if it may be

  bool operator==(const message_delivery&) const = default;
};
/// Of a message to the user's bare address (`resource` is '') or to one of his full addresses. Resources of
/// the same place have the same bit. Linear.
[[nodiscard]] message_delivery deliver(const message_traits& traits, std::string_view resource,
                                       std::span<const message_target> resources) noexcept;
/// Who of the sender's resources gets a copy of what `sender`, one of them, has sent.
[[nodiscard]] resource_set copies_of_sent(const message_traits& traits, std::string_view sender,
                                          std::span<const message_target> resources) noexcept;

/// Takes away the identifiers that somebody else claims `by` (an address) to have given (XEP-0359, 3.1).
void remove_stanza_ids(xml::element& message, std::string_view by);
/// Gives a message the identifier that it has in the archive of `by`, in the place of any other by the same.
void set_stanza_id(xml::element& message, std::string_view by, std::string_view id);

/// `<forwarded/>`: a stanza in another, with the time when it came (XEP-0297).
[[nodiscard]] xml::element make_forwarded(xml::element stanza, std::optional<instant> at = std::nullopt);
/// Which way a copied message went.
enum class carbon : std::uint8_t { received, sent };
/// A copy of a message for one of a user's resources (XEP-0280, 7 and 8): `user` is bare, `to` full.
[[nodiscard]] xml::element make_carbon(carbon direction, std::string_view user, std::string_view to,
                                       const xml::element& message);

} // namespace coppice::xmpp
