// Asking the servers of `global` on several nodes at once, and their locks.
#pragma once

#include "coppice/runtime/task.hpp"
#include "coppice/term/term.hpp"

#include <expected>
#include <vector>

namespace coppice::dist::detail {

/// The name under which every node has that server.
[[nodiscard]] atom global_server();
/// The greatest: its lock is taken first, and given up last, so that those who lose do so early.
[[nodiscard]] atom boss_of(const std::vector<atom>& nodes);

/// Asks the servers of all these nodes; the answers of those that have one. A node that is not there any
/// more has no say.
task<std::vector<std::pair<atom, term>>> ask_global(std::vector<atom> nodes, term request);
/// Takes the lock `{ResourceId, Requester}` on all nodes, or on none.
task<bool> set_global_lock(std::vector<atom> nodes, term id);
/// Gives it up on all, the boss last.
task<> del_global_lock(std::vector<atom> nodes, term id);
/// Waits before trying again: the longer, the more often it was in vain, up to 8 s.
task<> wait_for_lock(unsigned times);

} // namespace coppice::dist::detail
