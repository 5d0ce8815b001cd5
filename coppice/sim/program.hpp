// The command line of a program that plays scenarios.
#pragma once

#include "coppice/sim/scenario.hpp"

#include <span>

namespace coppice::sim {

/// Plays what the arguments name under as many seeds as they say; without any it plays all. 0: all held; 1:
/// one did not, and the command that replays it has been printed; 2: wrong arguments; 3: one hangs.
int program(std::span<const scenario> all, int argc, char** argv);

} // namespace coppice::sim
