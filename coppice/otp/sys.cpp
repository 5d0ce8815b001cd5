#include "coppice/otp/sys.hpp"

namespace coppice::sys {
namespace {

using what = detail::sys_request::what;

template <class R>
answer<R> ask(server_name server, detail::sys_request request, duration timeout) {
  return answer<R>(std::move(server), std::move(request), timeout);
}

} // namespace

answer<term> get_state(server_name server, duration timeout) {
  return ask<term>(std::move(server), {.request = what::get_state}, timeout);
}
answer<term> replace_state(server_name server, std::function<term(const term&)> change, duration timeout) {
  return ask<term>(std::move(server), {.request = what::replace_state, .change = std::move(change)}, timeout);
}
answer<status> get_status(server_name server, duration timeout) {
  return ask<status>(std::move(server), {.request = what::get_status}, timeout);
}
answer<atom> suspend(server_name server, duration timeout) {
  return ask<atom>(std::move(server), {.request = what::suspend}, timeout);
}
answer<atom> resume(server_name server, duration timeout) {
  return ask<atom>(std::move(server), {.request = what::resume}, timeout);
}
answer<atom> count_statistics(server_name server, bool on, duration timeout) {
  return ask<atom>(std::move(server), {.request = on ? what::statistics_on : what::statistics_off}, timeout);
}
answer<statistics> get_statistics(server_name server, duration timeout) {
  return ask<statistics>(std::move(server), {.request = what::get_statistics}, timeout);
}
answer<atom> log(server_name server, std::size_t events, duration timeout) {
  return ask<atom>(std::move(server), {.request = what::log, .a = term(static_cast<std::int64_t>(events))},
                   timeout);
}
answer<std::vector<term>> get_log(server_name server, duration timeout) {
  return ask<std::vector<term>>(std::move(server), {.request = what::get_log}, timeout);
}
answer<atom> trace(server_name server, bool on, duration timeout) {
  return ask<atom>(std::move(server), {.request = on ? what::trace_on : what::trace_off}, timeout);
}
answer<atom> install(server_name server, atom id, std::function<term(const term&)> look, duration timeout) {
  return ask<atom>(std::move(server), {.request = what::install, .a = term(id), .change = std::move(look)},
                   timeout);
}
answer<atom> remove(server_name server, atom id, duration timeout) {
  return ask<atom>(std::move(server), {.request = what::remove, .a = term(id)}, timeout);
}
answer<atom> no_debug(server_name server, duration timeout) {
  return ask<atom>(std::move(server), {.request = what::no_debug}, timeout);
}
answer<atom> change_code(server_name server, term module, term old_vsn, term extra, duration timeout) {
  return ask<atom>(
      std::move(server),
      {.request = what::change_code, .a = std::move(module), .b = std::move(old_vsn), .c = std::move(extra)},
      timeout);
}
answer<atom> terminate(server_name server, exit_reason reason, duration timeout) {
  return ask<atom>(std::move(server), {.request = what::terminate, .reason = std::move(reason)}, timeout);
}

} // namespace coppice::sys
