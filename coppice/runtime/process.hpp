// A plain process: a coroutine with a mailbox.
#pragma once

#include "coppice/runtime/detail/kernel.hpp"
#include "coppice/runtime/detail/promise.hpp"
#include "coppice/runtime/receive.hpp"
#include "coppice/runtime/task.hpp"

#include <utility>

namespace coppice {

/// What a process function returns: `process worker(self me, config c) { ... co_await me.receive<job>(); ...
/// }`. Only `spawn` and `start_task` take it; the process ends when the coroutine does.
class [[nodiscard]] process {
public:
  /// @cond internal
  struct promise_type : detail::promise_base {
    process get_return_object() noexcept {
      return process(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    void return_void() noexcept {}
  };
  /// @endcond

  /// Moved, never copied: it is started once.
  process(process&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  process& operator=(process&&) = delete;
  ~process() {
    if (handle_) handle_.destroy();
  }

  /// For the runtime: the frame, which the caller now owns.
  [[nodiscard]] std::coroutine_handle<> release() noexcept { return std::exchange(handle_, {}); }

private:
  explicit process(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

/// The running process as its own coroutine sees it; a value of one pointer.
class self {
public:
  /// @cond internal
  explicit self(detail::process_block& block) noexcept : block_(&block) {}
  /// @endcond

  /// Its address (Erlang: `self()`).
  [[nodiscard]] pid id() const noexcept { return block_->self(); }
  /// The same: `self` is a pid in Erlang.
  operator pid() const noexcept { return id(); } // NOLINT(google-explicit-constructor)

  /// Waits for the first message of one of the types, leaving others in the mailbox (Erlang: selective
  /// `receive`). One type gives that type; several a `std::variant`. `term` takes any message.
  /// `down` and `exit_signal` are what monitors and trapped exits send; a struct that arrives as a term from
  /// another node is matched by its tag and decoded.
  template <class... T>
  [[nodiscard]] receive_awaiter<accept_any, T...> receive() const noexcept {
    return receive_awaiter<accept_any, T...>(*block_, infinity, accept_any());
  }
  /// The same with `after`: `std::optional` of it, empty when the time is up first. `0ns` only looks.
  template <class... T>
  [[nodiscard]] timed_receive_awaiter<accept_any, T...> receive(duration after) const noexcept {
    return timed_receive_awaiter<accept_any, T...>(*block_, after, accept_any());
  }
  /// Only messages for which `accept(const T&)` holds for their type. Name the predicate before the
  /// `co_await`.
  template <class... T, class Predicate>
    requires(std::predicate<const Predicate&, const T&> && ...)
  [[nodiscard]] receive_awaiter<Predicate, T...> receive_if(Predicate accept) const {
    return receive_awaiter<Predicate, T...>(*block_, infinity, std::move(accept));
  }
  /// The same with `after`.
  template <class... T, class Predicate>
    requires(std::predicate<const Predicate&, const T&> && ...)
  [[nodiscard]] timed_receive_awaiter<Predicate, T...> receive_if(Predicate accept, duration after) const {
    return timed_receive_awaiter<Predicate, T...>(*block_, after, std::move(accept));
  }

private:
  detail::process_block* block_;
};

/// Suspends the running process for that long; its mailbox stays as it is (Erlang: `timer:sleep/1`).
class idle_for {
public:
  /// The time counts from the `co_await`; `infinity`: until it is ended from outside.
  explicit idle_for(duration time) noexcept;
  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller);
  void await_resume() noexcept;
  /// @}

private:
  struct state : detail::waiter {};
  state wait_;
  duration time_;
};

/// Lets other processes run (Erlang: `erlang:yield/0`).
class yield {
public:
  yield() noexcept {}
  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) noexcept;
  void await_resume() const noexcept {}
  /// @}

private:
  detail::waiter wait_;
};

/// For behaviours: runs the coroutine as the running process's task; until it has ended, the body receives
/// nothing, then `body::task_ended` is called.
void start_task(process coroutine);

} // namespace coppice
