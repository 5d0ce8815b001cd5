// Who may do what in a room: affiliations, roles, and what follows from them. XEP-0045, section 5.
#pragma once

#include "servers/xmpp/stanza.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace coppice::xmpp::muc {

/// What a user is to the room, whether in it or not (5.2). In order of power.
enum class affiliation : std::uint8_t { outcast, none, member, admin, owner };
/// What an occupant is while in the room (5.1). In order of power.
enum class role : std::uint8_t { none, visitor, participant, moderator };

/// @{
/// As it stands in XML.
[[nodiscard]] std::string_view name_of(affiliation a) noexcept;
[[nodiscard]] std::string_view name_of(role r) noexcept;
/// @}
/// @{
/// The one of that name; nothing if there is none.
[[nodiscard]] std::optional<affiliation> parse_affiliation(std::string_view name) noexcept;
[[nodiscard]] std::optional<role> parse_role(std::string_view name) noexcept;
/// @}

/// What somebody is in a room, altogether.
struct standing {
  affiliation of = affiliation::none; ///< to the room
  role as = role::none;               ///< in the room; none: not in it

  bool operator==(const standing&) const = default;
};

/// The role with which one enters (5.1.2).
[[nodiscard]] role role_on_entry(affiliation a, bool moderated) noexcept;
/// The role that an occupant has after his affiliation has changed; not for those who have to go.
[[nodiscard]] role role_after(affiliation before, affiliation after, role had, bool moderated) noexcept;

/// Why `actor` may not give `target` that role (8.2 to 8.4, 9.6 to 9.8); nothing if he may. `role::none` is a
/// kick.
[[nodiscard]] std::optional<condition> refusal(standing actor, standing target, role wanted) noexcept;
/// Why one who is `actor` to the room may not make of one who is `before` one who is `wanted` (5.2.2, 9.1 to
/// 9.5, 10.3 to 10.8); nothing if he may. That he is not banning himself, and that an owner is left, is for
/// the caller to see to.
[[nodiscard]] std::optional<condition> refusal(affiliation actor, affiliation before,
                                               affiliation wanted) noexcept;

} // namespace coppice::xmpp::muc
