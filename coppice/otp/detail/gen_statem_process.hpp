// What runs a gen_statem: the engine of statem_core.hpp between the process's mailbox, its timers and the
// callbacks of the user's class.
#pragma once

#include "coppice/otp/detail/callbacks.hpp"
#include "coppice/otp/detail/gen_process.hpp"
#include "coppice/otp/protocol.hpp"
#include "coppice/otp/statem_actions.hpp"

#include <concepts>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace coppice::detail {

/// The message of a timer of ours.
struct statem_timer {
  statem::timeout_key<atom> which;
  statem::timer_id id;
};

/// The parts that need no types, and the engine's shell.
class gen_statem_base : public gen_process {
public:
  // The shell: what the engine asks for.
  void reply(from who, message_ptr content);
  void start_timer(const statem_words::key& which, statem::timer_id id, std::chrono::milliseconds time,
                   bool absolute);
  void cancel_timer(const statem_words::key& which, statem::timer_id id);

protected:
  /// The timer has fired: there is nothing left to cancel.
  void forget_timer(statem::timer_id id) noexcept;
  [[nodiscard]] atom module() const final;
  /// What ends a machine whose callback returned what it must not.
  [[noreturn]] static void fail(statem::fault f);
  static statem_words::event as_event(message_ptr message);
  static statem_event as_untyped(statem_words::event& e);
  /// No callback takes the event: requests are refused, messages reported; an event of its own ends the
  /// machine.
  void unknown(statem_words::event& e, bool strict);

private:
  std::vector<std::pair<statem::timer_id, reference>> timers_;
};

template <class S>
class gen_statem_process final : public gen_statem_base {
  using state = typename S::state;
  using event = statem_words::event;
  using result_kind = statem_words::result_kind;
  static constexpr bool state_functions = is_variant<state>;

public:
  template <class... Args>
  static std::unique_ptr<gen_process> make(Args&&... args) {
    auto p = std::make_unique<gen_statem_process>();
    p->arguments_ = std::make_unique<deferred_args<S, std::decay_t<Args>...>>(std::forward<Args>(args)...);
    return p;
  }
  [[nodiscard]] std::string_view label() const noexcept override { return type_name<S>(); }

protected:
  void on_init() override {
    std::exchange(arguments_, nullptr)->build(machine_);
    ask([this] { return machine_->init(); }, [this](auto first) { this->initialised(std::move(first)); });
    if (!awaiting_) drive();
  }

  void on_message(message_ptr message) override {
    if (message->kind == envelope_kind::message && message->ops->type->hash == type_hash<statem_timer>()) {
      const auto& timer = message->as<statem_timer>();
      forget_timer(timer.id);
      if (!core_.timer_fired(timer.which, timer.id)) return;
    } else {
      core_.receive(as_event(std::move(message)));
    }
    drive();
  }

  void on_terminate(const exit_reason& reason) override {
    if (!machine_) return;
    if constexpr (requires(S& s, const state& now) { s.terminate(reason, now); }) {
      if (entered_) machine_->terminate(reason, core_.here());
    } else if constexpr (requires(S& s) { s.terminate(reason); }) {
      machine_->terminate(reason);
    }
  }

  [[nodiscard]] term state_as_term() const override {
    term data = atom(type_name<S>());
    if constexpr (requires(const S& s) {
                    { s.data() } -> std::convertible_to<term>;
                  })
      data = machine_->data();
    return term::tuple(entered_ ? name_of(core_.here()) : term(atom("undefined")), std::move(data));
  }
  bool replace_state(const term& wanted) override {
    if constexpr (requires(S& s) { s.replace_data(wanted); }) {
      if (!wanted.is_tuple() || wanted.elements().size() != 2) return false;
      if constexpr (!state_functions && has_term_form<state>) {
        auto next = from_term<state>(wanted.elements()[0]);
        if (!next) return false;
        machine_->replace_data(wanted.elements()[1]);
        core_.replace_state(std::move(*next));
        return true;
      } else if (wanted.elements()[0] == name_of(core_.state())) {
        machine_->replace_data(wanted.elements()[1]);
        return true;
      }
    }
    return false;
  }
  std::optional<exit_reason> on_code_change(const term& old_vsn, const term& extra) override {
    if constexpr (requires(S& s) { s.code_change(old_vsn, extra); }) machine_->code_change(old_vsn, extra);
    return std::nullopt;
  }

private:
  // --- callbacks and what they return ---

  /// Calls back; when a callback that awaits is over, the machine goes on.
  template <class Call, class Take>
  void ask(Call&& call, Take take) {
    awaiting_ = call_back(std::forward<Call>(call), [this, take = std::move(take)](auto&&... value) mutable {
      take(std::forward<decltype(value)>(value)...);
      if (std::exchange(awaiting_, false)) drive();
    });
  }

  void initialised(state first) { initialised(init_state<state>(std::move(first))); }
  void initialised(init_state<state> r) {
    if (!r.first()) refuse(std::move(r.refusal()));
    started();
    entered_ = true;
    auto done = core_.init(std::move(*r.first()), r.actions(), shell());
    if (!done) fail(done.error());
  }

  /// What an event's callback returned: nothing, a transition, or the reply to a call.
  void done() { done(next<state>(kept_state(result_kind::keep_state))); }
  void done(next<state> r) {
    if (r.stopped()) {
      core_.stop(r.stopped()->replies(), shell());
      stop(std::move(r.stopped()->reason()));
    }
    auto ok = core_.apply({r.kind(), std::move(r.state()), r.actions()}, shell());
    if (!ok) fail(ok.error());
  }
  void finish() { done(); }
  template <class Value>
  void finish(Value&& value) {
    done(next<state>(std::forward<Value>(value)));
  }

  gen_statem_base& shell() noexcept { return *this; }

  /// Calls back until there is nothing to do but wait, or a callback awaits.
  void drive() {
    while (auto todo = core_.next()) {
      if (todo.enter()) {
        enter(*todo.previous, *todo.state);
      } else {
        handle(*todo.event, *todo.state);
      }
      if (awaiting_) return;
    }
    if (core_.hibernate()) coppice::hibernate();
  }

  /// Calls `f` with the state as the callbacks take it: the alternative that a variant of states holds.
  template <class F>
  static void in_state(const state& now, F&& f) {
    if constexpr (state_functions) {
      std::visit(std::forward<F>(f), now);
    } else {
      f(now);
    }
  }
  [[nodiscard]] static term name_of(const state& now) {
    term name;
    in_state(now, [&name](const auto& s) { name = value_to_term<std::decay_t<decltype(s)>>(&s); });
    return name;
  }

  // --- state enter calls ---

  template <class Now>
  static constexpr bool takes_enter =
      requires(S& s, const state& old, const Now& now) { s.state_enter(old, now); };
  template <class... Now>
  static constexpr bool any_takes_enter(const std::variant<Now...>*) {
    return (takes_enter<Now> || ...);
  }
  static constexpr bool wants_enter_calls() {
    if constexpr (state_functions) {
      return any_takes_enter(static_cast<const state*>(nullptr));
    } else {
      return takes_enter<state>;
    }
  }

  void enter(const state& old, const state& now) {
    if constexpr (wants_enter_calls()) {
      in_state(now, [this, &old](const auto& s) {
        if constexpr (takes_enter<std::decay_t<decltype(s)>>) {
          this->ask([&] { return machine_->state_enter(old, s); },
                    [this](auto&&... value) { this->finish(std::forward<decltype(value)>(value)...); });
        } else {
          this->done();
        }
      });
    }
  }

  // --- events ---

  void handle(event& e, const state& now) {
    if (e.content == nullptr) {
      handle_bare_timeout(e, now);
    } else if (e.content->kind != envelope_kind::message ||
               !S::protocol::any([&]<class Entry>() { return this->template try_entry<Entry>(e, now); })) {
      handle_untyped(e, now);
    }
  }

  template <class Entry>
  bool try_entry(event& e, const state& now) {
    using message = typename Entry::message;
    constexpr bool is_call = Entry::form == message_form::call;
    bool from_outside = e.kind <= event_type::info;
    if ((is_event<Entry> && from_outside) || (is_call != (e.kind == event_type::call)) ||
        (from_outside && !is_event<Entry> && e.content->form != Entry::form)) {
      return false;
    }
    if (e.content->ops->type->hash == type_hash<term>() && !std::same_as<message, term>) {
      if (!decode_content<Entry>(e)) return false;
    } else if (e.content->ops->type->hash != type_hash<message>()) {
      return false;
    }
    auto& m = e.content->template as<message>();
    in_state(now, [&](const auto& s) {
      if constexpr (is_call) {
        this->template handle_call<typename Entry::reply>(e, s, m);
      } else {
        this->handle_message(s, m);
      }
    });
    return true;
  }

  /// A term from afar is decoded once; the event keeps the outcome, should it be postponed.
  template <class Entry>
  static bool decode_content(event& e) {
    using message = typename Entry::message;
    std::optional<message> decoded = decode<message>(e.content->template as<term>());
    if (!decoded) return false;
    message_form form = e.content->form;
    if (form == message_form::call) {
      e.content =
          message_ptr(new request_envelope<message>(std::move(from_of(*e.content)), std::move(*decoded)));
    } else {
      e.content = make_message<message>(std::move(*decoded));
      e.content->form = form;
    }
    return true;
  }

  /// Events may be postponed, so callbacks get theirs as const; those that cannot take that get it moved.
  template <class Now, class Message>
  void handle_message(const Now& now, Message& m) {
    auto take = [this](auto&&... value) { this->finish(std::forward<decltype(value)>(value)...); };
    if constexpr (requires(S& s) { s.handle_event(now, std::as_const(m)); }) {
      ask([&] { return machine_->handle_event(now, std::as_const(m)); }, take);
    } else {
      static_assert(
          requires(S& s) { s.handle_event(now, std::move(m)); },
          "gen_statem: no handle_event(State, Event) for a state and an event of the protocol");
      ask([&] { return machine_->handle_event(now, std::move(m)); }, take);
    }
  }

  template <class Reply, class Now, class Message>
  void handle_call(event& e, const Now& now, const Message& m) {
    auto take = [this](auto&&... value) { this->finish(std::forward<decltype(value)>(value)...); };
    if constexpr (requires(S& s, reply_to<Reply>& who) { s.handle_event(now, m, who); }) {
      static_assert(!callback_result<decltype(machine_->handle_event(
                        now, m, std::declval<reply_to<Reply>&>()))>::awaits,
                    "gen_statem: a callback that is a coroutine takes reply_to<Reply> by value");
      reply_to<Reply> who(std::move(from_of(*e.content)));
      ask([&] { return machine_->handle_event(now, m, who); },
          [&](auto&&... value) {
            from_of(*e.content) = who.release(); // if it is still there: it may be postponed
            take(std::forward<decltype(value)>(value)...);
          });
    } else if constexpr (requires(S& s) { s.handle_event(now, m, reply_to<Reply>()); }) {
      reply_to<Reply> who(std::move(from_of(*e.content)));
      ask([&] { return machine_->handle_event(now, m, std::move(who)); }, take);
    } else {
      static_assert(
          requires(S& s) { s.handle_event(now, m); },
          "gen_statem: no handle_event(State, Request) for a state and a request of the protocol");
      // The event stays where it is until the callback is over, one that awaits included.
      ask([&] { return machine_->handle_event(now, m); },
          [this, &e](auto value) { this->template answered<Reply>(e, std::move(value)); });
    }
  }
  template <class Reply, class Value>
  void answered(event& e, Value value) {
    if constexpr (std::same_as<Value, next<state>>) {
      done(std::move(value)); // it keeps the request: postponed, or moved on
    } else {
      static_assert(
          std::constructible_from<Reply, Value&&>,
          "gen_statem: handle_event returns neither next<state> nor the reply that its protocol names");
      from_of(*e.content).reply(Reply(std::move(value)));
      done();
    }
  }

  void handle_bare_timeout(event& e, const state& now) {
    switch (e.kind) {
    case event_type::timeout: bare(e, now, event_timeout()); return;
    case event_type::state_timeout: bare(e, now, state_timeout()); return;
    default: bare(e, now, generic_timeout{e.name}); return;
    }
  }
  template <class Timeout>
  void bare(event& e, const state& now, const Timeout& which) {
    bool known = true;
    in_state(now, [&](const auto& s) {
      if constexpr (requires(S& m) { m.handle_event(s, which); }) {
        this->ask([&] { return machine_->handle_event(s, which); },
                  [this](auto&&... value) { this->finish(std::forward<decltype(value)>(value)...); });
      } else {
        known = false;
      }
    });
    if (!known) handle_untyped(e, now);
  }

  void handle_untyped(event& e, const state& now) {
    bool known = true;
    in_state(now, [&](const auto& s) {
      if constexpr (requires(S& m, statem_event& untyped) { m.handle_event(s, untyped); }) {
        statem_event untyped = as_untyped(e);
        this->ask([&] { return machine_->handle_event(s, untyped); },
                  [&](auto&&... value) {
                    if (e.kind == event_type::call) from_of(*e.content) = std::move(untyped.who);
                    this->finish(std::forward<decltype(value)>(value)...);
                  });
      } else if constexpr (requires(S& m) { m.handle_event(s, statem_event()); }) {
        this->ask([&] { return machine_->handle_event(s, as_untyped(e)); },
                  [this](auto&&... value) { this->finish(std::forward<decltype(value)>(value)...); });
      } else {
        known = false;
      }
    });
    if (known) return;
    unknown(e, S::strict);
    done();
  }

  std::unique_ptr<deferred<S>> arguments_;
  std::optional<S> machine_;
  statem::core<state, message_ptr, from, atom> core_{wants_enter_calls()};
  bool entered_ = false;
  bool awaiting_ = false;
};

} // namespace coppice::detail
