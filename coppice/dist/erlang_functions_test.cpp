// OTP's own functions as other nodes call them here.
#include "coppice/dist/erlang_functions.hpp"

#include "coppice/dist/detail/function_test.hpp"
#include "coppice/otp/application.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/node.hpp"

#include <gmock/gmock.h>

#include <chrono>

namespace coppice::dist {
namespace {

using namespace literals;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class counter : public gen_server {
public:
  [[nodiscard]] static term state() { return 7; }
};

class counter_sup : public supervisor {
public:
  [[nodiscard]] static std::vector<child_spec> children() {
    return {child<counter>("counter", local("counter"))};
  }
};

shared_table table_with(node_facts facts) {
  auto table = std::make_shared<function_table>();
  add_erlang_functions(*table, std::move(facts));
  return table;
}
shared_table table() { return table_with(example_facts()); }

struct plain_case {
  std::string_view module, name, arguments, answer;
};

constexpr std::string_view badarg = "{badrpc,{'EXIT',{badarg,[{";
constexpr std::string_view undef = "{badrpc,{'EXIT',{undef,[{";

TEST(erlang_functions, of_nodes) {
  test_node f;
  const shared_table t = table();
  const plain_case cases[] = {
      {"erlang", "node", "[]", "'cpp@127.0.0.1'"},
      {"erlang", "nodes", "[]", "['a@127.0.0.1']"},
      {"erlang", "nodes", "[hidden]", "['b@127.0.0.1']"},
      {"erlang", "nodes", "[connected]", "['a@127.0.0.1','b@127.0.0.1']"},
      {"erlang", "nodes", "[[this,visible,connected]]", "['a@127.0.0.1','b@127.0.0.1','cpp@127.0.0.1']"},
      {"net_adm", "ping", "['a@127.0.0.1']", "pong"},
      {"net_adm", "ping", "['cpp@127.0.0.1']", "pong"},
      {"net_adm", "ping", "['b@127.0.0.1']", "pang"},
      {"net_kernel", "get_net_ticktime", "[]", "60"},
      {"application", "get_env", "[stdlib,shell_slogan,none]", "none"},
      {"application", "which_applications", "[]", "[]"},
      {"lists", "seq", "[1,3]", "[1,2,3]"},
      {"lists", "seq", "[1,0]", "[]"},
      {"lists", "seq", "[9223372036854775806,9223372036854775807]",
       "[9223372036854775806,9223372036854775807]"},
      {"erlang", "exit", "[why]", "{badrpc,{'EXIT',why}}"},
      {"erlang", "throw", "[ball]", "ball"},
      {"erlang", "error", "[oops]", "{badrpc,{'EXIT',{oops,[{erlang,error,[oops],[]}]}}}"},
  };
  for (const plain_case& c : cases) {
    EXPECT_EQ(ask_node(f, t, std::string(c.module), std::string(c.name), c.arguments), c.answer) << c.name;
  }
}

TEST(erlang_functions, refuse_what_they_cannot_take) {
  test_node f;
  const shared_table t = table();
  const plain_case cases[] = {
      {"erlang", "nodes", "[whatever]", badarg},
      {"erlang", "nodes", "[[hidden|x]]", badarg},
      {"erlang", "whereis", "[1]", badarg},
      {"erlang", "process_info", "[x]", badarg},
      {"erlang", "process_info", "[x,links]", badarg},
      {"erlang", "process_info", "[x,[links|x]]", badarg},
      {"erlang", "system_info", "[no_such_item]", badarg},
      {"erlang", "system_info", "[{wordsize,x}]", badarg},
      {"erlang", "memory", "[no_such_kind]", badarg},
      {"erlang", "statistics", "[no_such_item]", badarg},
      {"erlang", "statistics", "[1]", badarg},
      {"erlang", "function_exported", "[a,b,-1]", badarg},
      {"sys", "get_status", "[x,never]", badarg},
      {"sys", "get_state", "[{x,'a@127.0.0.1'}]", badarg},
      {"proc_lib", "translate_initial_call", "[\"x\"]", badarg},
      {"lists", "seq", "[1,9223372036854775807]", "{badrpc,{'EXIT',{system_limit,[{"},
      {"lists", "seq", "[5,1]", "{badrpc,{'EXIT',{function_clause,[{"},
      {"lists", "seq", "[-9223372036854775808,-9223372036854775808]", "[-9223372036854775808]"},
      {"erlang", "halt", "[]", undef},
      {"erlang", "exit", "[a,b]", undef},
      {"init", "stop", "[]", undef},
      {"os", "cmd", "[\"ls\"]", undef},
      {"file", "read_file", "[\"x\"]", undef},
      {"no_such", "module_info", "[attributes]", undef},
      {"erlang", "module_info", "[x]", badarg},
  };
  for (const plain_case& c : cases) {
    EXPECT_THAT(ask_node(f, t, std::string(c.module), std::string(c.name), c.arguments),
                StartsWith(std::string(c.answer)))
        << c.name << c.arguments;
  }
}

TEST(erlang_functions, exit_2_only_where_it_is_allowed) {
  test_node f;
  node_facts facts = example_facts();
  facts.allow_exit = true;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        const monitored m = spawn_monitor([](self who) -> process { co_await who.receive<int>(); });
        std::vector<term> arguments{m.process, "over"_atom};
        term done = co_await ask(t, "erlang", "exit", arguments);
        EXPECT_EQ(done, term(true));
        down gone = co_await me.receive<down>();
        EXPECT_TRUE(gone.reason.is("over"));
        std::vector<term> nobody{m.process};
        term alive = co_await ask(t, "erlang", "is_process_alive", nobody);
        EXPECT_EQ(alive, term(false));
      },
      table_with(std::move(facts)));
}

TEST(erlang_functions, modules_are_those_of_the_table_and_of_running_behaviours) {
  test_node f;
  const shared_table t = table();
  EXPECT_EQ(ask_node(f, t, "code", "ensure_loaded", "[counter]"), "{error,nofile}");
  f.n.run([](self) -> task<> {
    start_result<counter> s = co_await start<counter>();
    EXPECT_TRUE(s.has_value());
  });
  const plain_case cases[] = {
      {"code", "ensure_loaded", "[lists]", "{module,lists}"},
      {"code", "ensure_loaded", "[counter]", "{module,counter}"},
      {"code", "ensure_loaded", "[shell]", "{error,nofile}"},
      {"erlang", "function_exported", "[lists,seq,2]", "true"},
      {"erlang", "function_exported", "[lists,seq,3]", "false"},
      {"erlang", "function_exported", "[lists,seq,300]", "false"},
      {"counter", "module_info", "[attributes]", "[{behaviour,[gen_server]}]"},
      {"counter", "module_info", "[exports]", "[]"},
      {"counter", "module_info", "[module]", "counter"},
      {"lists", "module_info", "[attributes]", "[]"},
      {"lists", "module_info", "[exports]", "[{seq,2}]"},
  };
  for (const plain_case& c : cases) {
    EXPECT_EQ(ask_node(f, t, std::string(c.module), std::string(c.name), c.arguments), c.answer)
        << c.arguments;
  }
}

// --- processes ---

process watched(self me, pid other) {
  trap_exit(true);
  link(other);
  monitor(other);
  set_label("stands there");
  set_priority(priority::low);
  co_await me.receive<int>();
}

TEST(erlang_functions, process_info_tells_what_is_so) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        trap_exit(true);
        register_name("tester"_atom, me);
        const pid other = spawn(&watched, me.id());
        register_name("other"_atom, other);
        const reference ref = monitor(other);
        co_await idle_for(1ms);
        send(other, std::string("unread"));
        co_await idle_for(1ms);
        std::vector<term> all{other, term::list("links"_atom, "monitors"_atom, "monitored_by"_atom,
                                                "trap_exit"_atom, "registered_name"_atom, "priority"_atom,
                                                "status"_atom, "message_queue_len"_atom, "parent"_atom)};
        term told = co_await ask(t, "erlang", "process_info", all);
        EXPECT_EQ(value_of(told, "links"), term::list(me.id()));
        EXPECT_EQ(value_of(told, "monitors"), term::list(term::tuple("process"_atom, me.id())));
        EXPECT_EQ(value_of(told, "monitored_by"), term::list(me.id()));
        EXPECT_EQ(value_of(told, "trap_exit"), term(true));
        EXPECT_EQ(value_of(told, "registered_name"), term("other"_atom));
        EXPECT_EQ(value_of(told, "priority"), term("low"_atom));
        EXPECT_EQ(value_of(told, "status"), term("waiting"_atom));
        EXPECT_EQ(value_of(told, "message_queue_len"), term(1));
        EXPECT_EQ(value_of(told, "parent"), term(me.id()));
        std::vector<term> more{other,
                               term::list("initial_call"_atom, "current_function"_atom, "dictionary"_atom)};
        term rest = co_await ask(t, "erlang", "process_info", more);
        EXPECT_EQ(to_string(value_of(rest, "initial_call")), "{process,'stands there',0}");
        EXPECT_EQ(to_string(value_of(rest, "current_function")), "{process,waiting,0}");
        EXPECT_THAT(to_string(value_of(rest, "dictionary")), StartsWith("[{'$ancestors',[tester"));
        demonitor(ref);
        unlink(other);
      },
      table());
}

/// The items that observer's window of a process asks for.
constexpr std::string_view observer_items =
    "[binary,catchlevel,current_function,error_handler,garbage_collection,group_leader,heap_size,"
    "initial_call,last_calls,links,memory,message_queue_len,monitored_by,monitors,priority,reductions,"
    "registered_name,sequential_trace_token,stack_size,status,suspending,total_heap_size,trace,trap_exit]";

TEST(erlang_functions, process_info_has_all_that_observer_asks_for) {
  test_node f;
  f.n.run(
      [](self, shared_table t) -> task<> {
        start_result<counter> s = co_await start<counter>();
        const pid who = *s->resolve();
        const term items = parse_term(observer_items).value();
        std::vector<term> arguments{who, items};
        term told = co_await ask(t, "erlang", "process_info", arguments);
        EXPECT_EQ(told.length(), items.length());
        auto wanted = items.items().begin();
        for (const term& each : told.items()) {
          EXPECT_TRUE(each.is_tuple(2) && each.elements()[0] == *wanted) << to_string(each);
          ++wanted;
        }
        EXPECT_EQ(value_of(told, "initial_call"), parse_term("{counter,init,1}").value());
        EXPECT_EQ(value_of(told, "current_function"), parse_term("{gen_server,waiting,0}").value());
        EXPECT_EQ(value_of(told, "registered_name"), term());
        EXPECT_GT(value_of(told, "memory").as_int64(), 100);
        EXPECT_EQ(value_of(value_of(told, "garbage_collection"), "min_heap_size"), term(0));
        std::vector<term> only{who};
        term usual = co_await ask(t, "erlang", "process_info", only);
        EXPECT_EQ(usual.length(), 16U);
        for (const char* item : {"messages", "dictionary", "current_stacktrace"}) {
          std::vector<term> one{who, atom(item)};
          term alone = co_await ask(t, "erlang", "process_info", one);
          EXPECT_TRUE(alone.is_tagged(atom(item), 2)) << to_string(alone);
        }
        std::vector<term> key{who, parse_term("{dictionary,'$initial_call'}").value()};
        term value = co_await ask(t, "erlang", "process_info", key);
        EXPECT_EQ(to_string(value), "{{dictionary,'$initial_call'},{counter,init,1}}");
        std::vector<term> unnamed{who, "registered_name"_atom};
        term name = co_await ask(t, "erlang", "process_info", unnamed);
        EXPECT_EQ(name, term());
        std::vector<term> wrong{who, "no_such_item"_atom};
        term refused = co_await ask(t, "erlang", "process_info", wrong);
        EXPECT_THAT(to_string(refused), StartsWith(std::string(badarg)));
        exit(who, exit_reason::kill());
        co_await yield();
        std::vector<term> dead{who, items};
        term gone = co_await ask(t, "erlang", "process_info", dead);
        EXPECT_EQ(gone, term("undefined"_atom));
      },
      table());
}

TEST(erlang_functions, lists_of_processes) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        register_name("tester"_atom, me);
        const std::vector<term> none;
        const std::vector<term> name{"tester"_atom};
        const std::vector<term> nobody{"nobody"_atom};
        const std::vector<term> own{me.id()};
        term all = co_await ask(t, "erlang", "processes", none);
        EXPECT_EQ(all, term::list(me.id()));
        term names = co_await ask(t, "erlang", "registered", none);
        EXPECT_EQ(to_string(names), "[tester]");
        term found = co_await ask(t, "erlang", "whereis", name);
        EXPECT_EQ(found, term(me.id()));
        term missing = co_await ask(t, "erlang", "whereis", nobody);
        EXPECT_EQ(missing, term("undefined"_atom));
        term alive = co_await ask(t, "erlang", "is_process_alive", own);
        EXPECT_EQ(alive, term(true));
        term plain = co_await ask(t, "proc_lib", "translate_initial_call", own);
        EXPECT_EQ(to_string(plain), "{proc_lib,init_p,5}");
        const std::vector<term> far{pid{.id = 5, .node = 1, .creation = 1}};
        term foreign = co_await ask(t, "erlang", "is_process_alive", far);
        EXPECT_THAT(to_string(foreign), StartsWith(std::string(badarg)));
      },
      table());
}

TEST(erlang_functions, are_called_from_several_cores_at_once) {
  node_options four;
  four.cores = 4;
  coppice::node n(std::move(four));
  n.run(
      [](self me, shared_table t) -> task<> {
        register_name("tester"_atom, me);
        const term who = me.id();
        const term calls =
            term::list(term::tuple("erlang"_atom, "process_info"_atom, term::list(who)),
                       term::tuple("erlang"_atom, "statistics"_atom, term::list("reductions"_atom)),
                       term::tuple("erlang"_atom, "statistics"_atom, term::list("run_queue_lengths"_atom)),
                       term::tuple("erlang"_atom, "processes"_atom, term()),
                       term::tuple("erlang"_atom, "whereis"_atom, term::list("tester"_atom)),
                       term::tuple("counter"_atom, "module_info"_atom, term::list("module"_atom)),
                       term::tuple("erlang"_atom, "memory"_atom, term()),
                       term::tuple("lists"_atom, "seq"_atom, term::list(1, 50)));
        start_result<counter> s = co_await start<counter>();
        EXPECT_TRUE(s.has_value());
        for (int round = 0; round < 20; ++round) {
          std::size_t open = 0;
          for (const term& each : calls.items()) {
            std::vector<term> with{"r"_atom};
            with.insert(with.end(), each.elements().begin(), each.elements().end());
            function_call call({"erpc"_atom, "execute_call"_atom, 4}, std::move(with), me.id());
            spawn_monitor(&run_spawned, t, std::move(call));
            ++open;
          }
          for (; open > 0; --open) {
            down gone = co_await me.receive<down>();
            const term& why = gone.reason.value();
            EXPECT_TRUE(why.is_tuple(3) && why.elements()[1].is_atom("return"_atom)) << to_string(why);
          }
        }
      },
      table());
}

// --- otp ---

TEST(erlang_functions, supervisors_and_servers_are_asked) {
  test_node f;
  f.n.run(
      [](self, shared_table t) -> task<> {
        start_result<counter_sup> sup = co_await start_link<counter_sup>(local("sup"));
        const pid server = *whereis("counter"_atom);
        const std::vector<term> by_name{"sup"_atom};
        const std::vector<term> by_node{term::tuple("sup"_atom, "cpp@127.0.0.1"_atom)};
        const std::vector<term> whom{server, 200};
        const std::vector<term> only{server};
        term children = co_await ask(t, "supervisor", "which_children", by_name);
        term again = co_await ask(t, "supervisor", "which_children", by_node);
        EXPECT_EQ(children, again);
        EXPECT_EQ(children.head().elements()[1], term(server));
        EXPECT_EQ(children.head().elements()[2], term("worker"_atom));
        term counts = co_await ask(t, "supervisor", "count_children", by_name);
        EXPECT_EQ(value_of(counts, "active"), term(1));
        term state = co_await ask(t, "sys", "get_state", whom);
        EXPECT_EQ(state, term(7));
        term status = co_await ask(t, "sys", "get_status", whom);
        EXPECT_TRUE(status.is_tuple() && status.elements()[0].is_atom("status"_atom)) << to_string(status);
        term initial = co_await ask(t, "proc_lib", "translate_initial_call", only);
        EXPECT_EQ(to_string(initial), "{counter,init,1}");
        unlink(*sup->resolve());
      },
      table());
}

TEST(erlang_functions, servers_that_do_not_answer_are_said_to_be) {
  test_node f;
  const shared_table t = table();
  EXPECT_EQ(ask_node(f, t, "sys", "get_status", "[nobody,200]"),
            "{badrpc,{'EXIT',{noproc,{sys,get_status,[nobody,200]}}}}");
  EXPECT_EQ(ask_node(f, t, "supervisor", "which_children", "[nobody]"),
            "{badrpc,{'EXIT',{noproc,{supervisor,which_children,[nobody]}}}}");
  f.n.run(
      [](self, shared_table all) -> task<> {
        const pid silent = spawn([](self who) -> process { co_await who.receive<int>(); });
        const std::vector<term> whom{silent, 200};
        const time_point before = now();
        term answer = co_await ask(all, "sys", "get_status", whom);
        EXPECT_THAT(to_string(answer), StartsWith("{badrpc,{'EXIT',{timeout,{sys,get_status,["));
        EXPECT_EQ(std::chrono::floor<std::chrono::milliseconds>(now() - before), 200ms);
        exit(silent, exit_reason::kill());
      },
      t);
}

TEST(erlang_functions, applications_that_run) {
  test_node f;
  f.n.run(
      [](self, shared_table t) -> task<> {
        std::expected<pid, exit_reason> up = co_await application::start_controller();
        EXPECT_TRUE(up.has_value());
        application_spec spec = application_spec("count", "1.2")
                                    .description("it counts")
                                    .start(child<counter_sup>("top", local("sup")));
        co_await application::start(spec);
        const std::vector<term> none;
        term all = co_await ask(t, "application", "which_applications", none);
        EXPECT_EQ(to_string(all), "[{count,\"it counts\",\"1.2\"}]");
      },
      table());
}

// --- figures ---

TEST(erlang_functions, figures) {
  test_node f;
  const shared_table t = table();
  f.n.run([](self) -> task<> { co_await idle_for(3s); });
  EXPECT_EQ(ask_node(f, t, "erlang", "statistics", "[wall_clock]"), "{3000,3000}");
  EXPECT_EQ(ask_node(f, t, "erlang", "statistics", "[wall_clock]"), "{3000,0}");
  EXPECT_EQ(ask_node(f, t, "erlang", "statistics", "[run_queue]"), "0");
  EXPECT_THAT(ask_node(f, t, "erlang", "statistics", "[scheduler_wall_time]"), StartsWith("[{1,0,30000"));
  EXPECT_THAT(ask_node(f, t, "erlang", "statistics", "[io]"), StartsWith("{{input,"));
  EXPECT_THAT(ask_node(f, t, "erlang", "statistics", "[runtime]"), StartsWith("{"));
  EXPECT_EQ(ask_node(f, t, "erlang", "system_info", "[wordsize]"), "8");
  EXPECT_EQ(ask_node(f, t, "erlang", "system_info", "[{wordsize,external}]"), "8");
  EXPECT_EQ(ask_node(f, t, "erlang", "system_info", "[dirty_cpu_schedulers]"), "0");
  EXPECT_EQ(ask_node(f, t, "erlang", "system_info", "[schedulers_online]"), "1");
  EXPECT_EQ(ask_node(f, t, "erlang", "system_info", "[process_limit]"), "16777216");
  EXPECT_EQ(ask_node(f, t, "erlang", "system_info", "[process_count]"), "1");
  EXPECT_THAT(ask_node(f, t, "erlang", "system_info", "[system_version]"), StartsWith("\"Coppice "));
  EXPECT_THAT(ask_node(f, t, "erlang", "system_info", "[system_architecture]"), HasSubstr("linux"));
}

TEST(erlang_functions, memory_is_that_of_the_os_process) {
  test_node f;
  f.n.run(
      [](self, shared_table t) -> task<> {
        const std::vector<term> none;
        const std::vector<term> which{term::list("total"_atom, "ets"_atom)};
        term all = co_await ask(t, "erlang", "memory", none);
        const std::int64_t total = value_of(all, "total").as_int64().value_or(0);
        const std::int64_t own = value_of(all, "processes").as_int64().value_or(0);
        const std::int64_t system = value_of(all, "system").as_int64().value_or(0);
        EXPECT_GT(own, 100'000);
        EXPECT_GT(system, 100'000);
        EXPECT_EQ(total, own + system);
        term two = co_await ask(t, "erlang", "memory", which);
        EXPECT_EQ(value_of(two, "ets"), term(0));
        EXPECT_GT(value_of(two, "total").as_int64(), 100'000);
      },
      table());
}

} // namespace
} // namespace coppice::dist
