// A node of ours among real ones: the distribution end to end, both ways.
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "tests/erlang/cluster.hpp"

namespace coppice::dist {
namespace {

TEST(distribution, a_real_node_pings_us) {
  cluster c;
  EXPECT_EQ(c.erl("io:format(\"~p\", [net_adm:ping('cpp@127.0.0.1')])"), "pong");
}

TEST(distribution, a_wrong_cookie_gets_nowhere) {
  cluster c;
  EXPECT_EQ(c.erl("io:format(\"~p\", [net_adm:ping('cpp@127.0.0.1')])", {}, "x"), "pang");
  EXPECT_EQ(c.erl("io:format(\"~p\", [net_adm:ping('cpp@127.0.0.1')])"), "pong");
}

TEST(distribution, a_call_from_erlang_gets_its_reply) {
  cluster c;
  EXPECT_EQ(c.erl("R = {a,\"b\",<<\"c\">>,1.5,1 bsl 200,#{k=>[1|2]}}, "
                  "io:format(\"~p\", [R =:= gen_server:call({echo,'cpp@127.0.0.1'}, R)])"),
            "true");
}

TEST(distribution, etop_shows_our_processes) {
  cluster c;
  const std::string rows =
      c.erl("group_leader(Out,spawn(fun()->etop:start([{node,'cpp@127.0.0.1'},{output,text},"
            "{tracing,off},{interval,1}]) end)),timer:sleep(2500)");
  EXPECT_NE(rows.find("net_kernel"), std::string::npos) << rows;
  EXPECT_NE(rows.find("echo"), std::string::npos) << rows;
}

TEST(distribution, elixir_pings_and_calls) {
  cluster c;
  EXPECT_EQ(
      c.elixir("{Node.ping(:\"cpp@127.0.0.1\"), GenServer.call({:echo, :\"cpp@127.0.0.1\"}, %{a: \"x\"})}"),
      "{:pong, %{a: \"x\"}}");
}

TEST(distribution, a_connection_that_is_cut_is_made_again) {
  cluster c;
  EXPECT_EQ(
      c.erl("net_kernel:monitor_nodes(true,[{node_type,all}]),net_adm:ping('cpp@127.0.0.1'),"
            "receive {nodeup,N,_}->io:format(\"~p\",[N]) end,"
            "erlang:disconnect_node('cpp@127.0.0.1'),receive {nodedown,N,_}->io:format(\" ~p\",[N]) end,"
            "io:format(\" ~p\",[net_adm:ping('cpp@127.0.0.1')])"),
      "'cpp@127.0.0.1' 'cpp@127.0.0.1' pong");
}

/// What each line prints, with a node of ours beside it.
struct line {
  const char* name;
  const char* code;
  const char* prints;
  std::vector<std::string> flags{};
};

class interop : public testing::TestWithParam<line> {};

TEST_P(interop, line) {
  cluster c;
  EXPECT_EQ(c.erl(GetParam().code, GetParam().flags), GetParam().prints) << GetParam().code;
}

const line lines[] = {
    {"pong", "io:format(\"~p\",[net_adm:ping('cpp@127.0.0.1')])", "pong"},
    {"both_are_listed", "io:format(\"~p\",[lists:sort([N||{N,_}<-element(2,net_adm:names())])])",
     "[\"cpp\",\"t\"]"},
    {"hidden_by_default", "pong=net_adm:ping('cpp@127.0.0.1'),io:format(\"~p ~p\",[nodes(),nodes(hidden)])",
     "[] ['cpp@127.0.0.1']"},
    {"no_such_server",
     "io:format(\"~p\",[element(1,element(2,catch gen_server:call({nope,'cpp@127.0.0.1'},x,infinity)))])",
     "noproc"},
    {"a_call_in_vain",
     "{'EXIT',{timeout,_}}=(catch gen_server:call({echo,'cpp@127.0.0.1'},never_reply,300)),"
     "io:format(\"~p\",[gen_server:call({echo,'cpp@127.0.0.1'},still_there)])",
     "still_there"},
    {"a_cast",
     "gen_server:cast({echo,'cpp@127.0.0.1'},{send_to,self(),hi}),"
     "receive M->io:format(\"~p\",[M]) after 2000->io:format(\"lost\") end",
     "hi"},
    {"a_plain_message",
     "R=make_ref(),{echo,'cpp@127.0.0.1'}!{self(),R,hello},"
     "receive {R,M}->io:format(\"~p\",[M]) after 2000->io:format(\"lost\") end",
     "hello"},
    {"a_monitor_by_name",
     "R=monitor(process,{echo,'cpp@127.0.0.1'}),exit(rpc:call('cpp@127.0.0.1',erlang,whereis,[echo]),kill),"
     "receive {'DOWN',R,process,W,Y}->io:format(\"~p ~p\",[W,Y]) end",
     "{echo,'cpp@127.0.0.1'} killed"},
    {"a_link",
     "process_flag(trap_exit,true),P=rpc:call('cpp@127.0.0.1',erlang,whereis,[echo]),link(P),"
     "gen_server:cast(P,crash),receive {'EXIT',P,Y}->io:format(\"~p\",[Y]) end",
     "crash_reason"},
    {"an_unlink",
     "P=rpc:call('cpp@127.0.0.1',erlang,whereis,[echo]),[begin link(P),unlink(P) end||_<-lists:seq(1,1000)],"
     "gen_server:cast(P,crash),R=monitor(process,P),receive {'DOWN',R,_,_,_}->ok end,io:format(\"alive\")",
     "alive"},
    {"a_link_with_the_dead",
     "P=rpc:call('cpp@127.0.0.1',erlang,whereis,[echo]),R=monitor(process,P),exit(P,kill),"
     "receive {'DOWN',R,_,_,_}->ok end,process_flag(trap_exit,true),link(P),"
     "receive {'EXIT',P,Y}->io:format(\"~p\",[Y]) after 2000->io:format(\"none\") end",
     "noproc"},
    {"rpc", "io:format(\"~p\",[rpc:call('cpp@127.0.0.1',erlang,node,[])])", "'cpp@127.0.0.1'"},
    {"rpc_to_nothing", "io:format(\"~p\",[rpc:call('cpp@127.0.0.1',no,no,[])])",
     "{badrpc,{'EXIT',{undef,[{no,no,[],[]}]}}}"},
    {"erpc_exits", "io:format(\"~p\",[catch erpc:call('cpp@127.0.0.1',erlang,exit,[why])])",
     "{'EXIT',{exception,why}}"},
    {"spawn_monitor_of_nothing",
     "{P,R}=spawn_monitor('cpp@127.0.0.1',no,no,[]),"
     "receive {'DOWN',R,process,P,{Y,_}}->io:format(\"~p\",[Y]) end",
     "undef"},
    {"spawn_of_nothing", "spawn('cpp@127.0.0.1',no,no,[]),io:format(\"back\")", "back"},
    {"a_binary_of_100_MB",
     "B=binary:copy(<<7>>,100000000),"
     "S=self(),P=spawn(fun F()->pong=net_adm:ping('cpp@127.0.0.1'),"
     "receive stop->S!done after 100->F() end end),"
     "io:format(\"~p\",[(catch gen_server:call({echo,'cpp@127.0.0.1'},B,60000))=:=B]),"
     "P!stop,receive done->ok end",
     "true",
     {"-kernel", "net_ticktime", "4"}},
    {"long_strings",
     "L=lists:seq(1,200)++[lists:duplicate(70000,255)],"
     "io:format(\"~p\",[gen_server:call({echo,'cpp@127.0.0.1'},L)=:=L])",
     "true"},
    {"what_only_erlang_has",
     "F=fun(X)->X end,T={F,fun lists:map/2,make_ref(),self(),hd(erlang:ports()),<<5:3>>},"
     "io:format(\"~p\",[gen_server:call({echo,'cpp@127.0.0.1'},T)=:=T])",
     "true"},
    {"ticks_keep_the_connection",
     "net_adm:ping('cpp@127.0.0.1'),timer:sleep(15000),io:format(\"~p\",[nodes(connected)])",
     "['cpp@127.0.0.1']",
     {"-kernel", "net_ticktime", "4"}},
    {"sys_get_state", "io:format(\"~p\",[sys:get_state({net_kernel,'cpp@127.0.0.1'})])",
     "{net_kernel,'cpp@127.0.0.1',['t@127.0.0.1']}"},
    {"a_suspended_server",
     "S={echo,'cpp@127.0.0.1'},ok=sys:suspend(S),{'EXIT',{timeout,_}}=(catch gen_server:call(S,x,300)),"
     "ok=sys:resume(S),io:format(\"~p\",[gen_server:call(S,y)])",
     "y"},
    {"rex_calls",
     "io:format(\"~p ~p\",[gen_server:call({rex,'cpp@127.0.0.1'},{call,lists,seq,[1,3],group_leader()}),"
     "gen_server:call({rex,'cpp@127.0.0.1'},{call,no,no,[],group_leader()})])",
     "[1,2,3] {badrpc,{'EXIT',{undef,[{no,no,[],[]}]}}}"},
    {"printing_to_us",
     "G=rpc:call('cpp@127.0.0.1',erlang,whereis,[user]),io:format(\"~p\",[io:format(G,\"hi ~p~n\",[1])])",
     "ok"},
    {"sys_get_status",
     "{status,_,{module,M},_}=sys:get_status({net_kernel,'cpp@127.0.0.1'}),io:format(\"~p\",[M])",
     "gen_server"},
    {"a_name_of_ours",
     "io:format(\"~p \",[net_kernel:connect_node('cpp@127.0.0.1')]),"
     "[_,\"127.0.0.1\"]=string:lexemes(atom_to_list(node()),\"@\"),io:format(\"~p\",[nodes(hidden)])",
     "true ['cpp@127.0.0.1']",
     {"-name", "undefined@127.0.0.1"}},
};

INSTANTIATE_TEST_SUITE_P(checklist, interop, testing::ValuesIn(lines),
                         [](const auto& l) { return std::string(l.param.name); });

} // namespace
} // namespace coppice::dist
