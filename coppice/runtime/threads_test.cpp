// Real threads, many cores: what must hold whatever the interleaving. Clean under ThreadSanitizer.
#include "coppice/runtime/api.hpp"
#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;

#ifdef COPPICE_SANITIZED
constexpr int scale = 1;
#else
constexpr int scale = 3;
#endif

struct stop {};
struct done {
  int errors;
};
struct numbered {
  pid sender;
  int n;
};
struct peers {
  std::vector<pid> all;
};

node_options threads(unsigned cores) {
  node_options options;
  options.cores = cores;
  options.on_report = [](const report&) {};
  return options;
}

class on_cores : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(threads, on_cores, testing::Values(2U, 4U, 8U));

/// Waits until nobody but the caller is left.
task<> alone() {
  while (this_node().statistics().processes > 1) co_await idle_for(1ms);
}

// --- messages ---

/// Sends to everyone and checks that what comes from each is complete and in order.
process talker(self me, pid parent, int count) {
  peers p = co_await me.receive<peers>();
  std::unordered_map<pid, int> seen;
  int errors = 0;
  std::size_t expected = p.all.size() * static_cast<std::size_t>(count);
  for (int i = 0; i < count; ++i) {
    for (pid to : p.all) send(to, numbered{me.id(), i});
    std::optional<numbered> m = co_await me.receive<numbered>(0ns);
    if (!m) continue;
    --expected;
    if (seen[m->sender]++ != m->n) ++errors;
  }
  for (; expected > 0; --expected) {
    numbered m = co_await me.receive<numbered>();
    if (seen[m.sender]++ != m.n) ++errors;
  }
  std::optional<term> more = co_await me.receive<term>(0ns);
  if (more) ++errors;
  send(parent, done{errors});
}

TEST_P(on_cores, every_message_comes_once_and_in_the_order_of_its_sender) {
  node n(threads(GetParam()));
  n.run([](self me) -> task<> {
    peers p;
    for (int i = 0; i < 16; ++i) p.all.push_back(spawn(talker, me.id(), 100 * scale));
    for (pid to : p.all) send(to, p);
    for (int i = 0; i < 16; ++i) {
      done d = co_await me.receive<done>();
      EXPECT_EQ(d.errors, 0);
    }
    co_await alone();
  });
  EXPECT_TRUE(n.shutdown());
  EXPECT_EQ(n.statistics().processes, 0U);
}

process hop(self me) {
  for (;;) {
    numbered m = co_await me.receive<numbered>();
    peers p = co_await me.receive<peers>();
    if (m.n == 0) {
      send(m.sender, done{0});
      continue;
    }
    pid next = p.all[static_cast<std::size_t>(m.n) % p.all.size()];
    send(next, numbered{m.sender, m.n - 1});
    send(next, std::move(p));
  }
}

TEST_P(on_cores, tokens_wander_and_none_is_lost_between_a_park_and_a_wake) {
  node n(threads(GetParam()));
  n.run([](self me) -> task<> {
    peers p;
    for (int i = 0; i < 7; ++i) p.all.push_back(spawn_opt(spawn_options(), hop).process);
    // One token at a time keeps every core falling asleep and being woken.
    for (int round = 0; round < 20 * scale; ++round) {
      send(p.all[0], numbered{me.id(), 50});
      send(p.all[0], p);
      co_await me.receive<done>();
    }
    for (pid each : p.all) exit(each, exit_reason::kill());
    co_await alone();
  });
}

// --- links, monitors, exits ---

process child_of(self me, int fate) {
  if (fate == 0) co_return;
  if (fate == 1) throw std::runtime_error("fate");
  if (fate == 2) exit(exit_reason("fate"_atom));
  if (fate == 3) co_await idle_for(std::chrono::microseconds(300));
  if (fate == 4) exit(me.id(), exit_reason::kill());
  if (fate >= 5) co_await me.receive<stop>();
}

/// Spawns, links, monitors and ends children at random; every monitor must speak exactly once.
process breeder(self me, pid parent, unsigned seed, int count) {
  trap_exit(true);
  std::minstd_rand random(seed);
  int errors = 0;
  for (int i = 0; i < count; ++i) {
    auto fate = static_cast<int>(random() % 7);
    bool linked = random() % 2 == 0;
    pid child;
    if (linked) {
      child = spawn_link(child_of, fate);
    } else {
      child = spawn(child_of, fate);
    }
    reference first = monitor(child);
    reference second = monitor(child);
    if (random() % 3 == 0) co_await yield();
    if (fate >= 5) {
      if (random() % 2 == 0) {
        send(child, stop());
      } else {
        exit(child, exit_reason::kill());
      }
    }
    auto of_first = [first](const down& d) { return d.ref == first; };
    auto of_second = [second](const down& d) { return d.ref == second; };
    co_await me.receive_if<down>(of_second);
    co_await me.receive_if<down>(of_first);
    if (linked) {
      exit_signal e = co_await me.receive<exit_signal>();
      if (e.from != child) ++errors;
    }
    std::optional<std::variant<down, exit_signal>> more = co_await me.receive<down, exit_signal>(0ns);
    if (more) ++errors;
  }
  send(parent, done{errors});
}

TEST_P(on_cores, every_monitor_and_link_speaks_once) {
  node n(threads(GetParam()));
  n.run([](self me) -> task<> {
    for (unsigned i = 0; i < 8; ++i) spawn(breeder, me.id(), i * 77 + 1, 60 * scale);
    for (int i = 0; i < 8; ++i) {
      done d = co_await me.receive<done>();
      EXPECT_EQ(d.errors, 0);
    }
    co_await alone();
  });
  EXPECT_TRUE(n.shutdown());
  EXPECT_EQ(n.statistics().processes, 0U);
}

/// Links and unlinks with random others; ends when told to.
process fickle(self me, pid parent, unsigned seed, int count) {
  trap_exit(true);
  peers p = co_await me.receive<peers>();
  std::minstd_rand random(seed);
  for (int i = 0; i < count; ++i) {
    pid other = p.all[random() % p.all.size()];
    switch (random() % 4) {
    case 0:
    case 1: link(other); break;
    case 2: unlink(other); break;
    default: co_await yield();
    }
  }
  send(parent, done{0});
  co_await me.receive<stop>();
}

task<> check_symmetry(std::vector<pid> all) {
  std::vector<std::pair<pid, pid>> ties;
  for (pid each : all) {
    std::optional<process_details> info = co_await process_info(each, infinity);
    for (pid other : info.value().links) ties.emplace_back(each, other);
    EXPECT_EQ(info->summary.message_queue_len, 0U) << "nobody died: no exit signal";
  }
  for (auto [a, b] : ties) EXPECT_TRUE(std::ranges::find(ties, std::pair(b, a)) != ties.end());
}

TEST_P(on_cores, both_ends_of_links_agree_in_the_end) {
  node n(threads(GetParam()));
  n.run([](self me) -> task<> {
    for (unsigned round = 0; round < 5; ++round) {
      peers p;
      for (unsigned i = 0; i < 6; ++i) p.all.push_back(spawn(fickle, me.id(), round * 10 + i, 100 * scale));
      for (pid each : p.all) send(each, p);
      for (int i = 0; i < 6; ++i) co_await me.receive<done>();
      co_await check_symmetry(p.all);
      co_await check_symmetry(p.all);
      for (pid each : p.all) exit(each, exit_reason::kill());
      co_await alone();
    }
  });
}

TEST_P(on_cores, a_web_of_links_falls_as_a_whole) {
  node n(threads(GetParam()));
  n.run([](self) -> task<> {
    for (int round = 0; round < 3 * scale; ++round) {
      std::vector<pid> web;
      for (int i = 0; i < 50; ++i) {
        peers known;
        known.all = web;
        web.push_back(spawn(
            [](self it, peers others) -> process {
              for (pid p : others.all) link(p);
              co_await it.receive<stop>();
            },
            known));
      }
      exit(web[25], exit_reason("cut"_atom));
      co_await alone();
    }
  });
}

// --- names ---

process claimant(self me, pid parent, int count) {
  int errors = 0;
  for (int i = 0; i < count; ++i) {
    if (register_name("crown"_atom, me)) {
      if (whereis("crown"_atom) != me.id()) ++errors;
      co_await yield();
      if (whereis("crown"_atom) != me.id()) ++errors;
      if (!unregister_name("crown"_atom)) ++errors;
    } else {
      co_await yield();
    }
  }
  register_name("crown"_atom, me); // and dies with it, if it can
  send(parent, done{errors});
}

TEST_P(on_cores, a_name_has_one_owner) {
  node n(threads(GetParam()));
  n.run([](self me) -> task<> {
    for (int i = 0; i < 8; ++i) spawn(claimant, me.id(), 200 * scale);
    for (int i = 0; i < 8; ++i) {
      done d = co_await me.receive<done>();
      EXPECT_EQ(d.errors, 0);
    }
    co_await alone();
    EXPECT_FALSE(whereis("crown"_atom));
  });
}

TEST_P(on_cores, a_name_given_to_the_dying_does_not_stay) {
  node n(threads(GetParam()));
  n.run([](self me) -> task<> {
    for (int i = 0; i < 100 * scale; ++i) {
      monitored p = spawn_monitor([](self) -> process { co_await yield(); });
      register_name("ghost"_atom, p.process);
      co_await me.receive<down>();
    }
    co_await alone();
    while (whereis("ghost"_atom)) co_await idle_for(1ms);
  });
}

// --- timers ---

process timekeeper(self me, pid parent, unsigned seed, int count) {
  std::minstd_rand random(seed);
  int errors = 0;
  int expected = 0;
  for (int i = 0; i < count; ++i) {
    time_point due = now() + std::chrono::microseconds(random() % 3000);
    reference t = send_after(due - now(), me, numbered{me.id(), i});
    if (random() % 3 == 0 && cancel_timer(t)) continue;
    ++expected;
    if (random() % 5 == 0) {
      duration pause = std::chrono::microseconds(random() % 1000);
      time_point before = now();
      co_await idle_for(pause);
      if (now() - before < pause) ++errors;
    }
  }
  for (; expected > 0; --expected) co_await me.receive<numbered>();
  std::optional<numbered> more = co_await me.receive<numbered>(5ms);
  if (more) ++errors; // a cancelled one spoke
  send(parent, done{errors});
}

TEST_P(on_cores, timers_fire_once_or_are_cancelled) {
  node n(threads(GetParam()));
  n.run([](self me) -> task<> {
    for (unsigned i = 0; i < 8; ++i) spawn(timekeeper, me.id(), i + 1, 100 * scale);
    for (int i = 0; i < 8; ++i) {
      done d = co_await me.receive<done>();
      EXPECT_EQ(d.errors, 0);
    }
    EXPECT_EQ(this_node().statistics().timers, 0U);
    co_await alone();
  });
}

/// A receive whose message and whose time-out race.
TEST_P(on_cores, a_message_and_a_timeout_do_not_lose_each_other) {
  node n(threads(GetParam()));
  n.run([](self me) -> task<> {
    for (int i = 0; i < 30 * scale; ++i) {
      spawn(
          [](self, pid to, int number) -> process {
            co_await idle_for(std::chrono::microseconds(262));
            send(to, numbered{pid(), number});
          },
          me.id(), i);
      std::optional<numbered> m = co_await me.receive<numbered>(std::chrono::microseconds(262));
      if (!m) {
        numbered late = co_await me.receive<numbered>();
        m = late;
      }
      EXPECT_EQ(m->n, i);
    }
  });
}

// --- nodes ---

TEST_P(on_cores, work_spreads_and_blocking_results_come_back) {
  node n(threads(GetParam()));
  n.run([](self me) -> task<> {
    for (int i = 0; i < 30 * scale; ++i) {
      spawn(
          [](self, pid parent, int k) -> process {
            blocking work([](int x) { return x * 2; }, k);
            int result = co_await work;
            send(parent, done{result - 2 * k});
          },
          me.id(), i);
    }
    for (int i = 0; i < 30 * scale; ++i) {
      done d = co_await me.receive<done>();
      EXPECT_EQ(d.errors, 0);
    }
  });
}

TEST_P(on_cores, sends_from_foreign_threads_arrive) {
  node n(threads(GetParam()));
  pid counter = n.spawn([](self me) -> process {
    for (int i = 0; i < 4 * 200 * scale; ++i) co_await me.receive<numbered>();
  });
  {
    std::vector<std::jthread> outside;
    for (int t = 0; t < 4; ++t) {
      outside.emplace_back([&n, counter] {
        for (int i = 0; i < 200 * scale; ++i) n.send(counter, numbered{pid(), i});
      });
    }
  }
  n.run(
      [](self me, pid watched) -> task<> {
        monitor(watched);
        co_await me.receive<down>();
      },
      counter);
  EXPECT_FALSE(n.is_process_alive(counter));
}

TEST_P(on_cores, nodes_start_and_stop_again_and_again) {
  for (int i = 0; i < 10 * scale; ++i) {
    node n(threads(GetParam()));
    if (i % 3 == 0) continue;                              // nothing at all
    for (int k = 0; k < 20; ++k) n.spawn(child_of, k % 7); // some wait for ever
    if (i % 3 == 1) continue;                              // stopped while they run
    n.run([](self) -> task<> { co_await yield(); });
    EXPECT_TRUE(n.shutdown());
    EXPECT_EQ(n.statistics().processes, 0U);
  }
}

TEST_P(on_cores, several_nodes_live_side_by_side) {
  node a(threads(GetParam()));
  node b(threads(2));
  node c(stepped());
  auto work = [](self me) -> task<int> {
    int sum = 0;
    for (int i = 0; i < 100; ++i) {
      spawn(
          [](self, pid parent, int k) -> process {
            send(parent, k);
            co_return;
          },
          me.id(), i);
    }
    for (int i = 0; i < 100; ++i) {
      int k = co_await me.receive<int>();
      sum += k;
    }
    co_return sum;
  };
  std::jthread other([&a, work] { EXPECT_EQ(a.run(work), 4950); });
  EXPECT_EQ(b.run(work), 4950);
  EXPECT_EQ(c.run(work), 4950);
}

} // namespace
} // namespace coppice
