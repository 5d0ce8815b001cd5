// How an event handler is called, and what its manager says of it.
#pragma once

#include "coppice/runtime/message.hpp"

#include <utility>

namespace coppice {

/// `Module` or `{Module, Id}`: which handler of an event manager (OTP: `gen_event:handler()`). Its form as a
/// term is the same.
struct handler_id {
  atom module;              ///< the name of the handler's class
  std::optional<term> id{}; ///< tells handlers of one class apart

  /// `Module` or `{Module, Id}`.
  [[nodiscard]] term as_term() const { return id ? term::tuple(module, *id) : term(module); }
  friend bool operator==(const handler_id&, const handler_id&) = default;
};

/// What whoever supervises a handler receives when it is gone: `{gen_event_EXIT, Handler, Reason}`. Reason is
/// `normal` for a handler that was deleted or removed itself, `shutdown` when the manager ends, `{swapped,
/// New, Pid}`, or why it crashed.
struct gen_event_exit {
  handler_id handler; ///< whose end it is
  exit_reason reason; ///< one of those above
};

template <>
struct describe<handler_id> {
  static term to(const handler_id& h) { return h.as_term(); }
  static std::expected<handler_id, decode_error> from(const term& t);
};
template <>
struct describe<gen_event_exit> {
  static term to(const gen_event_exit& e);
  static std::expected<gen_event_exit, decode_error> from(const term& t);
};

} // namespace coppice
