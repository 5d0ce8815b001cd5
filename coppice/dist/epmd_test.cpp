// The client and the server of the port mapper's protocol, with each other and with such as break it.
#include "coppice/dist/epmd_client.hpp"
#include "coppice/dist/epmd_server.hpp"

#include "coppice/net/detail/net_test.hpp"

#include <gtest/gtest.h>

namespace coppice::dist {
namespace {

using namespace std::chrono_literals;
using net::testing::with_sockets;

net::endpoint served(epmd_server_options options = {}) {
  options.endpoint = net::endpoint::loopback(0);
  auto server = start_epmd_server(options);
  EXPECT_TRUE(server);
  return server->local();
}

task<epmd_registration> registered(net::endpoint mapper, epmd_entry entry) {
  auto r = co_await epmd_register(mapper, std::move(entry), 20s);
  EXPECT_TRUE(r) << r.error().message;
  co_return std::move(*r);
}

task<std::optional<epmd_entry>> looked_up(net::endpoint mapper, std::string name) {
  auto found = co_await epmd_lookup(mapper, std::move(name), 20s);
  EXPECT_TRUE(found) << found.error().message;
  co_return std::move(*found);
}

/// What comes back when these bytes are all that is sent.
task<std::string> answer_to(net::endpoint mapper, std::string bytes) {
  auto s = co_await net::connect(mapper, 20s);
  co_await s->write_all(bytes, 20s);
  s->shutdown_write();
  std::string answer;
  for (;;) {
    char buffer[256];
    net::io_result n = co_await s->read_some(buffer, 20s);
    if (!n || *n == 0) co_return std::move(answer);
    answer.append(buffer, *n);
  }
}

TEST(epmd, a_node_is_found_for_as_long_as_it_is_connected) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    const net::endpoint mapper = served();
    const epmd_entry cpp{.name = "cpp", .port = 4711, .kind = epmd_entry::node_kind::hidden, .extra = "x"};
    {
      epmd_registration first = co_await registered(mapper, cpp);
      EXPECT_GE(first.creation, 4U);
      std::optional<epmd_entry> found = co_await looked_up(mapper, "cpp");
      EXPECT_EQ(found, cpp);
      std::optional<epmd_entry> none = co_await looked_up(mapper, "other");
      EXPECT_EQ(none, std::nullopt);
    }
    for (bool listed = true; listed;) { // until the server has seen the end
      std::optional<epmd_entry> found = co_await looked_up(mapper, "cpp");
      listed = found.has_value();
    }
  });
}

TEST(epmd, a_name_is_given_once_at_a_time) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    const net::endpoint mapper = served();
    const epmd_entry first{.name = "a", .port = 1};
    epmd_registration kept = co_await registered(mapper, first);
    const epmd_entry second{.name = "a", .port = 2};
    auto refused = co_await epmd_register(mapper, second, 20s);
    EXPECT_EQ(refused.error().why, epmd_error::reason::name_taken);
    EXPECT_EQ(refused.error().message, "epmd at " + mapper.to_string() + ": there is a node a already");
    std::optional<epmd_entry> found = co_await looked_up(mapper, "a");
    EXPECT_EQ(found->port, 1); // who was refused has not thrown it out
  });
}

TEST(epmd, nodes_are_listed) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    const net::endpoint mapper = served();
    auto none = co_await epmd_list(mapper, 20s);
    EXPECT_EQ(none.value(), std::vector<named_port>());
    const epmd_entry x{.name = "x", .port = 10};
    const epmd_entry y{.name = "y", .port = 20};
    epmd_registration kept_y = co_await registered(mapper, y);
    epmd_registration kept_x = co_await registered(mapper, x);
    auto both = co_await epmd_list(mapper, 20s);
    EXPECT_EQ(both.value(), (std::vector<named_port>{{"x", 10}, {"y", 20}}));
  });
}

TEST(epmd, more_nodes_than_allowed_are_refused) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    const net::endpoint mapper = served({.max_nodes = 1});
    const epmd_entry a{.name = "a", .port = 1};
    const epmd_entry b{.name = "b", .port = 1};
    epmd_registration kept = co_await registered(mapper, a);
    auto refused = co_await epmd_register(mapper, b, 20s);
    EXPECT_EQ(refused.error().why, epmd_error::reason::name_taken);
  });
}

TEST(epmd, what_is_no_request_ends_the_connection) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    const net::endpoint mapper = served();
    const std::string wrong[] = {"",
                                 "G",
                                 "GET / HTTP/1.1\r\n\r\n",
                                 std::string(2, '\0'),
                                 std::string("\0\1k", 3),
                                 std::string("\0\x05z", 3),
                                 std::string(5000, '\xff')};
    for (const std::string& bytes : wrong) {
      std::string answer = co_await answer_to(mapper, bytes);
      EXPECT_EQ(answer, "");
    }
    auto after = co_await epmd_list(mapper, 20s);
    EXPECT_TRUE(after);
  });
}

TEST(epmd, one_that_says_nothing_is_cut_off) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    const net::endpoint mapper = served({.request_timeout = 1ms});
    auto s = co_await net::connect(mapper, 20s);
    char buffer[16];
    net::io_result end = co_await s->read_some(buffer, 20s);
    EXPECT_EQ(end.value_or(99), 0U);
  });
}

TEST(epmd, the_client_says_what_is_wrong) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    auto closed = net::listen_socket::open(net::endpoint::loopback(0));
    const net::endpoint nobody = *closed->local();
    closed->close();
    auto refused = co_await epmd_lookup(nobody, "a", 20s);
    EXPECT_EQ(refused.error().why, epmd_error::reason::unreachable);
    EXPECT_EQ(refused.error().message, "epmd at " + nobody.to_string() + ": Connection refused");

    auto mute = net::listen_socket::open(net::endpoint::loopback(0)); // connects, and is never accepted
    auto silent = co_await epmd_lookup(*mute->local(), "a", 1ms);
    EXPECT_EQ(silent.error().why, epmd_error::reason::unreachable);

    auto other = net::start_listener({}, [](self, net::stream s) -> task<> {
      co_await s.write_all("SSH-2.0-nothing\r\n", 20s);
      s.close();
    });
    auto nonsense = co_await epmd_lookup(other->local(), "a", 20s);
    EXPECT_EQ(nonsense.error().why, epmd_error::reason::nonsense);
    const epmd_entry entry{.name = "a", .port = 1};
    auto no_answer = co_await epmd_register(other->local(), entry, 20s);
    EXPECT_EQ(no_answer.error().why, epmd_error::reason::nonsense);
  });
}

} // namespace
} // namespace coppice::dist
