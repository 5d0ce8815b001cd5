// Who sees whose presence, and what the presence stanzas that change it do. RFC 6121 section 3, appendix A.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace coppice::xmpp {

/// The presence stanzas that ask for a subscription, grant it, end it and refuse or take it back.
enum class subscription_act : std::uint8_t { subscribe, subscribed, unsubscribe, unsubscribed };
/// By the `type` of a presence; nothing for all others.
[[nodiscard]] std::optional<subscription_act> subscription_act_of(std::string_view type) noexcept;
/// As the `type` of a presence: `unsubscribed`.
[[nodiscard]] std::string_view name_of(subscription_act act) noexcept;

/// How a user stands to a contact: one of the nine states of appendix A.1, and whether a request that has not
/// come yet is approved (3.4). Never both `to` and `asked`, nor `from` and `asking`.
struct subscription_state {
  bool to = false;       ///< the user sees the contact's presence
  bool from = false;     ///< the contact sees the user's
  bool asked = false;    ///< "pending out": the user asked, the contact has not answered
  bool asking = false;   ///< "pending in": the contact asked; no client sees it in the roster
  bool approved = false; ///< the contact's request will be granted when it comes; until it is taken back

  bool operator==(const subscription_state&) const = default;
};
/// As a roster says it: `none`, `to`, `from` or `both`.
[[nodiscard]] std::string_view name_of(const subscription_state& state) noexcept;
/// The state of that name, nothing pending; nothing for other names.
[[nodiscard]] std::optional<subscription_state> subscription_state_of(std::string_view name) noexcept;

/// What a presence stanza does to a state, and what the server owes in turn.
struct subscription_change {
  subscription_state now; ///< the state from here on
  bool passed = false;    ///< sent: goes on to the contact; got: the user sees it
  bool pushed = false;    ///< the user's clients get a roster push
  std::optional<subscription_act> reply = std::nullopt; ///< the server answers the contact for the user

  bool operator==(const subscription_change&) const = default;
};
/// The user sends it to the contact (A.2). If `now.from` is new, the contact gets the presence of the user's
/// resources next; if it is gone, that they are unavailable.
[[nodiscard]] subscription_change sent(const subscription_state& before, subscription_act act) noexcept;
/// It comes from the contact (A.3). Likewise.
[[nodiscard]] subscription_change received(const subscription_state& before, subscription_act act) noexcept;

/// What a contact is told when the user takes him off the roster (2.5.2).
struct subscription_farewell {
  bool unsubscribe = false;  ///< the user no longer wants his presence
  bool unsubscribed = false; ///< nor lets him see the own

  bool operator==(const subscription_farewell&) const = default;
};
/// Of that state.
[[nodiscard]] subscription_farewell farewell_of(const subscription_state& state) noexcept;

} // namespace coppice::xmpp
