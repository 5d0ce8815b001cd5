// What the promises of processes and tasks share. Coroutines are resumed by the scheduler's trampoline, never
// by symmetric transfer: an awaiter stores what to resume next and returns.
#pragma once

#include "coppice/runtime/detail/allocate.hpp"
#include "coppice/runtime/detail/context.hpp"

#include <coroutine>
#include <exception>

namespace coppice::detail {

struct promise_base {
  std::coroutine_handle<> continuation; ///< who awaits this one; null for a root
  std::exception_ptr error;

  static void* operator new(std::size_t size) { return allocate(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { deallocate(frame, size); }

  void unhandled_exception() noexcept { error = std::current_exception(); }
  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }

  struct final_awaiter {
    explicit final_awaiter(std::coroutine_handle<> next) noexcept : next_(next) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept { current().process->resume = next_; }
    void await_resume() const noexcept {}

  private:
    std::coroutine_handle<> next_;
  };
  [[nodiscard]] final_awaiter final_suspend() const noexcept { return final_awaiter(continuation); }
};

} // namespace coppice::detail
