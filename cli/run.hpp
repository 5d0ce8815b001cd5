// `coppice run`: one node with its servers, behind one port.
#pragma once

#include "cli/options.hpp"

namespace coppice::cli {

/// Runs until SIGTERM or SIGINT; the exit status of the program.
int run(const run_options& options);

} // namespace coppice::cli
