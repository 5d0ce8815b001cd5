// The port mapper's protocol with Erlang's own programs on the other side.
#include <chrono>
#include <future>
#include <gtest/gtest.h>
#include <string>

#include "coppice/dist/epmd_client.hpp"
#include "coppice/net/detail/net_test.hpp"
#include "coppice/net/detail/test_port.hpp"
#include "coppice/runtime/timer.hpp"
#include "tests/erlang/os_process.hpp"
#include "tests/erlang/test_epmd.hpp"

namespace coppice::dist {
namespace {

using namespace std::chrono_literals;

using net::testing::with_sockets;

std::vector<std::string> erl(const std::string& name, const std::string& does) {
  return {"-noshell", "-name", name + "@127.0.0.1", "-setcookie", "c", "-eval", does};
}

TEST(erlang_epmd, real_nodes_find_each_other_through_our_server) {
  node n(with_sockets());
  auto port = std::make_unique<std::promise<std::uint16_t>>();
  std::future<std::uint16_t> found = port->get_future();
  n.spawn(serve_epmd, 0, std::move(port));
  const std::vector<std::string> environment{"ERL_EPMD_PORT=" + std::to_string(found.get())};
  os_process a(erlang_program("erl"), erl("a", "receive stop -> ok end."), environment);
  os_process b(erlang_program("erl"), erl("b", R"(
    Ping = fun F(0) -> pang;
               F(N) -> case net_adm:ping('a@127.0.0.1') of pong -> pong; pang -> timer:sleep(100), F(N - 1) end end,
    pong = Ping(300),
    {ok, Names} = net_adm:names("127.0.0.1"),
    ["a", "b"] = lists:sort([Name || {Name, _} <- Names]),
    pang = net_adm:ping('nobody@127.0.0.1'),
    rpc:cast('a@127.0.0.1', erlang, halt, [7]),
    timer:sleep(200),
    halt(5).)"),
               environment);
  EXPECT_EQ(b.wait(), 5);
  EXPECT_EQ(a.wait(), 7);
}

/// A port that nobody has just now.
std::uint16_t free_port() { return net::testing::unused_port(); }

TEST(erlang_epmd, our_client_is_listed_by_the_real_one) {
  const std::uint16_t port = free_port();
  os_process epmd(erlang_program("epmd"), {"-port", std::to_string(port), "-address", "127.0.0.1"});
  node n(with_sockets());
  n.run(
      [](self, net::endpoint mapper) -> task<> {
        bool started = false;
        for (int i = 0; !started && i < 600; ++i) {
          auto names = co_await epmd_list(mapper, 10s);
          started = names.has_value();
          if (!started) co_await idle_for(50ms);
        }
        EXPECT_TRUE(started);

        const epmd_entry cpp{.name = "cpp", .port = 4711, .extra = "more"};
        std::optional<epmd_registration> kept;
        auto registered = co_await epmd_register(mapper, cpp, 10s);
        EXPECT_NE(registered.value().creation, 0U);
        kept = std::move(*registered);
        auto found = co_await epmd_lookup(mapper, "cpp", 10s);
        EXPECT_EQ(found.value(), cpp);
        auto nobody = co_await epmd_lookup(mapper, "nobody", 10s);
        EXPECT_EQ(nobody.value(), std::nullopt);
        auto twice = co_await epmd_register(mapper, cpp, 10s);
        EXPECT_EQ(twice.error().why, epmd_error::reason::name_taken);
        auto old = cpp;
        old.name = "old";
        old.highest = 5;
        auto narrow = co_await epmd_register(mapper, old, 10s);
        EXPECT_TRUE(narrow && narrow->creation >= 1 && narrow->creation <= 3);

        kept.reset();
        bool listed = true;
        for (int i = 0; listed && i < 600; ++i) { // until it has seen the end
          auto still = co_await epmd_lookup(mapper, "cpp", 10s);
          listed = still.value().has_value();
          if (listed) co_await idle_for(10ms);
        }
        EXPECT_FALSE(listed);
      },
      net::endpoint::loopback(port));
}

} // namespace
} // namespace coppice::dist
