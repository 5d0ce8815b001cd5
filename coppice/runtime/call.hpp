// Request and reply: the mechanism under every behaviour's call.
//
// A call is its own monitor: the request's envelope, and the `from` made of it, answer the caller when the
// server dies holding them. A reply after the caller's time-out finds no wait with its tag and is dropped.
#pragma once

#include "coppice/runtime/api.hpp"

#include <expected>

namespace coppice {

/// How long a call waits where nothing else is said (OTP: 5000 ms).
inline constexpr duration default_call_timeout = std::chrono::seconds(5);

/// Who waits for a reply, and under which tag (OTP: `gen_server:from()`). Move-only; reply once.
///
/// Dropped without a reply it tells the caller why: with the holder's exit reason if the holder is dying,
/// else with `noreply`. May be moved to another process inside a message, which then owes the reply.
class from {
public:
  from() noexcept = default;
  /// For whoever sends requests of its own: answers the caller's wait for that tag.
  from(coppice::node& home, pid caller, std::uint64_t tag) noexcept
      : home_(&home), caller_(caller), tag_(tag) {}
  /// @{
  /// Whoever is moved to owes the reply. Assignment exchanges what the two owe.
  from(from&& other) noexcept
      : home_(std::exchange(other.home_, nullptr)), caller_(other.caller_), tag_(other.tag_) {}
  from& operator=(from&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(caller_, other.caller_);
    std::swap(tag_, other.tag_);
    return *this;
  }
  /// @}
  ~from() {
    if (home_ != nullptr) drop();
  }

  /// Answers. Any thread may. A second reply, or one to a caller that no longer waits, is dropped.
  template <class R>
  void reply(R&& value) {
    using type = std::decay_t<R>;
    static_assert(sendable<type>, "reply: the reply's type must be sendable");
    if (home_ != nullptr) reply_with(detail::make_message<type>(std::forward<R>(value)));
  }
  /// The same with an envelope that was made before.
  void reply_with(detail::envelope_ptr value) {
    if (home_ != nullptr) detail::complete(*std::exchange(home_, nullptr), caller_, tag_, std::move(value));
  }
  /// Makes the call fail with the reason: `try_call` returns it, `call` ends the caller with it.
  void fail(exit_reason reason) noexcept;

  /// Whether a reply is still owed.
  [[nodiscard]] explicit operator bool() const noexcept { return home_ != nullptr; }
  /// Who asked; also when it has been answered.
  [[nodiscard]] pid caller() const noexcept { return caller_; }
  /// The number of the request, unique in the node: the caller waits for a reply with it.
  [[nodiscard]] std::uint64_t tag() const noexcept { return tag_; }
  /// `{Pid, Ref}`, for logs.
  [[nodiscard]] term as_term() const;

private:
  void drop() noexcept;

  coppice::node* home_ = nullptr;
  pid caller_;
  std::uint64_t tag_ = 0;
};

namespace detail {

/// What answers a call that failed.
struct call_failed {
  exit_reason reason;
};

/// A request with whom to answer. The message is at a fixed place so that dispatch needs only its type.
template <class Request>
struct request_envelope final : envelope, pooled {
  from who;
  Request message;

  template <class... Args>
  explicit request_envelope(from f, Args&&... args)
      : envelope(&operations), who(std::move(f)), message(std::forward<Args>(args)...) {
    form = message_form::call;
  }
  static void destroy(envelope* e) noexcept { delete static_cast<request_envelope*>(e); }
  static void reject(envelope* e, const exit_reason& reason) noexcept {
    auto* request = static_cast<request_envelope*>(e);
    request->who.fail(reason);
    delete request;
  }
  static constexpr std::size_t after_from = sizeof(envelope) + sizeof(from);
  static const envelope_ops operations;
};
template <class Request>
inline constexpr envelope_ops request_envelope<Request>::operations{
    &message_type_of<Request>, &destroy, &reject,
    static_cast<std::uint16_t>((after_from + alignof(Request) - 1) / alignof(Request) * alignof(Request))};

/// The `from` of an envelope whose form is `call`.
inline from& from_of(envelope& e) noexcept {
  return *reinterpret_cast<from*>(reinterpret_cast<char*>(&e) + sizeof(envelope));
}

/// The wait of one call: sends the request, then waits for the completion or the time-out.
class call_wait : public waiter {
public:
  call_wait(process_block& p, pid to, std::uint64_t tag, envelope_ptr request, duration timeout) noexcept;
  /// Before the wait begins: GCC moves awaiters that are awaited as rvalues.
  call_wait(call_wait&& other) noexcept
      : waiter(other), process_(other.process_), to_(std::exchange(other.to_, pid())), tag_(other.tag_),
        request_(std::move(other.request_)), timeout_(other.timeout_) {}
  call_wait& operator=(call_wait&&) = delete;
  ~call_wait() {
    if (!to_.local() && request_ == nullptr) abandon();
  }
  [[nodiscard]] bool ready();
  void suspend(std::coroutine_handle<> caller) noexcept;
  /// The completion, or null after the time-out. Ends the wait.
  [[nodiscard]] envelope_ptr finish() noexcept;

private:
  static bool look(waiter& w, process_block& p);
  void abandon() noexcept;

  process_block& process_;
  pid to_;
  std::uint64_t tag_;
  envelope_ptr request_;
  duration timeout_;
};

/// Reads a completion as an R: a typed reply, a term from afar, or a failure.
template <class R>
std::expected<R, exit_reason> read_reply(envelope_ptr completion) {
  if (completion == nullptr) return std::unexpected(exit_reason::timeout());
  std::uint64_t hash = completion->ops->type->hash;
  if (hash == type_hash<R>()) return std::move(completion->as<R>());
  if (hash == type_hash<call_failed>())
    return std::unexpected(std::move(completion->as<call_failed>().reason));
  term reply = completion->ops->type->to_term(completion->value());
  if constexpr (std::same_as<R, term>) {
    return reply;
  } else if constexpr (has_term_form<R> && (described<R> || std::is_default_constructible_v<R>)) {
    auto value = from_term<R>(reply);
    if (value) return std::move(*value);
    return std::unexpected(exit_reason(term::tuple(atom("bad_reply"), reply, value.error().message())));
  } else {
    return std::unexpected(exit_reason(term::tuple(atom("bad_reply"), reply)));
  }
}

} // namespace detail

/// Awaits the reply of a process to a request (the protocol of `gen_server:call`): the reply, or why there
/// is none: the server's exit reason, `noproc`, `timeout`. Two messages, no look-up.
template <class R>
class request_awaiter {
public:
  /// Sends nothing until the `co_await`, from which on the time counts. Throws std::logic_error outside of a
  /// process.
  template <class Request>
  request_awaiter(pid to, Request&& request, duration timeout)
      : request_awaiter(detail::running_process(), to, std::forward<Request>(request), timeout) {}

  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() { return wait_.ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { wait_.suspend(caller); }
  std::expected<R, exit_reason> await_resume() { return detail::read_reply<R>(wait_.finish()); }
  /// @}

private:
  template <class Request>
  request_awaiter(detail::process_block& p, pid to, Request&& request, duration timeout)
      : request_awaiter(p, to, std::forward<Request>(request), timeout, detail::next_unique(*p.home)) {}
  template <class Request>
  request_awaiter(detail::process_block& p, pid to, Request&& request, duration timeout, std::uint64_t tag)
      : wait_(p, to, tag,
              detail::envelope_ptr(new detail::request_envelope<std::decay_t<Request>>(
                  from(*p.home, p.self(), tag), std::forward<Request>(request))),
              timeout) {}

  detail::call_wait wait_;
};

/// Sends a request whose reply comes as a message of its own (OTP: `gen_server:send_request/2`); take the
/// reply with `take_response` or `receive_response`. Returns the request's tag.
template <class Request>
std::uint64_t send_request_to(pid to, Request&& request) {
  detail::process_block& p = detail::running_process();
  std::uint64_t tag = detail::next_unique(*p.home);
  detail::open_request(p, to, tag);
  detail::deliver(*p.home, to,
                  detail::envelope_ptr(new detail::request_envelope<std::decay_t<Request>>(
                      from(*p.home, p.self(), tag), std::forward<Request>(request))));
  return tag;
}

} // namespace coppice
