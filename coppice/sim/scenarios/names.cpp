// Registered names: one owner, who lives; free before anybody can learn of the owner's end.
#include "coppice/sim/scenario.hpp"

#include <fmt/format.h>

namespace coppice::sim {
namespace {

task<> wait_for(self me, in_world w, pid owner, atom name) {
  reference ref = monitor(owner);
  auto ours = [ref](const down& d) { return d.ref == ref; };
  std::optional<down> gone =
      co_await me.receive_if<down>(ours, std::chrono::microseconds(w->choices().between(0, 3000)));
  if (gone) {
    w->expect(whereis(name) != owner, "a name is still that of the dead when the down is there");
  } else {
    demonitor(ref, true);
  }
}

process contender(self me, in_world w, std::vector<atom> names) {
  w->killable(me.id());
  for (int n = w->choices().between(1, 12); n > 0; --n) {
    const atom& name = names[w->choices().below(names.size())];
    if (!register_name(name, me.id())) {
      std::optional<pid> owner = whereis(name); // before any await: others may run there
      w->expect(owner.has_value() && is_process_alive(*owner), "a name is taken, but by nobody who lives");
      co_await wait_for(me, w, owner.value_or(me.id()), name);
      continue;
    }
    w->expect(whereis(name) == me.id(), "a name does not lead to its new owner");
    if (w->choices().chance(500)) {
      co_await idle_for(std::chrono::microseconds(w->choices().between(0, 500)));
    } else {
      co_await yield();
    }
    w->expect(whereis(name) == me.id(), "a name was taken away from its owner");
    if (w->choices().chance(300)) co_return; // with its name
    w->expect(unregister_name(name), "a name could not be given up");
  }
}

process bystander(self me, in_world w) {
  w->killable(me.id());
  co_await idle_for(std::chrono::microseconds(w->choices().between(0, 2000)));
}

task<> main_process(self me, in_world w) {
  std::vector<atom> names;
  for (int n = w->choices().between(1, 3); n > 0; --n) names.emplace_back(fmt::format("sim_name_{}", n));
  std::vector<pid> all;
  for (int n = w->choices().between(2, 8); n > 0; --n) all.push_back(spawn(&contender, w, names));
  pid named = spawn(&bystander, w);
  register_name(names[0], named); // by another: it may die before it knows
  all.push_back(named);
  for (pid p : all) {
    exit_reason why = co_await end_of(me, p);
    w->expect(why.is_normal() || why.is("noproc") || w->was_killed(p), "a contender ended badly");
  }
}

} // namespace

void play_names(world& w) { w.run(&main_process); }

} // namespace coppice::sim
