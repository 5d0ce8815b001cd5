// Cores that are taken from their workers, with every order of accesses that a seed chooses: whoever is in
// user code loses his core to a new worker at any moment, goes on beside it, and harms nobody.
#include "tests/interleaving/played_node.hpp"

#include <gtest/gtest.h>

namespace coppice::interleaving {
namespace {

using namespace std::chrono_literals;

/// User code that takes its time: the monitor may look at any of these moments.
void think(facts& f) {
  for (int n = f.choices.between(0, 6); n > 0; --n) detail::yield_point();
}

process thinks_and_sends(self, in_run f, pid to, int index, int count) {
  for (int n = 0; n < count; ++n) {
    think(*f.all);
    send(to, numbered{index, n});
    think(*f.all);
    if (n % 2 != 0) co_await yield();
  }
}

process revoked_main(self me, in_run f) {
  trap_exit(true);
  int senders = f->choices.between(1, 4);
  int count = f->choices.between(1, 6);
  for (int i = 0; i < senders; ++i) {
    monitor(spawn_link(&thinks_and_sends, f, me.id(), i, count));
  }
  std::vector<int> next(static_cast<std::size_t>(senders), 0);
  int downs = 0;
  int exits = 0;
  while (downs < senders || exits < senders) {
    std::variant<numbered, down, exit_signal> got = co_await me.receive<numbered, down, exit_signal>();
    think(*f.all);
    if (auto* m = std::get_if<numbered>(&got)) {
      take_in_order(*f.all, next, *m);
    } else {
      ++(std::holds_alternative<down>(got) ? downs : exits);
    }
  }
  for (int n : next) f->expect(n == count, "a process ended before what it had sent");
}

TEST(revocation, cores_are_taken_and_nothing_is_lost) { hold(&revoked_main, 1000, {.revokes = true}); }

// Whoever is stuck in user code is announced dead, and what it says from then on nobody hears.

process stuck_and_killed(self me, in_run f, pid to, int index) {
  for (int n = 0;; ++n) {
    think(*f.all);
    send(to, numbered{index, n});
    think(*f.all);
    if (n % 4 == 3) co_await me.receive<numbered>(0ns);
  }
}

process zombies_main(self me, in_run f) {
  int victims = f->choices.between(1, 3);
  std::vector<monitored> all;
  for (int i = 0; i < victims; ++i) all.push_back(spawn_monitor(&stuck_and_killed, f, me.id(), i));
  std::vector<int> next(all.size(), 0);
  std::vector<bool> gone(all.size(), false);
  for (const monitored& m : all) {
    if (f->choices.chance(500)) co_await yield();
    exit(m.process, exit_reason::kill());
  }
  for (std::size_t left = all.size(); left > 0;) {
    std::variant<numbered, down> got = co_await me.receive<numbered, down>();
    if (auto* m = std::get_if<numbered>(&got)) {
      f->expect(!gone[static_cast<std::size_t>(m->sender)], "the dead spoke");
      take_in_order(*f.all, next, *m);
      continue;
    }
    const down& d = std::get<down>(got);
    auto who = std::ranges::find(all, d.ref, &monitored::ref);
    f->expect(who != all.end(), "somebody unknown ended");
    if (who == all.end()) continue;
    f->expect(!gone[static_cast<std::size_t>(who - all.begin())], "an end was told twice");
    gone[static_cast<std::size_t>(who - all.begin())] = true;
    --left;
  }
}

TEST(revocation, the_stuck_and_killed_are_announced_once) { hold(&zombies_main, 1000, {.revokes = true}); }

} // namespace
} // namespace coppice::interleaving
