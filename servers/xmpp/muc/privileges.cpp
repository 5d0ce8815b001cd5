#include "servers/xmpp/muc/privileges.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace coppice::xmpp::muc {
namespace {

constexpr std::array<std::string_view, 5> affiliations = {"outcast", "none", "member", "admin", "owner"};
constexpr std::array<std::string_view, 4> roles = {"none", "visitor", "participant", "moderator"};
static_assert(affiliations.size() == static_cast<std::size_t>(affiliation::owner) + 1);
static_assert(roles.size() == static_cast<std::size_t>(role::moderator) + 1);

} // namespace

std::string_view name_of(affiliation a) noexcept { return affiliations.at(static_cast<std::size_t>(a)); }
std::string_view name_of(role r) noexcept { return roles.at(static_cast<std::size_t>(r)); }

std::optional<affiliation> parse_affiliation(std::string_view name) noexcept {
  const auto found = std::ranges::find(affiliations, name);
  if (found == affiliations.end()) return std::nullopt;
  return static_cast<affiliation>(found - affiliations.begin());
}

std::optional<role> parse_role(std::string_view name) noexcept {
  const auto found = std::ranges::find(roles, name);
  if (found == roles.end()) return std::nullopt;
  return static_cast<role>(found - roles.begin());
}

role role_on_entry(affiliation a, bool moderated) noexcept {
  switch (a) {
  case affiliation::owner:
  case affiliation::admin: return role::moderator;
  case affiliation::member: return role::participant;
  case affiliation::none: return moderated ? role::visitor : role::participant;
  case affiliation::outcast: break;
  }
  return role::none;
}

role role_after(affiliation before, affiliation after, role had, bool moderated) noexcept {
  if (after >= affiliation::admin) return role::moderator;
  if (before >= affiliation::admin) return role_on_entry(after, moderated);
  return after == affiliation::member ? std::max(had, role::participant) : had;
}

std::optional<condition> refusal(standing actor, standing target, role wanted) noexcept {
  if (actor.as != role::moderator) return condition::forbidden;
  const bool admin = actor.of >= affiliation::admin;
  if (wanted == role::moderator) return admin ? std::nullopt : std::optional(condition::forbidden);
  if (wanted == role::none) {
    return target.of > actor.of ? std::optional(condition::not_allowed) : std::nullopt;
  }
  if (wanted >= target.as) return std::nullopt;
  // Something is taken away: never from those who would have it back at once, nor from one's like.
  if (target.of >= affiliation::admin) return condition::not_allowed;
  if (target.as == role::moderator) return admin ? std::nullopt : std::optional(condition::not_allowed);
  const bool below = target.of < actor.of || target.of == affiliation::none;
  return below ? std::nullopt : std::optional(condition::not_allowed);
}

std::optional<condition> refusal(affiliation actor, affiliation before, affiliation wanted) noexcept {
  if (actor < affiliation::admin) return condition::forbidden;
  if (actor == affiliation::owner) return std::nullopt;
  if (wanted >= affiliation::admin) return condition::forbidden;
  return before >= affiliation::admin ? std::optional(condition::not_allowed) : std::nullopt;
}

} // namespace coppice::xmpp::muc
