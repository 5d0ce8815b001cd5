// The runtime's mailboxes, run queues, parking, waking and timers with every order of accesses that a seed
// chooses: real workers on virtual threads, which change places inside the runtime's own critical paths.
#include "tests/interleaving/played_node.hpp"

#include <gtest/gtest.h>

namespace coppice::interleaving {
namespace {

using namespace std::chrono_literals;

// --- the mailbox: many senders, one receiver that keeps falling asleep ---

process sender(self, pid to, int index, int count) {
  for (int n = 0; n < count; ++n) {
    send(to, numbered{index, n});
    if (n % 3 == 2) co_await yield();
  }
}

process mailbox_main(self me, in_run f) {
  int senders = f->choices.between(1, 4);
  int count = f->choices.between(1, 8);
  for (int i = 0; i < senders; ++i) spawn(&sender, me.id(), i, count);
  std::vector<int> next(static_cast<std::size_t>(senders), 0);
  for (int left = senders * count; left > 0; --left) {
    numbered m = co_await me.receive<numbered>();
    take_in_order(*f.all, next, m);
  }
  std::optional<numbered> more = co_await me.receive<numbered>(1ms);
  f->expect(!more.has_value(), "a message too many");
}

TEST(interleaving, mailbox_keeps_all_messages_in_order) { hold(&mailbox_main, 1500); }

// --- hand-over to a core: a thread from outside gives work to cores that fall asleep ---

constexpr int from_outside = 30;

void send_from_outside(node& n, pid first, facts& f) {
  for (int i = 0; i < from_outside; ++i) {
    n.send(first, numbered{0, i});
    for (int pause = f.choices.between(0, 600); pause > 0; --pause) detail::yield_point();
  }
}

process handover_main(self me, in_run f) {
  for (int i = 0; i < from_outside; ++i) {
    numbered m = co_await me.receive<numbered>();
    f->expect(m.number == i, "a message from outside came out of order, twice or not at all");
  }
}

TEST(interleaving, work_from_outside_wakes_a_core) {
  hold(&handover_main, 1500, {.outside = &send_from_outside});
}

// --- parking: a receive's time-out against the message that it waits for ---

process late_sender(self, pid to, duration wait) {
  co_await idle_for(wait);
  send(to, numbered{0, 0});
}

process parking_main(self me, in_run f) {
  for (int round = 0; round < 6; ++round) {
    duration wait = std::chrono::milliseconds(f->choices.between(0, 2));
    spawn(&late_sender, me.id(), wait);
    time_point before = now();
    std::optional<numbered> m = co_await me.receive<numbered>(1ms);
    if (m) continue;
    f->expect(now() - before >= 1ms, "a receive gave up early");
    co_await me.receive<numbered>(); // it comes late, but it comes
  }
}

TEST(interleaving, neither_a_message_nor_a_time_out_is_lost) { hold(&parking_main, 1500); }

// --- death: signals against the closing of the mailbox and the reuse of the slot ---

process short_lived(self me, int reason) {
  if (reason == 0) co_return;
  if (reason == 1) exit(exit_reason::shutdown());
  co_await me.receive<numbered>(1ms);
}

process death_main(self me, in_run f) {
  trap_exit(true);
  int downs = 0;
  int exits = 0;
  int rounds = f->choices.between(2, 8);
  for (int n = 0; n < rounds; ++n) {
    pid p = n % 2 == 0 ? spawn_link(&short_lived, f->choices.between(0, 2)) : spawn(&short_lived, 2);
    if (n % 2 != 0) link(p);
    monitor(p);
    send(p, numbered{0, n});
    if (f->choices.chance(300)) exit(p, exit_reason::kill());
    if (f->choices.chance(300)) co_await yield();
  }
  for (int n = 0; n < 2 * rounds; ++n) {
    std::variant<down, exit_signal> m = co_await me.receive<down, exit_signal>();
    const auto* told = std::get_if<down>(&m);
    ++(told != nullptr ? downs : exits);
    f->expect(told == nullptr || !is_process_alive(told->process), "one that has ended is alive");
  }
  std::optional<std::variant<down, exit_signal>> more = co_await me.receive<down, exit_signal>(5ms);
  f->expect(!more.has_value(), "a signal came twice");
  f->expect(downs == rounds && exits == rounds, "a signal is missing");
}

TEST(interleaving, links_and_monitors_tell_once) { hold(&death_main, 1500); }

// --- timers: cancelled on another core while they fire ---

struct cancel_it {
  reference ref;
};
struct was_cancelled {
  bool in_time;
};

process canceller(self me, pid owner, int count) {
  for (int n = 0; n < count; ++n) {
    cancel_it m = co_await me.receive<cancel_it>();
    std::optional<duration> left = cancel_timer(m.ref);
    send(owner, was_cancelled{left.has_value()});
  }
}

process timer_main(self me, in_run f) {
  constexpr int count = 6;
  pid helper = spawn(&canceller, me.id(), count);
  for (int n = 0; n < count; ++n) {
    reference ref =
        send_after(std::chrono::microseconds(f->choices.between(0, 400)), me.id(), numbered{0, n});
    if (f->choices.chance(500)) co_await idle_for(std::chrono::microseconds(f->choices.between(0, 600)));
    send(helper, cancel_it{ref});
    was_cancelled r = co_await me.receive<was_cancelled>();
    std::optional<numbered> rang = co_await me.receive<numbered>(2ms);
    f->expect(rang.has_value() != r.in_time, "a timer both rang and was cancelled, or neither");
  }
}

TEST(interleaving, a_timer_rings_or_is_cancelled) { hold(&timer_main, 800); }

// --- run queues: bursts that idle cores steal from ---

process burst(self, pid to, int number) {
  co_await yield();
  send(to, numbered{0, number});
}

process stealing_main(self me, in_run f) {
  int count = f->choices.between(1, 30);
  for (int n = 0; n < count; ++n) spawn(&burst, me.id(), n);
  std::vector<int> seen(static_cast<std::size_t>(count), 0);
  for (int n = 0; n < count; ++n) {
    numbered m = co_await me.receive<numbered>();
    f->expect(++seen[static_cast<std::size_t>(m.number)] == 1, "a process ran twice");
  }
}

TEST(interleaving, every_process_that_is_queued_runs_once) { hold(&stealing_main, 800); }

} // namespace
} // namespace coppice::interleaving
