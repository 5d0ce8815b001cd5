// The messaging server under a seed: its processes and its database, without sockets, on a disk that fails.
#pragma once

#include "coppice/sim/world.hpp"

namespace coppice::sim {

void play_messaging(world& w);

} // namespace coppice::sim
