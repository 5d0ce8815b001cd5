// Two nodes of ours in one program, over loopback.
#include "coppice/dist/distribution.hpp"

#include "coppice/net/detail/net_test.hpp"
#include "coppice/net/detail/test_port.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/timer.hpp"

#include <chrono>
#include <gtest/gtest.h>
#include <memory>
#include <string>

namespace coppice::dist {
namespace {

using namespace literals;
using namespace std::chrono_literals;

struct add {
  int by = 0;
};
struct total {};
struct total_is {
  std::int64_t value = 0;
};
struct fail_me {};

class counter : public gen_server {
public:
  using protocol = coppice::protocol<casts<add>, calls<total, total_is>, casts<fail_me>>;
  void handle_cast(add m) { n_ += m.by; }
  void handle_cast(fail_me) { exit(exit_reason("wished"_atom)); }
  total_is handle_call(total) { return {n_}; }

private:
  std::int64_t n_ = 0;
};

std::uint16_t free_port() { return net::testing::unused_port(); }

process stay(self, std::unique_ptr<std::promise<std::string>> started, options how) {
  auto net = co_await start(std::move(how));
  auto server = co_await coppice::start<counter>(local("counter"));
  started->set_value(net ? "" : net.error().to_string());
  co_await idle_for(infinity);
}

/// Two nodes that can find each other.
class pair_of_nodes : public testing::Test {
protected:
  pair_of_nodes() : a(net::testing::with_sockets()), b(net::testing::with_sockets()) {
    begin(a, "a@127.0.0.1");
    begin(b, "b@127.0.0.1");
  }
  void begin(node& n, const std::string& name) {
    options how{.name = name, .cookie = "secret"};
    how.epmd_port = epmd_port;
    how.busy_limit = std::size_t{1} << 16;
    auto started = std::make_unique<std::promise<std::string>>();
    auto outcome = started->get_future();
    n.spawn(&stay, std::move(started), how);
    ASSERT_EQ(outcome.get(), "");
  }

  const std::uint16_t epmd_port = free_port();
  node a;
  node b;
};

const remote_name counter_on_b{atom("counter"), atom("b@127.0.0.1")};

task<> watch_the_counter() {
  server_ref<counter> there{server_name(counter_on_b)};
  co_await call<total>(there);
  reference ref = monitor(counter_on_b);
  cast<fail_me>(there);
  self me(coppice::detail::running_process());
  down gone = co_await me.receive<down>();
  EXPECT_EQ(gone.ref, ref);
  EXPECT_EQ(gone.name, "counter"_atom);
  EXPECT_EQ(gone.node, "b@127.0.0.1"_atom);
  EXPECT_EQ(gone.reason.to_string(), "wished");
}

TEST_F(pair_of_nodes, reach_each_other_when_they_need_to) {
  a.run([](self) -> task<> {
    EXPECT_EQ(node_name(), "a@127.0.0.1"_atom);
    EXPECT_TRUE(nodes(node_kind::connected).empty());
    const bool there = co_await ping("b@127.0.0.1"_atom);
    EXPECT_TRUE(there);
    EXPECT_EQ(nodes(node_kind::hidden), std::vector<atom>{"b@127.0.0.1"_atom});
    const bool nobody = co_await ping("nobody@127.0.0.1"_atom);
    EXPECT_FALSE(nobody);
  });
}

TEST_F(pair_of_nodes, typed_casts_and_calls_go_both_ways) {
  a.run([](self) -> task<> {
    server_ref<counter> there{server_name(counter_on_b)};
    cast<add>(there, 3);
    cast<add>(there, 4);
    total_is sum = co_await call<total>(there);
    EXPECT_EQ(sum.value, 7);
    cast<add>(server_ref<counter>{server_name("counter"_atom)}, 1);
    server_ref<counter> here{server_name("counter"_atom)};
    total_is own = co_await call<total>(here);
    EXPECT_EQ(own.value, 1);
  });
}

TEST_F(pair_of_nodes, a_call_to_nobody_fails_at_once) {
  a.run([](self) -> task<> {
    server_name nobody(remote_name{"nobody"_atom, "b@127.0.0.1"_atom});
    auto none = co_await try_call_any<term>(nobody, term(1), infinity);
    EXPECT_FALSE(none);
    EXPECT_EQ(none.error().to_string(), "noproc");
    server_name nowhere(remote_name{"nobody"_atom, "c@127.0.0.1"_atom});
    auto lost = co_await try_call_any<term>(nowhere, term(1), infinity);
    EXPECT_FALSE(lost);
    EXPECT_EQ(lost.error().to_string(), "{nodedown,'c@127.0.0.1'}");
  });
}

TEST_F(pair_of_nodes, a_monitor_tells_the_end_and_the_name) {
  a.run([](self) -> task<> { co_await watch_the_counter(); });
}

process link_and_tell(self me, pid whom, pid other) {
  trap_exit(true);
  link(other);
  coppice::exit_signal gone = co_await me.receive<coppice::exit_signal>();
  send(whom, term::tuple("seen"_atom, gone.from, gone.reason.value()));
}

/// Sends its pid to whoever asks, then waits for an order to end.
process target(self me) {
  register_name("target"_atom, me);
  for (;;) {
    term message = co_await me.receive<term>();
    if (message.is_tagged("who"_atom, 2))
      send(*message.elements()[1].as_pid(), term::tuple("it"_atom, me.id()));
    if (message.is_tagged("end"_atom, 2)) exit(exit_reason(message.elements()[1]));
  }
}

task<pid> find_target(self me) {
  const remote_name there{"target"_atom, "b@127.0.0.1"_atom};
  send(there, term::tuple("who"_atom, me.id()));
  auto is_it = [](const term& t) { return t.is_tagged("it"_atom, 2); };
  term answer = co_await me.receive_if<term>(is_it);
  co_return *answer.elements()[1].as_pid();
}

TEST_F(pair_of_nodes, a_link_carries_the_reason_both_ways) {
  b.spawn(&target);
  a.run([](self me) -> task<> {
    pid there = co_await find_target(me);
    EXPECT_FALSE(there.local());
    EXPECT_EQ(node_of(there), "b@127.0.0.1"_atom);
    spawn(&link_and_tell, me.id(), there);
    co_await idle_for(1ms);
    send(there, term::tuple("end"_atom, "by_order"_atom));
    term seen = co_await me.receive<term>();
    EXPECT_EQ(seen, term::tuple("seen"_atom, there, "by_order"_atom));
    // To the dead:
    spawn(&link_and_tell, me.id(), there);
    term none = co_await me.receive<term>();
    EXPECT_EQ(none, term::tuple("seen"_atom, there, "noproc"_atom));
  });
}

TEST_F(pair_of_nodes, an_exit_signal_ends_a_process_there) {
  b.spawn(&target);
  a.run([](self me) -> task<> {
    pid there = co_await find_target(me);
    reference ref = monitor(there);
    exit(there, exit_reason("go"_atom));
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, ref);
    EXPECT_EQ(gone.process, there);
    EXPECT_EQ(gone.reason.to_string(), "go");
  });
}

TEST_F(pair_of_nodes, unlinked_processes_do_not_hear_of_each_other) {
  b.spawn(&target);
  a.run([](self me) -> task<> {
    pid there = co_await find_target(me);
    trap_exit(true);
    for (int i = 0; i < 1000; ++i) {
      link(there);
      unlink(there);
    }
    reference ref = monitor(there);
    exit(there, exit_reason("go"_atom));
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, ref);
    std::optional<coppice::exit_signal> heard = co_await me.receive<coppice::exit_signal>(0ms);
    EXPECT_FALSE(heard);
  });
}

TEST_F(pair_of_nodes, everybody_is_told_when_the_connection_goes) {
  b.spawn(&target);
  a.run([](self me) -> task<> {
    co_await monitor_nodes(true);
    pid there = co_await find_target(me);
    nodeup up = co_await me.receive<nodeup>();
    EXPECT_EQ(up.node, "b@127.0.0.1"_atom);
    EXPECT_TRUE(up.hidden);
    reference ref = monitor(there);
    trap_exit(true);
    link(there);
    EXPECT_TRUE(disconnect_node("b@127.0.0.1"_atom));
    nodedown lost = co_await me.receive<nodedown>();
    EXPECT_EQ(lost.node, "b@127.0.0.1"_atom);
    EXPECT_EQ(lost.reason, "disconnect"_atom);
    // All has been said before that.
    std::optional<down> gone = co_await me.receive<down>(0ms);
    std::optional<coppice::exit_signal> broken = co_await me.receive<coppice::exit_signal>(0ms);
    EXPECT_TRUE(gone && gone->ref == ref && gone->reason.is("noconnection"));
    EXPECT_TRUE(broken && broken->from == there && broken->reason.is("noconnection"));
    EXPECT_TRUE(nodes(node_kind::connected).empty());
    // It can be reached again; the other end of the link has gone with it.
    monitor(there);
    down there_too = co_await me.receive<down>();
    EXPECT_TRUE(there_too.reason.is("noproc"));
  });
}

TEST_F(pair_of_nodes, a_node_that_goes_is_noticed) {
  a.run([](self me) -> task<> {
    co_await monitor_nodes(true);
    const bool there = co_await ping("b@127.0.0.1"_atom);
    EXPECT_TRUE(there);
    co_await me.receive<nodeup>();
  });
  EXPECT_TRUE(b.shutdown());
  a.run([](self) -> task<> {
    while (!nodes(node_kind::connected).empty()) co_await idle_for(1ms);
  });
}

TEST_F(pair_of_nodes, a_node_that_cannot_be_reached_is_down_at_once) {
  a.run([](self me) -> task<> {
    monitor_node("c@127.0.0.1"_atom, true);
    nodedown none = co_await me.receive<nodedown>();
    EXPECT_EQ(none.node, "c@127.0.0.1"_atom);
  });
}

process flood(self, pid whom) {
  const remote_name there{"counter"_atom, "b@127.0.0.1"_atom};
  server_ref<counter> server{server_name(there)};
  for (int i = 0; i < 20'000; ++i) {
    cast<add>(server, 1);
    if (i % 64 == 0) co_await yield();
  }
  total_is sum = co_await call<total>(server, within(infinity));
  send(whom, sum);
}

TEST_F(pair_of_nodes, a_flood_arrives_whole_and_in_order) {
  a.run([](self me) -> task<> {
    spawn(&flood, me.id());
    total_is sum = co_await me.receive<total_is>();
    EXPECT_EQ(sum.value, 20'000);
  });
}

struct blob {
  std::string bytes;
};
process sink(self me, pid) {
  register_name("sink"_atom, me);
  for (;;) {
    std::variant<blob, term> got = co_await me.receive<blob, term>();
    if (const auto* t = std::get_if<term>(&got); t != nullptr && t->is_tagged("from"_atom, 2)) {
      send(*t->elements()[1].as_pid(), term("small"_atom));
    }
    if (const auto* big = std::get_if<blob>(&got)) {
      const auto size = static_cast<std::int64_t>(big->bytes.size());
      send(remote_name{"waits"_atom, "a@127.0.0.1"_atom}, term(size));
    }
  }
}

TEST_F(pair_of_nodes, a_long_message_does_not_hold_up_a_short_one) {
  b.spawn(&sink, pid());
  a.run([](self me) -> task<> {
    register_name("waits"_atom, me);
    const bool up = co_await ping("b@127.0.0.1"_atom);
    EXPECT_TRUE(up);
    constexpr std::size_t much = 64U << 20;
    blob big{std::string(much, 'x')};
    const remote_name there{"sink"_atom, "b@127.0.0.1"_atom};
    // By another process: what one process sends keeps its order.
    spawn(
        [](self, remote_name to, blob data) -> process {
          send(to, std::move(data));
          co_return;
        },
        there, std::move(big));
    co_await idle_for(5ms);
    send(there, term::tuple("from"_atom, me.id()));
    term first = co_await me.receive<term>();
    term second = co_await me.receive<term>();
    EXPECT_TRUE(first == term("small"_atom) || second == term("small"_atom));
    EXPECT_TRUE(first == term(std::int64_t{much}) || second == term(std::int64_t{much}));
  });
}

TEST_F(pair_of_nodes, two_that_connect_at_once_have_one_connection) {
  for (int round = 0; round < 30; ++round) {
    auto dial = [](self, atom other) -> task<bool> {
      const bool up = co_await connect_node(other);
      co_return up;
    };
    auto one = std::async(std::launch::async, [&] { return a.run(dial, "b@127.0.0.1"_atom); });
    auto two = std::async(std::launch::async, [&] { return b.run(dial, "a@127.0.0.1"_atom); });
    EXPECT_TRUE(one.get());
    EXPECT_TRUE(two.get());
    a.run([](self) -> task<> {
      const bool there = co_await ping("b@127.0.0.1"_atom);
      EXPECT_TRUE(there);
      EXPECT_EQ(nodes(node_kind::connected).size(), 1U);
      disconnect_node("b@127.0.0.1"_atom);
      while (!nodes(node_kind::connected).empty()) co_await idle_for(1ms);
    });
    b.run([](self) -> task<> {
      while (!nodes(node_kind::connected).empty()) co_await idle_for(1ms);
    });
  }
}

std::string why_not(options how) {
  node n(net::testing::with_sockets());
  return n.run(
      [](self, options o) -> task<std::string> {
        o.epmd = epmd_use::none;
        trap_exit(true);
        auto outcome = co_await start(std::move(o));
        co_return outcome ? "" : outcome.error().to_string();
      },
      std::move(how));
}

TEST(distribution_options, say_what_is_wrong_with_them) {
  EXPECT_NE(why_not({.name = "nonsense", .cookie = "c"}).find("name@host"), std::string::npos);
  EXPECT_NE(why_not({.name = "a@127.0.0.1", .cookie = ""}).find("cookie"), std::string::npos);
  EXPECT_NE(
      why_not({.name = "a@127.0.0.1", .cookie = "short", .listen = net::endpoint::any(0)}).find("20 bytes"),
      std::string::npos);
  EXPECT_EQ(why_not({.name = "a@127.0.0.1", .cookie = "short"}), "");
}

} // namespace
} // namespace coppice::dist
