// Where a process comes from and whom it is linked to, for reports (OTP: `$ancestors` and neighbours of
// proc_lib).
#pragma once

#include "coppice/runtime/detail/process_block.hpp"
#include "coppice/term/term.hpp"

namespace coppice::detail {

/// Who started the process, who started that one, and so on: names where they have them, else pids. Nothing
/// is kept for it: it is read from those that are alive now, so it ends at the first that is dead, which is
/// still named by its pid. Any thread; linear in the number of names for each that has one.
term ancestors_of(const process_block& p);

/// `[{Pid, Runs, Ancestors}]` of the processes linked to it but for `except`, the oldest pids first: whom its
/// end will reach. 15 at most, as in OTP. The process's owner.
term neighbours_of(const process_block& p, pid except);

} // namespace coppice::detail
