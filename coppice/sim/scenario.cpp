#include "coppice/sim/scenario.hpp"

#include <algorithm>
#include <array>

namespace coppice::sim {

std::span<const scenario> scenarios() {
  static constexpr std::array all{
      scenario{"order", "messages, exits and downs of one sender arrive in the order sent, without a gap",
               &play_order},
      scenario{"ties", "each link and each monitor tells exactly once; none after unlink and demonitor",
               &play_ties},
      scenario{"names",
               "a name has one owner, who lives; it is free before anybody learns of the owner's end",
               &play_names},
      scenario{"timers", "no timer is lost, early or told of twice; a cancelled one never comes",
               &play_timers},
  };
  return all;
}

const scenario* find_scenario(std::string_view name) {
  std::span<const scenario> all = scenarios();
  auto found = std::ranges::find(all, name, &scenario::name);
  return found == all.end() ? nullptr : &*found;
}

outcome play(const scenario& s, std::uint64_t seed) {
  world w(seed);
  s.play(w);
  w.settle();
  return w.result();
}

} // namespace coppice::sim
