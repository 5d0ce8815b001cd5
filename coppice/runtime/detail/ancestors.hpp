// Where a process comes from, for reports (OTP: `$ancestors` of proc_lib).
#pragma once

#include "coppice/runtime/detail/process_block.hpp"
#include "coppice/term/term.hpp"

namespace coppice::detail {

/// Who started the process, who started that one, and so on: names where they have them, else pids. Nothing
/// is kept for it: it is read from those that are alive now, so it ends at the first that is dead, which is
/// still named by its pid. Any thread; linear in the number of names for each that has one.
term ancestors_of(const process_block& p);

} // namespace coppice::detail
