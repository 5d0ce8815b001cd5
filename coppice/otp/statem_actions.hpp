// What a state machine's callbacks return: the next state and what to do on the way (OTP: transition
// actions).
#pragma once

#include "coppice/otp/detail/statem_core.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/otp/start.hpp"
#include "coppice/runtime/body.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace coppice {

/// What kind of event a callback is given (OTP: `gen_statem:event_type()`): `call`, `cast`, `info`,
/// `timeout`, `state_timeout`, `generic_timeout` or `internal`.
using event_type = detail::statem::event_kind;

/// An event as OTP's handle_event/4 gets it: for callbacks without types.
struct statem_event {
  event_type type = event_type::info; ///< which says what the others hold
  term content;                       ///< the message; of a time-out without content the name of its type
  from who;                           ///< of a call
  atom name;                          ///< of a generic time-out
};

/// The events of time-outs that were started without a content.
struct event_timeout {};
struct state_timeout {};
/// The same for time-outs with a name.
struct generic_timeout {
  atom name; ///< that it was started under
};

namespace detail {

/// An event's content is its envelope; none stands for a time-out without content.
using statem_words = statem::vocabulary<message_ptr, from, atom>;

/// Rounded up: a time-out is never early.
std::chrono::milliseconds in_milliseconds(duration d) noexcept;

} // namespace detail

/// Actions of a transition, to be chained: `return next_state(open).reply(who, ok()).state_timeout(10s)`.
/// They are carried out in their order when the callback has returned.
template <class Self>
class statem_actions {
  using words = detail::statem_words;
  using kind = detail::statem::timeout_kind;

public:
  /// `{reply, From, Reply}`; `who` owes nothing any more.
  template <class R, class Value>
  Self&& reply(reply_to<R>& who, Value&& value) {
    return add(words::reply{who.release(), detail::make_message<R>(std::forward<Value>(value))});
  }
  /// The same for one that was received as a value.
  template <class R, class Value>
  Self&& reply(reply_to<R>&& who, Value&& value) {
    return reply(who, std::forward<Value>(value));
  }
  /// The same without a type: the reply is taken as it is.
  template <class Value>
  Self&& reply(from who, Value&& value) {
    return add(
        words::reply{std::move(who), detail::make_message<std::decay_t<Value>>(std::forward<Value>(value))});
  }
  /// Handles the event again after the next change of state.
  Self&& postpone(bool on = true) { return add(words::postpone{on}); }
  /// Frees what it can until the next event.
  Self&& hibernate(bool on = true) { return add(words::hibernate_action{on}); }
  /// `{next_event, internal, Event}`: handled before anything that waits.
  template <class Event>
  Self&& next_event(Event event) {
    return add(words::next_event{{event_type::internal, detail::make_message<Event>(std::move(event))}});
  }
  /// `{next_event, {call, From}, Request}`
  template <class Request, class R>
  Self&& next_event(Request request, reply_to<R>&& who) {
    message_ptr call(new detail::request_envelope<Request>(who.release(), std::move(request)));
    return add(words::next_event{{event_type::call, std::move(call)}});
  }

  /// `{state_timeout, Time, Content}`: cancelled by a change of state. Time is from now, or a moment of
  /// `now()`.
  template <class Time, class... Content>
  Self&& state_timeout(Time time, Content... content) {
    return start({kind::state, {}}, time, std::move(content)...);
  }
  /// `{state_timeout, cancel}`; nothing if it does not run.
  Self&& cancel_state_timeout() { return add(words::cancel_timeout{{kind::state, {}}}); }
  /// `{state_timeout, update, Content}`: new content, same moment; one that does not run fires at once.
  template <class... Content>
  Self&& update_state_timeout(Content... content) {
    return add(words::update_timeout{{kind::state, {}}, pack(std::move(content)...)});
  }

  /// `{timeout, Time, Content}`: cancelled by any event.
  template <class Time, class... Content>
    requires(!std::constructible_from<atom, Time>)
  Self&& timeout(Time time, Content... content) {
    return start({kind::event, {}}, time, std::move(content)...);
  }
  /// `{timeout, cancel}`: any event does that too.
  Self&& cancel_timeout() { return add(words::cancel_timeout{{kind::event, {}}}); }
  /// `{timeout, update, Content}`: the event that is handled has cancelled it, so it fires at once.
  template <class... Content>
  Self&& update_timeout(Content... content) {
    return add(words::update_timeout{{kind::event, {}}, pack(std::move(content)...)});
  }

  /// `{{timeout, Name}, Time, Content}`: of its own, until it fires or is cancelled.
  template <class Time, class... Content>
  Self&& generic_timeout(atom name, Time time, Content... content) {
    return start({kind::generic, std::move(name)}, time, std::move(content)...);
  }
  /// `{{timeout, Name}, cancel}`; nothing if it does not run.
  Self&& cancel_generic_timeout(atom name) {
    return add(words::cancel_timeout{{kind::generic, std::move(name)}});
  }
  /// `{{timeout, Name}, update, Content}`: as `update_state_timeout`.
  template <class... Content>
  Self&& update_generic_timeout(atom name, Content... content) {
    return add(words::update_timeout{{kind::generic, std::move(name)}, pack(std::move(content)...)});
  }

  /// @cond internal
  [[nodiscard]] std::vector<words::action>& actions() noexcept { return actions_; }
  /// @endcond

private:
  friend Self;
  statem_actions() = default;

  Self&& add(words::action action) {
    actions_.push_back(std::move(action));
    return std::move(static_cast<Self&>(*this));
  }
  static message_ptr pack() { return nullptr; }
  template <class Content>
  static message_ptr pack(Content content) {
    return detail::make_message<Content>(std::move(content));
  }
  template <class... Content>
  Self&& start(words::key which, duration after, Content... content) {
    if (after == infinity) return add(words::cancel_timeout{std::move(which)});
    return add(words::start_timeout{std::move(which), detail::in_milliseconds(after),
                                    pack(std::move(content)...), false});
  }
  template <class... Content>
  Self&& start(words::key which, time_point at, Content... content) {
    return add(words::start_timeout{std::move(which), detail::in_milliseconds(at.time_since_epoch()),
                                    pack(std::move(content)...), true});
  }

  std::vector<words::action> actions_;
};

/// What `keep_state()` and `repeat_state()` return.
class kept_state : public statem_actions<kept_state> {
public:
  /// @cond internal
  explicit kept_state(detail::statem_words::result_kind kind) noexcept : kind_(kind) {}
  [[nodiscard]] detail::statem_words::result_kind kind() const noexcept { return kind_; }
  /// @endcond

private:
  detail::statem_words::result_kind kind_;
};

/// What `stop()` returns: replies are all that can be added.
class stopped_state {
public:
  /// What `gen_statem::stop` returns without replies.
  explicit stopped_state(exit_reason reason) noexcept : reason_(std::move(reason)) {}
  /// @{
  /// `{reply, From, Reply}`, sent before `terminate` is called.
  template <class R, class Value>
  stopped_state&& reply(reply_to<R>& who, Value&& value) {
    replies_.push_back({who.release(), detail::make_message<R>(std::forward<Value>(value))});
    return std::move(*this);
  }
  template <class R, class Value>
  stopped_state&& reply(reply_to<R>&& who, Value&& value) {
    return reply(who, std::forward<Value>(value));
  }
  template <class Value>
  stopped_state&& reply(from who, Value&& value) {
    replies_.push_back(
        {std::move(who), detail::make_message<std::decay_t<Value>>(std::forward<Value>(value))});
    return std::move(*this);
  }
  /// @}
  /// @cond internal
  [[nodiscard]] exit_reason& reason() noexcept { return reason_; }
  [[nodiscard]] std::vector<detail::statem_words::reply>& replies() noexcept { return replies_; }
  /// @endcond

private:
  exit_reason reason_;
  std::vector<detail::statem_words::reply> replies_;
};

/// What an event's callback returns: a state, `next_state(s)`, `keep_state()`, `repeat_state()` or `stop()`,
/// each with actions.
template <class State>
class next : public statem_actions<next<State>> {
public:
  /// @{
  /// `next_state(state)` without actions.
  next(State state) : state_(std::move(state)) {} // NOLINT(google-explicit-constructor)
  template <class S>
    requires(std::constructible_from<State, S &&> && !std::same_as<std::decay_t<S>, State> &&
             !std::same_as<std::decay_t<S>, next>)
  next(S&& state) : state_(std::forward<S>(state)) {} // NOLINT(google-explicit-constructor)
  /// @}
  /// From another spelling of the same state: `next_state(open{})` where the states are a variant.
  template <class Other>
    requires(std::constructible_from<State, Other &&> && !std::same_as<Other, State>)
  next(next<Other>&& other) : state_(std::move(*other.state())) { // NOLINT(google-explicit-constructor)
    this->actions() = std::move(other.actions());
  }
  /// From `keep_state()` or `repeat_state()`.
  next(kept_state&& kept) : kind_(kept.kind()) { // NOLINT(google-explicit-constructor)
    this->actions() = std::move(kept.actions());
  }
  /// From `stop()`.
  next(stopped_state&& stopped) // NOLINT(google-explicit-constructor)
      : kind_(detail::statem_words::result_kind::keep_state), stopped_(std::move(stopped)) {}

  /// @cond internal
  [[nodiscard]] detail::statem_words::result_kind kind() const noexcept { return kind_; }
  [[nodiscard]] std::optional<State>& state() noexcept { return state_; }
  [[nodiscard]] std::optional<stopped_state>& stopped() noexcept { return stopped_; }
  /// @endcond

private:
  detail::statem_words::result_kind kind_ = detail::statem_words::result_kind::next_state;
  std::optional<State> state_;
  std::optional<stopped_state> stopped_;
};

/// What `init` returns when there is more to say than the first state.
template <class State>
class init_state : public statem_actions<init_state<State>> {
public:
  /// @{
  /// The state to begin in; actions may follow.
  init_state(State first) : first_(std::move(first)) {} // NOLINT(google-explicit-constructor)
  template <class S>
    requires(std::constructible_from<State, S &&> && !std::same_as<std::decay_t<S>, State> &&
             !std::same_as<std::decay_t<S>, init_state>)
  init_state(S&& first) : first_(std::forward<S>(first)) {} // NOLINT(google-explicit-constructor)
  /// @}
  /// The process ends normally and its starter gets `ignored()`.
  static init_state ignore() { return init_state(ignored()); }
  /// The start fails with the reason.
  static init_state stop(exit_reason reason) { return init_state(std::move(reason)); }

  /// @cond internal
  [[nodiscard]] std::optional<State>& first() noexcept { return first_; }
  [[nodiscard]] exit_reason& refusal() noexcept { return refusal_; }
  /// @endcond

private:
  explicit init_state(exit_reason refusal) : refusal_(std::move(refusal)) {}
  std::optional<State> first_;
  exit_reason refusal_;
};

} // namespace coppice
