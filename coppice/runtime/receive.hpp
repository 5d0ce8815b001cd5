// Selective receive by type: the awaiters behind `self::receive`.
#pragma once

#include "coppice/runtime/detail/kernel.hpp"
#include "coppice/runtime/message.hpp"

#include <concepts>
#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace coppice {

/// The predicate of a receive without one.
struct accept_any {
  /// True for every message.
  template <class T>
  constexpr bool operator()(const T&) const noexcept {
    return true;
  }
};

namespace detail {

template <class... T>
struct received {
  using type = std::variant<T...>;
};
template <class T>
struct received<T> {
  using type = T;
};

/// The walk over the mailbox that both awaiters share.
template <class Predicate, class... T>
class mailbox_scan : public waiter {
public:
  using result = typename received<T...>::type;
  static_assert(sizeof...(T) > 0, "receive<...>: name the types of the messages to wait for");
  static_assert((sendable<T> && ...), "receive<...>: a message type must be sendable");
  static constexpr std::uint64_t set_hash = combine_hashes({type_hash<T>()...});
  static constexpr bool takes_all = (std::same_as<T, term> || ...);

  mailbox_scan(process_block& p, duration after, Predicate accept)
      : process_(p), after_(after), accept_(std::move(accept)) {
    over = &mailbox_scan::look;
  }

  [[nodiscard]] bool ready() {
    runtime_section section;
    drain(process_);
    if (process_.dying) return false;
    done_ = scan() || after_ <= duration::zero();
    if (done_) return may_go_on(process_); // over, but perhaps others first
    timed_ = after_ != infinity;
    if (timed_) set_deadline(process_, after_);
    return false;
  }
  void suspend(std::coroutine_handle<> caller) noexcept {
    process_.waiting = this;
    process_.resume = caller;
  }
  void finish() noexcept {
    if (timed_) clear_deadline(process_);
  }

protected:
  std::optional<result> found_;

private:
  static bool look(waiter& w, process_block& p) {
    auto& me = static_cast<mailbox_scan&>(w);
    return me.done_ || me.scan() || (me.timed_ && p.timed_out);
  }

  bool scan() {
    envelope* previous = process_.scanned_by == set_hash ? process_.scanned : nullptr;
    bool refused_by_type_so_far = true;
    for (envelope* e = previous ? previous->next : process_.first; e != nullptr;) {
      bool type_matches = false;
      if ((try_type<T>(*e, type_matches) || ...)) {
        if (refused_by_type_so_far) mark(previous);
        envelope_ptr used = take_after(process_, previous);
        return true;
      }
      if (type_matches && refused_by_type_so_far) {
        refused_by_type_so_far = false;
        mark(previous);
      }
      previous = e;
      e = e->next;
    }
    if (refused_by_type_so_far) mark(previous);
    return false;
  }

  void mark(envelope* refused) noexcept {
    process_.scanned = refused;
    process_.scanned_by = set_hash;
  }

  template <class U>
  bool try_type(envelope& e, bool& type_matches) {
    U* value = nullptr;
    std::optional<U> decoded;
    if constexpr (std::same_as<U, term>) {
      decoded.emplace(message_as_term(e));
      value = &*decoded;
    } else if (e.kind == envelope_kind::completion) {
      return false; // the reply to a send_request is {Ref, Reply}, not a bare U
    } else if (e.ops == &typed_envelope<U>::operations || e.ops->type->hash == type_hash<U>()) {
      value = &e.as<U>();
    } else if (e.ops->type->hash == type_hash<term>()) {
      decoded = decode<U>(e.as<term>());
      if (decoded) value = &*decoded;
    }
    if (value == nullptr) return false;
    type_matches = true;
    if (!accept_(std::as_const(*value))) return false;
    if constexpr (sizeof...(T) == 1) {
      found_.emplace(std::move(*value));
    } else {
      found_.emplace(std::in_place_type<U>, std::move(*value));
    }
    return true;
  }

  process_block& process_;
  duration after_;
  Predicate accept_;
  bool timed_ = false;
  bool done_ = false;
};

} // namespace detail

/// Awaits a message for ever: `co_await` gives it, or of several types the variant of them.
template <class Predicate, class... T>
class receive_awaiter : detail::mailbox_scan<Predicate, T...> {
  using base = detail::mailbox_scan<Predicate, T...>;

public:
  using base::base;
  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() { return this->ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { this->suspend(caller); }
  typename base::result await_resume() { return std::move(*this->found_); }
  /// @}
};

/// Awaits a message for a time: `co_await` gives an optional of what `receive_awaiter` gives.
template <class Predicate, class... T>
class timed_receive_awaiter : detail::mailbox_scan<Predicate, T...> {
  using base = detail::mailbox_scan<Predicate, T...>;

public:
  using base::base;
  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() { return this->ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { this->suspend(caller); }
  std::optional<typename base::result> await_resume() {
    this->finish();
    return std::move(this->found_);
  }
  /// @}
};

} // namespace coppice
