// Starting processes that say when they are ready (OTP: proc_lib:start_link, init_ack; gen:start).
#pragma once

#include "coppice/otp/detail/behaviour.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/otp/ok.hpp"
#include "coppice/runtime/task.hpp"

#include <expected>
#include <memory>
#include <utility>
#include <variant>

namespace coppice {

/// Whether the starter is tied to what it starts.
enum class start_mode : std::uint8_t { nolink, link, monitor };

/// How a behaviour is started; all optional.
struct start_options {
  server_name name;            ///< registered before init, freed by the process's end
  duration timeout = infinity; ///< for init; then the process is killed and the result is `timeout`
  /// Priority, mailbox limit; `link` links a start that does not do so by itself, without making the starter
  /// the parent. `monitor` is for start_monitor to say.
  spawn_options spawn;
  /// It hibernates when nothing has come for that long (OTP: `{hibernate_after, Time}`), rounded up to
  /// milliseconds; not while it waits for a time-out of its own, but for those of a gen_statem.
  duration hibernate_after = infinity;
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

/// Lets the options stand first: a name, or all of them.
template <class Awaiter, class... Args>
Awaiter start_with_options(start_mode mode, Args&&... args) {
  return Awaiter(mode, start_options{}, std::forward<Args>(args)...);
}
template <class Awaiter, class First, class... Args>
  requires std::same_as<std::decay_t<First>, start_options>
Awaiter start_with_options(start_mode mode, First&& options, Args&&... args) {
  return Awaiter(mode, std::forward<First>(options), std::forward<Args>(args)...);
}
template <class Awaiter, class First, class... Args>
  requires(std::same_as<std::decay_t<First>, local> || std::same_as<std::decay_t<First>, via>)
Awaiter start_with_options(start_mode mode, First&& name, Args&&... args) {
  start_options options;
  options.name = server_name(std::forward<First>(name));
  return Awaiter(mode, std::move(options), std::forward<Args>(args)...);
}

} // namespace detail

/// The outcome of a start: where the server is, or why not. `error() == ignored()` is no failure.
template <class S>
using start_result = std::expected<server_ref<S>, exit_reason>;

/// Awaits the start of a server: `auto r = co_await start_link<counter>(local("counter"), args...)`. The
/// class is constructed with the arguments, in its own process; then its `init` runs; only then is it
/// started. Errors: `{already_started, Pid}`, `timeout`, `ignored()`, or the reason of init.
template <class S>
class start_server {
public:
  /// @cond internal
  template <class... Args>
  start_server(start_mode mode, start_options options, Args&&... args)
      : awaiter_(detail::behaviour_of<S>::process::make(std::forward<Args>(args)...), mode,
                 std::move(options)) {}
  /// @endcond
  /// @{
  /// For `co_await`, which starts the process and gives a reference to its pid.
  [[nodiscard]] bool await_ready() { return awaiter_.await_ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { awaiter_.await_suspend(caller); }
  start_result<S> await_resume() {
    std::expected<pid, exit_reason> started = awaiter_.await_resume();
    if (!started) return std::unexpected(std::move(started.error()));
    return server_ref<S>(server_name(*started));
  }
  /// @}

private:
  detail::start_awaiter awaiter_;
};

/// Starts a server linked to the caller (OTP: `gen_server:start_link/3,4`).
template <class S, class... Args>
[[nodiscard]] start_server<S> start_link(Args&&... args) {
  return detail::start_with_options<start_server<S>>(start_mode::link, std::forward<Args>(args)...);
}
/// Starts a server on its own (OTP: `gen_server:start/3,4`).
template <class S, class... Args>
[[nodiscard]] start_server<S> start(Args&&... args) {
  return detail::start_with_options<start_server<S>>(start_mode::nolink, std::forward<Args>(args)...);
}

/// A server and the monitor on it.
template <class S>
struct monitored_server {
  server_ref<S> server; ///< by its pid
  reference ref;        ///< as in the `down` to come
};

/// Awaits the start of a server that is monitored from its first moment.
template <class S>
class start_monitored_server {
public:
  /// @cond internal
  template <class... Args>
  start_monitored_server(start_mode mode, start_options options, Args&&... args)
      : awaiter_(detail::behaviour_of<S>::process::make(std::forward<Args>(args)...), mode,
                 std::move(options)) {}
  /// @endcond
  /// @{
  /// For `co_await`, which starts the process.
  [[nodiscard]] bool await_ready() { return awaiter_.await_ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { awaiter_.await_suspend(caller); }
  std::expected<monitored_server<S>, exit_reason> await_resume() {
    std::expected<pid, exit_reason> started = awaiter_.await_resume();
    if (started) return monitored_server<S>{server_ref<S>(server_name(*started)), awaiter_.monitor_ref()};
    demonitor(awaiter_.monitor_ref(), true);
    return std::unexpected(std::move(started.error()));
  }
  /// @}

private:
  detail::start_awaiter awaiter_;
};

/// Starts a server on its own and monitors it (OTP: `gen_server:start_monitor/3,4`). When the start fails
/// there is no `down`.
template <class S, class... Args>
[[nodiscard]] start_monitored_server<S> start_monitor(Args&&... args) {
  return detail::start_with_options<start_monitored_server<S>>(start_mode::monitor,
                                                               std::forward<Args>(args)...);
}

/// Ends a server in order, with `terminate`, and awaits its end (OTP: `gen_server:stop/3`). An error if it
/// was not there (`noproc`), is the caller itself (`calling_self`), ended with another reason, or did not in
/// time (`timeout`).
task<std::expected<ok, exit_reason>> stop(server_name server, exit_reason reason = exit_reason::normal(),
                                          duration timeout = infinity);

} // namespace coppice
