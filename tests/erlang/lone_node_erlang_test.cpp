// What a real node sees when the OS process of a node of ours is stopped, killed and started again.
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "tests/erlang/lone_node.hpp"

namespace coppice {
namespace {

/// For the code below: `N` is our node, `Ping` pings it until it answers.
const std::string helpers = "N='cpp@127.0.0.1',net_kernel:monitor_nodes(true,[{node_type,all}]),"
                            "Ping=fun F()->case net_adm:ping(N) of pong->pong;"
                            "pang->timer:sleep(50),F() end end,"
                            "Say=fun(T)->io:format(\"~0tp~n\",[T]) end,"
                            "pong=net_adm:ping(N),receive {nodeup,N,_}->ok end,";

TEST(lone_node, that_is_stopped_is_given_up_by_both) {
  lone_nodes all;
  lone_node ours(all, {"--net-ticktime", "4"});
  const std::string code = helpers +
                           "ok=sys:log({net_kernel,N},true),"
                           "os:cmd(\"kill -STOP " +
                           ours.id() +
                           "\"),"
                           "receive {nodedown,N,_}->Say({lost,nodes(connected)}) end,"
                           "os:cmd(\"kill -CONT " +
                           ours.id() +
                           "\"),"
                           "Say(net_adm:ping(N)),receive {nodeup,N,_}->Say(back) end,"
                           "receive {nodedown,N,_}->Say(lost_twice) after 0->ok end,"
                           // What our net kernel has heard: one end of a connection, and then its successor.
                           "{ok,Log}=sys:log({net_kernel,N},get),"
                           "Say([element(1,E)||{in,E}<-Log,is_tuple(E),element(1,E)=:=node_is_down])";
  EXPECT_EQ(all.erl(code, {"-kernel", "net_ticktime", "4"}), "{lost,[]}\npong\nback\n[node_is_down]\n");
}

TEST(lone_node, that_is_killed_is_down_at_once) {
  lone_nodes all;
  lone_node ours(all);
  const std::string code = helpers + "M=monitor(process,{echo,N}),os:cmd(\"kill -9 " + ours.id() +
                           "\"),receive {nodedown,N,_}->Say(down) end,"
                           "receive {'DOWN',M,process,{echo,N},Why}->Say(Why) end,Say(net_adm:ping(N))";
  EXPECT_EQ(all.erl(code), "down\nnoconnection\npang\n");
}

TEST(lone_node, that_is_started_again_is_another_to_old_pids) {
  lone_nodes all;
  auto ours = std::make_unique<lone_node>(all);
  const std::string port = std::to_string(ours->port());
  const std::string code =
      helpers +
      "Whereis=fun()->rpc:call(N,erlang,whereis,[echo]) end,"
      "P=Whereis(),process_flag(trap_exit,true),link(P),M=monitor(process,P),"
      "os:cmd(\"kill -9 " +
      ours->id() +
      "\"),"
      "receive {'EXIT',P,A}->Say(A) end,receive {'DOWN',M,_,_,B}->Say(B) end,"
      "receive {nodedown,N,_}->Say(down) end,Say(Ping()),Q=Whereis(),"
      // What had the numbers of `Q` in the life of `P`: the creation is the end of a pid.
      "Now=term_to_binary(Q),Then=term_to_binary(P),Bytes=byte_size(Now)-4,"
      "Old=binary_to_term(<<Now:Bytes/binary,(binary:part(Then,byte_size(Then),-4))/binary>>),"
      "Say({Old=:=Q,pid_to_list(Old)=:=pid_to_list(Q)}),"
      "link(Old),receive {'EXIT',Old,C}->Say(C) end,"
      "M2=monitor(process,Old),receive {'DOWN',M2,_,Old,D}->Say(D) end,"
      "Say(element(1,element(2,catch gen_server:call(Old,x)))),"
      "exit(Old,kill),Old!{self(),x,lost},"
      "Say(gen_server:call(Q,still_there)),receive Any->Say(Any) after 0->ok end,"
      "{links,L}=rpc:call(N,erlang,process_info,[Q,links]),Say(lists:member(self(),L))";
  EXPECT_EQ(all.erl(code, {}, "c",
                    [&] {
                      ours->wait_for_end();
                      ours.reset();
                      ours =
                          std::make_unique<lone_node>(all, std::vector<std::string>{"--listen-port", port});
                    }),
            "noconnection\nnoconnection\ndown\npong\n{false,true}\nnoproc\nnoproc\nnoproc\nstill_there\n"
            "{nodeup,'cpp@127.0.0.1',[{node_type,hidden}]}\nfalse\n");
}

TEST(lone_node, logs_what_is_printed_to_it) {
  lone_nodes all;
  lone_node ours(all);
  EXPECT_EQ(all.erl(helpers + "G=rpc:call(N,erlang,whereis,[user]),"
                              "Say(io:format(G,\"hi ~ts of ~p~n\",[[1078],node()]))"),
            "ok\n");
  const std::string log = ours.log_at_end();
  EXPECT_NE(log.find("hi \xd0\xb6 of 't@127.0.0.1'"), std::string::npos) << log;
}

} // namespace
} // namespace coppice
