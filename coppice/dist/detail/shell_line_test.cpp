#include "coppice/dist/detail/shell_line.hpp"

#include "coppice/term/text.hpp"

#include <gtest/gtest.h>

namespace coppice::dist::detail {
namespace {

/// The line as it was understood.
std::string shown(const shell_expression& e) {
  switch (e.what) {
  case shell_expression::kind::value: return to_string(e.value);
  case shell_expression::kind::variable: return "?" + e.variable;
  case shell_expression::kind::call: break;
  }
  std::string text = to_string(e.function.module) + ":" + to_string(e.function.function) + "/" +
                     std::to_string(e.function.arity) + "(";
  for (const shell_expression& a : e.arguments) text += shown(a) + ";";
  return text + ")";
}
std::string understood(std::string_view text) {
  auto line = parse_shell_line(text);
  if (!line) return line.error();
  return (line->binds.empty() ? "" : line->binds + " = ") + shown(line->asked);
}

TEST(shell_line, is_a_call_a_term_or_a_variable) {
  EXPECT_EQ(understood("node()."), "'':node/0()");
  EXPECT_EQ(understood(" erlang:memory( total ) . "), "erlang:memory/1(total;)");
  EXPECT_EQ(understood("'a b':'c.d'(1, {2, \"x,)\"}, <<1,2>>, $,)."),
            "'a b':'c.d'/4(1;{2,\"x,)\"};<<1,2>>;44;)");
  EXPECT_EQ(understood("sys:get_state(whereis(echo))."), "sys:get_state/1('':whereis/1(echo;);)");
  EXPECT_EQ(understood("P = whereis(echo)."), "P = '':whereis/1(echo;)");
  EXPECT_EQ(understood("sys:get_state(P)."), "sys:get_state/1(?P;)");
  EXPECT_EQ(understood("_x."), "?_x");
  EXPECT_EQ(understood("{a, [1.5 | t]}. % with a comment"), "{a,[1.5|t]}");
  EXPECT_EQ(understood("fun m:f/1."), "fun m:f/1");
  EXPECT_EQ(understood("f(\n  1, % one\n  2)."), "'':f/2(1;2;)");
  EXPECT_EQ(understood("1.5."), "1.5");
}

TEST(shell_line, says_where_it_is_wrong) {
  EXPECT_EQ(understood("f(1, ."), "1:6: expected a term, got the end of the text");
  EXPECT_EQ(understood("f(1"), "1:4: expected ',' or ')', got the end of the line");
  EXPECT_EQ(understood("f(1) 2."), "1:6: expected the end of the line, got '2'");
  EXPECT_EQ(understood("f(\n {a,})."), "2:5: expected a term, got '}'");
  EXPECT_EQ(understood("X Y."), "1:3: expected the end of the line, got 'Y'");
  EXPECT_EQ(understood("{a, X}."), "1:5: expected a term (an atom that begins so needs quotes), got 'X'");
  std::string deep;
  for (int i = 0; i < 200; ++i) deep += "f(";
  EXPECT_EQ(understood(deep), "1:203: expected fewer calls within calls, got 'f'");
}

TEST(shell_line, ends_with_a_full_stop) {
  EXPECT_TRUE(is_whole_shell_line("a."));
  EXPECT_TRUE(is_whole_shell_line("a. \n"));
  EXPECT_TRUE(is_whole_shell_line("\"a\". % done?"));
  EXPECT_FALSE(is_whole_shell_line(""));
  EXPECT_FALSE(is_whole_shell_line("a"));
  EXPECT_FALSE(is_whole_shell_line("a % done."));
  EXPECT_FALSE(is_whole_shell_line("\"a."));
  EXPECT_FALSE(is_whole_shell_line("\"a.\""));
  EXPECT_FALSE(is_whole_shell_line("$."));
}

} // namespace
} // namespace coppice::dist::detail
