// What is simulated: scenarios, and running one under a seed.
#pragma once

#include "coppice/sim/world.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace coppice::sim {

struct scenario {
  std::string_view name;
  std::string_view what; ///< the invariants in one line
  void (*play)(world&);
};

/// Those of the runtime and the behaviours, in the order of the layers that they are about. What stands above
/// has lists of its own; a program plays as many as it is given.
[[nodiscard]] std::span<const scenario> scenarios();
/// The one of that name in a list, or null.
[[nodiscard]] const scenario* find_scenario(std::span<const scenario> all, std::string_view name);
/// Plays it once. A function of the scenario and the seed alone; the watchdog, if there is one, tells when it
/// hangs.
[[nodiscard]] outcome play(const scenario& s, std::uint64_t seed, watchdog* dog = nullptr);

// Each in scenarios/, beside what it is about.
void play_calls(world& w);
void play_order(world& w);
void play_ties(world& w);
void play_names(world& w);
void play_timers(world& w);
void play_supervisors(world& w);
void play_dynamic_children(world& w);
void play_machines(world& w);
void play_events(world& w);

} // namespace coppice::sim
