// Timers that send messages (Erlang: send_after/3, start_timer/3, cancel_timer/1, read_timer/1).
#pragma once

#include "coppice/runtime/api.hpp"

namespace coppice {

namespace detail {
reference start_timer_envelope(coppice::node& home, duration after, pid to, envelope_ptr message);
} // namespace detail

/// Sends `message` to `to` after that time, never early; to the dead it vanishes. Precision about 0.1 ms.
/// Constant time.
template <class T>
reference send_after(duration after, pid to, T&& message) {
  using type = std::decay_t<T>;
  static_assert(sendable<type>, "send_after: the message type must be sendable");
  return detail::start_timer_envelope(detail::running_node(), after, to,
                                      detail::make_message<type>(std::forward<T>(message)));
}

/// Sends `timeout_message{reference, message}` after that time; the reference is the one returned.
reference start_timer(duration after, pid to, term message);

/// Stops a timer: the time that was left, or nothing if it has fired or was cancelled. Constant time; any
/// process may.
std::optional<duration> cancel_timer(const reference& timer);
/// The time that is left, or nothing.
std::optional<duration> read_timer(const reference& timer);

} // namespace coppice
