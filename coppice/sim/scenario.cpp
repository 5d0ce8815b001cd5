#include "coppice/sim/scenario.hpp"

#include "coppice/sim/watchdog.hpp"

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
      scenario{"calls", "every call is answered, or its caller told why not, once", &play_calls},
      scenario{"machines",
               "gen_statem: postponed calls are answered or told; time-outs of a left state never come",
               &play_machines},
      scenario{"events",
               "gen_event: every handler sees every event once; supervised handlers go with their owner",
               &play_events},
      scenario{"supervisors", "the tree is whole after every storm; restart intensity holds; order of starts",
               &play_supervisors},
      scenario{"dynamic_children", "simple_one_for_one: the children are those that were started and live",
               &play_dynamic_children},
  };
  return all;
}

const scenario* find_scenario(std::span<const scenario> all, std::string_view name) {
  auto found = std::ranges::find(all, name, &scenario::name);
  return found == all.end() ? nullptr : &*found;
}

outcome play(const scenario& s, std::uint64_t seed, watchdog* dog) {
  if (dog != nullptr) dog->begin(s.name, seed);
  world w(seed, dog);
  s.play(w);
  w.settle();
  if (dog != nullptr) dog->end();
  return w.result();
}

} // namespace coppice::sim
