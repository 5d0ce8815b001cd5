// Two nodes of ours and the network between them under a seed: without sockets, with all of what stands above
// them but the processes that own the sockets.
#pragma once

#include "coppice/sim/world.hpp"

namespace coppice::sim {

/// Each link and monitor between nodes speaks once; order holds; calls are answered or told; nothing is left.
void play_distribution(world& w);

} // namespace coppice::sim
