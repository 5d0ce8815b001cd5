// What the tests of functions for other nodes share: calling them as another node does.
#pragma once

#include "coppice/dist/erlang_functions.hpp"
#include "coppice/otp/detail/test_node.hpp"
#include "coppice/term/external.hpp"
#include "coppice/term/text.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice::dist {

using shared_table = std::shared_ptr<const function_table>;

/// A node that knows a visible and a hidden one, of which it can reach the first.
inline node_facts example_facts() {
  node_facts facts;
  facts.name = [] { return atom("cpp@127.0.0.1"); };
  facts.nodes = [](std::string_view kind) -> std::vector<atom> {
    if (kind == "visible") return {atom("a@127.0.0.1")};
    if (kind == "hidden") return {atom("b@127.0.0.1")};
    return {atom("a@127.0.0.1"), atom("b@127.0.0.1")};
  };
  facts.ping = [](atom whom) -> task<bool> { co_return whom.name() == "a@127.0.0.1"; };
  return facts;
}

/// That a term can be sent to another node and read there. It may hold identities of the node 1.
inline void expect_travels(const term& value) {
  node_names names(atom("cpp@127.0.0.1"), 1);
  names.mention("a@127.0.0.1");
  const std::string bytes = term_to_binary(value, names);
  EXPECT_TRUE(binary_to_term(bytes, names).has_value()) << to_string(value, {.limit = 500});
}

/// The arguments of a call from the text of their list.
inline std::vector<term> arguments_of(std::string_view list) {
  const term parsed = parse_term(list).value();
  return {parsed.items().begin(), parsed.items().end()};
}

/// Calls from within a process, as rpc does; the answer can travel.
inline task<term> ask(shared_table table, std::string module, std::string name, std::vector<term> arguments) {
  function_call call({atom(module), atom(name), 0}, std::move(arguments), self_pid());
  term answer = co_await evaluate_rpc(std::move(table), std::move(call));
  expect_travels(answer);
  co_return answer;
}

/// Calls from outside; the answer as text.
inline std::string ask_node(test_node& f, const shared_table& table, std::string module, std::string name,
                            std::string_view arguments) {
  const term answer = f.n.run([](self, shared_table t, std::string m, std::string n,
                                 std::vector<term> with) { return ask(t, m, n, std::move(with)); },
                              table, std::move(module), std::move(name), arguments_of(arguments));
  return to_string(answer);
}

/// The value beside a key in a property list; the atom no_such_key if it is not there.
inline term value_of(const term& properties, std::string_view key) {
  for (const term& each : properties.items()) {
    if (each.is_tagged(atom(key), 2)) return each.elements()[1];
  }
  return atom("no_such_key");
}

} // namespace coppice::dist
