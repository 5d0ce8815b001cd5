// Bounded mailboxes: drop, kill, push back.
#include "coppice/runtime/api.hpp"
#include "coppice/runtime/call.hpp"
#include "coppice/runtime/detail/runtime_test.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace coppice::test;

struct number {
  int n;
};
struct done {
  int sent;
};

spawn_options limited(std::uint32_t messages, overflow policy) {
  spawn_options options;
  options.mailbox_limit = messages;
  options.on_overflow = policy;
  return options;
}

/// Sleeps until told, then counts what is in its mailbox.
process sleeper(self me, pid parent) {
  co_await me.receive<stop>();
  int seen = 0;
  for (;;) {
    std::optional<number> m = co_await me.receive<number>(0ns);
    if (!m) break;
    EXPECT_EQ(m->n, seen);
    ++seen;
  }
  send(parent, done{seen});
}

TEST(mailbox_limit, drop_keeps_the_oldest) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn_opt(limited(10, overflow::drop), sleeper, me.id()).process;
    send(p, stop());
    for (int i = 0; i < 100; ++i) send(p, number{i});
    done d = co_await me.receive<done>();
    EXPECT_EQ(d.sent, 9); // `stop` was a message, too
  });
}

TEST(mailbox_limit, makes_room_again_as_messages_are_taken) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn_opt(
                limited(4, overflow::drop),
                [](self it, pid parent) -> process {
                  for (;;) {
                    number m = co_await it.receive<number>();
                    send(parent, m);
                  }
                },
                me.id())
                .process;
    for (int i = 0; i < 100; ++i) {
      for (int j = 0; j < 4; ++j) send(p, number{i * 4 + j});
      for (int j = 0; j < 4; ++j) {
        number back = co_await me.receive<number>();
        EXPECT_EQ(back.n, i * 4 + j);
      }
    }
    exit(p, exit_reason::kill());
  });
}

TEST(mailbox_limit, counts_no_message_to_an_alias_that_is_gone) {
  node n(quiet());
  n.run([](self me) -> task<> {
    set_mailbox_limit(5, overflow::drop);
    for (int round = 0; round < 10; ++round) {
      reference mine = alias();
      for (int i = 0; i < 5; ++i) send(mine, number{i});
      unalias(mine);
      std::optional<number> none = co_await me.receive<number>(0ns);
      EXPECT_FALSE(none);
    }
    send(me, number{1});
    number got = co_await me.receive<number>();
    EXPECT_EQ(got.n, 1);
  });
}

TEST(mailbox_limit, never_drops_a_signal_or_a_reply) {
  node n(quiet());
  n.run([](self me) -> task<> {
    trap_exit(true);
    set_mailbox_limit(2, overflow::drop);
    for (int i = 0; i < 10; ++i) send(me, number{i});
    monitored child = spawn_monitor([](self) -> process { co_return; });
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, child.ref);
    spawn_link([](self) -> process { co_return; });
    co_await me.receive<exit_signal>();
    std::optional<process_details> info = co_await process_info(me);
    EXPECT_EQ(info.value().summary.message_queue_len, 2U);
  });
}

TEST(mailbox_limit, drop_tells_a_caller) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn_opt(limited(1, overflow::drop), sleeper, me.id()).process;
    send(p, number{0});
    request_awaiter<int> asked(p, number{1}, infinity);
    std::expected<int, exit_reason> r = co_await asked;
    EXPECT_TRUE(r.error().is("mailbox_full"));
    exit(p, exit_reason::kill());
  });
}

TEST(mailbox_limit, kill_ends_even_who_traps_exits) {
  node n(quiet());
  n.run([](self me) -> task<> {
    monitored p = spawn_monitor([](self it) -> process {
      trap_exit(true);
      set_mailbox_limit(3, overflow::kill);
      co_await it.receive<stop>();
    });
    co_await yield();
    for (int i = 0; i < 3; ++i) send(p.process, number{i});
    co_await yield();
    EXPECT_TRUE(is_process_alive(p.process));
    send(p.process, number{3});
    down d = co_await me.receive<down>();
    EXPECT_TRUE(d.reason.is("mailbox_full"));
  });
}

// --- push back ---

/// Sends as fast as it may, and tells how far it came.
process flood(self, pid to, pid parent, int count) {
  for (int i = 0; i < count; ++i) {
    send(to, number{i});
    co_await yield();
  }
  send(parent, done{count});
}

TEST(mailbox_limit, push_back_halts_the_sender_until_there_is_room) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid full = spawn_opt(
                   limited(10, overflow::push_back),
                   [](self it, pid parent) -> process {
                     co_await it.receive<stop>();
                     for (int i = 0; i < 1000; ++i) {
                       number m = co_await it.receive<number>();
                       EXPECT_EQ(m.n, i) << "nothing is lost and nothing overtakes";
                     }
                     send(parent, done{-1});
                   },
                   me.id())
                   .process;
    pid sender = spawn(flood, full, me.id(), 1000);
    co_await idle_for(1ms);
    std::optional<process_summary> s = this_node().summary(full);
    EXPECT_EQ(s->message_queue_len, 11U) << "the limit, and the message that went over it";
    std::optional<done> early = co_await me.receive<done>(1ms);
    EXPECT_FALSE(early);
    EXPECT_TRUE(is_process_alive(sender));
    send(full, stop());
    co_await me.receive<done>();
    co_await me.receive<done>();
  });
  EXPECT_EQ(n.statistics().processes, 0U);
}

TEST(mailbox_limit, push_back_holds_a_sender_at_an_await_that_is_over_already) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid full = spawn_opt(limited(1, overflow::push_back), sleeper, me.id()).process;
    pid sender = spawn(
        [](self it, pid to, pid parent) -> process {
          send(it, stop());
          send(to, number{0});
          send(to, number{1}); // one too many
          co_await it.receive<stop>();
          send(parent, done{2});
        },
        full, me.id());
    std::optional<done> early = co_await me.receive<done>(10ms);
    EXPECT_FALSE(early);
    send(full, stop());
    done first = co_await me.receive<done>();
    done second = co_await me.receive<done>();
    EXPECT_EQ(first.sent + second.sent, 4);
    EXPECT_FALSE(is_process_alive(full));
    EXPECT_NE(sender, full);
  });
}

TEST(mailbox_limit, push_back_ends_when_the_receiver_dies) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid full = spawn_opt(limited(3, overflow::push_back), sleeper, me.id()).process;
    for (int i = 0; i < 5; ++i) spawn(flood, full, me.id(), 100);
    co_await idle_for(1ms);
    exit(full, exit_reason::kill());
    for (int i = 0; i < 5; ++i) co_await me.receive<done>();
  });
  EXPECT_EQ(n.statistics().processes, 0U);
}

TEST(mailbox_limit, a_pushed_back_sender_can_be_killed) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid full = spawn_opt(limited(3, overflow::push_back), sleeper, me.id()).process;
    pid sender = spawn(flood, full, me.id(), 100);
    co_await idle_for(1ms);
    monitor(sender);
    exit(sender, exit_reason::kill());
    down d = co_await me.receive<down>();
    EXPECT_TRUE(d.reason.is("killed"));
    send(full, stop());
    done seen = co_await me.receive<done>();
    EXPECT_EQ(seen.sent, 4);
  });
}

TEST(mailbox_limit, push_back_spares_processes_of_other_nodes) {
  node a(quiet());
  node b(quiet());
  pid full = b.run([](self me) -> task<pid> {
    co_return spawn_opt(limited(2, overflow::push_back), sleeper, me.id()).process;
  });
  pid got = a.spawn(
      [](self it, pid to) -> process {
        co_await it.receive<stop>();
        EXPECT_TRUE(to);
      },
      full);
  a.run_until_idle();
  for (int i = 0; i < 10; ++i) b.send(full, number{i}); // from no process at all: admitted
  b.run_until_idle();
  EXPECT_EQ(b.summary(full)->message_queue_len, 10U);
  EXPECT_TRUE(a.is_process_alive(got));
}

} // namespace
} // namespace coppice
