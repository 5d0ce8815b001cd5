// The functions of OTP's own modules that other nodes may call here: those that look, and none that could
// harm the node. halt, init:stop, os:cmd, file:* and the like do not exist: `undef`.
#pragma once

#include "coppice/dist/functions.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace coppice::dist {

/// What the functions have to know of the distribution. Called from several processes at once.
struct node_facts {
  /// The node's full name; `nonode@nohost` if it has none.
  std::function<atom()> name;
  /// `nodes/1` of `visible`, `hidden`, `connected` or `known`.
  std::function<std::vector<atom>(std::string_view kind)> nodes;
  /// `net_kernel:get_net_ticktime/0`, told in whole seconds.
  duration net_ticktime = std::chrono::seconds(60);
  /// Whether another node can be reached (`net_adm:ping/1`).
  std::function<task<bool>(atom)> ping;
  /// Whether `exit/2` may be called. Nodes can send exit signals without it: this is about calls alone.
  bool allow_exit = false;
};

/// Adds
///
/// - of `erlang`: node/0, nodes/0,1, processes/0, registered/0, whereis/1, is_process_alive/1,
///   process_info/1,2, system_info/1, memory/0,1, statistics/1, function_exported/3, error/1, exit/1,
///   throw/1, and exit/2 if allowed;
/// - application:which_applications/0,1, application:get_env/3 (the default: nothing of an application's
///   environment is told), code:ensure_loaded/1, lists:seq/2 (up to a million), net_adm:ping/1,
///   net_kernel:get_net_ticktime/0, proc_lib:translate_initial_call/1, supervisor:which_children/1,
///   supervisor:count_children/1, sys:get_state/1,2, sys:get_status/1,2;
/// - `module_info/1` of every module that has a function in the table and of the class of every behaviour
/// that
///   runs; `attributes` names the behaviour.
///
/// They look at the node whose process runs them. The table must stay where it is.
void add_erlang_functions(function_table& table, node_facts facts);

} // namespace coppice::dist
