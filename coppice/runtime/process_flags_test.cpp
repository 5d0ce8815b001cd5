// What a process may say of itself and be asked: priority, group leader, process_info, hibernate, limits.
#include "coppice/runtime/api.hpp"
#include "coppice/runtime/detail/runtime_test.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using namespace coppice::test;

struct turn {
  priority of;
};

spawn_options with(priority p) {
  spawn_options options;
  options.prio = p;
  return options;
}

/// Says at each of its turns that it had one.
process takes_turns(self, pid judge, priority mine, int turns) {
  for (int i = 0; i < turns; ++i) {
    send(judge, turn{mine});
    co_await yield();
  }
}

TEST(process_priority, max_and_high_run_before_normal_and_low) {
  node n(quiet());
  n.run([](self me) -> task<> {
    set_priority(priority::max);
    for (priority p : {priority::low, priority::normal, priority::high, priority::max}) {
      spawn_opt(with(p), takes_turns, me.id(), p, 5);
    }
    std::vector<priority> order;
    for (int i = 0; i < 20; ++i) {
      turn t = co_await me.receive<turn>();
      order.push_back(t.of);
    }
    for (int i = 0; i < 5; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], priority::max) << i;
    for (int i = 5; i < 10; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], priority::high) << i;
  });
}

TEST(process_priority, one_just_woken_does_not_go_before_a_higher_one_that_waits) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid high = spawn_opt(
                   with(priority::high),
                   [](self it, pid judge) -> process {
                     co_await it.receive<stop>();
                     send(judge, turn{priority::high});
                   },
                   me.id())
                   .process;
    pid normal = spawn(
        [](self it, pid judge) -> process {
          co_await it.receive<stop>();
          send(judge, turn{priority::normal});
        },
        me.id());
    co_await idle_for(1ms);
    send(high, stop());
    send(normal, stop());
    turn first = co_await me.receive<turn>();
    EXPECT_EQ(first.of, priority::high);
    co_await me.receive<turn>();
  });
}

TEST(process_priority, low_gets_one_turn_in_eight_beside_normal_ones) {
  node n(quiet());
  n.run([](self me) -> task<> {
    set_priority(priority::max);
    for (int i = 0; i < 3; ++i) spawn(takes_turns, me.id(), priority::normal, 400);
    spawn_opt(with(priority::low), takes_turns, me.id(), priority::low, 50);
    int low = 0;
    for (int i = 0; i < 400; ++i) {
      turn t = co_await me.receive<turn>();
      if (t.of == priority::low) ++low;
    }
    EXPECT_GE(low, 45);
    EXPECT_LE(low, 51);
    for (int i = 0; i < 850; ++i) co_await me.receive<turn>();
  });
  EXPECT_EQ(n.statistics().processes, 0U);
}

TEST(process_priority, low_gets_its_turn_beside_high_ones_that_wait_now_and_then) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid high = spawn_opt(with(priority::high), [](self it) -> process {
                 for (;;) {
                   pid to = co_await it.receive<pid>();
                   send(to, stop());
                 }
               }).process;
    // Each round is a turn of the high one and a turn of a normal one.
    pid normal = spawn(
        [](self it, pid partner) -> process {
          for (;;) {
            send(partner, it.id());
            co_await it.receive<stop>();
            co_await yield();
          }
        },
        high);
    monitored low = spawn_opt(with(priority::low), takes_turns, me.id(), priority::low, 10);
    for (int i = 0; i < 10; ++i) co_await me.receive<turn>();
    EXPECT_NE(low.process, normal);
    exit(normal, exit_reason::kill());
    exit(high, exit_reason::kill());
  });
}

TEST(process_priority, tells_what_it_was) {
  node n(quiet());
  n.run([](self) -> task<> {
    EXPECT_EQ(set_priority(priority::low), priority::normal);
    EXPECT_EQ(set_priority(priority::normal), priority::low);
    co_return;
  });
}

// --- process_info ---

TEST(process_info, tells_what_is_known) {
  node n(quiet());
  n.run([](self me) -> task<> {
    spawn_options options;
    options.link = true;
    options.monitor = true;
    options.prio = priority::high;
    options.label = "clerk's aide";
    pid p = spawn_opt(options, [](self it) -> process {
              trap_exit(true);
              register_name("clerk"_atom, it);
              co_await it.receive<stop>();
            }).process;
    co_await yield();
    for (int i = 0; i < 3; ++i) send(p, i);
    std::optional<process_details> info = co_await process_info(p);
    EXPECT_TRUE(info);
    EXPECT_EQ(info->summary.process, p);
    EXPECT_EQ(info->summary.parent, me.id());
    EXPECT_EQ(info->summary.registered_name, "clerk"_atom);
    EXPECT_EQ(info->summary.label, "clerk's aide");
    EXPECT_EQ(info->summary.message_queue_len, 3U);
    EXPECT_EQ(info->links, std::vector<pid>{me.id()});
    EXPECT_EQ(info->monitored_by, std::vector<pid>{me.id()});
    EXPECT_TRUE(info->monitors.empty());
    EXPECT_TRUE(info->trap_exit);
    EXPECT_EQ(info->prio, priority::high);
    EXPECT_GT(info->memory, 0U);
    EXPECT_LE(info->memory, 512U + 512U);
    send(p, stop());
  });
}

TEST(process_info, of_oneself_and_of_the_dead) {
  node n(quiet());
  n.run([](self me) -> task<> {
    std::optional<process_details> mine = co_await process_info(me);
    EXPECT_EQ(mine.value().summary.process, me.id());
    EXPECT_EQ(mine->summary.status, run_status::running);
    pid gone = spawn([](self) -> process { co_return; });
    co_await yield();
    std::optional<process_details> none = co_await process_info(gone);
    EXPECT_FALSE(none);
    std::optional<process_details> nobody = co_await process_info(pid());
    EXPECT_FALSE(nobody);
  });
}

TEST(process_info, lists_all_processes_of_a_node) {
  node n(quiet());
  for (int i = 0; i < 100; ++i) n.spawn(waits);
  n.run_until_idle();
  std::vector<process_summary> all = n.processes();
  EXPECT_EQ(all.size(), 100U);
  for (const process_summary& p : all) {
    EXPECT_TRUE(n.is_process_alive(p.process));
    EXPECT_EQ(p.status, run_status::waiting);
    EXPECT_FALSE(p.parent);
  }
  EXPECT_EQ(n.processes(10).size(), 10U);
  node_statistics s = n.statistics();
  EXPECT_EQ(s.processes, 100U);
  EXPECT_EQ(s.spawned, 100U);
  EXPECT_EQ(s.cores, 1U);
  EXPECT_EQ(s.hogs, 0U);
}

TEST(process_info, refuses_what_is_more_than_the_table_holds) {
  node_options options = quiet();
  options.max_processes = 100;
  node n(options);
  for (int i = 0; i < 100; ++i) n.spawn(waits);
  EXPECT_THROW(n.spawn(waits), std::length_error);
  n.run_until_idle();
  EXPECT_EQ(n.statistics().processes, 100U);
  n.exit(n.processes(1).at(0).process, exit_reason::kill());
  n.run_until_idle();
  EXPECT_NO_THROW(n.spawn(waits));
}

// --- group leader ---

process tells_its_leader(self, pid to) {
  send(to, group_leader());
  co_return;
}

TEST(group_leader, is_inherited_and_can_be_changed) {
  node n(quiet());
  n.run([](self me) -> task<> {
    EXPECT_FALSE(group_leader());
    pid leader = spawn(waits);
    set_group_leader(leader, me);
    EXPECT_EQ(group_leader(), leader);
    spawn(tells_its_leader, me.id());
    pid inherited = co_await me.receive<pid>();
    EXPECT_EQ(inherited, leader);
    pid other = spawn(
        [](self it, pid to) -> process {
          co_await it.receive<stop>();
          send(to, group_leader());
        },
        me.id());
    set_group_leader(me, other);
    send(other, stop()); // after the change, as it was sent after it
    pid changed = co_await me.receive<pid>();
    EXPECT_EQ(changed, me.id());
  });
}

// --- hibernate ---

TEST(hibernate, keeps_all_that_counts) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn_link([](self it) -> process {
      std::string state = "kept";
      monitor(it.id());
      hibernate();
      co_await it.receive<stop>();
      hibernate();
      exit(exit_reason(atom(state)));
    });
    trap_exit(true);
    co_await yield();
    std::optional<process_details> info = co_await process_info(p);
    EXPECT_EQ(info.value().links, std::vector<pid>{me.id()});
    send(p, stop());
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_TRUE(e.reason.is("kept"));
  });
}

// --- outside of a process ---

TEST(api, outside_of_a_process_says_so) {
  EXPECT_THROW(self_pid(), std::logic_error);
  EXPECT_FALSE(self_pid_or_none());
  EXPECT_THROW(send(pid(), 1), std::logic_error);
  EXPECT_THROW(monitor(pid()), std::logic_error);
  EXPECT_THROW(trap_exit(true), std::logic_error);
  EXPECT_THROW(make_ref(), std::logic_error);
  EXPECT_THROW(exit(exit_reason::normal()), exit_exception);
}

TEST(node, run_may_not_be_called_from_a_process) {
  node n(quiet());
  n.run([](self) -> task<> {
    auto nested = [](self) -> task<> { co_return; };
    EXPECT_THROW(this_node().run(nested), std::logic_error);
    co_return;
  });
}

TEST(node, run_says_when_its_process_waits_in_vain) {
  node n(quiet());
  auto vain = [](self me) -> task<> { co_await me.receive<stop>(); };
  EXPECT_THROW(n.run(vain), std::runtime_error);
  EXPECT_EQ(n.statistics().processes, 0U);
}

TEST(node, run_rethrows_what_leaves_its_process) {
  node n(quiet());
  auto bad = [](self) -> task<int> {
    throw std::invalid_argument("no");
    co_return 1;
  };
  EXPECT_THROW(n.run(bad), std::invalid_argument);
}

TEST(node, advance_moves_virtual_time_timer_by_timer) {
  node n(quiet());
  time_point start = n.time().now();
  pid p = n.spawn([](self) -> process {
    for (int i = 0; i < 10; ++i) co_await idle_for(1s);
  });
  n.advance(9500ms);
  EXPECT_TRUE(n.is_process_alive(p));
  n.advance(1s);
  EXPECT_FALSE(n.is_process_alive(p));
  EXPECT_EQ(n.time().now() - start, 10500ms);
}

} // namespace
} // namespace coppice
