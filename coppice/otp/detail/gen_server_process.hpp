// What runs a gen_server: dispatch by type to the callbacks of the user's class.
#pragma once

#include "coppice/otp/detail/callbacks.hpp"
#include "coppice/otp/detail/gen_process.hpp"
#include "coppice/otp/ok.hpp"
#include "coppice/otp/protocol.hpp"
#include "coppice/otp/result.hpp"
#include "coppice/term/text.hpp"

#include <concepts>
#include <optional>
#include <utility>

namespace coppice {
namespace detail {

/// The parts of dispatch that need no types.
class gen_server_base : public gen_process {
protected:
  void follow(next_step& next);
  void on_timeout() final;
  [[nodiscard]] atom module() const final;

  virtual void continue_with(const term& continuation) = 0;
  virtual void take_timeout() = 0;

private:
  void go_on(term continuation);
  [[nodiscard]] bool messages_end_timeouts() const noexcept final { return true; }

  std::optional<term>* continuing_ = nullptr; ///< where the next continuation goes while one is under way
};

template <class S>
class gen_server_process final : public gen_server_base {
public:
  template <class... Args>
  static std::unique_ptr<gen_process> make(Args&&... args) {
    auto p = std::make_unique<gen_server_process>();
    p->arguments_ = std::make_unique<deferred_args<S, std::decay_t<Args>...>>(std::forward<Args>(args)...);
    return p;
  }
  [[nodiscard]] std::string_view label() const noexcept override { return type_name<S>(); }

protected:
  void on_init() override {
    std::exchange(arguments_, nullptr)->build(server_);
    if constexpr (requires(S& s) { s.init(); }) {
      call_back([this] { return server_->init(); }, [this](auto&&... value) { this->initialised(value...); });
    } else {
      started();
    }
  }

  void on_message(message_ptr message) override {
    clear_deadline(running_process());
    if (message->kind == envelope_kind::message && dispatch_typed(*message)) return;
    dispatch_untyped(*message);
  }

  void on_terminate(const exit_reason& reason) override {
    if constexpr (requires(S& s) { s.terminate(reason); }) {
      if (server_) server_->terminate(reason);
    }
  }

  [[nodiscard]] term state_as_term() const override {
    if constexpr (requires(const S& s) {
                    { s.state() } -> std::convertible_to<term>;
                  }) {
      return server_->state();
    } else {
      return term(atom(type_name<S>()));
    }
  }
  bool replace_state(const term& state) override {
    if constexpr (requires(S& s) { s.replace_state(state); }) {
      server_->replace_state(state);
      return true;
    } else {
      return false;
    }
  }
  std::optional<exit_reason> on_code_change(const term& old_vsn, const term& extra) override {
    if constexpr (requires(S& s) { s.code_change(old_vsn, extra); }) {
      server_->code_change(old_vsn, extra);
    }
    return std::nullopt;
  }

  void continue_with(const term& continuation) override {
    if constexpr (requires(S& s) { s.handle_continue(continuation); }) {
      call_back([&] { return server_->handle_continue(continuation); },
                [this](auto&&... value) { this->done(value...); });
    } else {
      exit(exit_reason(term::tuple(atom("undef"), atom("handle_continue"))));
    }
  }
  void take_timeout() override {
    if constexpr (requires(S& s) { s.handle_timeout(); }) {
      call_back([this] { return server_->handle_timeout(); },
                [this](auto&&... value) { this->done(value...); });
    } else {
      untyped_info(term(atom("timeout")));
    }
  }

private:
  // --- after a callback ---

  void initialised() { started(); }
  void initialised(init_result& r) {
    if (r.is_ignored()) refuse(ignored());
    if (r.next().what == next_step::kind::stop) refuse(std::move(r.next().reason));
    started();
    follow(r.next());
  }
  void done() {}
  template <class R>
  void done(result<R>& r) {
    follow(r.next());
  }

  // --- dispatch ---

  bool dispatch_typed(envelope& e) {
    return S::protocol::any([&]<class Entry>() { return try_entry<Entry>(e); });
  }

  template <class Entry>
  bool try_entry(envelope& e) {
    using message = typename Entry::message;
    if (e.form != Entry::form) return false;
    if (e.ops->type->hash == type_hash<message>()) {
      handle<Entry>(e, e.as<message>());
      return true;
    }
    if (e.ops->type->hash != type_hash<term>()) return false;
    std::optional<message> decoded = decode<message>(e.as<term>());
    if (!decoded) return false;
    handle<Entry>(e, *decoded);
    return true;
  }

  template <class Entry, class Message>
  void handle(envelope& e, Message& m) {
    if constexpr (Entry::form == message_form::call) {
      handle_request<typename Entry::reply>(e, m);
    } else if constexpr (Entry::form == message_form::cast) {
      static_assert(
          requires(S& s) { s.handle_cast(std::move(m)); },
          "the server has no handle_cast for a message of its protocol");
      call_back([&] { return server_->handle_cast(std::move(m)); },
                [this](auto&&... value) { this->done(value...); });
    } else {
      static_assert(
          requires(S& s) { s.handle_info(std::move(m)); },
          "the server has no handle_info for a message of its protocol");
      call_back([&] { return server_->handle_info(std::move(m)); },
                [this](auto&&... value) { this->done(value...); });
    }
  }

  template <class Reply, class Message>
  void handle_request(envelope& e, Message& m) {
    if constexpr (requires(S& s) { s.handle_call(std::move(m), reply_to<Reply>()); }) {
      reply_to<Reply> who(std::move(from_of(e)));
      call_back([&] { return server_->handle_call(std::move(m), std::move(who)); },
                [this](auto&&... value) { this->done(value...); });
    } else {
      static_assert(
          requires(S& s) { s.handle_call(std::move(m)); },
          "the server has no handle_call for a request of its protocol");
      using returned = decltype(server_->handle_call(std::move(m)));
      if constexpr (callback_result<returned>::awaits) {
        // The envelope does not outlive this function, the reply does: the `from` moves to where the task
        // ends.
        call_back([&] { return server_->handle_call(std::move(m)); },
                  [this, who = std::move(from_of(e))](auto&&... value) mutable {
                    this->template replied<Reply>(who, value...);
                  });
      } else {
        from who = std::move(from_of(e));
        call_back([&] { return server_->handle_call(std::move(m)); },
                  [&](auto&&... value) { this->template replied<Reply>(who, value...); });
      }
    }
  }

  template <class Reply, class Value>
  void replied(from& who, Value& value) {
    static_assert(std::constructible_from<Reply, Value&&>,
                  "handle_call returns another type than its protocol says");
    observe_reply<Reply>(value);
    who.reply(Reply(std::move(value)));
  }
  template <class Reply>
  void replied(from& who, result<Reply>& r) {
    if (r.reply()) {
      observe_reply<Reply>(*r.reply());
      who.reply(std::move(*r.reply()));
    }
    follow(r.next());
  }
  template <class Reply, class Value>
  void observe_reply(const Value& value) {
    if (observed()) note_event("out", value_to_term<Value>(&value));
  }

  void dispatch_untyped(envelope& e) {
    if (e.kind == envelope_kind::completion) {
      untyped_info(message_as_term(e));
      return;
    }
    switch (e.form) {
    case message_form::call:
      if constexpr (requires(S& s) { s.handle_call(term(), from()); }) {
        call_back([&] { return server_->handle_call(message_as_term(e), std::move(from_of(e))); },
                  [this](auto&&... value) { this->done(value...); });
      } else {
        bad_request(e);
      }
      return;
    case message_form::cast:
      if constexpr (requires(S& s) { s.handle_cast(term()); }) {
        call_back([&] { return server_->handle_cast(message_as_term(e)); },
                  [this](auto&&... value) { this->done(value...); });
      } else {
        unexpected("unexpected_cast", message_as_term(e));
      }
      return;
    case message_form::info: untyped_info(message_as_term(e)); return;
    }
  }

  void untyped_info(term message) {
    if constexpr (requires(S& s) { s.handle_info(std::move(message)); }) {
      call_back([&] { return server_->handle_info(std::move(message)); },
                [this](auto&&... value) { this->done(value...); });
    } else {
      unexpected("unexpected_message", message);
    }
  }

  void bad_request(envelope& e) {
    exit_reason reason(term::tuple(atom("bad_request"), message_as_term(e)));
    if constexpr (S::strict) {
      exit(reason);
    } else {
      from_of(e).fail(std::move(reason));
    }
  }

  std::unique_ptr<deferred<S>> arguments_;
  std::optional<S> server_;
};

} // namespace detail
} // namespace coppice
