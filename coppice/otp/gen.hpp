// The client's side of every behaviour: references to servers, call, try_call, cast, send_request.
// OTP: module gen and the API functions of gen_server.
#pragma once

#include "coppice/otp/protocol.hpp"
#include "coppice/otp/server_name.hpp"
#include "coppice/runtime/call.hpp"

#include <expected>
#include <utility>
#include <vector>

namespace coppice {

/// The address of a server of class S: what it does not understand does not compile. Made of a name, it finds
/// the server again after a restart.
template <class S>
class server_ref {
public:
  using server = S;       ///< whose protocol says what it takes
  server_ref() = default; ///< of no server: calls fail with `noproc`
  /// Takes the word of whoever makes it that an S has that name or pid.
  explicit server_ref(server_name name) : name_(std::move(name)) {}

  /// How it is found: what `stop`, `sys` and others without a type take.
  [[nodiscard]] const server_name& name() const noexcept { return name_; }
  /// The process that it is now, or nothing if nobody has the name; a pid may be dead.
  [[nodiscard]] std::optional<pid> resolve() const { return name_.resolve(); }

private:
  server_name name_;
};

/// Says how long a call may take: `call<get>(chat, within(1s), "bob")`; the default is 5 s, as in OTP.
class within {
public:
  /// From the `co_await` on; `infinity`: as long as it takes.
  explicit within(duration time) noexcept : time_(time) {}
  /// As it was given.
  [[nodiscard]] duration time() const noexcept { return time_; }

private:
  duration time_;
};

/// Hands a ready-made message over where GCC 12 would destroy a temporary twice: `call<m>(to, moved(x))`.
template <class T>
class moved {
public:
  /// Of a variable that lives until the message is made of it.
  explicit moved(T& value) noexcept : value_(value) {}
  /// Moves from the variable.
  operator T&&() const noexcept { return std::move(value_); } // NOLINT(google-explicit-constructor)

private:
  T& value_;
};

namespace detail {

/// GCC 12 destroys aggregate temporaries in an awaited expression twice; it is told so at compile time.
template <class Arg>
inline constexpr bool safe_in_co_await =
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
    std::is_lvalue_reference_v<Arg> || !std::is_aggregate_v<std::remove_cvref_t<Arg>> ||
    std::is_trivially_destructible_v<std::remove_cvref_t<Arg>>;
#else
    true;
#endif

template <class Message, class... Args>
Message build(Args&&... args) {
  static_assert(
      (safe_in_co_await<Args&&> && ...),
      "GCC 12 miscompiles aggregate temporaries in co_await: name the message first and pass moved(m)");
  return Message(std::forward<Args>(args)...);
}

/// Ends the caller as OTP does when a call fails: `{Reason, {gen_server, call, [Server, Request]}}`.
[[noreturn]] void exit_call_failed(const exit_reason& why, const server_name& server,
                                   std::string_view request);

/// The one who asks would wait for itself.
exit_reason calling_self();

template <class R>
class call_awaiter_base {
public:
  template <class Request>
  call_awaiter_base(server_name to, Request&& request, duration timeout)
      : to_(std::move(to)), target_(to_.resolve().value_or(pid())),
        inner_(target_, std::forward<Request>(request), timeout) {}

  [[nodiscard]] bool await_ready() { return (blocked_ = target_ == self_pid()) || inner_.await_ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { inner_.await_suspend(caller); }

protected:
  std::expected<R, exit_reason> outcome() {
    if (blocked_) return std::unexpected(calling_self());
    return inner_.await_resume();
  }
  server_name to_;

private:
  pid target_;
  bool blocked_ = false;
  request_awaiter<R> inner_;
};

} // namespace detail

/// Awaits a reply; if there is none the caller exits, as in OTP.
template <class R>
class call_awaiter : public detail::call_awaiter_base<R> {
public:
  /// Looks the server up at once; the request is sent by the `co_await`.
  template <class Request>
  call_awaiter(server_name to, Request&& request, duration timeout)
      : detail::call_awaiter_base<R>(std::move(to), std::forward<Request>(request), timeout),
        request_name_(type_name<std::decay_t<Request>>()) {}
  /// For `co_await`.
  R await_resume() {
    std::expected<R, exit_reason> reply = this->outcome();
    if (!reply) detail::exit_call_failed(reply.error(), this->to_, request_name_);
    if constexpr (!std::is_void_v<R>) return std::move(*reply);
  }

private:
  std::string_view request_name_;
};

/// Awaits a reply, or why there is none: the server's exit reason, `noproc`, `timeout`, `calling_self`.
template <class R>
class try_call_awaiter : public detail::call_awaiter_base<R> {
public:
  using detail::call_awaiter_base<R>::call_awaiter_base;
  /// For `co_await`.
  std::expected<R, exit_reason> await_resume() { return this->outcome(); }
};

/// `R reply = co_await call<Request>(server, args...)`: builds `Request(args...)`, sends it and waits for the
/// reply (OTP: `gen_server:call/2`, 5 s). On failure the caller exits with
/// `{Reason, {gen_server, call, [Server, Request]}}`.
template <class Request, class S, class... Args>
[[nodiscard]] auto call(const server_ref<S>& to, Args&&... args) {
  using reply = typename S::protocol::template reply_of<Request>;
  return call_awaiter<reply>(to.name(), detail::build<Request>(std::forward<Args>(args)...),
                             default_call_timeout);
}
/// The same with a time-out.
template <class Request, class S, class... Args>
[[nodiscard]] auto call(const server_ref<S>& to, within time, Args&&... args) {
  using reply = typename S::protocol::template reply_of<Request>;
  return call_awaiter<reply>(to.name(), detail::build<Request>(std::forward<Args>(args)...), time.time());
}
/// Like `call`, but gives `std::expected<Reply, exit_reason>` and lets the caller live.
template <class Request, class S, class... Args>
[[nodiscard]] auto try_call(const server_ref<S>& to, Args&&... args) {
  using reply = typename S::protocol::template reply_of<Request>;
  return try_call_awaiter<reply>(to.name(), detail::build<Request>(std::forward<Args>(args)...),
                                 default_call_timeout);
}
/// The same with a time.
template <class Request, class S, class... Args>
[[nodiscard]] auto try_call(const server_ref<S>& to, within time, Args&&... args) {
  using reply = typename S::protocol::template reply_of<Request>;
  return try_call_awaiter<reply>(to.name(), detail::build<Request>(std::forward<Args>(args)...), time.time());
}

/// Untyped: asks any process that speaks the protocol of gen_server; `term` as request and reply is what an
/// Erlang shell would use.
template <class Reply, class Request>
[[nodiscard]] auto call_any(server_name to, Request request, duration timeout = default_call_timeout) {
  return call_awaiter<Reply>(std::move(to), std::move(request), timeout);
}
/// The same with the error as a value.
template <class Reply, class Request>
[[nodiscard]] auto try_call_any(server_name to, Request request, duration timeout = default_call_timeout) {
  return try_call_awaiter<Reply>(std::move(to), std::move(request), timeout);
}

namespace detail {
void send_cast(const server_name& to, envelope_ptr message);
}

/// Sends `Message(args...)` without waiting; to the dead it vanishes (OTP: `gen_server:cast/2`).
template <class Message, class S, class... Args>
void cast(const server_ref<S>& to, Args&&... args) {
  static_assert(S::protocol::template has_cast<Message>,
                "cast<Message>(server, ...): the server's protocol has no casts<Message>");
  detail::send_cast(to.name(), detail::make_message<Message>(Message(std::forward<Args>(args)...)));
}
/// Untyped.
template <class Message>
void cast_any(const server_name& to, Message message) {
  detail::send_cast(to, detail::make_message<Message>(std::move(message)));
}

/// A request under way (OTP: `gen_server:request_id()`).
template <class R>
struct request_id {
  std::uint64_t tag = 0; ///< its number, unique in the node; the reply carries it
};

/// Sends a request whose reply is taken later (OTP: `gen_server:send_request/2`).
template <class Request, class S, class... Args>
[[nodiscard]] auto send_request(const server_ref<S>& to, Args&&... args) {
  using reply = typename S::protocol::template reply_of<Request>;
  return request_id<reply>{
      send_request_to(to.resolve().value_or(pid()), Request(std::forward<Args>(args)...))};
}
/// `send_request` without a protocol: the reply's type is the caller's word.
template <class Reply, class Request>
[[nodiscard]] request_id<Reply> send_request_any(const server_name& to, Request request) {
  return request_id<Reply>{send_request_to(to.resolve().value_or(pid()), std::move(request))};
}

/// Awaits the reply to a request: the reply or why there is none; nothing after the time-out, when the
/// request is abandoned (OTP: `receive_response/2`).
template <class R>
class receive_response {
public:
  /// The time counts from the `co_await`; 0 only looks. Throws std::logic_error outside of a process.
  explicit receive_response(request_id<R> request, duration timeout = default_call_timeout)
      : tag_(request.tag), wait_(detail::running_process(), std::span(&tag_, 1), timeout) {}
  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() { return wait_.ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { wait_.suspend(caller); }
  std::optional<std::expected<R, exit_reason>> await_resume() {
    detail::envelope_ptr reply = wait_.finish();
    if (reply != nullptr) return detail::read_reply<R>(std::move(reply));
    detail::close_request(detail::running_process(), tag_);
    return std::nullopt;
  }
  /// @}

private:
  std::uint64_t tag_;
  detail::response_wait wait_;
};
/// The same, but the request stays open after the time-out (OTP: `wait_response/2`).
template <class R>
class wait_response {
public:
  /// The time counts from the `co_await`; 0 only looks. Throws std::logic_error outside of a process.
  explicit wait_response(request_id<R> request, duration timeout = default_call_timeout)
      : tag_(request.tag), wait_(detail::running_process(), std::span(&tag_, 1), timeout) {}
  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() { return wait_.ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { wait_.suspend(caller); }
  std::optional<std::expected<R, exit_reason>> await_resume() {
    detail::envelope_ptr reply = wait_.finish();
    if (reply == nullptr) return std::nullopt;
    return detail::read_reply<R>(std::move(reply));
  }
  /// @}

private:
  std::uint64_t tag_;
  detail::response_wait wait_;
};

/// Requests under way, each with a label (OTP: `request_id_collection()`).
template <class R, class Label>
class request_collection {
public:
  /// From now on it is waited for; labels need not differ.
  void add(request_id<R> request, Label label) { open_.emplace_back(request.tag, std::move(label)); }
  /// How many have not been answered.
  [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }

  /// A reply and the label of its request.
  struct response {
    std::expected<R, exit_reason> reply; ///< the reply, or why there is none
    Label label;                         ///< what `add` was given with it
  };

  /// What `wait_response` returns.
  class next_awaiter {
  public:
    /// The collection must stay where it is until the wait is over.
    next_awaiter(request_collection& all, duration timeout)
        : all_(all),
          wait_(detail::running_process(), all.tags(), all.open_.empty() ? duration::zero() : timeout) {}
    /// @{
    /// For `co_await`.
    [[nodiscard]] bool await_ready() { return wait_.ready(); }
    void await_suspend(std::coroutine_handle<> caller) noexcept { wait_.suspend(caller); }
    std::optional<response> await_resume() {
      detail::envelope_ptr reply = wait_.finish();
      if (reply == nullptr) return std::nullopt;
      Label label = all_.remove(reply->tag);
      return response{detail::read_reply<R>(std::move(reply)), std::move(label)};
    }
    /// @}

  private:
    request_collection& all_;
    detail::response_wait wait_;
  };
  /// Awaits the first reply to any of the requests, which is removed; nothing when none is open, or after the
  /// time-out, when all stay open (OTP: `gen_server:wait_response/3`).
  [[nodiscard]] next_awaiter wait_response(duration timeout = default_call_timeout) {
    return next_awaiter(*this, timeout);
  }

private:
  [[nodiscard]] std::vector<std::uint64_t> tags() const {
    std::vector<std::uint64_t> all;
    for (const auto& [tag, label] : open_) all.push_back(tag);
    return all;
  }
  Label remove(std::uint64_t tag) {
    auto found = std::ranges::find_if(open_, [tag](const auto& entry) { return entry.first == tag; });
    Label label = std::move(found->second);
    open_.erase(found);
    return label;
  }

  std::vector<std::pair<std::uint64_t, Label>> open_;
};

/// The right to answer one request with an R, for a reply later (OTP: `From` and `gen_server:reply/2`).
template <class R>
class reply_to {
public:
  reply_to() = default;
  /// Gives an untyped right a type, on the word of whoever does.
  explicit reply_to(from who) : who_(std::move(who)) {}
  /// Answers. Any thread may. A second reply, or one to a caller that no longer waits, is dropped.
  void reply(R value) { who_.reply(std::move(value)); }
  /// Makes the call fail with the reason: `try_call` returns it, `call` ends the caller with it.
  void fail(exit_reason reason) noexcept { who_.fail(std::move(reason)); }
  /// Who asked.
  [[nodiscard]] pid caller() const noexcept { return who_.caller(); }
  /// The same right without its type; this one is empty afterwards.
  [[nodiscard]] from release() noexcept { return std::move(who_); }
  /// Whether a reply is still owed.
  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(who_); }

private:
  from who_;
};

} // namespace coppice
