#include "coppice/otp/detail/statem_core.hpp"

namespace coppice::detail::statem {

const char* to_string(fault f) noexcept {
  switch (f) {
  case fault::bad_state_enter_return:
    return "bad_state_enter_return_from_state_function: a state enter call must not change the state; do so "
           "from the event, or from a state_timeout of 0";
  case fault::bad_state_enter_action:
    return "bad_state_enter_action_from_state_function: a state enter call must not postpone or insert an "
           "event; use a state_timeout of 0";
  }
  return "unknown";
}

const char* to_string(event_kind k) noexcept {
  switch (k) {
  case event_kind::call: return "call";
  case event_kind::cast: return "cast";
  case event_kind::info: return "info";
  case event_kind::timeout: return "timeout";
  case event_kind::state_timeout: return "state_timeout";
  case event_kind::generic_timeout: return "generic_timeout";
  case event_kind::internal: return "internal";
  }
  return "unknown";
}

} // namespace coppice::detail::statem
