// One handler in an event manager: what the manager needs of it without its type, and the dispatch to the
// callbacks of the user's class.
#pragma once

#include "coppice/otp/detail/callbacks.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/otp/handler_id.hpp"
#include "coppice/otp/handler_result.hpp"
#include "coppice/otp/protocol.hpp"
#include "coppice/runtime/body.hpp"

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace coppice {

namespace detail {

/// The coroutine of a callback that awaits; null for others.
using awaited = std::unique_ptr<process>;

/// A handler without its type. A callback that awaits gives the coroutine to run; its step is known when that
/// is over.
class handler_slot : public pooled {
public:
  explicit handler_slot(handler_id name) : id(std::move(name)) {}
  virtual ~handler_slot() = default;
  handler_slot(const handler_slot&) = delete;
  handler_slot& operator=(const handler_slot&) = delete;

  /// Builds the object. `previous` is what the terminate of a handler gave that this one replaces.
  virtual awaited init(const term* previous, handler_step& step) = 0;
  virtual awaited on_event(envelope& e, handler_step& step) = 0;
  virtual awaited on_info(envelope& e, handler_step& step) = 0;
  /// `who` lives until the callback is over.
  virtual awaited on_call(envelope& request, from& who, handler_step& step) = 0;
  /// What the terminate of the handler returned, else `ok`.
  virtual term terminate(const term& why) = 0;
  [[nodiscard]] virtual term state() const = 0;
  virtual bool replace_state(const term& state) = 0;
  virtual void code_change(const term& old_vsn, const term& extra) = 0;

  handler_id id;
  pid supervisor; ///< whose end is this handler's end
};

template <class H>
class typed_handler final : public handler_slot {
public:
  template <class... Args>
  explicit typed_handler(handler_id name, Args&&... args)
      : handler_slot(std::move(name)),
        arguments_(std::make_unique<deferred_args<H, std::decay_t<Args>...>>(std::forward<Args>(args)...)) {}

  awaited init(const term* previous, handler_step& step) override {
    std::exchange(arguments_, nullptr)->build(handler_);
    if constexpr (requires(H& h) { h.init(*previous); }) {
      if (previous != nullptr) {
        return call_back([&] { return handler_->init(*previous); }, init_taker(step), step);
      }
    }
    if constexpr (requires(H& h) { h.init(); }) {
      return call_back([&] { return handler_->init(); }, init_taker(step), step);
    } else {
      return nullptr;
    }
  }

  awaited on_event(envelope& e, handler_step& step) override {
    awaited awaits;
    bool taken = H::protocol::any([&]<class Entry>() {
      if constexpr (is_event<Entry>) {
        return this->template with_message<typename Entry::message>(
            e, [&](const auto& m) { awaits = this->event(m, step); });
      }
      return false;
    });
    if constexpr (requires(H& h, const term& t) { h.handle_event(t); }) {
      if (!taken) awaits = event(message_as_term(e), step);
    }
    return awaits;
  }

  awaited on_info(envelope& e, handler_step& step) override {
    awaited awaits;
    bool taken = e.kind == envelope_kind::message && H::protocol::any([&]<class Entry>() {
                   if constexpr (Entry::form == message_form::info && !is_event<Entry>) {
                     return this->template with_message<typename Entry::message>(
                         e, [&](const auto& m) { awaits = this->info(m, step); });
                   }
                   return false;
                 });
    if constexpr (requires(H& h, const term& t) { h.handle_info(t); }) {
      if (!std::exchange(taken, true)) awaits = info(message_as_term(e), step);
    }
    step.took_info = taken;
    return awaits;
  }

  awaited on_call(envelope& e, from& who, handler_step& step) override {
    awaited awaits;
    bool taken = H::protocol::any([&]<class Entry>() {
      if constexpr (Entry::form == message_form::call) {
        return this->template with_message<typename Entry::message>(
            e, [&](auto& m) { awaits = this->template request<typename Entry::reply>(m, who, step); });
      }
      return false;
    });
    if (taken) return awaits;
    if constexpr (requires(H& h) { h.handle_call(term(), from()); }) {
      return call_back([&] { return handler_->handle_call(message_as_term(e), std::move(who)); }, taker(step),
                       step);
    } else {
      who.fail(exit_reason(term::tuple(atom("bad_request"), message_as_term(e))));
      return nullptr;
    }
  }

  term terminate(const term& why) override {
    term result = atom("ok");
    if constexpr (requires(H& h) {
                    { h.terminate(why) } -> std::convertible_to<term>;
                  }) {
      if (handler_) result = handler_->terminate(why);
    } else if constexpr (requires(H& h) { h.terminate(why); }) {
      if (handler_) handler_->terminate(why);
    }
    return result;
  }
  [[nodiscard]] term state() const override {
    if constexpr (requires(const H& h) {
                    { h.state() } -> std::convertible_to<term>;
                  }) {
      if (handler_) return handler_->state();
    }
    return atom(type_name<H>());
  }
  bool replace_state(const term& state) override {
    if constexpr (requires(H& h) { h.replace_state(state); }) {
      handler_->replace_state(state);
      return true;
    } else {
      return false;
    }
  }
  void code_change(const term& old_vsn, const term& extra) override {
    if constexpr (requires(H& h) { h.code_change(old_vsn, extra); }) handler_->code_change(old_vsn, extra);
  }

private:
  template <class Message, class F>
  static bool with_message(envelope& e, F&& f) {
    if (e.ops->type->hash == type_hash<Message>()) {
      f(e.as<Message>());
      return true;
    }
    if (e.ops->type->hash != type_hash<term>()) return false;
    std::optional<Message> decoded = decode<Message>(e.as<term>());
    if (decoded) f(*decoded);
    return decoded.has_value();
  }

  template <class Message>
  awaited event(const Message& m, handler_step& step) {
    static_assert(
        requires(H& h) { h.handle_event(m); },
        "the event handler has no handle_event for an event of its protocol");
    return call_back([&] { return handler_->handle_event(m); }, taker(step), step);
  }
  template <class Message>
  awaited info(const Message& m, handler_step& step) {
    static_assert(
        requires(H& h) { h.handle_info(m); },
        "the event handler has no handle_info for a message of its protocol");
    return call_back([&] { return handler_->handle_info(m); }, taker(step), step);
  }
  template <class Reply, class Message>
  awaited request(Message& m, from& who, handler_step& step) {
    if constexpr (requires(H& h) { h.handle_call(std::move(m), reply_to<Reply>()); }) {
      return call_back([&] { return handler_->handle_call(std::move(m), reply_to<Reply>(std::move(who))); },
                       taker(step), step);
    } else {
      static_assert(
          requires(H& h) { h.handle_call(std::move(m)); },
          "the event handler has no handle_call for a request of its protocol");
      return call_back([&] { return handler_->handle_call(std::move(m)); }, replier<Reply>(step, who), step);
    }
  }

  /// What to do with a callback's value: here nothing but its step counts.
  static auto taker(handler_step& step) {
    return [&step](auto&&... value) { take(step, value...); };
  }
  static void take(handler_step&) {}
  template <class R>
  static void take(handler_step& step, handler_result<R>& r) {
    step = std::move(r.step());
  }
  template <class Reply>
  static auto replier(handler_step& step, from& who) {
    return [&step, &who](auto&& value) { give<Reply>(step, who, value); };
  }
  template <class Reply, class Value>
  static void give(handler_step&, from& who, Value& value) {
    static_assert(std::constructible_from<Reply, Value&&>,
                  "handle_call returns another type than its protocol says");
    who.reply(Reply(std::move(value)));
  }
  template <class Reply>
  static void give(handler_step& step, from& who, handler_result<Reply>& r) {
    if (r.reply()) who.reply(std::move(*r.reply()));
    step = std::move(r.step());
  }
  static auto init_taker(handler_step& step) {
    return [&step](auto&&... value) { initialised(step, value...); };
  }
  static void initialised(handler_step&) {}
  static void initialised(handler_step& step, std::expected<void, exit_reason>& r) {
    if (!r) step.refused = std::move(r.error());
  }

  template <class Call, class Take>
  static awaited call_back(Call&& call, Take take, handler_step& step) {
    using returned = std::invoke_result_t<Call>;
    if constexpr (callback_result<returned>::awaits) {
      using value = typename callback_result<returned>::type;
      return std::make_unique<process>(await_caught<value>(call(), std::move(take), &step.error));
    } else if constexpr (std::is_void_v<returned>) {
      call();
      take();
    } else {
      take(call());
    }
    return nullptr;
  }

  std::unique_ptr<deferred<H>> arguments_;
  std::optional<H> handler_;
};

} // namespace detail

template <class R>
template <class H, class... Args>
handler_result<R>&& handler_result<R>::swap(term terminate_with, Args&&... args) && {
  step_.then = detail::handler_step::what::swap;
  step_.arguments = std::move(terminate_with);
  step_.successor = std::make_unique<detail::typed_handler<H>>(handler_id{atom(type_name<H>())},
                                                               std::forward<Args>(args)...);
  return std::move(*this);
}

} // namespace coppice
