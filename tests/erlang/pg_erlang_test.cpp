// pg's scopes of ours and of a real node are one.
#include <gtest/gtest.h>
#include <string>

#include "coppice/otp/pg.hpp"
#include "tests/erlang/cluster.hpp"

namespace coppice::dist {
namespace {

using namespace literals;

/// Starts a scope, joins `g`, and does what it is told.
process member(self me, std::unique_ptr<std::promise<void>> started) {
  start_result<pg::scope> scope = co_await pg::start_link();
  co_await pg::join("g"_atom, me);
  register_name("member"_atom, me);
  started->set_value();
  for (;;) {
    const term message = co_await me.receive<term>();
    const std::span<const term> e = message.elements();
    if (message.is_tagged("watch"_atom, 3)) { // {watch, Pid, Group}: sends on what comes of a monitor
      const pg::group_monitor m = co_await pg::monitor(e[2]);
      send(*e[1].as_pid(), term::tuple("members"_atom, static_cast<std::int64_t>(m.members.size())));
      for (;;) {
        const std::variant<pg::joined, pg::left> change = co_await me.receive<pg::joined, pg::left>();
        if (const auto* in = std::get_if<pg::joined>(&change)) send(*e[1].as_pid(), to_term(*in));
        if (const auto* out = std::get_if<pg::left>(&change)) send(*e[1].as_pid(), to_term(*out));
      }
    } else if (message.is_tagged("leave"_atom, 2)) {
      co_await pg::leave(e[1], me);
    } else if (message.is_tagged("join"_atom, 2)) {
      co_await pg::join(e[1], me);
    } else if (message.is_atom("end"_atom)) {
      break;
    }
  }
}

/// A node of ours with a scope and a member.
class group_cluster : public cluster {
public:
  explicit group_cluster(bool published) : cluster(options{.published = published}) {
    auto started = std::make_unique<std::promise<void>>();
    std::future<void> done = started->get_future();
    home().spawn(&member, std::move(started));
    done.get();
  }
};

class groups_with_erlang : public testing::TestWithParam<bool> {
protected:
  group_cluster c{GetParam()};
};

/// Starts pg, with a monitor of the scope, and connects; `W.(Kind)` waits for a change and gives its pids.
const std::string beginning = "pg:start_link(),{Ref,_}=pg:monitor_scope(),M={member,'cpp@127.0.0.1'},"
                              "W=fun(K)->receive {Ref,K,_,Ps}->Ps after 10000->exit({no,K}) end end,"
                              "pong=net_adm:ping('cpp@127.0.0.1'),";

TEST_P(groups_with_erlang, our_members_are_seen_there) {
  EXPECT_EQ(c.erl(beginning + "[P]=W(join),'cpp@127.0.0.1'=node(P),"
                              "io:format(\"~p \",[[P]=:=pg:get_members(g)]),"
                              "M!{join,g},[P]=W(join),io:format(\"~p \",[length(pg:get_members(g))]),"
                              "M!{leave,g},[P]=W(leave),io:format(\"~p \",[length(pg:get_members(g))]),"
                              "M!{join,h},[P]=W(join),M!'end',[P]=W(leave),[P]=W(leave),"
                              "io:format(\"~p ~p\",[pg:get_members(g),pg:which_groups()])"),
            "true 2 1 [] []");
}

TEST_P(groups_with_erlang, their_members_are_seen_here) {
  EXPECT_EQ(c.erl(beginning +
                  "W(join),X=fun()->receive {R,K,h,Ps} when R=/=Ref->io:format(\"~p~p \",[K,length(Ps)]);"
                  "{members,N}->io:format(\"~p \",[N]) after 10000->exit(nothing) end end,"
                  "Q=[spawn(fun()->receive stop->ok end end)||_<-[1,2,3]],ok=pg:join(h,Q),"
                  "M!{watch,self(),h},X(),"
                  "ok=pg:join(h,hd(Q)),X(),ok=pg:leave(h,tl(Q)),X(),hd(Q)!stop,X(),X(),"
                  "io:format(\"~p\",[[node(P)||P<-pg:get_members(g)]])"),
            "3 join1 leave2 leave1 leave1 ['cpp@127.0.0.1']");
}

TEST_P(groups_with_erlang, a_lost_node_has_no_members) {
  const std::string seen = c.erl(beginning + "W(join),erlang:disconnect_node('cpp@127.0.0.1'),W(leave),"
                                             "io:format(\"~p \",[pg:get_members(g)]),"
                                             "pong=net_adm:ping('cpp@127.0.0.1'),W(join),"
                                             "io:format(\"~p \",[length(pg:get_members(g))]),"
                                             "ok=pg:join(h,self())");
  EXPECT_EQ(seen, "[] 1 ");
  // That node has ended by now; the next one sees what is left of it here.
  EXPECT_EQ(c.erl(beginning + "W(join),M!{watch,self(),h},"
                              "receive {members,N}->io:format(\"~p\",[N]) end"),
            "0");
}

INSTANTIATE_TEST_SUITE_P(both, groups_with_erlang, testing::Bool(),
                         [](const auto& published) { return published.param ? "published" : "hidden"; });

} // namespace
} // namespace coppice::dist
