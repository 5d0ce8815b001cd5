// Playing a scenario under many seeds, for tests.
#pragma once

#include "coppice/sim/scenario.hpp"
#include "coppice/sim/watchdog.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>

namespace coppice::sim {

/// Its invariants hold under each of the seeds from 1 on; ends at the first that breaks one, with what to
/// replay. Gives how many processes were killed.
inline std::uint64_t hold_under(const scenario& s, std::uint64_t seeds) {
  std::uint64_t kills = 0;
  watchdog dog(std::chrono::seconds(60));
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    outcome o = play(s, seed, &dog);
    kills += o.kills;
    if (o.failures.empty()) continue;
    for (const std::string& what : o.failures) ADD_FAILURE() << what;
    ADD_FAILURE() << "replay: ./dev sim --scenario " << s.name << " --seed " << seed;
    break;
  }
  return kills;
}

/// Played twice under a seed it does the same. Gives the traces of the seeds from 1 on.
inline std::set<std::uint64_t> traces_of(const scenario& s, std::uint64_t seeds) {
  std::set<std::uint64_t> traces;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    outcome once = play(s, seed);
    outcome again = play(s, seed);
    EXPECT_EQ(once.trace, again.trace) << "seed " << seed;
    EXPECT_EQ(once.slices, again.slices) << "seed " << seed;
    traces.insert(once.trace);
  }
  return traces;
}

} // namespace coppice::sim
