// A shell on this node for who starts one from a terminal of another: `erl -remsh cpp@127.0.0.1`. OTP: module
// shell, of which it has the outside alone.
#pragma once

#include "coppice/dist/functions.hpp"

namespace coppice::dist {

/// Adds
///
/// - `shell:start/0,1,2`, which gives the pid of a new shell that reads from and writes to the group leader
/// of
///   the caller, and ends with it;
/// - `edlin_expand:expand/1`, what the tab key asks: names of modules and functions.
///
/// What is typed is `Module:Function(Term, ...).`, a term, or a variable that was bound by `Name = ...`. The
/// functions are those that other nodes may run here anyway, and what nodes can do by messages:
/// `gen_server:call/2,3`, `gen_server:cast/2`, `erlang:send/2`, `erlang:exit/2`. `help().` tells the rest.
/// Who can start a shell shares the node's cookie; it gives them nothing that they did not have.
void add_remote_shell(function_table& table);

} // namespace coppice::dist
