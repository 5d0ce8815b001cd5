// task<T>: a coroutine that a process awaits, as a function is called.
#pragma once

#include "coppice/runtime/detail/promise.hpp"

#include <cassert>
#include <optional>
#include <utility>

namespace coppice {

template <class T = void>
class task;

namespace detail {

template <class T>
struct task_promise : promise_base {
  std::optional<T> value;
  task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() {
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
    return std::move(*value);
  }
};

template <>
struct task_promise<void> : promise_base {
  task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() {
    if (error) std::rethrow_exception(std::exchange(error, nullptr));
  }
};

} // namespace detail

/// A lazily started coroutine with a result: `task<int> f(); int n = co_await f();`.
///
/// It runs inside the process that awaits it and is destroyed with it. Await it once, where it was called.
/// Parameters are taken by value: references dangle when the caller's expression has ended.
template <class T>
class [[nodiscard]] task {
public:
  /// @cond internal
  using promise_type = detail::task_promise<T>;
  using handle = std::coroutine_handle<promise_type>;

  explicit task(handle h) noexcept : handle_(h) {}
  /// @endcond

  /// @{
  /// Moved, never copied: it is awaited once. Assignment exchanges the two.
  task(task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  task& operator=(task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  /// @}
  ~task() {
    if (handle_) handle_.destroy();
  }

  /// @cond internal
  class awaiter {
  public:
    explicit awaiter(handle h) noexcept : handle_(h) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> caller) const noexcept {
      handle_.promise().continuation = caller;
      detail::current().process->resume = handle_;
    }
    T await_resume() const { return handle_.promise().take(); }

  private:
    handle handle_;
  };
  /// @endcond
  /// Starts it and waits until it has ended: gives its result, or rethrows what left it.
  awaiter operator co_await() const noexcept {
    assert(handle_ && "a task is awaited once");
    return awaiter(handle_);
  }

private:
  handle handle_;
};

template <class T>
task<T> detail::task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise<T>>::from_promise(*this));
}
inline task<void> detail::task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise<void>>::from_promise(*this));
}

} // namespace coppice
