// Monitors and aliases (erlang:monitor/2, demonitor/2, alias/0).
#include "coppice/runtime/api.hpp"
#include "coppice/runtime/detail/runtime_test.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using namespace coppice::test;

struct note {
  int n;
};

process waits_as(self me, atom name) {
  register_name(name, me);
  co_await me.receive<stop>();
}

TEST(monitors, tell_the_end_exactly_once) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn(waits);
    reference ref = monitor(p);
    exit(p, exit_reason(atom("boom")));
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, ref);
    EXPECT_EQ(d.process, p);
    EXPECT_TRUE(d.name.empty());
    EXPECT_TRUE(d.reason.is("boom"));
    std::optional<down> more = co_await me.receive<down>(10ms);
    EXPECT_FALSE(more);
    EXPECT_FALSE(demonitor(ref));
  });
}

TEST(monitors, many_on_one_process_are_each_told_once) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn(waits);
    std::set<reference> expected;
    for (int i = 0; i < 1000; ++i) expected.insert(monitor(p));
    EXPECT_EQ(expected.size(), 1000U);
    exit(p, exit_reason::kill());
    while (!expected.empty()) {
      down d = co_await me.receive<down>();
      EXPECT_EQ(expected.erase(d.ref), 1U);
      EXPECT_TRUE(d.reason.is("killed"));
    }
    std::optional<down> more = co_await me.receive<down>(10ms);
    EXPECT_FALSE(more);
  });
}

TEST(monitors, of_the_dead_give_noproc_at_once) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn([](self) -> process { co_return; });
    co_await yield();
    reference ref = monitor(p);
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, ref);
    EXPECT_EQ(d.process, p);
    EXPECT_TRUE(d.reason.is("noproc"));
    monitor(pid());
    down none = co_await me.receive<down>();
    EXPECT_TRUE(none.reason.is("noproc"));
    monitor(pid{~std::uint64_t{0}}); // a slot beyond the table
    down never = co_await me.receive<down>();
    EXPECT_TRUE(never.reason.is("noproc"));
  });
}

TEST(monitors, of_a_recycled_slot_do_not_mistake_its_new_process) {
  node_options options = quiet();
  options.max_processes = 16; // the slots come round quickly
  node n(options);
  n.run([](self me) -> task<> {
    pid old = spawn([](self) -> process { co_return; });
    co_await yield();
    std::vector<pid> others;
    for (int i = 0; i < 200; ++i) {
      pid p = spawn(waits);
      EXPECT_NE(p, old);
      bool recycled = p.slot() == old.slot();
      reference ref = monitor(old);
      send(old, note{i});
      exit(old, exit_reason::kill());
      down d = co_await me.receive<down>();
      EXPECT_EQ(d.ref, ref);
      EXPECT_TRUE(d.reason.is("noproc"));
      EXPECT_TRUE(is_process_alive(p)) << recycled;
      std::optional<process_details> info = co_await process_info(p);
      EXPECT_TRUE(info && info->summary.message_queue_len == 0) << recycled;
      send(p, stop());
      co_await yield();
    }
  });
}

TEST(monitors, of_one_that_ends_itself) {
  node n(quiet());
  n.run([](self me) -> task<> {
    monitored child = spawn_monitor([](self) -> process {
      exit(exit_reason::shutdown(term(1)));
      co_return;
    });
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, child.ref);
    EXPECT_EQ(d.reason.value(), term::tuple(atom("shutdown"), 1));
    EXPECT_TRUE(d.reason.is_clean());
  });
}

TEST(monitors, of_oneself_say_nothing) {
  node n(quiet());
  n.run([](self me) -> task<> {
    monitor(me);
    std::optional<down> d = co_await me.receive<down>(10ms);
    EXPECT_FALSE(d);
  });
}

TEST(monitors, by_name_carry_the_name) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn(waits_as, "clerk"_atom);
    co_await yield();
    reference ref = monitor("clerk"_atom);
    exit(p, exit_reason(atom("boom")));
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, ref);
    EXPECT_EQ(d.name, "clerk"_atom);
    EXPECT_EQ(d.process, p);
    EXPECT_EQ(to_term(d), term::tuple("DOWN"_atom, ref, "process"_atom,
                                      term::tuple("clerk"_atom, "nonode@nohost"_atom), "boom"_atom));
    monitor("clerk"_atom);
    down none = co_await me.receive<down>();
    EXPECT_EQ(none.name, "clerk"_atom);
    EXPECT_TRUE(none.reason.is("noproc"));
  });
}

TEST(monitors, that_are_ended_say_nothing) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn(waits);
    reference ref = monitor(p);
    exit(p, exit_reason::kill());
    EXPECT_TRUE(demonitor(ref)); // the signal is not here yet, and never will be
    EXPECT_FALSE(demonitor(ref));
    std::optional<down> d = co_await me.receive<down>(10ms);
    EXPECT_FALSE(d);
  });
}

TEST(monitors, that_have_spoken_are_flushed) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn(waits);
    pid q = spawn(waits);
    reference ref = monitor(p);
    reference other = monitor(q);
    exit(p, exit_reason::kill());
    exit(q, exit_reason::kill());
    send(me, note{1});
    co_await me.receive<note>();
    co_await idle_for(1ms);
    co_await me.receive<stop>(0ns); // takes in what has arrived
    EXPECT_FALSE(demonitor(ref, true));
    std::optional<down> d = co_await me.receive<down>(10ms);
    EXPECT_TRUE(d && d->ref == other);
    std::optional<down> more = co_await me.receive<down>(10ms);
    EXPECT_FALSE(more);
  });
}

TEST(monitors, show_in_process_info_at_both_ends_and_go_with_the_watcher) {
  node n(quiet());
  n.run([](self) -> task<> {
    pid p = spawn(waits);
    pid watcher = spawn(
        [](self it, pid watched) -> process {
          monitor(watched);
          co_await it.receive<stop>();
        },
        p);
    co_await yield();
    std::optional<process_details> watched = co_await process_info(p);
    std::optional<process_details> watching = co_await process_info(watcher);
    EXPECT_EQ(watched.value().monitored_by, std::vector<pid>{watcher});
    EXPECT_EQ(watching.value().monitors, std::vector<pid>{p});
    send(watcher, stop());
    co_await idle_for(1ms);
    std::optional<process_details> after = co_await process_info(p);
    EXPECT_TRUE(after.value().monitored_by.empty());
  });
}

TEST(monitors, come_after_the_messages_that_were_sent_before_the_end) {
  node n(quiet());
  n.run([](self me) -> task<> {
    spawn_monitor(
        [](self, pid parent) -> process {
          for (int i = 0; i < 10; ++i) send(parent, note{i});
          co_return;
        },
        me.id());
    int seen = 0;
    for (;;) {
      std::variant<note, down> m = co_await me.receive<note, down>();
      if (std::holds_alternative<down>(m)) break;
      EXPECT_EQ(std::get<note>(m).n, seen++);
    }
    EXPECT_EQ(seen, 10);
  });
}

// --- aliases ---

process sends_to(self, reference alias, int n) {
  send(alias, note{n});
  co_return;
}

TEST(aliases, reach_their_maker_until_they_are_gone) {
  node n(quiet());
  n.run([](self me) -> task<> {
    reference mine = alias();
    spawn(sends_to, mine, 1);
    note first = co_await me.receive<note>();
    EXPECT_EQ(first.n, 1);
    EXPECT_TRUE(unalias(mine));
    EXPECT_FALSE(unalias(mine));
    spawn(sends_to, mine, 2);
    std::optional<note> second = co_await me.receive<note>(10ms);
    EXPECT_FALSE(second);
  });
}

TEST(aliases, that_go_drop_what_is_under_way) {
  node n(quiet());
  n.run([](self me) -> task<> {
    reference mine = alias();
    reference other = alias();
    send(mine, note{1});
    send(other, note{2});
    unalias(mine);
    note got = co_await me.receive<note>();
    EXPECT_EQ(got.n, 2);
    std::optional<note> more = co_await me.receive<note>(0ns);
    EXPECT_FALSE(more);
  });
}

TEST(aliases, of_the_dead_and_other_references_swallow_messages) {
  node n(quiet());
  n.run([](self me) -> task<> {
    spawn(
        [](self, pid parent) -> process {
          send(parent, alias());
          co_return;
        },
        me.id());
    reference gone = co_await me.receive<reference>();
    co_await yield();
    send(gone, note{1});
    send(make_ref(), note{1});
    std::optional<note> got = co_await me.receive<note>(10ms);
    EXPECT_FALSE(got);
  });
}

} // namespace
} // namespace coppice
