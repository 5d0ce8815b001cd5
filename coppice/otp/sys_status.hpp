// What servers say of themselves when `sys` asks; as terms in the shapes of OTP's own answers.
#pragma once

#include "coppice/runtime/clock.hpp"
#include "coppice/term/describe.hpp"
#include "coppice/term/term.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <vector>

namespace coppice {

namespace sys {

/// `sys:statistics/2`. The times are those of the server's clock on the wall; Erlang's tell whole seconds of
/// its local time.
struct statistics {
  std::chrono::system_clock::time_point start_time;   ///< when the counting was turned on
  std::chrono::system_clock::time_point current_time; ///< when it was asked
  std::uint64_t reductions = 0;                       ///< spent in between
  std::uint64_t messages_in = 0;                      ///< handled in between; those of `sys` do not count
  std::uint64_t messages_out = 0;                     ///< replies
};

/// `sys:get_status/1`, in parts.
struct status {
  pid process;              ///< who was asked
  atom module;              ///< the behaviour: gen_server, gen_statem, gen_event, supervisor
  atom callback;            ///< the class that runs in it, Erlang's callback module; `''` if it does not say
  term name;                ///< under which it was started, else the pid
  pid parent;               ///< who started it with a link, else none
  bool suspended = false;   ///< by `suspend`
  bool hibernating = false; ///< it was when it was asked, and is again
  term dictionary;          ///< `[{'$initial_call', {M, F, Arity}}, {'$ancestors', [NameOrPid]}]`
  std::vector<term> log;    ///< the events kept by `log`, oldest first
  term state;               ///< as `get_state` gives it
};

} // namespace sys

/// The list that OTP's `sys:statistics(Server, get)` gives.
template <>
struct describe<sys::statistics> {
  static term to(const sys::statistics& s);
  static std::expected<sys::statistics, decode_error> from(const term& t);
};
/// `{status, Pid, {module, Module}, [PDict, SysState, Parent, Debug, Misc]}`, Misc in the form of the
/// behaviour's `format_status`. What another node's has no place for is empty.
template <>
struct describe<sys::status> {
  static term to(const sys::status& s);
  static std::expected<sys::status, decode_error> from(const term& t);
};

} // namespace coppice
