// The chat under a seed: its processes, without sockets.
#pragma once

#include "coppice/sim/scenario.hpp"

#include <vector>

namespace coppice::sim {

/// Everything that is simulated: the runtime, the behaviours and the servers.
std::vector<scenario> all_scenarios();

void play_chat(world& w);

} // namespace coppice::sim
