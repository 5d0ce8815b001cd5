// Names that hold in the whole cluster, Erlang's nodes and ours. OTP: module global.
//
//   bool mine = co_await dist::global::register_name("leader"_atom, me);
//   dist::global::send("leader"_atom, job);
//
// For published nodes: a hidden one has no part in it, and what registers ends with `noproc` there. A name is
// changed under a lock that all nodes grant, and each node keeps all names, so that looking one up asks
// nobody. A name is free again when its process ends. When two parts of a cluster that have the same name
// meet, one of the two processes is ended (OTP: `random_exit_name/3`).
#pragma once

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/task.hpp"
#include "coppice/term/term.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace coppice::dist::global {

/// Gives a process a name on all nodes; false if the name is taken or the process has another one (OTP:
/// `global:register_name/2`). Waits for as long as others hold the lock.
task<bool> register_name(term name, pid process);
/// Takes a name away on all nodes (OTP: `global:unregister_name/1`).
task<> unregister_name(term name);
/// The process of that name, or nothing (OTP: `global:whereis_name/1`). A lock shared with other readers.
std::optional<pid> whereis_name(const term& name);
/// All names, in no order (OTP: `global:registered_names/0`).
std::vector<term> registered_names();
/// Waits until this node shares its names with all visible nodes that it is connected with now, or they are
/// gone (OTP: `global:sync/0`).
task<> sync();

/// Sends to the process of that name. Throws `exit_exception({badarg, Name})` if nobody has it.
template <class T>
void send(const term& name, T&& message) {
  const std::optional<pid> to = whereis_name(name);
  if (!to) throw exit_exception(exit_reason(term::tuple(atom("badarg"), name)));
  coppice::send(*to, std::forward<T>(message));
}

} // namespace coppice::dist::global
