// gen_statem: a state machine in a process. OTP: module gen_statem.
//
//   enum class door { locked, open };
//   struct button { int digit; };
//   struct relock {};
//
//   class code_lock : public coppice::gen_statem {
//   public:
//     using state = door;
//     using protocol = coppice::protocol<coppice::casts<button>, coppice::events<relock>>;
//     door init() { return door::locked; }                        // the data are the members
//     next<door> handle_event(door now, button b) {
//       if (now == door::open) return keep_state().postpone();
//       if (!matches(b)) return keep_state();
//       return next_state(door::open).state_timeout(10s, relock{});
//     }
//     next<door> handle_event(door, relock) { return door::locked; }
//   };
//
// Both callback modes of OTP, told apart by the type of `state`:
//   handle_event_function   any value with ==: `handle_event(const state&, Event)`
//   state_functions         `std::variant<locked, open>`, each state a type of its own:
//                           `handle_event(locked, button)` is the function of one state for one event. A
//                           state without one is a compile error, unless `handle_event(const state&, button)`
//                           takes the event for all states left.
//
// Callbacks, all but init and those of the protocol optional; each may be a coroutine (a task of its result):
//   init()                                 the first state, or init_state<state>
//   handle_event(State, Event)             void (keep the state), next<state>; for a call also the reply
//   handle_event(State, Request, reply_to<Reply>&)
//                                          the reply is sent by it, by `.reply(who, value)`, or later; what
//                                          is still in it after `.postpone()` waits with the event. A
//                                          coroutine takes it by value
//   handle_event(State, state_timeout)     a time-out without content; also event_timeout, generic_timeout
//   handle_event(State, statem_event&)     what no typed callback takes, as OTP's handle_event/4 gets it
//   state_enter(const state& old, State)   void or next<state>: at each change of state, and for the first
//   terminate(const exit_reason&, const state&)   the last call; the state may be left out
//   data() const -> term                   for sys:get_state, which gives {State, Data}, and crash reports
//   replace_data(term), code_change(term old_vsn, term extra)
#pragma once

#include "coppice/otp/detail/gen_statem_process.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/otp/protocol.hpp"
#include "coppice/otp/start.hpp"

#include <concepts>
#include <utility>

namespace coppice {

/// The base of state machines. It holds nothing.
class gen_statem {
public:
  using protocol = coppice::protocol<>; ///< nothing, until the derived class names its own
  /// Whether a request that no callback takes ends the machine, as in OTP, or is answered with `bad_request`.
  static constexpr bool strict = false;

protected:
  ~gen_statem() = default;

  /// `{next_state, State, Data, Actions}`. The same state as before is no change, as in OTP.
  template <class State>
  static next<State> next_state(State state) {
    return next<State>(std::move(state));
  }
  /// `keep_state_and_data`, with actions
  static kept_state keep_state() { return kept_state(detail::statem_words::result_kind::keep_state); }
  /// `repeat_state_and_data`: enters the state once more, without retrying what is postponed.
  static kept_state repeat_state() { return kept_state(detail::statem_words::result_kind::repeat_state); }
  /// `{stop, Reason}`; with `.reply(who, value)` also `{stop_and_reply, Reason, Replies}`.
  static stopped_state stop(exit_reason reason = exit_reason::normal()) {
    return stopped_state(std::move(reason));
  }
};

template <std::derived_from<gen_statem> S>
struct detail::behaviour_of<S> {
  using process = detail::gen_statem_process<S>;
};

} // namespace coppice
