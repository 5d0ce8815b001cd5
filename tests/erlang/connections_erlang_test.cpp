// How a node of ours and real ones come together: at once, again, without a port mapper, by short names.
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "coppice/dist/epmd_client.hpp"
#include "tests/erlang/cluster.hpp"
#include "tests/erlang/heard_process.hpp"
#include "tests/erlang/holding_relay.hpp"
#include "tests/erlang/test_epmd.hpp"

namespace coppice::dist {
namespace {

using namespace literals;
using namespace std::chrono_literals;

/// Whenever the connection is lost, makes another, and tells `judge` over there whether it came to that.
process dial_when_down(self me, atom other) {
  co_await monitor_nodes(true);
  for (;;) {
    nodedown gone = co_await me.receive<nodedown>();
    const bool up = co_await connect_node(gone.node);
    send(remote_name{"judge"_atom, other}, term::tuple("dialled"_atom, up));
  }
}

/// The real node of this name cuts the connection; then both dial, soon the one first and soon the other.
std::string dial_at_once(const std::string& name) {
  cluster c;
  c.home().spawn(&dial_when_down, atom(name));
  return c.erl("N='cpp@127.0.0.1',register(judge,self()),net_kernel:monitor_nodes(true,[{node_type,all}]),"
               "pong=net_adm:ping(N),"
               "Round=fun(I)->erlang:disconnect_node(N),receive {nodedown,N,_}->ok end,"
               "timer:sleep(I rem 3),Ours=net_kernel:connect_node(N),"
               "receive {dialled,Theirs}->{Ours,Theirs,nodes(connected)} after 9000->{Ours,none} end end,"
               "Odd=[R||R<-[Round(I)||I<-lists:seq(1,200)],R=/={true,true,[N]}],"
               "io:format(\"~p ~0p\",[gen_server:call({echo,N},still_there),Odd])",
               {"-name", name});
}

TEST(connections, dialled_by_both_at_once_are_one_to_a_greater_name) {
  EXPECT_EQ(dial_at_once("t@127.0.0.1"), "still_there []");
}

TEST(connections, dialled_by_both_at_once_are_one_to_a_smaller_name) {
  EXPECT_EQ(dial_at_once("a@127.0.0.1"), "still_there []");
}

const std::string its_ping = "io:format(\"~p\",[net_adm:ping('cpp@127.0.0.1')])";

TEST(connections, need_no_port_mapper_where_the_port_is_known_there) {
  const std::uint16_t port = free_port();
  cluster c({.listen = net::endpoint::loopback(port), .epmd = epmd_use::none});
  EXPECT_EQ(c.erl(its_ping,
                  {"-start_epmd", "false", "-erl_epmd_port", std::to_string(port), "-dist_listen", "false"}),
            "pong");
}

TEST(connections, need_no_port_mapper_where_the_port_is_known_here) {
  const std::uint16_t port = free_port();
  cluster c({.epmd = epmd_use::none, .known = {{"t@127.0.0.1", net::endpoint::loopback(port)}}});
  const auto ping_until_up = [&c] {
    c.home().run([](self) -> task<> {
      bool up = false;
      while (!up) {
        const bool there = co_await connect_node("t@127.0.0.1"_atom);
        up = there;
        if (!up) co_await idle_for(20ms);
      }
    });
  };
  EXPECT_EQ(c.erl("net_kernel:monitor_nodes(true,[{node_type,all}]),"
                  "case nodes(hidden) of []->receive {nodeup,N,_}->ok end;[N]->ok end,io:format(\"~p\",[N])",
                  {"-start_epmd", "false", "-erl_epmd_port", std::to_string(port)}, "c", ping_until_up),
            "'cpp@127.0.0.1'");
}

TEST(connections, have_short_names_where_ours_is_short) {
  cluster c({.name = "cpp@localhost"});
  const std::string code = "io:format(\"~p ~p ~p\",[net_adm:ping('cpp@localhost'),nodes(hidden),"
                           "gen_server:call({echo,'cpp@localhost'},x)])";
  EXPECT_EQ(c.erl(code, {"-sname", "t@localhost"}), "pong [cpp@localhost] x");
}

TEST(connections, are_made_by_ours_to_short_names) {
  cluster c({.name = "cpp@localhost"});
  erlang_node theirs(c.epmd_port, "c", "register(t,self())", {"-sname", "t@localhost"});
  ASSERT_TRUE(theirs.up());
  c.home().run([](self) -> task<> {
    const bool up = co_await ping("t@localhost"_atom);
    EXPECT_TRUE(up);
  });
}

/// Whether a node of ours reaches another.
bool reaches(cluster& c, const char* other) {
  return c.home().run(
      [](self, atom name) -> task<bool> {
        const bool up = co_await ping(name);
        co_return up;
      },
      atom(other));
}

TEST(connections, are_made_between_short_names_of_ours) {
  cluster c({.name = "cpp@localhost"});
  cluster d({.name = "d@localhost"}, c.epmd_port);
  EXPECT_TRUE(reaches(c, "d@localhost"));
}

/// Erlang's port mapper, once it can be asked.
class erlang_mapper {
public:
  erlang_mapper() : epmd_(erlang_program("epmd"), {"-port", std::to_string(port), "-address", "127.0.0.1"}) {
    int fd = -1;
    while (fd < 0) fd = connect_to_port(port);
    close(fd);
  }
  const std::uint16_t port = free_port();

private:
  os_process epmd_;
};

TEST(connections, are_found_by_erlangs_port_mapper) {
  const erlang_mapper epmd;
  cluster c({.epmd = epmd_use::find}, epmd.port);
  EXPECT_EQ(c.erl(its_ping), "pong");
  cluster d({.name = "d@127.0.0.1", .epmd = epmd_use::find}, epmd.port);
  EXPECT_TRUE(reaches(c, "d@127.0.0.1"));
}

// --- a node that is started again while its connection is held ---------------------------------------------

/// One life of cpp@127.0.0.1, found by nobody but through `port`.
class one_life {
public:
  explicit one_life(std::uint16_t theirs) : node_(net::testing::with_sockets()) {
    options how{.name = "cpp@127.0.0.1", .cookie = "c", .listen = net::endpoint::loopback(port)};
    how.epmd = epmd_use::none;
    how.known.emplace("t@127.0.0.1", net::endpoint::loopback(theirs));
    std::promise<bool> started;
    std::future<bool> outcome = started.get_future();
    node_.spawn(&keep, std::make_unique<std::promise<bool>>(std::move(started)), std::move(how));
    EXPECT_TRUE(outcome.get());
  }
  node& home() { return node_; }
  const std::uint16_t port = free_port();

private:
  static process keep(self, std::unique_ptr<std::promise<bool>> started, options how) {
    auto net = co_await start(std::move(how));
    auto server = co_await coppice::start<echo>(local("echo"));
    started->set_value(net.has_value() && server.has_value());
    co_await idle_for(infinity);
  }
  node node_;
};

process list_as_cpp(self, std::uint16_t mapper, std::uint16_t port) {
  epmd_entry entry{.name = "cpp", .port = port};
  auto listed = co_await epmd_register(net::endpoint::loopback(mapper), std::move(entry));
  co_await idle_for(infinity);
}

TEST(connections, of_an_earlier_life_give_way) {
  node helper(net::testing::with_sockets());
  real_nodes all;
  auto mapper = std::make_unique<std::promise<std::uint16_t>>();
  std::future<std::uint16_t> served = mapper->get_future();
  helper.spawn(&serve_epmd, all.epmd_port, std::move(mapper));
  served.get();
  const std::uint16_t theirs = free_port();
  one_life first(theirs);
  holding_relay relay(first.port);
  helper.spawn(&list_as_cpp, all.epmd_port, relay.port());
  const auto restart = [&] {
    first.home().run([](self me) -> task<> {
      register_name("gate"_atom, me);
      term go = co_await me.receive<term>();
      EXPECT_EQ(go, term("go"_atom));
    });
    EXPECT_TRUE(first.home().shutdown());
    one_life second(theirs);
    second.home().run([](self me) -> task<> {
      register_name("gate"_atom, me);
      const bool up = co_await connect_node("t@127.0.0.1"_atom);
      EXPECT_TRUE(up);
      // A "go" that was sent when the first life had just ended waits for the next connection.
      const auto is_done = [](const term& t) { return t == term("done"_atom); };
      term done = co_await me.receive_if<term>(is_done);
    });
  };
  const std::string port = std::to_string(theirs);
  const std::string code =
      "N='cpp@127.0.0.1',Say=fun(T)->io:format(\"~0tp~n\",[T]) end,"
      "net_kernel:monitor_nodes(true,[{node_type,all},nodedown_reason]),"
      "Ping=fun F()->case net_adm:ping(N) of pong->ok;pang->timer:sleep(20),F() end end,Ping(),"
      "receive {nodeup,N,_}->ok end,"
      "process_flag(trap_exit,true),P=rpc:call(N,erlang,whereis,[echo]),link(P),M=monitor(process,P),"
      "x=gen_server:call(P,x),Say(nodes(connected)),"
      "Go=fun F()->{gate,N}!go,receive {'EXIT',P,A}->Say(A) after 20->F() end end,Go(),"
      "receive {'DOWN',M,_,_,B}->Say(B) end,"
      "receive {nodedown,N,_}->Say(down) end,receive {nodeup,N,_}->Say(up) end,"
      "Say({net_adm:ping(N),gen_server:call({echo,N},x)}),{gate,N}!done,"
      "receive {nodedown,N,_}->Say(over) end";
  EXPECT_EQ(
      all.erl(code, {"-kernel", "inet_dist_listen_min", port, "inet_dist_listen_max", port}, "c", restart),
      "['cpp@127.0.0.1']\nnoconnection\nnoconnection\ndown\nup\n{pong,x}\nover\n");
}

} // namespace
} // namespace coppice::dist
