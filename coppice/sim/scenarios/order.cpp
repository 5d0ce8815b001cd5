// Order per pair of processes: what one sends to another arrives in the order sent, its end last.
#include "coppice/sim/scenario.hpp"

#include <algorithm>

namespace coppice::sim {
namespace {

struct numbered {
  int sender;
  int number;
  token alive;
};
struct ready {};
struct go {
  std::vector<pid> to;
};

process sender(self me, in_world w, int index, int count) {
  go start = co_await me.receive<go>();
  for (int n = 0; n < count; ++n) {
    for (pid to : start.to) send(to, numbered{index, n, w->make_token()});
    if (w->choices().chance(400)) co_await yield();
    if (w->choices().chance(100)) co_await idle_for(std::chrono::microseconds(w->choices().between(0, 2000)));
  }
}

/// What a receiver knows of one sender.
struct seen_of {
  int next = 0;
  bool down = false;
  bool exited = false;
};

void take(world& w, std::vector<seen_of>& all, const numbered& m) {
  seen_of& s = all[static_cast<std::size_t>(m.sender)];
  w.expect(m.number == s.next, "a message came out of order, twice, or one is missing");
  w.expect(!s.down && !s.exited, "a message came after the end of its sender");
  s.next = m.number + 1;
  w.note(static_cast<std::uint64_t>(m.number));
}

process receiver(self me, in_world w, std::vector<pid> senders, int count, pid main) {
  trap_exit(true);
  for (pid s : senders) {
    monitor(s);
    link(s);
  }
  send(main, ready());
  std::vector<seen_of> all(senders.size());
  auto index_of = [&senders](pid p) {
    return static_cast<std::size_t>(std::ranges::find(senders, p) - senders.begin());
  };
  for (std::size_t open = 2 * senders.size(); open > 0;) {
    if (w->choices().chance(300)) { // out of the middle: the rest stays in its order
      int wanted = w->choices().between(0, static_cast<int>(senders.size()) - 1);
      auto from_it = [wanted](const numbered& m) { return m.sender == wanted; };
      std::optional<numbered> one = co_await me.receive_if<numbered>(from_it, std::chrono::microseconds(50));
      if (one) take(*w, all, *one);
      continue;
    }
    std::variant<numbered, down, exit_signal> any = co_await me.receive<numbered, down, exit_signal>();
    if (auto* m = std::get_if<numbered>(&any)) {
      take(*w, all, *m);
      continue;
    }
    --open;
    auto* gone = std::get_if<down>(&any);
    pid who = gone != nullptr ? gone->process : std::get<exit_signal>(any).from;
    std::size_t i = index_of(who);
    w->expect(i < senders.size(), "an end of a stranger");
    if (i >= senders.size()) continue;
    bool& told = gone != nullptr ? all[i].down : all[i].exited;
    w->expect(!told, "an end was told of twice");
    told = true;
    w->expect(all[i].next == count || w->was_killed(who), "a sender has ended, and a message is missing");
  }
}

task<> main_process(self me, in_world w) {
  int sender_count = w->choices().between(1, 4);
  int receiver_count = w->choices().between(1, 3);
  int count = w->choices().between(3, 25);
  std::vector<pid> senders;
  senders.reserve(static_cast<std::size_t>(sender_count));
  for (int i = 0; i < sender_count; ++i) senders.push_back(spawn(&sender, w, i, count));
  go start;
  for (int i = 0; i < receiver_count; ++i) start.to.push_back(spawn(&receiver, w, senders, count, me.id()));
  for (int i = 0; i < receiver_count; ++i) co_await me.receive<ready>();
  for (pid s : senders) {
    if (w->choices().chance(500)) w->killable(s);
    send(s, go(start));
  }
  for (pid r : start.to) {
    exit_reason why = co_await end_of(me, r);
    w->expect(why.is_normal() || why.is("noproc"), "a receiver ended badly");
  }
}

} // namespace

void play_order(world& w) { w.run(&main_process); }

} // namespace coppice::sim
