// System messages: what every behaviour answers, for debugging and upgrades (OTP: module sys).
//
// All of it works on any process of a behaviour, while it is suspended too, and on those of Erlang's.
#pragma once

#include "coppice/otp/detail/sys_protocol.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/otp/sys_status.hpp"

#include <cstddef>
#include <expected>
#include <functional>
#include <utility>
#include <vector>

namespace coppice::sys {

/// Awaits what a server answers: that, or why not.
template <class R>
class answer {
public:
  /// @cond internal
  answer(server_name server, detail::sys_request request, duration timeout)
      : inner_(std::move(server), std::move(request), timeout) {}
  /// @endcond
  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() { return inner_.await_ready(); }
  void await_suspend(std::coroutine_handle<> caller) noexcept { inner_.await_suspend(caller); }
  std::expected<R, exit_reason> await_resume() {
    std::expected<detail::sys_reply<R>, exit_reason> reply = inner_.await_resume();
    if (reply) return std::move(reply->outcome);
    return std::unexpected(std::move(reply.error()));
  }
  /// @}

private:
  try_call_awaiter<detail::sys_reply<R>> inner_;
};

/// Asks for the state as a term (the server's `state()` if it has one). An error `{callback_failed, state,
/// Why}` if that throws.
[[nodiscard]] answer<term> get_state(server_name server, duration timeout = default_call_timeout);
/// Replaces the state by `change(state)`; the server needs `replace_state(term)`. Gives the new state, or
/// `{unsupported, replace_state}`. The function cannot travel to another node.
[[nodiscard]] answer<term> replace_state(server_name server, std::function<term(const term&)> change,
                                         duration timeout = default_call_timeout);
/// What a server says of itself (OTP: `sys:get_status/1,2`).
[[nodiscard]] answer<status> get_status(server_name server, duration timeout = default_call_timeout);
/// Stops the handling of all but system messages; the rest waits in order.
[[nodiscard]] answer<atom> suspend(server_name server, duration timeout = default_call_timeout);
/// Goes on after `suspend`.
[[nodiscard]] answer<atom> resume(server_name server, duration timeout = default_call_timeout);
/// Turns the counting on or off; both start from zero.
[[nodiscard]] answer<atom> count_statistics(server_name server, bool on,
                                            duration timeout = default_call_timeout);
/// The figures since counting was turned on; an error `no_statistics` if it is off.
[[nodiscard]] answer<statistics> get_statistics(server_name server, duration timeout = default_call_timeout);
/// Keeps the last `events` system events (0: none); `get_status` shows them.
[[nodiscard]] answer<atom> log(server_name server, std::size_t events,
                               duration timeout = default_call_timeout);
/// The events kept, oldest first (OTP: `sys:log(Server, get)`).
[[nodiscard]] answer<std::vector<term>> get_log(server_name server, duration timeout = default_call_timeout);
/// Reports every message in and out as a `sys_trace` report.
[[nodiscard]] answer<atom> trace(server_name server, bool on, duration timeout = default_call_timeout);
/// Looks at each system event from now on, under an id of the caller's choice: `look` gets `{in, Message}`
/// and `{out, Reply}`, in the server's process; once it returns `done`, or throws, it is removed. One of that
/// id is kept as it is (OTP: `sys:install/2`). The function cannot travel to another node.
[[nodiscard]] answer<atom> install(server_name server, atom id, std::function<term(const term&)> look,
                                   duration timeout = default_call_timeout);
/// Ends that (OTP: `sys:remove/2`).
[[nodiscard]] answer<atom> remove(server_name server, atom id, duration timeout = default_call_timeout);
/// Ends all looking: statistics, log, trace and what was installed (OTP: `sys:no_debug/1`).
[[nodiscard]] answer<atom> no_debug(server_name server, duration timeout = default_call_timeout);
/// Lets a suspended server change over to new code: calls its `code_change(old_vsn, extra)`.
[[nodiscard]] answer<atom> change_code(server_name server, term module, term old_vsn, term extra,
                                       duration timeout = default_call_timeout);
/// Ends the server with the reason, `terminate` included.
[[nodiscard]] answer<atom> terminate(server_name server, exit_reason reason,
                                     duration timeout = default_call_timeout);

} // namespace coppice::sys
