// gen_server: a process that keeps state and answers requests. OTP: module gen_server.
//
//   class counter : public coppice::gen_server {
//   public:
//     using protocol = coppice::protocol<coppice::calls<increment, int>, coppice::casts<reset>>;
//     int handle_call(increment m) { return n_ += m.by; }
//     void handle_cast(reset) { n_ = 0; }
//   private:
//     int n_ = 0;
//   };
//   auto started = co_await start_link<counter>(local("counter"));
//
// Callbacks, all but those of the protocol optional:
//   init()                          void, init_result, or a task of them; the constructor has the start's
//   arguments handle_call(Request)            the reply, result<Reply>, or a task of them
//   handle_call(Request, reply_to<Reply>)   void or result<>: the reply comes later
//   handle_cast(Message), handle_info(Message)   void, result<>, or a task of them
//   handle_call(term, from), handle_cast(term), handle_info(term)   what no typed handler takes
//   handle_timeout()                after result::timeout; without it handle_info gets the atom `timeout`
//   handle_continue(term)           after result::then
//   terminate(const exit_reason&)   the last call; not made when an untrapped exit signal ends the process
//   state() const -> term           for sys:get_state and crash reports
//   replace_state(term), code_change(term old_vsn, term extra)
// A class with `static constexpr bool strict = true` crashes on requests it does not know, as OTP's do;
// others answer that caller alone with `{bad_request, Request}`.
#pragma once

#include "coppice/otp/detail/gen_server_process.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/otp/protocol.hpp"
#include "coppice/otp/result.hpp"
#include "coppice/otp/start.hpp"

#include <utility>

namespace coppice {

/// The base of servers. It holds nothing: a server costs its process and its state.
class gen_server {
public:
  using protocol = coppice::protocol<>;
  static constexpr bool strict = false;

protected:
  ~gen_server() = default;
};

/// The outcome of a start: where the server is, or why not. `error() == ignored()` is no failure.
template <class S>
using start_result = std::expected<server_ref<S>, exit_reason>;

/// Awaits the start of a server: `auto r = co_await start_link<counter>(local("counter"), args...)`. The
/// class is constructed with the arguments, in its own process; then its `init` runs; only then is it
/// started. Errors: `{already_started, Pid}`, `timeout`, `ignored()`, or the reason of init.
template <class S>
class start_server {
public:
  template <class... Args>
  start_server(start_mode mode, start_options options, Args&&... args)
      : awaiter_(detail::gen_server_process<S>::make(std::forward<Args>(args)...), mode, std::move(options)) {
  }
  [[nodiscard]] bool await_ready() { return awaiter_.await_ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { awaiter_.await_suspend(caller); }
  start_result<S> await_resume() {
    std::expected<pid, exit_reason> started = awaiter_.await_resume();
    if (!started) return std::unexpected(std::move(started.error()));
    return server_ref<S>(server_name(*started));
  }

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

/// Ends a server in order, with `terminate`, and awaits its end (OTP: `gen_server:stop/3`). An error if it
/// was not there (`noproc`), ended with another reason, or did not in time (`timeout`).
task<std::expected<ok, exit_reason>> stop(server_name server, exit_reason reason = exit_reason::normal(),
                                          duration timeout = infinity);

} // namespace coppice
