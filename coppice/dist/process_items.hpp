// What a node tells of its processes as Erlang's process_info/1,2 does.
#pragma once

#include "coppice/runtime/info.hpp"
#include "coppice/term/term.hpp"

#include <optional>
#include <vector>

namespace coppice::dist {

/// All live processes of the node (`erlang:processes/0`), as of their slots in its table.
std::vector<pid> live_processes();

/// What a process was started to run: `{Class, init, 1}` of a behaviour, what another node called where that
/// started it, else `{process, Label, 0}`.
term initial_call_of(const process_summary& p);
/// What is known of what it does, as there are no functions to see in C++: `{Behaviour, Status, 0}`, or
/// `{erlang, hibernate, 3}`.
term current_function_of(const process_summary& p);
/// `proc_lib:translate_initial_call/1`: that of a plain process is `{proc_lib, init_p, 5}`, from which
/// Erlang's observer sees that it answers no system messages.
term translated_initial_call_of(const process_summary& p);

/// Asks a process of this node for all that is known of it. If it does not answer in time because its own
/// code goes on and on, what can be seen from outside: no links, no monitors, no memory. Nothing if it is
/// dead. The status is that before it was asked.
task<std::optional<process_details>> details_of(pid process, duration timeout = std::chrono::seconds(5));

/// One item, `{Item, Value}`, where an item is an atom or `{dictionary, Key}`; nothing if there is no such
/// item. Sizes of heaps are in words: all of its memory is one heap. What has no meaning here (`catchlevel`,
/// `trace` and others) is what a process has in Erlang to which nothing was done.
std::optional<term> process_item(const process_details& of, const term& which);
/// The items that process_info/1 has, in its order.
term process_items(const process_details& of);

} // namespace coppice::dist
