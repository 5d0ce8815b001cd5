// The engine of gen_statem without its process: event queue, postponed events, state enter calls and
// time-outs. A thin shell owns mailbox, timers and callbacks:
//
//   core.init(state, actions, shell)
//   for (;;) {
//     while (auto d = core.next())                    // queued, retried and zero time-out events first
//       core.apply(<the callback's result>, shell);   // or core.stop(replies, shell)
//     wait (core.hibernate() says how), then core.receive(event) or core.timer_fired(which, id)
//   }
//
// Semantics: OTP 25, gen_statem(3).
#pragma once

#include "coppice/otp/detail/ring.hpp"

#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace coppice::detail::statem {

enum class event_kind : std::uint8_t { call, cast, info, timeout, state_timeout, generic_timeout, internal };

enum class timeout_kind : std::uint8_t {
  event,   ///< cancelled by any event
  state,   ///< cancelled when the state changes
  generic, ///< named; lives until it fires or is cancelled
};

/// What a callback must not return; the state machine ends with an error.
enum class fault : std::uint8_t {
  bad_state_enter_return, ///< a state enter call changed the state
  bad_state_enter_action, ///< a state enter call postponed or inserted an event
};

/// The name of OTP's error, and what to do instead.
[[nodiscard]] const char* to_string(fault f) noexcept;
[[nodiscard]] const char* to_string(event_kind k) noexcept;

/// Tells a running timer from its predecessors; never 0.
using timer_id = std::uint64_t;

/// Which time-out: of its kind there is one, of generic ones one a name.
template <class Name>
struct timeout_key {
  timeout_kind kind = timeout_kind::event;
  Name name{}; // of a generic one
  friend bool operator==(const timeout_key&, const timeout_key&) = default;
};

/// What events and actions are made of; the same whatever the states are.
template <class Content, class From, class Name>
struct vocabulary {
  using key = timeout_key<Name>;

  struct event {
    event_kind kind;
    Content content;
    std::optional<From> from{}; ///< of a call
    Name name{};                ///< of a generic time-out
  };

  // Actions, obeyed in the order of the list; of several settings of one thing the last one counts.
  struct reply {
    From from;
    Content content;
  };
  struct hibernate_action {
    bool on = true;
  };
  struct postpone {
    bool on = true;
  };
  struct next_event {
    event what;
  };
  struct start_timeout { ///< replaces one that runs; 0 makes it an event at once, behind all queued ones
    key which;
    std::chrono::milliseconds after;
    Content content;
    bool absolute = false; ///< `after` is a moment of the runtime's clock
  };
  struct cancel_timeout { ///< also for an infinite time
    key which;
  };
  struct update_timeout { ///< new content, same moment; one that does not run fires at once
    key which;
    Content content;
  };
  using action = std::variant<reply, hibernate_action, postpone, next_event, start_timeout, cancel_timeout,
                              update_timeout>;

  enum class result_kind : std::uint8_t { next_state, keep_state, repeat_state };
};

/// `State` compares by ==; `Content` and `From` move; `Name` (of generic time-outs) compares by < and ==.
template <class State, class Content, class From, class Name>
class core : public vocabulary<Content, From, Name> {
  using words = vocabulary<Content, From, Name>;

public:
  using typename words::action;
  using typename words::cancel_timeout;
  using typename words::event;
  using typename words::hibernate_action;
  using typename words::key;
  using typename words::next_event;
  using typename words::postpone;
  using typename words::reply;
  using typename words::result_kind;
  using typename words::start_timeout;
  using typename words::update_timeout;

  /// What a callback returned, but for stop. Actions are moved from.
  struct result {
    result_kind kind = result_kind::keep_state;
    std::optional<State> next{}; ///< of next_state
    std::span<action> actions{};
  };

  /// A callback to call. An event may be moved from only if the callback will not postpone it.
  struct dispatch {
    core::event* event = nullptr;    ///< null: a state enter call
    const State* state = nullptr;    ///< in which state; null: nothing to do
    const State* previous = nullptr; ///< of a state enter call: where from
    explicit operator bool() const noexcept { return state != nullptr; }
    [[nodiscard]] bool enter() const noexcept { return state != nullptr && event == nullptr; }
  };

  explicit core(bool state_enter) : state_enter_(state_enter) {}

  /// Enters the first state with the actions of init. Shell: `reply(From, Content)`,
  /// `start_timer(const key&, timer_id, milliseconds, bool absolute)`, `cancel_timer(const key&, timer_id)`.
  template <class Shell>
  std::expected<void, fault> init(State first, std::span<action> actions, Shell& shell) {
    assert(phase_ == phase::fresh);
    state_.emplace(std::move(first));
    phase_ = phase::in_event; // init may do what an event may
    call_enter_ = true;
    auto ok = obey(actions, shell);
    if (!ok) return ok;
    postpone_ = false; // there is no event yet
    go_on(shell);
    return {};
  }

  /// The next callback to call; none: wait for a message. Between `next` and `apply` it gives the same again.
  dispatch next() {
    if (phase_ == phase::idle) {
      if (!queue_.empty()) {
        begin(queue_.pop_front());
      } else if (!zero_.empty()) {
        key which = zero_.pop_front();
        begin(expire(which));
      }
    }
    switch (phase_) {
    case phase::in_event: return {&*current_, &*state_, nullptr};
    case phase::in_enter: return {nullptr, &here(), &*state_};
    default: return {};
    }
  }

  /// A message, when `next` has nothing more.
  void receive(event e) {
    assert(phase_ == phase::idle && queue_.empty());
    begin(std::move(e));
  }

  /// A timer of ours came due, when `next` has nothing more. False: it was cancelled or replaced; drop it.
  bool timer_fired(const key& which, timer_id id) {
    assert(phase_ == phase::idle && queue_.empty() && id != 0);
    timer* t = find(which);
    if (t == nullptr || t->id != id) return false;
    begin(expire(which));
    return true;
  }

  /// Carries out what the callback returned. After a fault the machine is stopped.
  template <class Shell>
  std::expected<void, fault> apply(result r, Shell& shell) {
    assert(phase_ == phase::in_event || phase_ == phase::in_enter);
    call_enter_ = r.kind == result_kind::repeat_state;
    if (r.kind == result_kind::next_state && !(*r.next == here())) {
      if (phase_ == phase::in_enter) return fail(fault::bad_state_enter_return);
      next_ = std::move(r.next);
      call_enter_ = true;
    }
    auto ok = obey(r.actions, shell);
    if (!ok) return ok;
    go_on(shell);
    return {};
  }

  /// stop and stop_and_reply: answers in order, then nothing more. What was not handled stays visible.
  template <class Shell>
  void stop(std::span<reply> replies, Shell& shell) {
    for (reply& r : replies) shell.reply(std::move(r.from), std::move(r.content));
    phase_ = phase::stopped;
  }

  /// Puts another state in place from outside (sys:replace_state): no transition.
  void replace_state(State other) {
    assert(phase_ == phase::idle);
    state_ = std::move(other);
  }

  [[nodiscard]] const State& state() const { return *state_; }
  /// The state being entered during a state enter call, else the state.
  [[nodiscard]] const State& here() const { return next_ ? *next_ : *state_; }
  /// Whether to hibernate before the next message.
  [[nodiscard]] bool hibernate() const noexcept { return hibernate_; }
  [[nodiscard]] bool stopped() const noexcept { return phase_ == phase::stopped; }
  [[nodiscard]] const ring<event>& queue() const noexcept { return queue_; }
  [[nodiscard]] const ring<event>& postponed() const noexcept { return postponed_; }
  [[nodiscard]] const std::optional<event>& current() const noexcept { return current_; }
  /// Time-outs that run or wait in the queue.
  [[nodiscard]] std::size_t timeouts() const noexcept {
    return generic_.size() + (event_timer_ ? 1 : 0) + (state_timer_ ? 1 : 0);
  }

private:
  enum class phase : std::uint8_t { fresh, idle, in_event, in_enter, stopped };
  struct timer {
    timer_id id; // 0: due already, its event waits in zero_
    Content content;
  };
  using timeout_action = std::variant<start_timeout, cancel_timeout, update_timeout>;

  std::unexpected<fault> fail(fault f) {
    phase_ = phase::stopped;
    return std::unexpected(f);
  }

  void begin(event e) {
    current_.emplace(std::move(e));
    phase_ = phase::in_event;
    hibernate_ = false;
    postpone_ = false;
  }

  template <class Shell>
  std::expected<void, fault> obey(std::span<action> actions, Shell& shell) {
    for (action& a : actions) {
      if (auto* r = std::get_if<reply>(&a)) {
        shell.reply(std::move(r->from), std::move(r->content));
      } else if (auto* h = std::get_if<hibernate_action>(&a)) {
        hibernate_ = h->on;
      } else if (auto* p = std::get_if<postpone>(&a)) {
        if (p->on && phase_ == phase::in_enter) return fail(fault::bad_state_enter_action);
        postpone_ = p->on;
      } else if (auto* n = std::get_if<next_event>(&a)) {
        if (phase_ == phase::in_enter) return fail(fault::bad_state_enter_action);
        inserted_.push_back(std::move(n->what));
      } else if (auto* s = std::get_if<start_timeout>(&a)) {
        timeouts_.push_back(std::move(*s));
      } else if (auto* c = std::get_if<cancel_timeout>(&a)) {
        timeouts_.push_back(std::move(*c));
      } else {
        timeouts_.push_back(std::move(std::get<update_timeout>(a)));
      }
    }
    return {};
  }

  // A state enter call comes before the transition is done, so that its actions belong to it.
  template <class Shell>
  void go_on(Shell& shell) {
    if (call_enter_ && state_enter_) {
      phase_ = phase::in_enter;
    } else {
      transition(shell);
    }
  }

  template <class Shell>
  void transition(Shell& shell) {
    if (postpone_) postponed_.push_back(std::move(*current_));
    current_.reset();
    cancel({timeout_kind::event, {}}, shell);
    if (next_) { // oldest postponed event first, before what is queued
      while (!postponed_.empty()) queue_.push_front(postponed_.pop_back());
      cancel({timeout_kind::state, {}}, shell);
      state_ = std::move(next_);
      next_.reset();
    }
    if (!timeouts_.empty()) set_timeouts(shell);
    while (!inserted_.empty()) queue_.push_front(inserted_.pop_back()); // before everything else
    phase_ = phase::idle;
  }

  static const key& key_of(const timeout_action& t) {
    return std::visit([](const auto& a) -> const key& { return a.which; }, t);
  }

  // The last action for a time-out counts. Those due at once queue in the order of the list.
  template <class Shell>
  void set_timeouts(Shell& shell) {
    for (std::size_t i = 0; i < timeouts_.size(); ++i) {
      bool overruled = false;
      for (std::size_t j = i + 1; j < timeouts_.size() && !overruled; ++j) {
        overruled = key_of(timeouts_[i]) == key_of(timeouts_[j]);
      }
      if (!overruled) set_timeout(timeouts_[i], shell);
    }
    timeouts_.clear();
  }

  template <class Shell>
  void set_timeout(timeout_action& t, Shell& shell) {
    if (auto* c = std::get_if<cancel_timeout>(&t)) {
      cancel(c->which, shell);
    } else if (auto* u = std::get_if<update_timeout>(&t)) {
      if (timer* running = find(u->which)) {
        running->content = std::move(u->content);
      } else {
        put(u->which, timer{0, std::move(u->content)});
        zero_.push_back(std::move(u->which));
      }
    } else {
      auto& s = std::get<start_timeout>(t);
      cancel(s.which, shell);
      const timer_id id = s.after.count() == 0 ? 0 : ++last_timer_;
      put(s.which, timer{id, std::move(s.content)});
      if (id != 0) {
        shell.start_timer(std::as_const(s.which), id, s.after, s.absolute);
      } else {
        zero_.push_back(std::move(s.which));
      }
    }
  }

  template <class Shell>
  void cancel(const key& which, Shell& shell) {
    timer* t = find(which);
    if (t == nullptr) return;
    if (t->id != 0) {
      shell.cancel_timer(which, t->id);
    } else {
      for (std::size_t n = zero_.size(); n > 0; --n) { // one round, leaving it out
        key k = zero_.pop_front();
        if (!(k == which)) zero_.push_back(std::move(k));
      }
    }
    take(which);
  }

  event expire(const key& which) {
    constexpr event_kind kinds[] = {event_kind::timeout, event_kind::state_timeout,
                                    event_kind::generic_timeout};
    std::optional<timer> due = take(which);
    return {kinds[static_cast<std::size_t>(which.kind)], std::move(due->content), std::nullopt, which.name};
  }

  timer* find(const key& which) {
    if (which.kind == timeout_kind::event) return event_timer_ ? &*event_timer_ : nullptr;
    if (which.kind == timeout_kind::state) return state_timer_ ? &*state_timer_ : nullptr;
    auto it = generic_.find(which.name);
    return it == generic_.end() ? nullptr : &it->second;
  }
  void put(const key& which, timer t) {
    if (which.kind == timeout_kind::event) {
      event_timer_ = std::move(t);
    } else if (which.kind == timeout_kind::state) {
      state_timer_ = std::move(t);
    } else {
      generic_.emplace(which.name, std::move(t));
    }
  }
  std::optional<timer> take(const key& which) {
    if (which.kind == timeout_kind::event) return std::exchange(event_timer_, std::nullopt);
    if (which.kind == timeout_kind::state) return std::exchange(state_timer_, std::nullopt);
    auto node = generic_.extract(which.name);
    return node.empty() ? std::nullopt : std::optional<timer>(std::move(node.mapped()));
  }

  bool state_enter_;
  phase phase_ = phase::fresh;
  bool call_enter_ = false;
  bool hibernate_ = false;
  bool postpone_ = false;
  std::optional<State> state_;
  std::optional<State> next_; // set while going to another state
  std::optional<event> current_;
  ring<event> queue_;
  ring<event> postponed_;
  ring<event> inserted_;
  std::vector<timeout_action> timeouts_;
  ring<key> zero_; // time-outs that are due, in order
  std::optional<timer> event_timer_;
  std::optional<timer> state_timer_;
  std::map<Name, timer> generic_;
  timer_id last_timer_ = 0;
};

} // namespace coppice::detail::statem
