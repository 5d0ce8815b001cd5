// System messages: what every behaviour answers, for debugging and upgrades (OTP: module sys).
//
// All of it works on any process of a behaviour, while it is suspended too.
#pragma once

#include "coppice/otp/gen.hpp"

#include <functional>
#include <vector>

namespace coppice::sys {

/// `sys:statistics/2`
struct statistics {
  time_point start;               ///< when the counting was turned on, by the node's clock
  std::uint64_t reductions = 0;   ///< spent since then
  std::uint64_t messages_in = 0;  ///< handled since then; those of `sys` do not count
  std::uint64_t messages_out = 0; ///< replies
};

/// `sys:get_status/1`, in parts.
struct status {
  pid process;              ///< who was asked
  atom module;              ///< the behaviour: gen_server, gen_statem, gen_event, supervisor
  term name;                ///< under which it was started, else the pid
  pid parent;               ///< who started it with a link, else none
  bool suspended = false;   ///< by `suspend`
  bool hibernating = false; ///< it was when it was asked, and is again
  std::vector<term> log;    ///< the events kept by `log`, oldest first
  term state;               ///< as `get_state` gives it
};

/// Asks for the state as a term (the server's `state()` if it has one).
[[nodiscard]] try_call_awaiter<term> get_state(server_name server, duration timeout = default_call_timeout);
/// Replaces the state by `change(state)`; the server needs `replace_state(term)`. Gives the new state, or
/// `{unsupported, replace_state}`.
[[nodiscard]] try_call_awaiter<term> replace_state(server_name server,
                                                   std::function<term(const term&)> change,
                                                   duration timeout = default_call_timeout);
/// What a server says of itself (OTP: `sys:get_status/1,2`).
[[nodiscard]] try_call_awaiter<status> get_status(server_name server,
                                                  duration timeout = default_call_timeout);
/// Stops the handling of all but system messages; the rest waits in order.
[[nodiscard]] try_call_awaiter<atom> suspend(server_name server, duration timeout = default_call_timeout);
/// Goes on after `suspend`.
[[nodiscard]] try_call_awaiter<atom> resume(server_name server, duration timeout = default_call_timeout);
/// Turns the counting on or off; both start from zero.
[[nodiscard]] try_call_awaiter<atom> count_statistics(server_name server, bool on,
                                                      duration timeout = default_call_timeout);
/// The figures since counting was turned on; an error `no_statistics` if it is off.
[[nodiscard]] try_call_awaiter<statistics> get_statistics(server_name server,
                                                          duration timeout = default_call_timeout);
/// Keeps the last `events` system events (0: none); `get_status` shows them.
[[nodiscard]] try_call_awaiter<atom> log(server_name server, std::size_t events,
                                         duration timeout = default_call_timeout);
/// Reports every message in and out as a `sys_trace` report.
[[nodiscard]] try_call_awaiter<atom> trace(server_name server, bool on,
                                           duration timeout = default_call_timeout);
/// Looks at each system event from now on, under an id of the caller's choice: `look` gets `{in, Message}`
/// and `{out, Reply}`, in the server's process; once it returns `done`, or throws, it is removed. One of that
/// id is kept as it is (OTP: `sys:install/2`).
[[nodiscard]] try_call_awaiter<atom> install(server_name server, atom id,
                                             std::function<term(const term&)> look,
                                             duration timeout = default_call_timeout);
/// Ends that (OTP: `sys:remove/2`).
[[nodiscard]] try_call_awaiter<atom> remove(server_name server, atom id,
                                            duration timeout = default_call_timeout);
/// Ends all looking: statistics, log, trace and what was installed (OTP: `sys:no_debug/1`).
[[nodiscard]] try_call_awaiter<atom> no_debug(server_name server, duration timeout = default_call_timeout);
/// Lets a suspended server change over to new code: calls its `code_change(old_vsn, extra)`.
[[nodiscard]] try_call_awaiter<atom> change_code(server_name server, term module, term old_vsn, term extra,
                                                 duration timeout = default_call_timeout);
/// Ends the server with the reason, `terminate` included.
[[nodiscard]] try_call_awaiter<atom> terminate(server_name server, exit_reason reason,
                                               duration timeout = default_call_timeout);

} // namespace coppice::sys

namespace coppice::detail {

/// One system request as it travels.
struct sys_request {
  enum class what : std::uint8_t {
    get_state,
    replace_state,
    get_status,
    suspend,
    resume,
    statistics_on,
    statistics_off,
    get_statistics,
    log,
    trace_on,
    trace_off,
    install,
    remove,
    no_debug,
    change_code,
    terminate
  };
  what request = what::get_state;
  term a, b, c;
  std::function<term(const term&)> change;
  exit_reason reason;
};

} // namespace coppice::detail
