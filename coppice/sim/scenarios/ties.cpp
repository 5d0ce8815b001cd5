// Links and monitors: each signal exactly once, none after unlink and demonitor, whoever dies when.
#include "coppice/sim/scenario.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace coppice::sim {
namespace {

struct all_ended {};
struct boom {};

process target(self me, in_world w, token) {
  int how = w->choices().between(0, 4);
  duration life = std::chrono::microseconds(w->choices().between(0, 5000));
  co_await idle_for(life);
  if (how == 0) co_return;
  if (how == 1) exit(exit_reason::shutdown());
  if (how == 2) exit(me.id(), exit_reason(atom("by_itself")));
  if (how == 3) throw std::runtime_error("boom");
  co_await me.receive<boom>(std::chrono::seconds(1)); // to be killed meanwhile
}

struct watch {
  reference ref;
  bool on = true;
  int told = 0;
};
struct tie {
  bool linked = false;
  int told = 0; ///< since it was linked
};
struct book {
  std::vector<pid> targets;
  std::vector<watch> watches;
  std::vector<tie> ties;

  void note(world& w, const down& d) {
    auto found = std::ranges::find(watches, d.ref, &watch::ref);
    w.expect(found != watches.end(), "a down for no monitor");
    if (found == watches.end()) return;
    w.expect(found->on, "a down after demonitor");
    w.expect(++found->told == 1, "a down came twice");
  }
  void note(world& w, const exit_signal& e) {
    auto at = static_cast<std::size_t>(std::ranges::find(targets, e.from) - targets.begin());
    w.expect(at < targets.size(), "an exit signal of a stranger");
    if (at >= targets.size()) return;
    w.expect(ties[at].linked, "an exit signal of a link that is no more");
    w.expect(++ties[at].told == 1, "an exit signal came twice");
  }
};

/// Unlinks, and takes out what may have come before.
task<> untie(self me, in_world w, held<book> b, std::size_t i) {
  pid other = b->targets[i];
  unlink(other);
  auto from_it = [other](const exit_signal& e) { return e.from == other; };
  for (;;) {
    std::optional<exit_signal> before = co_await me.receive_if<exit_signal>(from_it, duration::zero());
    if (!before) break;
    b->note(*w, *before);
  }
  b->ties[i] = tie();
}

task<> change_something(self me, in_world w, held<book> b) {
  std::size_t i = w->choices().below(b->targets.size());
  switch (w->choices().between(0, 5)) {
  case 0:
  case 1: b->watches.push_back({monitor(b->targets[i])}); break;
  case 2:
    if (!b->ties[i].linked) {
      b->ties[i].linked = true;
      link(b->targets[i]);
    }
    break;
  case 3:
    if (b->ties[i].linked) co_await untie(me, w, b, i);
    break;
  case 4:
    if (!b->watches.empty()) {
      watch& one = b->watches[w->choices().below(b->watches.size())];
      one.on = false;
      bool active = demonitor(one.ref, true);
      w->expect(!active || one.told == 0, "a monitor that has told is still active");
    }
    break;
  default: co_await idle_for(std::chrono::microseconds(w->choices().between(0, 800)));
  }
}

process watcher(self me, in_world w, std::vector<pid> targets, token) {
  trap_exit(true);
  book own{std::move(targets), {}, {}};
  own.ties.resize(own.targets.size());
  held<book> b(own);
  int steps = w->choices().between(3, 25);
  for (int n = 0; n < steps; ++n) {
    co_await change_something(me, w, b);
    if (w->choices().chance(300)) co_await yield();
  }
  co_await me.receive<all_ended>();
  co_await idle_for(std::chrono::milliseconds(10));
  for (;;) {
    std::optional<std::variant<down, exit_signal>> any =
        co_await me.receive<down, exit_signal>(duration::zero());
    if (!any) break;
    if (auto* d = std::get_if<down>(&*any)) {
      own.note(*w, *d);
    } else {
      own.note(*w, std::get<exit_signal>(*any));
    }
  }
  for (const watch& m : own.watches)
    w->expect(!m.on || m.told == 1, fmt::format("a monitor told {} times", m.told));
  for (const tie& t : own.ties)
    w->expect(!t.linked || t.told == 1, fmt::format("a link told {} times", t.told));
}

/// One of a row that is linked from end to end: none outlives another that fails.
process in_a_row(self me, in_world w, int behind) {
  if (behind > 0) spawn_link(&in_a_row, w, behind - 1);
  w->killable(me.id());
  if (behind == 0) {
    co_await idle_for(std::chrono::milliseconds(w->choices().between(0, 5)));
    exit(exit_reason(atom("end_of_the_row")));
  }
  co_await me.receive<boom>(); // never comes
}

task<> main_process(self me, in_world w) {
  std::vector<pid> targets;
  for (int n = w->choices().between(1, 5); n > 0; --n) {
    targets.push_back(spawn(&target, w, w->make_token()));
    if (w->choices().chance(600)) w->killable(targets.back());
  }
  std::vector<pid> watchers;
  for (int n = w->choices().between(1, 4); n > 0; --n) {
    watchers.push_back(spawn(&watcher, w, targets, w->make_token()));
    if (w->choices().chance(200)) w->killable(watchers.back());
  }
  pid row = spawn(&in_a_row, w, w->choices().between(0, 4));
  for (pid t : targets) co_await end_of(me, t);
  w->hurry(); // the watchers' last requests, and what comes of them
  for (pid o : watchers) send(o, all_ended());
  for (pid o : watchers) {
    exit_reason why = co_await end_of(me, o);
    w->expect(why.is_normal() || why.is("noproc") || w->was_killed(o), "a watcher ended badly");
  }
  exit_reason why = co_await end_of(me, row);
  w->expect(why.is("end_of_the_row") || why.is("killed") || why.is("noproc"), "the row ended otherwise");
}

} // namespace

void play_ties(world& w) { w.run(&main_process); }

} // namespace coppice::sim
