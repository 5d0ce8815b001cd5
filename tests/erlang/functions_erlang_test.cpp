// What a real node asks of ours by rpc and spawn, as etop, observer and OTP's own modules do it.
#include <gtest/gtest.h>
#include <string>

#include "coppice/otp/application.hpp"
#include "coppice/otp/supervisor.hpp"
#include "tests/erlang/cluster.hpp"

namespace coppice::dist {
namespace {

class room : public gen_server {
public:
  [[nodiscard]] static term state() { return 7; }
};

class room_sup : public supervisor {
public:
  [[nodiscard]] static std::vector<child_spec> children() { return {child<room>("room", local("room"))}; }
};

/// A node with an application to look at.
class shown_cluster : public cluster {
public:
  shown_cluster() {
    home().run([](self) -> task<> {
      std::expected<pid, exit_reason> up = co_await application::start_controller();
      EXPECT_TRUE(up.has_value());
      application_spec talk = application_spec("talk", "1.0")
                                  .description("they talk")
                                  .start(child<room_sup>("top", local("sup")));
      co_await application::start(talk);
    });
  }
};

struct question {
  const char* name;
  const char* code; ///< N is our node
  const char* prints;
};

class functions : public testing::TestWithParam<question> {};

TEST_P(functions, question) {
  shown_cluster c;
  EXPECT_EQ(c.erl("N='cpp@127.0.0.1'," + std::string(GetParam().code)), GetParam().prints) << GetParam().code;
}

const question questions[] = {
    {"which_children",
     "[{_,P,worker,[room]}]=supervisor:which_children({sup,N}),"
     "io:format(\"~p\",[P=:=rpc:call(N,erlang,whereis,[room])])",
     "true"},
    {"a_call_of_a_list_function", "io:format(\"~p\",[rpc:call(N,lists,seq,[1,3])])", "[1,2,3]"},
    {"a_throw", "io:format(\"~p\",[catch erpc:call(N,erlang,throw,[ball])])", "ball"},
    {"an_error",
     "{'EXIT',{{exception,badarg,[{lists,seq,[1,a],[]}]},_}}=(catch erpc:call(N,lists,seq,[1,a])),"
     "io:format(\"ok\")",
     "ok"},
    {"a_fun", "{'EXIT',{{exception,undef,_},_}}=(catch erpc:call(N,fun()->x end)),io:format(\"ok\")", "ok"},
    {"a_cast_and_what_comes_after",
     "rpc:cast(N,no,no,[]),io:format(\"~p\",[rpc:call(N,erlang,nodes,[hidden])])", "['t@127.0.0.1']"},
    {"a_multicall", "io:format(\"~p\",[rpc:multicall([N],erlang,node,[])])", "{['cpp@127.0.0.1'],[]}"},
    {"nothing_that_harms",
     "io:format(\"~p\",[[element(1,element(2,element(2,rpc:call(N,M,F,A))))||"
     "{M,F,A}<-[{os,cmd,[\"ls\"]},{init,stop,[]},{erlang,halt,[]},{erlang,exit,[self(),x]}]]])",
     "[undef,undef,undef,undef]"},
    {"process_info_in_the_order_asked_for",
     "P=rpc:call(N,erlang,whereis,[room]),"
     "io:format(\"~0p\",[rpc:call(N,erlang,process_info,[P,[status,registered_name,message_queue_len,"
     "initial_call]])])",
     "[{status,waiting},{registered_name,room},{message_queue_len,0},{initial_call,{room,init,1}}]"},
    {"the_state_tab_of_observer",
     "P=rpc:call(N,erlang,whereis,[room]),{M,_,_}=rpc:call(N,proc_lib,translate_initial_call,[P]),"
     "[{behaviour,[B]}]=rpc:call(N,M,module_info,[attributes]),"
     "{status,P,_,[_,_,_,_,[{header,H},{data,_},{data,[{\"State\",S}]}]]}=rpc:call(N,sys,get_status,[P,200]),"
     "io:format(\"~p ~s ~p\",[B,H,S])",
     "gen_server Status for generic server room 7"},
    {"the_processes_tab_of_observer",
     "{module,_}=rpc:call(N,code,ensure_loaded,[observer_backend]),"
     "true=rpc:call(N,erlang,function_exported,[observer_backend,procs_info,1]),process_flag(trap_exit,true),"
     "P=spawn_link(N,observer_backend,procs_info,[self()]),receive {procs_info,P,L}->ok end,"
     "receive {'EXIT',P,R}->io:format(\"~p ~p\",[R,[X||{etop_proc_info,_,_,_,X,0,{_,_,_},0}<-L,is_atom(X),"
     "X=:=room orelse X=:=sup]]) end",
     "normal [sup,room]"},
    {"the_charts_of_observer",
     "process_flag(trap_exit,true),P=spawn_link(N,observer_backend,fetch_stats,[self(),50]),"
     "receive {stats,1,[{1,_,T}|_],{{input,_},{output,_}},[{total,_}|_]} when T>0->ok end,exit(P,normal),"
     "receive {'EXIT',P,R}->io:format(\"~p\",[R]) end",
     "normal"},
    {"etop",
     "P=spawn_link(N,observer_backend,etop_collect,[self()]),"
     "receive {P,{etop_info,{_,_,_},Count,undefined,[_|_],_,[],M,L}}->"
     "io:format(\"~p ~p\",[Count=:=length(L),length(M)]) end",
     "true 6"},
    {"the_applications_of_observer",
     "{ok,S}=rpc:call(N,appmon_info,start_link2,[self(),self(),[]]),"
     "gen_server:cast(S,{self(),app_ctrl,N,true,[]}),gen_server:cast(S,{self(),app,talk,true,[]}),"
     "receive {delivery,S,app_ctrl,N,[{M,talk,A}]}->ok end,"
     "receive {delivery,S,app,talk,{Root,Ps,Links,[]}}->ok end,{M,Root}=lists:keyfind(M,1,Ps),"
     "{Root,Top}=lists:keyfind(Root,1,Links),io:format(\"~p ~s ~p\",[A,Top,lists:keyfind(Top,1,Links)])",
     "{talk,\"they talk\",\"1.0\"} sup {\"sup\",\"room\"}"},
    {"the_monitor_of_applications_goes_with_its_client",
     "C=spawn(fun()->receive stop->ok end end),{ok,S}=rpc:call(N,appmon_info,start_link2,[C,C,[]]),"
     "R=monitor(process,S),C!stop,receive {'DOWN',R,_,_,Y}->io:format(\"~p\",[Y]) end",
     "normal"},
};

INSTANTIATE_TEST_SUITE_P(asked_by_erlang, functions, testing::ValuesIn(questions),
                         [](const auto& q) { return std::string(q.param.name); });

} // namespace
} // namespace coppice::dist
