// What a callback may say beside its reply: wait, hibernate, go on, stop.
#pragma once

#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/exit_reason.hpp"

#include <optional>
#include <type_traits>
#include <utility>

namespace coppice {

namespace detail {

/// What a server does after a callback (OTP: the last element of `{reply, R, S, Timeout | hibernate |
/// {continue, C}}` and of `{stop, Reason, ...}`).
struct next_step {
  enum class kind : std::uint8_t { wait, timeout, hibernate, then, stop };
  kind what = kind::wait;
  duration time = infinity; ///< of timeout, and of hibernate
  term continuation;        ///< of then: handed to handle_continue
  exit_reason reason;       ///< of stop
};

} // namespace detail

/// What a callback returns when it has more to say than a reply. `result<R>` is made of an R;
/// `result<>` is for callbacks without a reply. The calls chain: `return result<int>(n).timeout(1s);`.
template <class R = void>
class result {
  using stored = std::conditional_t<std::is_void_v<R>, bool, std::optional<R>>;
  using next_step = detail::next_step;

public:
  result() = default; ///< no reply: it comes later, or the callback has none
  /// The reply, or what an R is made of.
  template <class U>
    requires(!std::is_void_v<R> && std::is_constructible_v<R, U &&> &&
             !std::is_same_v<std::decay_t<U>, result>)
  result(U&& reply) : reply_(R(std::forward<U>(reply))) {} // NOLINT(google-explicit-constructor)

  /// `{stop, Reason, ...}`
  result&& stop(exit_reason reason = exit_reason::normal()) && {
    next_.what = next_step::kind::stop;
    next_.reason = std::move(reason);
    return std::move(*this);
  }
  /// If nothing arrives for that long: handle_timeout, or handle_info of the atom `timeout`.
  result&& timeout(duration after) && {
    next_.what = next_step::kind::timeout;
    next_.time = after;
    return std::move(*this);
  }
  /// Frees what it can until a message comes; or until that much time has passed, as with `timeout`.
  result&& hibernate(duration at_most = infinity) && {
    next_.what = next_step::kind::hibernate;
    next_.time = at_most;
    return std::move(*this);
  }
  /// Calls handle_continue with it before any message is handled.
  result&& then(term continuation) && {
    next_.what = next_step::kind::then;
    next_.continuation = std::move(continuation);
    return std::move(*this);
  }

  /// @cond internal
  [[nodiscard]] next_step& next() noexcept { return next_; }
  [[nodiscard]] stored& reply() noexcept { return reply_; }
  /// @endcond

private:
  stored reply_{};
  next_step next_;
};

/// What `init` returns when there is more to say than "ready".
class init_result {
  using next_step = detail::next_step;

public:
  init_result() = default;
  /// The process ends normally and its starter gets `ignored()` (OTP: `ignore`).
  static init_result ignore() {
    init_result r;
    r.ignored_ = true;
    return r;
  }
  /// The start fails with the reason (OTP: `{stop, Reason}`).
  static init_result stop(exit_reason reason) {
    init_result r;
    r.next_.what = next_step::kind::stop;
    r.next_.reason = std::move(reason);
    return r;
  }
  /// Up, and as `result::timeout`.
  init_result&& timeout(duration after) && {
    next_.what = next_step::kind::timeout;
    next_.time = after;
    return std::move(*this);
  }
  /// Up, and as `result::hibernate`.
  init_result&& hibernate(duration at_most = infinity) && {
    next_.what = next_step::kind::hibernate;
    next_.time = at_most;
    return std::move(*this);
  }
  /// Up, and handle_continue comes before any message (OTP: `{ok, State, {continue, Term}}`).
  init_result&& then(term continuation) && {
    next_.what = next_step::kind::then;
    next_.continuation = std::move(continuation);
    return std::move(*this);
  }
  /// @cond internal
  [[nodiscard]] bool is_ignored() const noexcept { return ignored_; }
  [[nodiscard]] next_step& next() noexcept { return next_; }
  /// @endcond

private:
  bool ignored_ = false;
  next_step next_;
};

} // namespace coppice
