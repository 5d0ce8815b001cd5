#include "coppice/dist/erpc.hpp"

#include "coppice/dist/detail/network.hpp"
#include "coppice/dist/distribution.hpp"
#include "coppice/otp/await_all.hpp"
#include "coppice/otp/gen.hpp"

#include <optional>

namespace coppice::dist {

using namespace literals;

namespace {

constexpr std::size_t most_arguments = 255;
/// For how long somebody waits to hear that a cast could not be made.
constexpr duration cast_time = std::chrono::seconds(60);

exit_reason erpc_error(term why) { return exit_reason(term::tuple("erpc"_atom, std::move(why))); }

/// `{Res, return, Value}` and its like, with which the process there has ended.
erpc_result outcome_of(const reference& res, const term& ended) {
  const std::span<const term> parts = ended.elements();
  if (parts.size() >= 3 && parts[0] == term(res)) {
    if (parts.size() == 3 && parts[1].is_atom("return"_atom)) return parts[2];
    if (parts.size() == 3 && parts[1].is_atom("throw"_atom)) {
      return std::unexpected(exit_reason(term::tuple("nocatch"_atom, parts[2])));
    }
    if (parts.size() == 3 && parts[1].is_atom("exit"_atom)) {
      return std::unexpected(exit_reason(term::tuple("exception"_atom, parts[2])));
    }
    if (parts.size() == 3 && parts[1].is_atom("error"_atom) && parts[2].is_tagged("erpc"_atom, 2)) {
      return std::unexpected(exit_reason(parts[2]));
    }
    if (parts.size() == 4 && parts[1].is_atom("error"_atom)) {
      return std::unexpected(exit_reason(term::tuple("exception"_atom, parts[2], parts[3])));
    }
  }
  return std::unexpected(exit_reason(term::tuple("signal"_atom, ended)));
}

/// Of a request to spawn that has led to no process, or to none whose end could be seen.
exit_reason not_run(const exit_reason& why) {
  if (why == exit_reason::noproc() || why.value().is_tagged("nodedown"_atom, 2)) {
    return erpc_error("noconnection"_atom);
  }
  return erpc_error(why.value());
}

erpc_result result_of(const reference& res, const std::expected<term, exit_reason>& ended) {
  if (!ended) return std::unexpected(not_run(ended.error()));
  return outcome_of(res, *ended);
}

std::vector<term> execute_call(const reference& res, applied call) {
  return {res, std::move(call.module), std::move(call.function), term::list_from(std::move(call.arguments))};
}

detail::spawned_call request_for(const reference& res, applied call) {
  return {{"erpc"_atom, "execute_call"_atom, 4}, term::list_from(execute_call(res, std::move(call)))};
}

/// What stands for a node as a whole: requests to spawn are sent there.
server_name address_of(const atom& node) { return remote_name{atom(), node}; }

/// On this node: the same, with no connection in between.
task<std::vector<erpc_result>> call_here(std::vector<applied> calls, duration timeout) {
  const time_point until = coppice::detail::moment_in(timeout);
  const detail::network* net = detail::network_of(this_node());
  std::vector<reference> refs;
  std::vector<monitored> started;
  for (applied& call : calls) {
    refs.push_back(make_ref());
    function_call asked({"erpc"_atom, "execute_call"_atom, 4}, execute_call(refs.back(), std::move(call)),
                        self_pid());
    started.push_back(spawn_monitor(&run_spawned, net->functions(), std::move(asked)));
  }
  self me(coppice::detail::running_process());
  std::vector<erpc_result> results;
  for (std::size_t i = 0; i < refs.size(); ++i) {
    auto is_it = [ref = started[i].ref](const down& d) { return d.ref == ref; };
    std::optional<down> gone = co_await me.receive_if<down>(is_it, coppice::detail::time_until(until));
    if (gone) {
      results.push_back(outcome_of(refs[i], gone->reason.value()));
    } else {
      demonitor(started[i].ref, true);
      results.push_back(std::unexpected(erpc_error("timeout"_atom)));
    }
  }
  co_return results;
}

bool is_here(const atom& node) { return is_alive() && node == node_name(); }

process cast(self, atom node, term arguments) {
  detail::spawned_call request{{"erpc"_atom, "execute_cast"_atom, 3}, std::move(arguments)};
  server_name to = address_of(node);
  co_await try_call_any<term>(std::move(to), std::move(request), cast_time);
}

} // namespace

task<erpc_result> erpc(atom node, atom module, atom name, std::vector<term> arguments, duration timeout) {
  std::vector<applied> calls;
  calls.emplace_back(std::move(module), std::move(name), std::move(arguments));
  std::vector<erpc_result> results = co_await erpc_all(std::move(node), std::move(calls), timeout);
  co_return std::move(results.front());
}

task<std::vector<erpc_result>> erpc_all(atom node, std::vector<applied> calls, duration timeout) {
  for (const applied& call : calls) {
    if (call.arguments.size() <= most_arguments) continue;
    co_return std::vector<erpc_result>(calls.size(), std::unexpected(erpc_error("badarg"_atom)));
  }
  if (is_here(node)) {
    co_return co_await call_here(std::move(calls), timeout);
  }
  std::vector<reference> refs;
  std::vector<request_id<term>> requests;
  refs.reserve(calls.size());
  requests.reserve(calls.size());
  for (applied& call : calls) {
    refs.push_back(make_ref());
    requests.push_back(send_request_any<term>(address_of(node), request_for(refs.back(), std::move(call))));
  }
  std::vector<std::expected<term, exit_reason>> ends = co_await await_all(std::move(requests), timeout);
  std::vector<erpc_result> results;
  results.reserve(ends.size());
  for (std::size_t i = 0; i < ends.size(); ++i) results.push_back(result_of(refs[i], ends[i]));
  co_return results;
}

void erpc_cast(atom node, atom module, atom name, std::vector<term> arguments) {
  if (is_here(node)) {
    function_call asked({std::move(module), std::move(name), 0}, std::move(arguments), self_pid());
    spawn(&run_spawned, detail::network_of(this_node())->functions(), std::move(asked));
    return;
  }
  term all = term::list(std::move(module), std::move(name), term::list_from(std::move(arguments)));
  spawn(&cast, std::move(node), std::move(all));
}

task<term> rpc(atom node, atom module, atom name, std::vector<term> arguments, duration timeout) {
  erpc_result result =
      co_await erpc(std::move(node), std::move(module), std::move(name), std::move(arguments), timeout);
  const auto badrpc = [](term why) { return term::tuple("badrpc"_atom, std::move(why)); };
  const auto exited = [&badrpc](term why) { return badrpc(term::tuple("EXIT"_atom, std::move(why))); };
  if (result || result.error().value().is_tagged("nocatch"_atom, 2)) {
    term value = result ? *result : result.error().value().elements()[1];
    if (value.is_tagged("EXIT"_atom, 2)) co_return badrpc(std::move(value));
    co_return value;
  }
  const term& why = result.error().value();
  const std::span<const term> parts = why.elements();
  if (why.is_tagged("exception"_atom, 3)) co_return exited(term::tuple(parts[1], parts[2]));
  if (why.is_tagged("exception"_atom, 2) || why.is_tagged("signal"_atom, 2)) co_return exited(parts[1]);
  if (parts[1].is_atom("noconnection"_atom)) co_return badrpc("nodedown"_atom);
  if (parts[1].is_atom("timeout"_atom) || parts[1].is_atom("notsup"_atom)) co_return badrpc(parts[1]);
  co_return exited(parts[1]);
}

} // namespace coppice::dist
