#include "coppice/otp/detail/sys_protocol.hpp"

#include "coppice/term/text.hpp"

#include <algorithm>

namespace coppice {

using namespace literals;

namespace detail {
namespace {

using what = sys_request::what;

constexpr std::int64_t default_log_size = 10; ///< of OTP's `{log, true}`
constexpr std::int64_t most_logged = 10'000;  ///< for whoever asks from afar

/// What stands for a function: OTP's servers cannot call it and say so.
const atom& function_of_another_node() {
  static const atom name("function_of_another_node");
  return name;
}

sys_request plain(what request) {
  sys_request r;
  r.request = request;
  return r;
}

sys_request about(what request, term a) {
  sys_request r = plain(request);
  r.a = std::move(a);
  return r;
}

sys_request foreign(const term& request, term answer) {
  sys_request r = about(what::foreign, request);
  r.b = std::move(answer);
  return r;
}

term error_term(term why) { return term::tuple("error"_atom, std::move(why)); }

term cannot_run(const term& fun) { return error_term(term::tuple("cannot_run_fun"_atom, fun)); }

/// `{log, Flag}`, or what else is no debug command as in OTP.
sys_request log_request(const term& request, const term& flag) {
  if (flag.is_atom("true"_atom)) return about(what::log, default_log_size);
  if (flag.is_atom("false"_atom)) return about(what::log, 0);
  if (flag.is_atom("get"_atom)) return plain(what::get_log);
  if (flag.is_atom("print"_atom)) return plain(what::print_log);
  if (flag.is_tagged("true"_atom, 2) && flag.elements()[1].is_integer() &&
      compare(flag.elements()[1], term(0)) > 0) {
    return about(what::log, std::min(flag.elements()[1].as_int64().value_or(most_logged), most_logged));
  }
  return foreign(request, "unknown_debug"_atom);
}

sys_request debug_request(const term& request, const term& command) {
  if (command.is_atom("no_debug"_atom)) return plain(what::no_debug);
  if (command.is_tuple(2)) {
    const term& which = command.elements()[0];
    const term& flag = command.elements()[1];
    if (which.is_atom("log"_atom)) return log_request(request, flag);
    if (which.is_atom("remove"_atom)) return about(what::remove, flag);
    if (which.is_atom("trace"_atom) && flag.is_atom("true"_atom)) return plain(what::trace_on);
    if (which.is_atom("trace"_atom) && flag.is_atom("false"_atom)) return plain(what::trace_off);
    if (which.is_atom("statistics"_atom) && flag.is_atom("true"_atom)) return plain(what::statistics_on);
    if (which.is_atom("statistics"_atom) && flag.is_atom("false"_atom)) return plain(what::statistics_off);
    if (which.is_atom("statistics"_atom) && flag.is_atom("get"_atom)) return plain(what::get_statistics);
    if (which.is_atom("install"_atom) && flag.is_tuple()) return foreign(request, cannot_run(flag));
    // No server of ours writes to a file: closing none is no error, and opening one is refused as in OTP.
    if (which.is_atom("log_to_file"_atom)) {
      if (flag.is_atom("false"_atom)) return foreign(request, "ok"_atom);
      return foreign(request, error_term("open_file"_atom));
    }
  }
  return foreign(request, "unknown_debug"_atom);
}

term debug(term command) { return term::tuple("debug"_atom, std::move(command)); }

term log_flag(const term& size) {
  if (size == term(0)) return "false"_atom;
  return term::tuple("true"_atom, size);
}

} // namespace

std::optional<sys_request> sys_request_from_term(const term& request) {
  if (request.is_atom("get_state"_atom)) return plain(what::get_state);
  if (request.is_atom("get_status"_atom)) return plain(what::get_status);
  if (request.is_atom("suspend"_atom)) return plain(what::suspend);
  if (request.is_atom("resume"_atom)) return plain(what::resume);
  if (request.is_tagged("debug"_atom, 2)) return debug_request(request, request.elements()[1]);
  if (request.is_tagged("replace_state"_atom, 2)) return foreign(request, cannot_run(request.elements()[1]));
  if (request.is_tagged("terminate"_atom, 2)) {
    sys_request r = plain(what::terminate);
    r.reason = exit_reason(request.elements()[1]);
    return r;
  }
  if (request.is_tagged("change_code"_atom, 4)) {
    sys_request r = about(what::change_code, request.elements()[1]);
    r.b = request.elements()[2];
    r.c = request.elements()[3];
    return r;
  }
  return foreign(request, error_term(term::tuple("unknown_system_msg"_atom, request)));
}

// --- answers as terms ---

term sys_answer(const term& state) { return state; }
term sys_answer(const atom& done) { return done; }
term sys_answer(const sys::status& status) { return to_term(status); }
term sys_answer(const sys::statistics& figures) { return term::tuple("ok"_atom, to_term(figures)); }
term sys_answer(const std::vector<term>& events) { return term::tuple("ok"_atom, term::list_from(events)); }

term sys_error_answer(const exit_reason& why) {
  if (why.is("no_statistics")) return term::tuple("ok"_atom, why.value());
  return error_term(why.value());
}

// --- and back ---

sys_outcome<term> read_sys_answer(const term& t, const term* /*type*/) { return sys_reply<term>{t}; }

sys_outcome<atom> read_sys_answer(const term& t, const atom* /*type*/) {
  if (t.is_atom("ok"_atom)) return sys_reply<atom>{"ok"_atom};
  if (t.is_atom()) return sys_reply<atom>{std::unexpected(exit_reason(t))}; // unknown_debug
  return std::unexpected(mismatch("ok or {error, Reason}", t));
}

sys_outcome<sys::status> read_sys_answer(const term& t, const sys::status* /*type*/) {
  auto read = from_term<sys::status>(t);
  if (!read) return std::unexpected(std::move(read.error()));
  return sys_reply<sys::status>{std::move(*read)};
}

sys_outcome<sys::statistics> read_sys_answer(const term& t, const sys::statistics* /*type*/) {
  if (!t.is_tagged("ok"_atom, 2)) return std::unexpected(mismatch("{ok, Figures}", t));
  const term& figures = t.elements()[1];
  if (figures.is_atom("no_statistics"_atom)) {
    return sys_reply<sys::statistics>{std::unexpected(exit_reason(figures))};
  }
  auto read = from_term<sys::statistics>(figures);
  if (!read) return std::unexpected(std::move(read.error()));
  return sys_reply<sys::statistics>{*read};
}

sys_outcome<std::vector<term>> read_sys_answer(const term& t, const std::vector<term>* /*type*/) {
  if (!t.is_tagged("ok"_atom, 2) || !t.elements()[1].is_proper_list()) {
    return std::unexpected(mismatch("{ok, [Event]}", t));
  }
  const auto events = t.elements()[1].items();
  return sys_reply<std::vector<term>>{std::vector<term>(events.begin(), events.end())};
}

} // namespace detail

term describe<detail::sys_request>::to(const detail::sys_request& r) {
  using namespace detail;
  switch (r.request) {
  case what::get_state: return "get_state"_atom;
  case what::replace_state: return term::tuple("replace_state"_atom, function_of_another_node());
  case what::get_status: return "get_status"_atom;
  case what::suspend: return "suspend"_atom;
  case what::resume: return "resume"_atom;
  case what::statistics_on: return debug(term::tuple("statistics"_atom, true));
  case what::statistics_off: return debug(term::tuple("statistics"_atom, false));
  case what::get_statistics: return debug(term::tuple("statistics"_atom, "get"_atom));
  case what::log: return debug(term::tuple("log"_atom, log_flag(r.a)));
  case what::get_log: return debug(term::tuple("log"_atom, "get"_atom));
  case what::print_log: return debug(term::tuple("log"_atom, "print"_atom));
  case what::trace_on: return debug(term::tuple("trace"_atom, true));
  case what::trace_off: return debug(term::tuple("trace"_atom, false));
  // With an id beside it OTP would install it unseen, and drop it at the first event.
  case what::install: return debug(term::tuple("install"_atom, function_of_another_node()));
  case what::remove: return debug(term::tuple("remove"_atom, r.a));
  case what::no_debug: return debug("no_debug"_atom);
  case what::change_code: return term::tuple("change_code"_atom, r.a, r.b, r.c);
  case what::terminate: return term::tuple("terminate"_atom, r.reason.value());
  case what::foreign: break;
  }
  return r.a;
}

std::expected<detail::sys_request, decode_error> describe<detail::sys_request>::from(const term& t) {
  return *detail::sys_request_from_term(t);
}

} // namespace coppice
