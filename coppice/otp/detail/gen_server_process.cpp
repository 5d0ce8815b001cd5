#include "coppice/otp/detail/gen_server_process.hpp"

#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/node.hpp"

namespace coppice {

using namespace literals;

namespace detail {

void gen_server_base::follow(next_step& next) {
  switch (next.what) {
  case next_step::kind::wait: return;
  case next_step::kind::timeout: set_deadline(running_process(), next.time); return;
  case next_step::kind::hibernate: hibernate(); return;
  case next_step::kind::then: {
    term continuation = std::move(next.continuation);
    continue_with(continuation);
    return;
  }
  case next_step::kind::stop: stop(std::move(next.reason));
  }
}

void gen_server_base::on_timeout() { take_timeout(); }

atom gen_server_base::module() const { return "gen_server"_atom; }

void gen_server_base::unexpected(std::string_view kind, const term& message) {
  this_node().report(
      report{severity::error,
             std::string(kind),
             self_pid(),
             {{"name", name_for_reports()}, {"initial_call", atom(label())}, {"message", message}},
             exit_reason()});
}

} // namespace detail

task<std::expected<ok, exit_reason>> stop(server_name server, exit_reason reason, duration timeout) {
  std::optional<pid> target = server.resolve();
  if (!target) co_return std::unexpected(exit_reason::noproc());
  reference ref = monitor(*target);
  cast_any(*target, detail::sys_request{.request = detail::sys_request::what::terminate, .reason = reason});
  self me(detail::running_process());
  auto is_it = [ref](const down& d) { return d.ref == ref; };
  std::optional<down> gone = co_await me.receive_if<down>(is_it, timeout);
  if (!gone) {
    demonitor(ref, true);
    co_return std::unexpected(exit_reason::timeout());
  }
  if (gone->reason == reason) co_return ok();
  co_return std::unexpected(gone->reason);
}

} // namespace coppice
