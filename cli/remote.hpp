// `coppice ping`, `call`, `cast`, `nodes`, `ps` and `tree`: what other nodes are asked, Coppice's and
// Erlang's alike.
#pragma once

#include "cli/options.hpp"

namespace coppice::cli {

/// Asks, prints what comes back, or on stderr why nothing does; the exit status of the program.
int ask_remote(const remote_options& options);

} // namespace coppice::cli
