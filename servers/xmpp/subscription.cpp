#include "servers/xmpp/subscription.hpp"

#include <array>
#include <cstddef>

namespace coppice::xmpp {
namespace {

constexpr std::array<std::string_view, 4> act_names{"subscribe", "subscribed", "unsubscribe", "unsubscribed"};

/// Clients see all of a state but requests that wait for their own answer.
bool seen_to_change(const subscription_state& before, const subscription_state& now) noexcept {
  subscription_state as_before = now;
  as_before.asking = before.asking;
  return as_before != before;
}

subscription_change changed(const subscription_state& before, const subscription_state& now, bool passed,
                            std::optional<subscription_act> reply = std::nullopt) noexcept {
  return {.now = now, .passed = passed, .pushed = seen_to_change(before, now), .reply = reply};
}

/// The contact asks, with or without leave.
subscription_change asked_by_contact(const subscription_state& before) noexcept {
  subscription_state now = before;
  if (before.from || before.approved) {
    now.from = true;
    now.asking = false;
    return changed(before, now, false, subscription_act::subscribed);
  }
  now.asking = true;
  return changed(before, now, !before.asking);
}

} // namespace

std::optional<subscription_act> subscription_act_of(std::string_view type) noexcept {
  for (std::size_t i = 0; i < act_names.size(); ++i) {
    if (act_names.at(i) == type) return static_cast<subscription_act>(i);
  }
  return std::nullopt;
}

std::string_view name_of(subscription_act act) noexcept {
  return act_names.at(static_cast<std::size_t>(act));
}

std::string_view name_of(const subscription_state& state) noexcept {
  if (state.to) return state.from ? "both" : "to";
  return state.from ? "from" : "none";
}

std::optional<subscription_state> subscription_state_of(std::string_view name) noexcept {
  for (const bool to : {false, true}) {
    for (const bool from : {false, true}) {
      const subscription_state state{.to = to, .from = from};
      if (name_of(state) == name) return state;
    }
  }
  return std::nullopt;
}

subscription_change sent(const subscription_state& before, subscription_act act) noexcept {
  subscription_state now = before;
  switch (act) {
  case subscription_act::subscribe: now.asked = !before.to; return changed(before, now, true);
  case subscription_act::unsubscribe: now.to = now.asked = false; return changed(before, now, true);
  case subscription_act::subscribed:
    if (before.asking) {
      now.from = true;
      now.asking = false;
    } else if (!before.from) {
      now.approved = true; // nobody asked yet: 3.4.2
    }
    return changed(before, now, before.asking);
  case subscription_act::unsubscribed: now.from = now.asking = now.approved = false; break;
  }
  return changed(before, now, before.from || before.asking);
}

subscription_change received(const subscription_state& before, subscription_act act) noexcept {
  subscription_state now = before;
  switch (act) {
  case subscription_act::subscribe: return asked_by_contact(before);
  case subscription_act::unsubscribe:
    now.from = now.asking = false;
    return changed(before, now, before.from || before.asking);
  case subscription_act::subscribed:
    if (before.asked) {
      now.to = true;
      now.asked = false;
    }
    return changed(before, now, before.asked);
  case subscription_act::unsubscribed: now.to = now.asked = false; break;
  }
  return changed(before, now, before.to || before.asked);
}

subscription_farewell farewell_of(const subscription_state& state) noexcept {
  return {.unsubscribe = state.to || state.asked, .unsubscribed = state.from || state.asking};
}

} // namespace coppice::xmpp
