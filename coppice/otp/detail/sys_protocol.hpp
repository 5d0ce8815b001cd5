// What `sys` asks and what servers answer, in the form of OTP's own system messages, so that OTP's
// `sys:get_state/1` works on ours and ours on OTP's.
#pragma once

#include "coppice/otp/sys_status.hpp"
#include "coppice/runtime/exit_reason.hpp"
#include "coppice/term/describe.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace coppice {

namespace detail {

/// One system request as it travels.
struct sys_request {
  enum class what : std::uint8_t {
    get_state,
    replace_state, ///< by `change`
    get_status,
    suspend,
    resume,
    statistics_on,
    statistics_off,
    get_statistics,
    log, ///< `a`: how many events are kept
    get_log,
    print_log,
    trace_on,
    trace_off,
    install, ///< `change` under the id `a`
    remove,  ///< what has the id `a`
    no_debug,
    change_code, ///< of the module `a`, from the version `b`, with `c`
    terminate,   ///< for `reason`
    foreign      ///< `a`, which nobody can do here: the answer is `b`, whatever state the server is in
  };
  what request = what::get_state;
  term a, b, c;
  std::function<term(const term&)> change;
  exit_reason reason;
};

/// The answer to one, an error being `{error, Reason}` from afar.
template <class R>
struct sys_reply {
  std::expected<R, exit_reason> outcome;
};

/// The request in `{system, From, Request}` that another node has sent, `request` being that part alone.
/// There always is one: what OTP's sys does not know, and what takes a fun, which cannot run here, has its
/// answer in it. At most 10,000 events are logged for whoever asks for more.
std::optional<sys_request> sys_request_from_term(const term& request);

term sys_answer(const term& state);
term sys_answer(const atom& done);
term sys_answer(const sys::status& status);
term sys_answer(const sys::statistics& figures);
term sys_answer(const std::vector<term>& events);
/// `{error, Reason}`, but OTP's `{ok, no_statistics}`.
term sys_error_answer(const exit_reason& why);

// An `{error, Reason}` is read before these; they give what OTP says instead of an answer as an error, too.
template <class R>
using sys_outcome = std::expected<sys_reply<R>, decode_error>;
sys_outcome<term> read_sys_answer(const term& t, const term* /*type*/);
sys_outcome<atom> read_sys_answer(const term& t, const atom* /*type*/);
sys_outcome<sys::status> read_sys_answer(const term& t, const sys::status* /*type*/);
sys_outcome<sys::statistics> read_sys_answer(const term& t, const sys::statistics* /*type*/);
sys_outcome<std::vector<term>> read_sys_answer(const term& t, const std::vector<term>* /*type*/);

} // namespace detail

/// As OTP's sys sends it. A function stays on its node: an atom goes in its place, which no server takes.
template <>
struct describe<detail::sys_request> {
  static term to(const detail::sys_request& r);
  static std::expected<detail::sys_request, decode_error> from(const term& t);
};
template <class R>
struct describe<detail::sys_reply<R>> {
  static term to(const detail::sys_reply<R>& r) {
    return r.outcome ? detail::sys_answer(*r.outcome) : detail::sys_error_answer(r.outcome.error());
  }
  static std::expected<detail::sys_reply<R>, decode_error> from(const term& t) {
    if (t.is_tagged(atom("error"), 2)) {
      return detail::sys_reply<R>{std::unexpected(exit_reason(t.elements()[1]))};
    }
    return detail::read_sys_answer(t, static_cast<const R*>(nullptr));
  }
};

} // namespace coppice
