// Starting processes that say when they are ready (OTP: proc_lib:start_link, init_ack; gen:start).
#pragma once

#include "coppice/otp/gen.hpp"
#include "coppice/runtime/task.hpp"

#include <expected>
#include <memory>
#include <variant>

namespace coppice {

/// Whether the starter is tied to what it starts.
enum class start_mode : std::uint8_t { nolink, link, monitor };

/// How a behaviour is started; all optional.
struct start_options {
  server_name name;            ///< registered before init, given up at the end
  duration timeout = infinity; ///< for init; then the process is killed and the result is `timeout`
  spawn_options spawn;         ///< priority, mailbox limit
};

/// The error of a start whose init said `ignore`: the process has ended normally, nothing is wrong.
exit_reason ignored();

namespace detail {

/// What a starting process tells its starter.
struct start_ack {
  pid process;
};

/// The wait for the start of a body; the body is a gen_process.
class gen_process;

class start_awaiter {
public:
  start_awaiter(std::unique_ptr<gen_process> program, start_mode mode, start_options options);
  start_awaiter(start_awaiter&&) = delete;
  ~start_awaiter();
  [[nodiscard]] bool await_ready();
  void await_suspend(std::coroutine_handle<> caller) noexcept { wait_->suspend(caller); }
  /// The pid, or why there is none.
  std::expected<pid, exit_reason> await_resume();
  /// Of start_mode::monitor.
  [[nodiscard]] const reference& monitor_ref() const noexcept { return monitor_; }

private:
  std::unique_ptr<gen_process> program_;
  start_mode mode_;
  start_options options_;
  std::uint64_t tag_;
  std::optional<call_wait> wait_;
  pid process_;
  reference monitor_;
};

} // namespace detail

} // namespace coppice
