// `coppice node`: a node among others with nothing on it but an `echo`, to try things on.
#pragma once

#include "cli/options.hpp"

namespace coppice::cli {

/// Runs until SIGTERM or SIGINT; the exit status of the program.
int run_lone_node(const lone_node_options& options);

} // namespace coppice::cli
