// What bounds connections and what keeps them: limits, ticks, peers that fall silent or come again.
#include "coppice/dist/detail/setup.hpp"
#include "coppice/dist/detail/test_cluster.hpp"
#include "coppice/net/detail/tls_test.hpp"
#include "coppice/net/socket.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace coppice::dist {
namespace {

using namespace literals;
using namespace std::chrono_literals;

const std::string a_name = "a@127.0.0.1";
const atom p_name("p@127.0.0.1");

/// A node, and a peer `p` of it that is no more than a handshake: what it does afterwards is up to the test.
class wild_peer : public testing::Test {
protected:
  /// The node listens at this port.
  const std::uint16_t port = port_for_mapper();
  [[nodiscard]] options at_port() const {
    return {.listen = net::endpoint::loopback(port), .epmd = epmd_use::none};
  }
  node outside{net::testing::with_sockets()};
};

handshake_side side_of(const std::string& name) {
  return {.self = {.name = name, .creation = 7, .can = offered}, .cookie = "c", .challenge = 5};
}

/// Connects as `p`, and takes the place of an earlier connection.
task<std::optional<net::stream>> try_connect(std::uint16_t port) {
  auto socket = co_await net::connect(net::endpoint::loopback(port), 20s);
  if (!socket) co_return std::nullopt;
  net::stream connection(std::move(*socket));
  handshake_side mine = side_of("p@127.0.0.1");
  std::function<bool()> connected = [] { return false; };
  const time_point until = now() + 20s;
  auto done = co_await detail::greet(&connection, std::move(mine), a_name, std::move(connected), until);
  if (!done) co_return std::nullopt;
  co_return std::move(connection);
}

task<net::stream> connect_as_peer(std::uint16_t port) {
  std::optional<net::stream> connection = co_await try_connect(port);
  EXPECT_TRUE(connection);
  co_return std::move(*connection);
}

/// Has connections come one after the other, each of which takes the place of the one before.
process come_again(self, std::uint16_t port, int times, std::unique_ptr<std::promise<void>> done) {
  std::vector<net::stream> all;
  for (int i = 0; i < times; ++i) {
    net::stream next = co_await connect_as_peer(port);
    all.push_back(std::move(next));
  }
  char byte[16];
  for (int i = 0; i + 1 < times; ++i) co_await all[static_cast<std::size_t>(i)].read_some(byte, 20s);
  all.clear();
  done->set_value();
}

TEST_F(wild_peer, that_comes_again_and_again_comes_and_goes_in_turn) {
  test_member a("a", 0, false, at_port());
  constexpr int times = 50;
  auto done = std::make_unique<std::promise<void>>();
  std::future<void> over = done->get_future();
  auto ready = std::make_unique<std::promise<void>>();
  std::future<void> watches = ready->get_future();
  auto watch = std::async(std::launch::async, [&a, &ready] {
    return a.run(
        [](self me, std::unique_ptr<std::promise<void>> begins) -> task<std::string> {
          co_await monitor_nodes(true);
          begins->set_value();
          std::string seen;
          for (int i = 0; i < 2 * times; ++i) {
            std::variant<nodeup, nodedown> news = co_await me.receive<nodeup, nodedown>();
            seen += std::holds_alternative<nodeup>(news) ? '+' : '-';
          }
          co_return seen;
        },
        std::move(ready));
  });
  watches.get();
  outside.spawn(&come_again, port, times, std::move(done));
  over.get();
  std::string in_turn;
  for (int i = 0; i < times; ++i) in_turn += "+-";
  EXPECT_EQ(watch.get(), in_turn);
}

// --- silence ----------------------------------------------------------------------------------------------

/// Again and again, as long as the node is there.
process say_nothing(self, std::uint16_t port) {
  for (;;) {
    std::optional<net::stream> connection = co_await try_connect(port);
    if (!connection) co_return;
    char byte[16];
    net::io_result n = co_await connection->read_some(byte, infinity);
    while (n && *n != 0) { // ticks
      net::io_result more = co_await connection->read_some(byte, infinity);
      n = more;
    }
  }
}

TEST_F(wild_peer, that_falls_silent_is_given_up) {
  options how = at_port();
  how.net_ticktime = 1s;
  test_member a("a", 0, false, std::move(how));
  outside.spawn(&say_nothing, port);
  a.run([](self me) -> task<> {
    co_await monitor_nodes(true);
    nodedown lost = co_await me.receive<nodedown>();
    EXPECT_EQ(lost.node, p_name);
    EXPECT_EQ(lost.reason, "net_tick_timeout"_atom);
  });
}

/// Answers so many ticks.
task<int> answer_ticks(self, std::uint16_t port, int times) {
  net::stream connection = co_await connect_as_peer(port);
  int heard = 0;
  while (heard < times) {
    char buffer[64];
    net::io_result n = co_await connection.read_some(buffer, 20s);
    if (!n || *n == 0) break;
    const bool ticks = std::all_of(buffer, buffer + *n, [](char c) { return c == 0; });
    if (!ticks) continue;
    heard += static_cast<int>(*n / 4);
    const std::string tick(4, '\0');
    co_await connection.write_all(tick, 20s);
  }
  co_return heard;
}

TEST_F(wild_peer, that_ticks_stays_and_so_does_a_quiet_node_of_ours) {
  const std::uint16_t other_port = port_for_mapper();
  options how = at_port();
  how.net_ticktime = 1s;
  how.known.emplace("b@127.0.0.1", net::endpoint::loopback(other_port));
  test_member a("a", 0, false, std::move(how));
  options theirs{.listen = net::endpoint::loopback(other_port), .epmd = epmd_use::none};
  theirs.net_ticktime = 1s;
  test_member b("b", 0, false, std::move(theirs));
  a.run([](self) -> task<> {
    const bool up = co_await ping("b@127.0.0.1"_atom);
    EXPECT_TRUE(up);
  });
  auto lost = std::async(std::launch::async, [&a] {
    return a.run([](self me) -> task<std::string> {
      co_await monitor_nodes(true);
      nodedown first = co_await me.receive<nodedown>();
      co_return std::string(first.node.name());
    });
  });
  // Its ticks are the clock: in that time a silent peer would have been given up.
  EXPECT_GE(outside.run(&answer_ticks, port, 6), 6);
  EXPECT_EQ(lost.get(), p_name.name());
}

// --- limits -----------------------------------------------------------------------------------------------

/// Reads nothing until it may; then it reads on.
process read_late(self me, std::uint16_t port, std::unique_ptr<std::promise<pid>> reader) {
  net::stream connection = co_await connect_as_peer(port);
  reader->set_value(me.id());
  co_await me.receive<term>();
  std::vector<char> buffer(1 << 20);
  for (;;) {
    net::io_result n = co_await connection.read_some(buffer, infinity);
    if (!n || *n == 0) co_return;
  }
}

pid connect_without_reading(node& outside, std::uint16_t port) {
  auto reader = std::make_unique<std::promise<pid>>();
  std::future<pid> up = reader->get_future();
  outside.spawn(&read_late, port, std::move(reader));
  return up.get();
}

/// More than the system and `busy_limit` take.
struct blob {
  std::string bytes = std::string(std::size_t{24} << 20, 'x');
};

process tell_when_past(self, pid whom, bool held_up) {
  set_async_dist(!held_up);
  send(remote_name{"nobody"_atom, p_name}, blob());
  co_await yield();
  send(whom, held_up ? "held_up"_atom : "free"_atom);
}

TEST_F(wild_peer, that_does_not_read_holds_up_senders_but_those_that_do_not_want_it) {
  test_member a("a", 0, false, at_port());
  const pid reader = connect_without_reading(outside, port);
  auto free_came = std::make_unique<std::promise<void>>();
  std::future<void> one_is_past = free_came->get_future();
  auto both = std::async(std::launch::async, [&a, &free_came] {
    a.run(
        [](self me, std::unique_ptr<std::promise<void>> one) -> task<> {
          spawn(&tell_when_past, me.id(), true);
          spawn(&tell_when_past, me.id(), false);
          term first = co_await me.receive<term>();
          EXPECT_EQ(first, term("free"_atom));
          std::optional<term> second = co_await me.receive<term>(0ms);
          EXPECT_FALSE(second);
          one->set_value();
          term last = co_await me.receive<term>();
          EXPECT_EQ(last, term("held_up"_atom));
        },
        std::move(free_came));
  });
  one_is_past.get();
  outside.send(reader, "read"_atom);
  both.get();
}

TEST_F(wild_peer, for_whom_too_much_waits_loses_its_connection) {
  options how = at_port();
  how.most_queued = std::size_t{1} << 20;
  test_member a("a", 0, false, std::move(how));
  connect_without_reading(outside, port);
  a.run([](self me) -> task<> {
    co_await monitor_nodes(true);
    set_async_dist(true);
    send(remote_name{"nobody"_atom, p_name}, blob());
    nodedown lost = co_await me.receive<nodedown>();
    EXPECT_EQ(lost.reason, "send_queue_full"_atom);
  });
}

/// A newcomer that has told its name and got an answer, and no more.
task<net::stream> come_half_way(std::uint16_t port, std::string name) {
  auto socket = co_await net::connect(net::endpoint::loopback(port), 20s);
  net::stream connection(std::move(*socket));
  detail::handshake_stream talk(connection, now() + 20s);
  const handshake_out side(side_of(name), a_name, false);
  std::vector<std::string> first{side.start()};
  co_await talk.write(std::move(first));
  auto status = co_await talk.read();
  EXPECT_TRUE(status && *status == "sok");
  auto challenge = co_await talk.read();
  EXPECT_TRUE(challenge);
  co_return std::move(connection);
}

TEST_F(wild_peer, half_way_in_makes_room_for_newer_ones) {
  options how = at_port();
  how.max_half_open = 2;
  how.setup_time = 60s;
  test_member a("a", 0, false, std::move(how));
  outside.run(
      [](self, std::uint16_t at) -> task<> {
        net::stream first = co_await come_half_way(at, "x@127.0.0.1");
        net::stream second = co_await come_half_way(at, "y@127.0.0.1");
        net::stream third = co_await connect_as_peer(at);
        char byte[16];
        net::io_result ended = co_await first.read_some(byte, 20s);
        EXPECT_TRUE(!ended || *ended == 0);
        net::io_result waits = co_await second.read_some(byte, 0ms);
        EXPECT_FALSE(waits);
      },
      port);
}

// --- TLS --------------------------------------------------------------------------------------------------

using net::testing::authority;
using net::testing::certificate_wish;

/// A node that shows a certificate of the one authority, and lets in whom the other one has signed.
options secured(authority& signs, authority& trusts, const std::string& crl = {}) {
  const certificate_wish for_here{.names = "IP:127.0.0.1,DNS:127.0.0.1"};
  const net::tls_identity own = signs.issue("node", for_here);
  auto server = net::tls_server::make({.identities = {own},
                                       .clients = net::client_certificates::required,
                                       .client_ca_file = trusts.ca_file(),
                                       .client_crl_file = crl});
  auto client = net::tls_client::make({.ca_file = trusts.ca_file(), .identity = own});
  options how;
  how.tls.emplace(tls_sides{*server, *client});
  return how;
}

/// Whether a node of the first options gets in at one of the second, which tells it what it was told.
bool gets_in(options one, options other) {
  const std::uint16_t mapper = port_for_mapper();
  test_member b("b", mapper, false, std::move(other));
  test_member a("a", mapper, false, std::move(one));
  return a.run([](self) -> task<bool> {
    const bool up = co_await ping("b@127.0.0.1"_atom);
    co_return up;
  });
}

TEST(tls_between_ours, lets_in_who_is_signed_and_trusted) {
  authority ca;
  EXPECT_TRUE(gets_in(secured(ca, ca), secured(ca, ca)));
}

TEST(tls_between_ours, keeps_out_whom_another_authority_has_signed) {
  authority ca;
  authority other("other");
  EXPECT_FALSE(gets_in(secured(other, ca), secured(ca, ca)));
  EXPECT_FALSE(gets_in(secured(ca, ca), secured(other, ca)));
}

TEST(tls_between_ours, keeps_out_who_has_been_revoked) {
  authority ca;
  options one = secured(ca, ca);
  EXPECT_FALSE(gets_in(std::move(one), secured(ca, ca, ca.revocations(true))));
}

TEST(tls_between_ours, keeps_out_who_has_none_and_does_not_go_to_who_has_none) {
  authority ca;
  EXPECT_FALSE(gets_in({}, secured(ca, ca)));
  EXPECT_FALSE(gets_in(secured(ca, ca), {}));
}

} // namespace
} // namespace coppice::dist
