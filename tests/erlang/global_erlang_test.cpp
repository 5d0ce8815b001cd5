// Global names of our nodes and of real ones are the same.
#include <gtest/gtest.h>
#include <string>

#include "coppice/dist/global.hpp"
#include "tests/erlang/cluster.hpp"

namespace coppice::dist {
namespace {

using namespace literals;

struct end_now {};
process idle(self me) { co_await me.receive<end_now>(); }

/// Has the global name `first`, and does with others what it is told; answers with what came of it.
process keeper(self me, std::unique_ptr<std::promise<void>> started) {
  register_name("keeper"_atom, me);
  co_await global::register_name("first"_atom, me);
  started->set_value();
  for (;;) {
    const term message = co_await me.receive<term>();
    if (!message.is_tuple(3)) continue;
    const std::span<const term> e = message.elements();
    const pid asker = *e[1].as_pid();
    if (e[0].is_atom("register"_atom)) {
      const pid holder = spawn(idle);
      const bool mine = co_await global::register_name(e[2], holder);
      send(asker, term(mine));
    } else if (e[0].is_atom("unregister"_atom)) {
      co_await global::unregister_name(e[2]);
      send(asker, term("ok"_atom));
    } else if (e[0].is_atom("whereis"_atom)) {
      const std::optional<pid> found = global::whereis_name(e[2]);
      send(asker, found ? term(*found) : term("undefined"_atom));
    } else if (e[0].is_atom("end"_atom)) {
      global::send(e[2], end_now());
    }
  }
}

class names_with_erlang : public testing::Test {
protected:
  names_with_erlang() {
    auto started = std::make_unique<std::promise<void>>();
    std::future<void> done = started->get_future();
    c.home().spawn(&keeper, std::move(started));
    done.get();
  }
  cluster c{options{.published = true}};
};

/// Connects; `K.(What, Name)` tells the keeper, and gives its answer.
const std::string beginning =
    "N='cpp@127.0.0.1',K=fun(W,X)->{keeper,N}!{W,self(),X},receive A->A after 10000->exit({no,W}) end end,"
    "pong=net_adm:ping(N),";

TEST_F(names_with_erlang, sync_returns) {
  EXPECT_EQ(c.erl(beginning + "ok=global:sync(),io:format(\"~p ~p \",[nodes(),element(1,lists:keyfind(N,1,"
                              "[{X}||X<-gen_server:call(global_name_server,get_known)]))]),"
                              "io:format(\"~p ~p\",[global:register_name(n,self()),"
                              "global:whereis_name(n)=:=self()])"),
            "['cpp@127.0.0.1'] 'cpp@127.0.0.1' yes true");
}

TEST_F(names_with_erlang, names_are_the_same_on_both_sides) {
  EXPECT_EQ(c.erl("yes=global:register_name(before,self())," + beginning +
                  // Erlang may be in sync a moment before all of our processes see the names.
                  "ok=global:sync(),W=fun W()->case K(whereis,before) of undefined->W();X->X end end,"
                  "io:format(\"~p \",[self()=:=W()]),global:unregister_name(before),"
                  "true=K(register,ours),io:format(\"~p \",[node(global:whereis_name(ours))]),"
                  "io:format(\"~p \",[global:register_name(ours,self())]),"
                  "yes=global:register_name(theirs,self()),"
                  "io:format(\"~p ~p \",[self()=:=K(whereis,theirs),K(register,theirs)]),"
                  "ok=K(unregister,theirs),io:format(\"~p \",[global:whereis_name(theirs)]),"
                  "global:unregister_name(ours),io:format(\"~p\",[K(whereis,ours)])"),
            "true 'cpp@127.0.0.1' no true false undefined undefined");
}

TEST_F(names_with_erlang, names_end_with_their_processes) {
  const std::string until = "U=fun U(F)->case F() of undefined->ok;_->timer:sleep(10),U(F) end end,";
  EXPECT_EQ(c.erl(beginning + until +
                  "ok=global:sync(),P=spawn(fun()->receive stop->ok end end),"
                  "yes=global:register_name(theirs,P),P=K(whereis,theirs),P!stop,"
                  "U(fun()->K(whereis,theirs) end),"
                  "true=K(register,ours),{keeper,N}!{'end',self(),ours},"
                  "U(fun()->global:whereis_name(ours) end),io:format(\"done\")"),
            "done");
}

/// The process of the smaller node keeps it.
TEST_F(names_with_erlang, a_name_that_both_have_stays_with_one) {
  const std::string meet = "P=spawn(fun()->receive stop->ok end end),M=monitor(process,P),"
                           "yes=global:register_name(first,P)," +
                           beginning +
                           "ok=global:sync(),io:format(\"~p \",[node(global:whereis_name(first))]),";
  EXPECT_EQ(c.erl(meet + "receive {'DOWN',M,_,_,Y}->io:format(\"~p\",[Y]) end"), "'cpp@127.0.0.1' killed");
  EXPECT_EQ(c.erl(meet + "io:format(\"~p\",[rpc:call(N,erlang,whereis,[keeper])])", {"-name", "a@127.0.0.1"}),
            "'a@127.0.0.1' undefined");
}

TEST_F(names_with_erlang, a_node_that_settles_may_ask_us) {
  EXPECT_EQ(c.erl(beginning + "P=spawn(fun()->receive stop->ok end end),M=monitor(process,P),"
                              "Q=rpc:call(N,erlang,whereis,[keeper]),"
                              "R=fun(F)->rpc:call(N,global,resolve_it,[F,n,P,Q]) end,"
                              "none=R(fun global:notify_all_name/3),"
                              "Q=R(fun global:random_notify_name/3),Q=R(fun global:random_exit_name/3),"
                              "{badrpc,_}=R(fun lists:sort/1),"
                              "receive {'DOWN',M,_,_,Y}->io:format(\"~p\",[Y]) end"),
            "killed");
}

/// Locks are granted here, and freed with their holders.
TEST_F(names_with_erlang, locks) {
  EXPECT_EQ(c.erl(beginning +
                  "ok=global:sync(),S=self(),"
                  "spawn(fun()->S!global:set_lock({r,1}),receive stop->ok end end),receive true->ok end,"
                  "io:format(\"~p \",[global:set_lock({r,2},[N],0)]),"
                  "L=gen_server:call({global_name_server,N},{set_lock,{r,2}}),"
                  "io:format(\"~p \",[L]),"
                  "io:format(\"~p\",[global:trans({q,self()},fun()->in end)])"),
            "false false in");
}

/// Two real nodes and ours; one of them dies, the others keep each other.
TEST_F(names_with_erlang, nobody_is_cut_off_when_one_dies) {
  const std::string helpers = "Until=fun Until(F)->case F() of true->ok;_->timer:sleep(10),Until(F) end end,"
                              "On=fun(X)->lists:sort(rpc:call(X,erlang,nodes,[])) end,"
                              "Known=fun(X)->gen_server:call({global_name_server,X},get_known) end,";
  EXPECT_EQ(c.erl(beginning + helpers +
                  "ok=global:sync(),{ok,Ctl,U}=peer:start(#{name=>u,host=>\"127.0.0.1\","
                  "connection=>standard_io,args=>[\"-setcookie\",\"c\"]}),"
                  "pong=net_adm:ping(U),Until(fun()->On(U)=:=[N,node()] end),"
                  "Until(fun()->lists:sort(Known(N))=:=lists:sort([U,node()]) end),"
                  "true=K(register,ours),io:format(\"~p \",[node(rpc:call(U,global,whereis_name,[ours]))]),"
                  "io:format(\"~p \",[On(N)]),catch peer:stop(Ctl),"
                  "Until(fun()->not lists:member(U,Known(node())) end),"
                  "Until(fun()->not lists:member(U,Known(N)) end),"
                  // What each told the other of the loss has arrived by the time these are answered.
                  "io:format(\"~p ~p \",[Known(node()),Known(N)]),"
                  "io:format(\"~p ~p ~p\",[nodes(),On(N),node(global:whereis_name(ours))])"),
            "'cpp@127.0.0.1' ['t@127.0.0.1','u@127.0.0.1'] ['cpp@127.0.0.1'] ['t@127.0.0.1'] "
            "['cpp@127.0.0.1'] ['t@127.0.0.1'] 'cpp@127.0.0.1'");
}

} // namespace
} // namespace coppice::dist
