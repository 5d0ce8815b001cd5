// Functions for other nodes: what their processes end with, as erpc and rpc of OTP 25 read it.
#include "coppice/dist/functions.hpp"

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/term/text.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace coppice::dist {
namespace {

using namespace literals;

task<term> wait_for_a_message(function_call call) {
  self me(detail::running_process());
  term message = co_await me.receive<term>();
  co_return term::tuple(call.arguments[0], message);
}

std::shared_ptr<const function_table> example_table() {
  auto table = std::make_shared<function_table>();
  const atom m("m");
  table->add(m, "twice"_atom, 1,
             [](const function_call& c) { return term::list(c.arguments[0], c.arguments[0]); });
  table->add(m, "leader"_atom, 0, [](const function_call&) { return term(group_leader()); });
  table->add(m, "caller"_atom, 0, [](const function_call& c) { return term(c.caller); });
  table->add(m, "throws"_atom, 0,
             [](const function_call&) -> term { throw raised(raised::kind::thrown, term("ball"_atom)); });
  table->add(m, "exits"_atom, 1, [](const function_call& c) -> term { exit(exit_reason(c.arguments[0])); });
  table->add(m, "fails"_atom, 1, [](const function_call&) -> term { raise_error("badarg"_atom); });
  table->add(m, "breaks"_atom, 0,
             [](const function_call&) -> term { throw std::out_of_range("seventh of six"); });
  table->add(m, "waits"_atom, 1, wait_for_a_message);
  return table;
}

term parsed(std::string_view text) { return parse_term(text).value(); }

function_call call_of(std::string_view module, std::string_view name, std::string_view arguments) {
  const term list = parsed(arguments);
  return {{atom(module), atom(name), 0}, std::vector<term>(list.items().begin(), list.items().end())};
}

/// What a process that runs the call ends with.
task<term> end_of(self me, function_call call) {
  const monitored m = spawn_monitor(&run_spawned, example_table(), std::move(call));
  auto ours = [ref = m.ref](const down& d) { return d.ref == ref; };
  down gone = co_await me.receive_if<down>(ours);
  co_return gone.reason.value();
}

std::string end(test_node& f, std::string_view module, std::string_view name, std::string_view arguments) {
  return to_string(f.n.run(end_of, call_of(module, name, arguments)));
}

struct erpc_case {
  std::string_view arguments; ///< of execute_call
  std::string_view ends;
};

TEST(functions, a_call_by_erpc_is_answered_by_the_end) {
  test_node f;
  const erpc_case cases[] = {
      {"[r,m,twice,[1]]", "{r,return,[1,1]}"},
      {"[r,m,throws,[]]", "{r,throw,ball}"},
      {"[r,m,exits,[{no,reason}]]", "{r,exit,{no,reason}}"},
      {"[r,m,fails,[a]]", "{r,error,badarg,[{m,fails,[a],[]}]}"},
      {"[r,m,breaks,[]]", "{r,error,{'std::out_of_range',<<\"seventh of six\">>},[]}"},
      {"[r,no,such,[1,2]]", "{r,error,undef,[{no,such,[1,2],[]}]}"},
      {"[r,m,twice,[]]", "{r,error,undef,[{m,twice,[],[]}]}"},
      {"[r,m,twice,[1|2]]", "{r,error,badarg,[{erpc,execute_call,[r,m,twice,[1|2]],[]}]}"},
      {"[r,1,twice,[1]]", "{r,error,badarg,[{erpc,execute_call,[r,1,twice,[1]],[]}]}"},
      {"[r,erlang,apply,[m,twice,[1]]]", "{r,return,[1,1]}"},
      {"[r,erlang,apply,[fun m:twice/1,[1]]]", "{r,return,[1,1]}"},
      {"[r,erlang,apply,[erlang,apply,[m,twice,[1]]]]", "{r,return,[1,1]}"},
      {"[r,erlang,apply,[fun m:twice/1,[]]]", "{r,error,{badarity,{fun m:twice/1,[]}},[]}"},
      {"[r,erlang,apply,[seven,[]]]", "{r,error,{badfun,seven},[]}"},
      {"[r,erlang,apply,[m,twice,x]]", "{r,error,badarg,[{erlang,apply,[m,twice,x],[]}]}"},
      {"[r,erlang,apply,[m]]", "{r,error,undef,[{erlang,apply,[m],[]}]}"},
  };
  for (const erpc_case& c : cases) {
    EXPECT_EQ(end(f, "erpc", "execute_call", c.arguments), c.ends) << c.arguments;
  }
  EXPECT_TRUE(f.reports.empty());
}

TEST(functions, a_fun_of_another_node_cannot_be_called) {
  test_node f;
  const term fun = term::fun({.module = "shell"_atom, .index = 1, .uniq = 2, .arity = 0, .bytes = "p"});
  function_call call({"erlang"_atom, "apply"_atom, 2}, {fun, term()});
  const term why = f.n.run(end_of, std::move(call));
  EXPECT_EQ(why, term::tuple("undef"_atom, term::list(term::tuple(fun, term(), term()))));
}

struct spawn_case {
  std::string_view name, arguments, ends;
};

TEST(functions, a_spawned_function_ends_as_an_erlang_process_does) {
  test_node f;
  const spawn_case cases[] = {
      {"twice", "[1]", "normal"},
      {"exits", "[shutdown]", "shutdown"},
      {"fails", "[a]", "{badarg,[{m,fails,[a],[]}]}"},
      {"throws", "[]", "{{nocatch,ball},[{m,throws,[],[]}]}"},
      {"none", "[1]", "{undef,[{m,none,[1],[]}]}"},
  };
  for (const spawn_case& c : cases) EXPECT_EQ(end(f, "m", c.name, c.arguments), c.ends) << c.name;
  EXPECT_EQ(end(f, "erpc", "execute_cast", "[m,twice,[1]]"), "normal");
  EXPECT_EQ(end(f, "erpc", "execute_cast", "[m,none,[1]]"), "{undef,[{m,none,[1],[]}]}");
  EXPECT_EQ(end(f, "erpc", "execute_cast", "[m,none,1]"), "{badarg,[{erpc,execute_cast,[m,none,1],[]}]}");
  EXPECT_TRUE(f.reports.empty());
}

TEST(functions, the_arity_is_that_of_the_arguments) {
  test_node f;
  function_call call({"m"_atom, "twice"_atom, 7}, {});
  call.arguments.emplace_back(1);
  EXPECT_EQ(f.n.run(end_of, std::move(call)), term("normal"_atom));
}

TEST(functions, a_cpp_exception_that_nobody_waits_for_is_a_crash) {
  test_node f;
  EXPECT_EQ(end(f, "m", "breaks", "[]"), "{'std::out_of_range',<<\"seventh of six\">>}");
  EXPECT_EQ(f.count("error"), 1U);
}

TEST(functions, a_function_may_wait_for_messages_and_has_a_label) {
  test_node f;
  f.n.run([](self me) -> task<> {
    const monitored m =
        spawn_monitor(&run_spawned, example_table(), call_of("erpc", "execute_call", "[r,m,waits,[7]]"));
    co_await yield();
    EXPECT_EQ(this_node().summary(m.process)->label, "m:waits/1");
    send(m.process, term("now"_atom));
    down gone = co_await me.receive<down>();
    EXPECT_EQ(to_string(gone.reason.value()), "{r,return,{7,now}}");
  });
}

TEST(functions, the_group_leader_is_that_of_the_request) {
  test_node f;
  f.n.run([](self me) -> task<> {
    const pid far{.id = 77, .node = 3, .creation = 1};
    term list = parsed("[r,m,leader,[]]");
    std::vector<term> arguments(list.items().begin(), list.items().end());
    function_call call({"erpc"_atom, "execute_call"_atom, 4}, arguments, pid(), far);
    term ended = co_await end_of(me, std::move(call));
    EXPECT_EQ(ended, term::tuple("r"_atom, "return"_atom, far));
    arguments[2] = "caller"_atom;
    function_call again({"erpc"_atom, "execute_call"_atom, 4}, std::move(arguments), far);
    term whose = co_await end_of(me, std::move(again));
    EXPECT_EQ(whose, term::tuple("r"_atom, "return"_atom, far));
  });
}

TEST(functions, rpc_has_the_value_or_badrpc) {
  test_node f;
  const spawn_case cases[] = {
      {"twice", "[1]", "[1,1]"},
      {"throws", "[]", "ball"},
      {"exits", "[why]", "{badrpc,{'EXIT',why}}"},
      {"fails", "[a]", "{badrpc,{'EXIT',{badarg,[{m,fails,[a],[]}]}}}"},
      {"none", "[]", "{badrpc,{'EXIT',{undef,[{m,none,[],[]}]}}}"},
  };
  for (const spawn_case& c : cases) {
    const term answer = f.n.run(
        [](self, function_call call) -> task<term> {
          term value = co_await evaluate_rpc(example_table(), std::move(call));
          co_return value;
        },
        call_of("m", c.name, c.arguments));
    EXPECT_EQ(to_string(answer), c.ends) << c.name;
  }
}

TEST(functions, the_table_finds_by_name_and_arity) {
  function_table table;
  const auto nothing = [](const function_call&) { return term(); };
  table.add("b"_atom, "g"_atom, 2, nothing);
  table.add("b"_atom, "g"_atom, 1, nothing);
  table.add("b"_atom, "g"_atom, 1, nothing);
  table.add("b"_atom, "f"_atom, 0, nothing);
  table.add(atom(), "info"_atom, 1, nothing);
  EXPECT_NE(table.find({"b"_atom, "g"_atom, 1}), nullptr);
  EXPECT_EQ(table.find({"b"_atom, "g"_atom, 3}), nullptr);
  EXPECT_NE(table.find({"any"_atom, "info"_atom, 1}), nullptr);
  EXPECT_FALSE(table.exported({"any"_atom, "info"_atom, 1}));
  EXPECT_TRUE(table.exported({"b"_atom, "f"_atom, 0}));
  EXPECT_TRUE(table.has_module("b"_atom));
  EXPECT_FALSE(table.has_module("any"_atom));
  const std::vector<mfa> all = table.functions_of("b"_atom);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0], (mfa{"b"_atom, "f"_atom, 0}));
  EXPECT_EQ(all[1], (mfa{"b"_atom, "g"_atom, 1}));
  EXPECT_EQ(all[2], (mfa{"b"_atom, "g"_atom, 2}));
}

} // namespace
} // namespace coppice::dist
