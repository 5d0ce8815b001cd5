// Timers: none lost, none early, none twice; a cancel that says it was in time was.
#include "coppice/sim/scenario.hpp"

#include "coppice/runtime/timer.hpp"

#include <algorithm>

namespace coppice::sim {
namespace {

struct ring {
  std::size_t number;
  token alive;
};
struct cancel_it {
  reference ref;
};
struct was_cancelled {
  bool in_time;
};
struct no_more {};

/// Cancels what others have started, from whichever core it is on.
process canceller(self me, pid owner) {
  for (;;) {
    std::variant<cancel_it, no_more> m = co_await me.receive<cancel_it, no_more>();
    if (std::holds_alternative<no_more>(m)) co_return;
    send(owner, was_cancelled{cancel_timer(std::get<cancel_it>(m).ref).has_value()});
  }
}

process mortal(self me, in_world w) {
  w->killable(me.id());
  co_await me.receive<no_more>(std::chrono::milliseconds(w->choices().between(0, 20)));
}

struct alarm_clock {
  reference ref;
  time_point due;
  int rang = 0;
  bool cancelled = false;
};

struct book {
  std::vector<alarm_clock> all;

  void take(world& w, const ring& r) {
    alarm_clock& a = all[r.number];
    w.expect(++a.rang == 1, "a timer rang twice");
    w.expect(!a.cancelled, "a cancelled timer rang");
    w.expect(now() >= a.due, "a timer rang early");
    w.note(r.number);
  }
  [[nodiscard]] bool outstanding() const {
    return std::ranges::any_of(all, [](const alarm_clock& a) { return a.rang == 0 && !a.cancelled; });
  }
  void cancelled(world& w, alarm_clock& a) const {
    w.expect(a.rang == 0, "a timer that has rung was cancelled");
    w.expect(!a.cancelled, "a timer was cancelled twice");
    a.cancelled = true;
  }
};

duration some_time(world& w) {
  constexpr std::int64_t reach[] = {1, 1'000'000, 100'000'000, 20'000'000'000};
  return duration(
      static_cast<std::int64_t>(w.choices().below(static_cast<std::uint64_t>(reach[w.choices().below(4)]))));
}

void cancel_one(world& w, book& b) {
  alarm_clock& a = b.all[w.choices().below(b.all.size())];
  std::optional<duration> left = read_timer(a.ref);
  std::optional<duration> cancelled = cancel_timer(a.ref);
  w.expect(left == cancelled, "reading and cancelling a timer disagree");
  if (!cancelled) return; // it has rung, and may still be on its way
  w.expect(*cancelled == std::max(a.due - now(), duration::zero()), "cancelling tells a wrong time");
  b.cancelled(w, a);
}

task<> cancel_from_afar(self me, in_world w, held<book> b, pid helper) {
  std::size_t i = w->choices().below(b->all.size());
  send(helper, cancel_it{b->all[i].ref});
  for (;;) {
    std::variant<ring, was_cancelled> m = co_await me.receive<ring, was_cancelled>();
    if (auto* r = std::get_if<ring>(&m)) {
      b->take(*w, *r);
      continue;
    }
    if (std::get<was_cancelled>(m).in_time) b->cancelled(*w, b->all[i]);
    co_return;
  }
}

process sleeper(self me, in_world w, token) {
  book own;
  pid helper = spawn(&canceller, me.id());
  pid dead_soon = spawn(&mortal, w);
  for (int n = w->choices().between(3, 30); n > 0; --n) {
    duration time = some_time(*w);
    int what = w->choices().between(0, 7);
    if (what <= 2 || own.all.empty()) {
      std::size_t number = own.all.size();
      own.all.push_back({send_after(time, me.id(), ring{number, w->make_token()}), now() + time});
    } else if (what == 3) {
      cancel_one(*w, own);
    } else if (what == 4) {
      co_await cancel_from_afar(me, w, held<book>(own), helper);
    } else if (what == 5) {
      send_after(time, dead_soon, ring{0, w->make_token()});
    } else if (what == 6) {
      time_point before = now();
      co_await idle_for(time / 8);
      w->expect(now() - before >= time / 8, "a process slept too short");
    } else {
      time_point before = now();
      std::optional<ring> r = co_await me.receive<ring>(time);
      if (r) {
        own.take(*w, *r);
      } else {
        w->expect(now() - before >= time, "a receive gave up early");
      }
    }
  }
  while (own.outstanding()) {
    ring r = co_await me.receive<ring>();
    own.take(*w, r);
  }
  std::optional<ring> late = co_await me.receive<ring>(std::chrono::seconds(30));
  w->expect(!late.has_value(), "a timer rang that was cancelled or had rung");
  send(helper, no_more());
}

task<> main_process(self me, in_world w) {
  std::vector<pid> all;
  for (int n = w->choices().between(1, 4); n > 0; --n) all.push_back(spawn(&sleeper, w, w->make_token()));
  for (pid p : all) co_await end_of(me, p);
}

} // namespace

void play_timers(world& w) { w.run(&main_process); }

} // namespace coppice::sim
