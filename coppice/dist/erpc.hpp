// Calls of functions on other nodes, Coppice's and Erlang's alike. OTP: modules erpc and rpc.
//
//   auto sorted = co_await dist::erpc(atom("erl@127.0.0.1"), atom("lists"), atom("sort"), arguments);
//
// What other nodes may call here stands in functions.hpp.
#pragma once

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/exit_reason.hpp"
#include "coppice/runtime/task.hpp"
#include "coppice/term/term.hpp"

#include <expected>
#include <utility>
#include <vector>

namespace coppice::dist {

/// A function and what it is called with.
struct applied {
  applied() = default;
  /// Neither need exist.
  applied(atom m, atom f, std::vector<term> args)
      : module(std::move(m)), function(std::move(f)), arguments(std::move(args)) {}
  atom module;                 ///< where it is on that node
  atom function;               ///< its name
  std::vector<term> arguments; ///< as many as its arity; 255 at most
};

/// The value of a call, or why there is none.
using erpc_result = std::expected<term, exit_reason>;

/// Calls a function on a node, in a process of its own there, and awaits its value (OTP: `erpc:call/5`). The
/// node is connected with if it is not; it may be this one. What OTP raises in the caller is the error:
///
/// - `{exception, Reason, Stack}`: the function failed with an error; `{exception, Reason}`: it exited;
/// - `{nocatch, Value}`: it has thrown;
/// - `{signal, Reason}`: somebody ended its process;
/// - `{erpc, noconnection}`, `{erpc, timeout}`, `{erpc, notsup}`, `{erpc, badarg}` and other `{erpc, Why}`:
///   it may not have been called, or may still run.
task<erpc_result> erpc(atom node, atom module, atom name, std::vector<term> arguments,
                       duration timeout = infinity);
/// Several calls on one node at once: their results in the order of the calls. The time is for all together.
task<std::vector<erpc_result>> erpc_all(atom node, std::vector<applied> calls, duration timeout = infinity);
/// Calls a function and awaits nothing, not even that there is a connection (OTP: `erpc:cast/4`). Two casts
/// may overtake each other.
void erpc_cast(atom node, atom module, atom name, std::vector<term> arguments);

/// The same as `erpc` with everything as a value (OTP: `rpc:call/5`): that of the function or what it has
/// thrown, else `{badrpc, {'EXIT', Why}}`, `{badrpc, nodedown}` or `{badrpc, timeout}`.
task<term> rpc(atom node, atom module, atom name, std::vector<term> arguments, duration timeout = infinity);

} // namespace coppice::dist
