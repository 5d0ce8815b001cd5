// The roster: a user's contacts as his clients see and change them. RFC 6121 section 2; versions as in
// XEP-0237.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/stanza.hpp"
#include "servers/xmpp/subscription.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::xmpp {

/// What is known of a contact. A value.
struct roster_item {
  jid contact;                          ///< bare
  std::string name = {};                ///< as the user calls him; may be ''
  subscription_state state = {};        ///< who sees whom
  std::vector<std::string> groups = {}; ///< none twice
  /// Whether it is in the roster; else it is but a contact's request that waits (3.1.3), and no client sees
  /// it.
  bool listed = true;

  bool operator==(const roster_item&) const = default;
};
/// `<item/>`, without what no client may see.
[[nodiscard]] xml::element to_element(const roster_item& item);

/// What a roster holds at most.
struct roster_limits {
  std::size_t name = 1023; ///< bytes of a name
  std::size_t group = 255; ///< bytes of a group's name
  std::size_t groups = 50; ///< of one contact
};

/// What a client wants done to one contact.
struct roster_set {
  jid contact;                          ///< bare
  bool remove = false;                  ///< take him off; there is nothing more then
  std::string name = {};                ///< the new one
  std::vector<std::string> groups = {}; ///< the new ones

  bool operator==(const roster_set&) const = default;
};
/// Reads the `<query/>` of an iq of type set by its user. What a client cannot set (subscription, ask,
/// approved) is passed over. Errors as in 2.3.3: bad-request, not-acceptable, jid-malformed; not-allowed for
/// himself.
[[nodiscard]] std::expected<roster_set, stanza_error>
parse_roster_set(const xml::element& query, const jid& user, const roster_limits& limits = {});

/// How a client that has an older roster gets the present one (XEP-0237, or RFC 6121 2.6.3).
enum class roster_answer : std::uint8_t {
  whole,     ///< the result holds all of it
  unchanged, ///< an empty result
  changes,   ///< an empty result, then a push for each contact that has changed since, oldest first
};
/// `asked`: the `ver` of the request, if it has one; `now` the roster's version; `oldest`: the version from
/// which on all changes are still known. What is no version of ours is older than all.
[[nodiscard]] roster_answer answer_to(std::optional<std::string_view> asked, std::uint64_t now,
                                      std::uint64_t oldest) noexcept;
/// The version that a client says it has; nothing if it is none of ours.
[[nodiscard]] std::optional<std::uint64_t> roster_version_of(std::string_view text) noexcept;

/// The answer to the request `iq` with all that is listed; with the version if the client asked by one.
[[nodiscard]] xml::element roster_result(const xml::element& iq, std::span<const roster_item> items,
                                         std::optional<std::uint64_t> version);
/// Tells a client (`to`: full) that a contact is so now, or (not listed) is gone from the roster.
[[nodiscard]] xml::element roster_push(const roster_item& item, std::string_view to, std::string_view id,
                                       std::uint64_t version);

} // namespace coppice::xmpp
