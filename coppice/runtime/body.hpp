// What runs in a process that is not a bare coroutine: the behaviours derive from this.
#pragma once

#include "coppice/runtime/detail/envelope.hpp"

#include <exception>

namespace coppice {

/// One message as a behaviour receives it, with its type and form; owned.
using message_ptr = detail::envelope_ptr;

/// The program of a process whose callbacks run on the scheduler's stack.
///
/// Every function is called inside the process, one at a time, never while a coroutine that the body started
/// (`start_task` in process.hpp) is under way. An exception that leaves `init` or `receive` ends the process.
class body : public detail::pooled {
public:
  virtual ~body() = default;
  body() = default;
  body(const body&) = delete;
  body& operator=(const body&) = delete;

  /// The first thing that the process does.
  virtual void init() {}
  /// The next message of the mailbox, in order of arrival.
  virtual void receive(message_ptr message) = 0;
  /// The time set by `set_timeout` has come.
  virtual void timed_out() {}
  /// The coroutine started by `start_task` has ended, by that exception or by returning.
  virtual void task_ended(const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  }
  /// The class that it runs, for process_info and the console; of static storage and ended by a NUL.
  [[nodiscard]] virtual std::string_view label() const noexcept { return "process"; }
  /// Which behaviour it is, as OTP names them (`gen_server`, say); likewise.
  [[nodiscard]] virtual std::string_view behaviour() const noexcept { return "process"; }
};

} // namespace coppice
