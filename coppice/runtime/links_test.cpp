// Links, exit signals and trap_exit, as OTP's reference manual has them (chapter Processes, sections Links
// and Sending Exit Signals; erlang:link/1, unlink/1, exit/2).
#include "coppice/runtime/api.hpp"
#include "coppice/runtime/detail/runtime_test.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace coppice::test;

struct note {
  int n;
};

process ends_with(self me, term reason) {
  co_await me.receive<stop>();
  exit(exit_reason(reason));
}

/// Links itself with a process, and stays.
process linked_with(self me, pid other) {
  link(other);
  co_await me.receive<stop>();
}

task<exit_reason> reason_of(self me, pid watched) {
  reference ref = monitor(watched);
  auto ours = [ref](const down& d) { return d.ref == ref; };
  down d = co_await me.receive_if<down>(ours);
  co_return d.reason;
}

TEST(links, carry_an_abnormal_end_to_the_other_side) {
  node n(quiet());
  exit_reason got = n.run([](self me) -> task<exit_reason> {
    pid server = spawn(ends_with, term(atom("boom")));
    pid client = spawn(linked_with, server);
    reference ref = monitor(client);
    co_await yield();
    send(server, stop());
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, ref);
    co_return d.reason;
  });
  EXPECT_TRUE(got.is("boom"));
}

TEST(links, a_normal_end_is_ignored_by_who_does_not_trap) {
  node n(quiet());
  bool alive = n.run([](self me) -> task<bool> {
    pid server = spawn(waits);
    pid client = spawn(linked_with, server);
    co_await yield();
    send(server, stop());
    co_await reason_of(me, server);
    co_await yield();
    co_return is_process_alive(client);
  });
  EXPECT_TRUE(alive);
}

TEST(links, a_normal_end_is_a_message_to_who_traps) {
  node n(quiet());
  n.run([](self me) -> task<> {
    trap_exit(true);
    pid child = spawn_link(waits);
    send(child, stop());
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_EQ(e.from, child);
    EXPECT_TRUE(e.reason.is_normal());
  });
}

TEST(links, to_the_dead_give_noproc) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid gone = spawn(waits);
    send(gone, stop());
    co_await reason_of(me, gone);
    pid client = spawn(linked_with, gone);
    exit_reason why = co_await reason_of(me, client);
    EXPECT_TRUE(why.is("noproc"));
    trap_exit(true);
    link(gone);
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_EQ(e.from, gone);
    EXPECT_TRUE(e.reason.is("noproc"));
  });
}

TEST(links, to_oneself_do_nothing) {
  node n(quiet());
  n.run([](self me) -> task<> {
    link(me);
    std::optional<process_details> info = co_await process_info(me);
    EXPECT_TRUE(info && info->links.empty());
  });
}

TEST(links, once_unlinked_bring_no_signal) {
  node n(quiet());
  n.run([](self me) -> task<> {
    trap_exit(true);
    pid child = spawn_link(ends_with, term(atom("boom")));
    send(child, stop()); // its end may already be on the way
    unlink(child);
    co_await reason_of(me, child);
    std::optional<exit_signal> e = co_await me.receive<exit_signal>(10ms);
    EXPECT_FALSE(e);
  });
}

TEST(links, are_undone_by_either_end) {
  node n(quiet());
  n.run([](self me) -> task<> {
    trap_exit(true);
    pid client = spawn(
        [](self it, pid other) -> process {
          link(other);
          unlink(other);
          co_await it.receive<stop>();
          exit(exit_reason(atom("boom")));
        },
        me.id());
    co_await yield();
    send(client, stop());
    co_await reason_of(me, client);
    std::optional<exit_signal> e = co_await me.receive<exit_signal>(10ms);
    EXPECT_FALSE(e);
  });
}

TEST(links, keep_their_place_among_the_messages_of_the_same_sender) {
  node n(quiet());
  n.run([](self me) -> task<> {
    trap_exit(true);
    spawn_link(
        [](self, pid parent) -> process {
          send(parent, note{1});
          send(parent, note{2});
          exit(exit_reason(atom("boom")));
          co_return;
        },
        me.id());
    term first = co_await me.receive<term>();
    term second = co_await me.receive<term>();
    exit_signal last = co_await me.receive<exit_signal>(); // third of the mailbox
    EXPECT_EQ(first, to_term(note{1}));
    EXPECT_EQ(second, to_term(note{2}));
    EXPECT_TRUE(last.reason.is("boom"));
  });
}

TEST(links, spawn_link_of_a_child_that_dies_at_once_brings_its_reason_once) {
  node n(quiet());
  n.run([](self me) -> task<> {
    trap_exit(true);
    for (int i = 0; i < 100; ++i) {
      pid child = spawn_link([](self) -> process { co_return; });
      exit_signal e = co_await me.receive<exit_signal>();
      EXPECT_EQ(e.from, child);
      EXPECT_TRUE(e.reason.is_normal());
    }
    std::optional<exit_signal> more = co_await me.receive<exit_signal>(0ns);
    EXPECT_FALSE(more);
  });
  EXPECT_EQ(n.statistics().processes, 0U);
}

// --- exit/2 ---

TEST(exit_signals, normal_from_another_is_ignored_and_from_oneself_ends) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid other = spawn(waits);
    exit(other, exit_reason::normal());
    co_await yield();
    EXPECT_TRUE(is_process_alive(other));
    pid suicide = spawn([](self it) -> process {
      exit(it.id(), exit_reason::normal());
      co_await it.receive<stop>();
    });
    exit_reason why = co_await reason_of(me, suicide);
    EXPECT_TRUE(why.is_normal());
  });
}

TEST(exit_signals, to_oneself_take_effect_before_the_next_statement) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid suicide = spawn(
        [](self it, pid parent) -> process {
          exit(it.id(), exit_reason(atom("enough")));
          send(parent, note{1});
          co_return;
        },
        me.id());
    exit_reason why = co_await reason_of(me, suicide);
    EXPECT_TRUE(why.is("enough"));
    std::optional<note> said = co_await me.receive<note>(0ns);
    EXPECT_FALSE(said);
  });
}

TEST(exit_signals, to_oneself_are_messages_when_trapped) {
  node n(quiet());
  n.run([](self me) -> task<> {
    trap_exit(true);
    exit(me.id(), exit_reason::normal());
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_EQ(e.from, me.id());
    EXPECT_TRUE(e.reason.is_normal());
  });
}

TEST(exit_signals, kill_cannot_be_trapped_and_becomes_killed) {
  node n(quiet());
  n.run([](self me) -> task<> {
    trap_exit(true);
    pid child = spawn_link([](self it) -> process {
      trap_exit(true);
      co_await it.receive<stop>();
    });
    co_await yield();
    exit(child, exit_reason::kill());
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_TRUE(e.reason.is("killed"));
  });
}

TEST(exit_signals, a_reason_kill_that_comes_by_a_link_can_be_trapped) {
  node n(quiet());
  n.run([](self me) -> task<> {
    trap_exit(true);
    pid child = spawn_link(ends_with, term(atom("kill")));
    send(child, stop());
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_TRUE(e.reason.is("kill"));
    pid server = spawn(ends_with, term(atom("kill")));
    pid client = spawn(linked_with, server);
    co_await yield();
    send(server, stop());
    exit_reason why = co_await reason_of(me, client);
    EXPECT_TRUE(why.is("kill"));
  });
}

TEST(exit_signals, the_first_reason_counts) {
  node n(quiet());
  exit_reason got = n.run([](self me) -> task<exit_reason> {
    pid victim = spawn(waits);
    exit(victim, exit_reason(atom("first")));
    exit(victim, exit_reason(atom("second")));
    reference ref = monitor(victim);
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, ref);
    EXPECT_TRUE(d.reason.is("noproc")); // the monitor came after the signals, as in OTP
    pid watched = spawn(waits);
    monitor(watched);
    exit(watched, exit_reason(atom("first")));
    exit(watched, exit_reason(atom("second")));
    down d2 = co_await me.receive<down>();
    co_return d2.reason;
  });
  EXPECT_TRUE(got.is("first"));
}

TEST(exit_signals, trap_exit_tells_what_it_was) {
  node n(quiet());
  n.run([](self) -> task<> {
    EXPECT_FALSE(trap_exit(true));
    EXPECT_TRUE(trap_exit(true));
    EXPECT_TRUE(trap_exit(false));
    EXPECT_FALSE(trap_exit(false));
    co_return;
  });
}

TEST(exit_signals, a_chain_of_links_falls_as_a_whole) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid first = spawn(ends_with, term(atom("domino")));
    pid last = first;
    for (int i = 0; i < 1000; ++i) last = spawn(linked_with, last);
    reference ref = monitor(last);
    co_await yield();
    send(first, stop());
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, ref);
    EXPECT_TRUE(d.reason.is("domino"));
  });
  EXPECT_EQ(n.statistics().processes, 0U);
}

TEST(exit_signals, from_outside_end_a_process) {
  node n(quiet());
  pid p = n.spawn(waits);
  n.run_until_idle();
  EXPECT_TRUE(n.is_process_alive(p));
  n.exit(p, exit_reason(atom("enough")));
  n.run_until_idle();
  EXPECT_FALSE(n.is_process_alive(p));
}

// --- links by a seed ---

struct meet {
  pid other;
  unsigned seed;
};
struct settled {};

/// Links and unlinks at random, and rests then.
process fickle(self me, pid judge) {
  trap_exit(true);
  meet m = co_await me.receive<meet>();
  std::minstd_rand random(m.seed);
  for (int i = 0; i < 12; ++i) {
    if (random() % 2 == 0) {
      link(m.other);
    } else {
      unlink(m.other);
    }
    for (unsigned turns = random() % 3; turns > 0; --turns) co_await yield();
  }
  send(judge, settled());
  co_await me.receive<stop>();
}

bool links_contain(const std::optional<process_details>& info, pid other) {
  return info && std::ranges::find(info->links, other) != info->links.end();
}

task<> judge_a_pair(self me, unsigned seed) {
  pid a = spawn(fickle, me.id());
  pid b = spawn(fickle, me.id());
  send(a, meet{b, seed * 2 + 1});
  send(b, meet{a, seed * 7 + 3});
  co_await me.receive<settled>();
  co_await me.receive<settled>();
  co_await idle_for(1ms);
  std::optional<process_details> of_a = co_await process_info(a);
  std::optional<process_details> of_b = co_await process_info(b);
  EXPECT_EQ(links_contain(of_a, b), links_contain(of_b, a)) << "seed " << seed;
  EXPECT_EQ(of_a->summary.message_queue_len, 0U) << "an exit signal of a link long gone, seed " << seed;
  bool linked = links_contain(of_a, b);
  exit(a, exit_reason::kill());
  co_await idle_for(1ms);
  std::optional<process_details> after = co_await process_info(b);
  EXPECT_EQ(after->summary.message_queue_len, linked ? 1U : 0U) << "seed " << seed;
  EXPECT_FALSE(links_contain(after, a)) << "seed " << seed;
  send(b, stop());
}

TEST(links, both_ends_agree_whatever_the_interleaving) {
  node n(quiet());
  n.run([](self me) -> task<> {
    for (unsigned seed = 0; seed < 300; ++seed) co_await judge_a_pair(me, seed);
  });
  EXPECT_EQ(n.statistics().processes, 0U);
}

} // namespace
} // namespace coppice
