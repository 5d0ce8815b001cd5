// What an event handler's callback may say beside its reply: hibernate, go, or let another take its place.
#pragma once

#include "coppice/runtime/exit_reason.hpp"
#include "coppice/term/term.hpp"

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coppice {

namespace detail {

class handler_slot;

/// What becomes of a handler after a callback.
struct handler_step {
  enum class what : std::uint8_t { keep, hibernate, remove, swap };
  what then = what::keep;
  term arguments;                          ///< of swap: for terminate
  std::unique_ptr<handler_slot> successor; ///< of swap
  std::exception_ptr error;                ///< what left the callback
  std::optional<exit_reason> refused;      ///< why init did not want to
  bool took_info = false;                  ///< the message was one for it
};

} // namespace detail

/// What a handler's callback returns beside its reply: whether it stays. `handler_result<R>` is made of an R.
template <class R = void>
class handler_result {
  using stored = std::conditional_t<std::is_void_v<R>, bool, std::optional<R>>;

public:
  handler_result() = default; ///< no reply: it comes later, or the callback has none
  /// The reply, or what an R is made of.
  template <class U>
    requires(!std::is_void_v<R> && std::is_constructible_v<R, U &&> &&
             !std::is_same_v<std::decay_t<U>, handler_result>)
  handler_result(U&& reply) : reply_(R(std::forward<U>(reply))) {} // NOLINT(google-explicit-constructor)

  /// `remove_handler`: it is gone after this callback, and its `terminate` gets that atom.
  handler_result&& remove() && {
    step_.then = detail::handler_step::what::remove;
    return std::move(*this);
  }
  /// The manager frees what it can until the next message.
  handler_result&& hibernate() && {
    step_.then = detail::handler_step::what::hibernate;
    return std::move(*this);
  }
  /// `{swap_handler, Args1, State, Handler2, Args2}`: `swap<quiet_log>("rotated", args...)`.
  template <class H, class... Args>
  handler_result&& swap(term terminate_with, Args&&... args) &&;

  /// @cond internal
  [[nodiscard]] detail::handler_step& step() noexcept { return step_; }
  [[nodiscard]] stored& reply() noexcept { return reply_; }
  /// @endcond

private:
  stored reply_{};
  detail::handler_step step_;
};

} // namespace coppice
