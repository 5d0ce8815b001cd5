// Plain processes on a stepped node: what the reference manual's chapter on processes says, case by case.
#include "coppice/runtime/call.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;

struct ping {
  pid sender;
};
struct pong {
  int n;
};
struct stop {};
struct noise {};

process echo(self me, int answers) {
  for (int i = 0; i < answers; ++i) {
    ping p = co_await me.receive<ping>();
    send(p.sender, pong{i});
  }
}

TEST(process, answers_a_message) {
  node n(stepped());
  int got = n.run([](self me) -> task<int> {
    pid other = spawn(echo, 1);
    send(other, ping{me});
    pong p = co_await me.receive<pong>();
    co_return p.n + 41;
  });
  EXPECT_EQ(got, 41);
}

TEST(process, receives_selectively_and_keeps_the_rest_in_order) {
  node n(stepped());
  std::vector<int> got = n.run([](self me) -> task<std::vector<int>> {
    for (int i = 0; i < 3; ++i) {
      send(me, noise{});
      send(me, pong{i});
    }
    send(me, stop{});
    co_await me.receive<stop>();
    std::vector<int> all;
    for (int i = 0; i < 3; ++i) {
      pong p = co_await me.receive<pong>();
      all.push_back(p.n);
    }
    for (int i = 0; i < 3; ++i) {
      co_await me.receive<noise>();
      all.push_back(-1);
    }
    co_return all;
  });
  EXPECT_EQ(got, (std::vector<int>{0, 1, 2, -1, -1, -1}));
}

TEST(process, receive_gives_up_after_its_time) {
  node n(stepped());
  auto waited = n.run([](self me) -> task<duration> {
    time_point before = now();
    std::optional<pong> p = co_await me.receive<pong>(250ms);
    EXPECT_FALSE(p);
    co_return now() - before;
  });
  EXPECT_GE(waited, 250ms);
  EXPECT_LT(waited, 251ms);
}

TEST(process, a_link_carries_an_exception_and_a_monitor_tells) {
  node n(stepped());
  n.set_report_sink([](const report&) {});
  n.run([](self me) -> task<> {
    trap_exit(true);
    pid child = spawn_link([](self) -> process {
      throw std::runtime_error("disk full");
      co_return;
    });
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_EQ(e.from, child);
    EXPECT_EQ(e.reason.value(), term::tuple(atom("std::runtime_error"), "disk full"));
    reference ref = monitor(child);
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, ref);
    EXPECT_TRUE(d.reason.is("noproc"));
  });
}

struct get {};

process counter(self me) {
  // A server by hand: call messages are taken by behaviours; here the runtime's own completion is shown.
  co_await me.receive<stop>();
}

TEST(process, a_call_to_a_process_that_dies_fails_with_its_reason) {
  node n(stepped());
  n.run([](self) -> task<> {
    pid server = spawn(counter);
    send_after(10ms, server, stop{});
    request_awaiter<int> asked(server, get{}, 5s);
    std::expected<int, exit_reason> r = co_await asked;
    EXPECT_FALSE(r);
    EXPECT_TRUE(r.error().is("normal"));
    request_awaiter<int> late(server, get{}, 5s);
    std::expected<int, exit_reason> r2 = co_await late;
    EXPECT_FALSE(r2);
    EXPECT_TRUE(r2.error().is("noproc"));
  });
}

struct idle_body : body {
  void receive(message_ptr) override {}
  [[nodiscard]] std::string_view label() const noexcept override { return "idle_body"; }
  [[nodiscard]] std::string_view behaviour() const noexcept override { return "idler"; }
};

TEST(process, is_described_by_its_label_behaviour_and_module) {
  node n(stepped());
  n.run([](self me) -> task<> {
    monitored plain = spawn_opt(spawn_options{.label = "given"}, echo, 1);
    monitored behaving = spawn_body(spawn_options{}, std::make_unique<idle_body>());
    set_label("runner:" + std::string(300, 'x'));
    node& here = this_node();
    std::optional<process_summary> s = here.summary(plain.process);
    EXPECT_EQ(s->label, "given");
    EXPECT_EQ(s->behaviour, "process");
    EXPECT_EQ(s->module, "");
    EXPECT_EQ(s->parent, me.id());
    s = here.summary(behaving.process);
    EXPECT_EQ(s->label, "");
    EXPECT_EQ(s->behaviour, "idler");
    EXPECT_EQ(s->module, "idle_body");
    s = here.summary(me);
    EXPECT_EQ(s->label, "runner:" + std::string(248, 'x'));
    co_await yield();
  });
  EXPECT_TRUE(n.processes().size() <= 2);
}

process hold(self me) {
  register_name(atom("holder"), me);
  set_label("held");
  co_await me.receive<stop>();
}

TEST(process, all_are_glimpsed_in_pieces) {
  node n(stepped());
  n.run([](self me) -> task<> {
    std::vector<pid> started{me};
    for (int i = 0; i < 20; ++i) started.push_back(spawn(i == 7 ? hold : counter));
    co_await yield();
    const node& here = this_node();
    std::vector<process_glimpse> seen;
    std::optional<std::uint32_t> at = 0;
    int pieces = 0;
    while (at) {
      at = here.glimpse(*at, 4, [&seen](const process_glimpse& g) { seen.push_back(g); });
      ++pieces;
    }
    EXPECT_GT(pieces, 4);
    EXPECT_EQ(seen.size(), started.size());
    for (const process_glimpse& g : seen) {
      EXPECT_TRUE(std::ranges::find(started, g.process) != started.end());
      EXPECT_EQ(g.named, g.process == whereis(atom("holder")));
      EXPECT_EQ(g.parent, g.process == me ? pid() : me.id());
      EXPECT_STREQ(g.behaviour, "process");
    }
    EXPECT_EQ(here.label(*whereis(atom("holder"))), "held");
    EXPECT_EQ(here.label(me), std::nullopt);
    EXPECT_EQ(here.names().size(), 1U);
    EXPECT_FALSE(here.glimpse(1'000'000, 10, [](const process_glimpse&) { ADD_FAILURE(); }));
  });
}

TEST(process, tells_the_types_of_what_waits_in_its_mailbox) {
  node n(stepped());
  n.run([](self) -> task<> {
    pid busy = spawn(counter);
    std::optional<process_details> before = co_await process_info(busy);
    for (int i = 0; i < 30; ++i) send(busy, get{});
    std::optional<process_details> after = co_await process_info(busy);
    EXPECT_TRUE(before->messages.empty());
    EXPECT_EQ(after->messages, std::vector<std::string>(10, std::string(type_name<get>())));
    EXPECT_EQ(after->summary.message_queue_len, 30U);
    EXPECT_GE(after->memory, before->memory);
  });
}

TEST(process, cores_have_figures_of_their_own) {
  node_options options;
  options.cores = 2;
  node n(options);
  n.run([](self) -> task<> {
    for (int i = 0; i < 1000; ++i) co_await yield();
    const std::vector<core_statistics> cores = this_node().cores();
    EXPECT_EQ(cores.size(), 2U);
    EXPECT_GT(cores[0].busy + cores[1].busy, duration::zero());
    EXPECT_GT(cores[0].reductions + cores[1].reductions, 0U);
  });
}

TEST(process, threads_pass_a_token) {
  node_options options;
  options.cores = 4;
  node n(options);
  int got = n.run([](self me) -> task<int> {
    pid other = spawn(echo, 100000);
    int last = 0;
    for (int i = 0; i < 100000; ++i) {
      send(other, ping{me});
      pong p = co_await me.receive<pong>();
      last = p.n;
    }
    co_return last;
  });
  EXPECT_EQ(got, 99999);
}

} // namespace
} // namespace coppice
