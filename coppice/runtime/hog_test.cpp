// Processes that stay in user code: others go on, they can be ended, and they harm nobody when they come
// back.
//
// The hogs here run until the test says so: nothing is measured.
#include "coppice/runtime/api.hpp"
#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/call.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;

struct stop {};
struct ping {
  pid sender;
};
struct pong {};
struct back {};

std::atomic<bool> release_hogs{false};
std::atomic<int> hogs_inside{0};

void burn() {
  hogs_inside.fetch_add(1);
  while (!release_hogs.load()) {
  }
  hogs_inside.fetch_sub(1);
}

class hogs : public testing::Test {
protected:
  void SetUp() override {
    release_hogs = false;
    hogs_inside = 0;
  }
  void TearDown() override { release_hogs = true; }
};

node_options two_cores() {
  node_options options;
  options.cores = 2;
  options.on_report = [](const report&) {};
  return options;
}

process hog(self, pid parent) {
  burn();
  send(parent, back());
  co_return;
}

process echo(self me) {
  for (;;) {
    ping p = co_await me.receive<ping>();
    send(p.sender, pong());
  }
}

task<> round_trips(self me, int count) {
  monitored other = spawn_monitor(echo);
  for (int i = 0; i < count; ++i) {
    send(other.process, ping{me.id()});
    co_await me.receive<pong>();
  }
  demonitor(other.ref, true);
  exit(other.process, exit_reason::kill());
}

/// Awaited until that many hogs burn, each on a thread of its own.
task<> burning(int count) {
  while (hogs_inside.load() < count) co_await idle_for(1ms);
}

TEST_F(hogs, leave_room_for_the_others) {
  node n(two_cores());
  n.run([](self me) -> task<> {
    for (int i = 0; i < 6; ++i) spawn(hog, me.id());
    co_await burning(6); // all at once, on two cores: each had its core taken
    co_await round_trips(me, 2000);
    EXPECT_GE(this_node().statistics().hogs, 4U);
    release_hogs = true;
    for (int i = 0; i < 6; ++i) co_await me.receive<back>();
  });
  EXPECT_TRUE(n.shutdown());
  EXPECT_EQ(n.statistics().processes, 0U);
}

TEST_F(hogs, on_the_only_core_leave_room_too) {
  node_options options = two_cores();
  options.cores = 1;
  node n(options);
  n.run([](self me) -> task<> {
    spawn(hog, me.id());
    co_await burning(1);
    send_after(1ms, me, stop());
    co_await me.receive<stop>();
    co_await round_trips(me, 100);
    release_hogs = true;
    co_await me.receive<back>();
  });
}

TEST_F(hogs, that_are_killed_are_announced_while_they_burn) {
  node n(two_cores());
  n.run([](self me) -> task<> {
    trap_exit(true);
    pid p = spawn_link(hog, me.id());
    reference ref = monitor(p);
    co_await burning(1);
    exit(p, exit_reason::kill());
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, ref);
    EXPECT_TRUE(d.reason.is("killed"));
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_TRUE(e.reason.is("killed"));
    EXPECT_EQ(hogs_inside.load(), 1) << "it still burns";
    EXPECT_FALSE(is_process_alive(p));
    monitor(p);
    down again = co_await me.receive<down>();
    EXPECT_TRUE(again.reason.is("noproc"));
    release_hogs = true;
    while (this_node().statistics().processes > 1) co_await idle_for(1ms);
    std::optional<back> said = co_await me.receive<back>(0ns);
    EXPECT_FALSE(said) << "the dead say nothing";
  });
}

/// What a zombie may still try when it comes back.
process busybody(self me, pid parent) {
  burn();
  link(parent);
  monitor(parent);
  register_name("zombie"_atom, me);
  alias();
  send_after(0ns, parent, back());
  send(parent, back());
  exit(parent, exit_reason("revenge"_atom));
  trap_exit(true);
  spawn_link(hog, parent);
  send(parent, back());
  co_return;
}

TEST_F(hogs, that_were_announced_can_do_nothing_more) {
  node n(two_cores());
  n.run([](self me) -> task<> {
    pid p = spawn(busybody, me.id());
    monitor(p);
    co_await burning(1);
    exit(p, exit_reason("enough"_atom));
    down d = co_await me.receive<down>();
    EXPECT_TRUE(d.reason.is("enough"));
    release_hogs = true;
    while (this_node().statistics().processes > 1) co_await idle_for(1ms);
    EXPECT_FALSE(whereis("zombie"_atom));
    std::optional<process_details> info = co_await process_info(me);
    EXPECT_TRUE(info && info->links.empty() && info->monitored_by.empty());
    // The slots come round: whoever gets the zombie's starts clean.
    for (int i = 0; i < 3000; ++i) {
      monitored child = spawn_monitor([](self) -> process { co_return; });
      down end = co_await me.receive<down>();
      EXPECT_TRUE(end.reason.is_normal());
      EXPECT_EQ(end.ref, child.ref);
    }
  });
  EXPECT_TRUE(n.shutdown());
}

struct request {};

class stuck_server : public body {
public:
  void receive(message_ptr m) override {
    if (m->form != detail::message_form::call) return;
    from who = std::move(detail::from_of(*m));
    burn();
    who.reply(1);
  }
};

TEST_F(hogs, that_die_tell_their_callers) {
  node n(two_cores());
  n.run([](self me) -> task<> {
    pid server = spawn_body({}, std::make_unique<stuck_server>()).process;
    for (int i = 0; i < 3; ++i) { // one is being served, two wait
      spawn(
          [](self, pid to, pid parent) -> process {
            request_awaiter<int> asked(to, request(), infinity);
            std::expected<int, exit_reason> r = co_await asked;
            EXPECT_TRUE(!r && r.error().is("killed"));
            send(parent, stop());
          },
          server, me.id());
    }
    co_await burning(1);
    exit(server, exit_reason::kill());
    for (int i = 0; i < 3; ++i) co_await me.receive<stop>();
    EXPECT_EQ(hogs_inside.load(), 1) << "it still burns";
    release_hogs = true;
    while (this_node().statistics().processes > 1) co_await idle_for(1ms);
  });
}

TEST_F(hogs, answer_inspections_while_they_burn) {
  node n(two_cores());
  n.run([](self me) -> task<> {
    pid p = spawn(hog, me.id());
    co_await burning(1);
    monitor(p);
    std::optional<process_details> info = co_await process_info(p, infinity);
    EXPECT_TRUE(info && info->monitored_by.size() == 1);
    release_hogs = true;
    down d = co_await me.receive<down>();
    EXPECT_TRUE(d.reason.is_normal());
  });
}

TEST_F(hogs, find_the_messages_that_came_meanwhile_in_order) {
  node n(two_cores());
  n.run([](self me) -> task<> {
    monitored p = spawn_monitor([](self it) -> process {
      burn();
      for (int i = 0; i < 1000; ++i) {
        int got = co_await it.receive<int>();
        if (got != i) exit(exit_reason("disordered"_atom));
      }
    });
    co_await burning(1);
    for (int i = 0; i < 1000; ++i) {
      send(p.process, i);
      if (i % 100 == 0) co_await idle_for(1ms); // some are taken in while it burns, some when it is back
      if (i == 700) release_hogs = true;
    }
    down d = co_await me.receive<down>();
    EXPECT_TRUE(d.reason.is_normal());
  });
}

TEST_F(hogs, at_shutdown_are_left_behind_and_may_come_back) {
  node_options options = two_cores();
  options.shutdown_timeout = 50ms;
  auto n = std::make_unique<node>(options);
  pid p = n->spawn(busybody, pid());
  while (hogs_inside.load() == 0) std::this_thread::yield();
  EXPECT_FALSE(n->shutdown());
  EXPECT_FALSE(n->shutdown()) << "it does not forget";
  EXPECT_FALSE(n->is_process_alive(p));
  n.reset();
  release_hogs = true;
  while (hogs_inside.load() != 0) std::this_thread::yield();
}

TEST_F(hogs, in_blocking_work_do_not_hold_up_a_shutdown) {
  node_options options = two_cores();
  options.shutdown_timeout = 50ms;
  node n(options);
  n.spawn([](self) -> process {
    std::unique_ptr<int> owned = std::make_unique<int>(1);
    co_await blocking(&burn);
  });
  while (hogs_inside.load() == 0) std::this_thread::yield();
  EXPECT_FALSE(n.shutdown());
  EXPECT_EQ(n.statistics().processes, 0U) << "the process itself is gone";
  release_hogs = true;
}

} // namespace
} // namespace coppice
