// Erlang's order, both equalities and the hash (Reference Manual, "Expressions", Term Comparisons).
#include <gtest/gtest.h>
#include <thread>
#include <unordered_set>
#include <vector>

#include "coppice/term/term.hpp"
#include "coppice/term/text.hpp"

namespace coppice {
namespace {

term read(std::string_view text) {
  auto value = parse_term(text);
  if (!value) ADD_FAILURE() << text << ": " << value.error().message();
  return value.value_or(term());
}

bool less(std::string_view a, std::string_view b) { return compare(read(a), read(b)) < 0; }
bool equivalent(std::string_view a, std::string_view b) { return compare(read(a), read(b)) == 0; }

TEST(term_order, of_kinds) {
  const std::vector<term> ascending = {
      -1,
      2.5,
      term(std::uint64_t{1} << 63),
      "a"_atom,
      reference::local(1),
      term::fun({"m"_atom, 0, 0, 0, ""}),
      term::export_fun({"m"_atom, "f"_atom, 0}),
      port{1, 0, 0},
      pid{1, 0, 0},
      term::tuple(),
      term::tuple("a"_atom),
      term::map({}),
      term::map({{1, 2}}),
      term(),
      term::list(1),
      "",
      term::bitstring("c", 5), // the first bits of "b", so less than it
      "bin",
      "d",
      term::bitstring("\xff", 5),
  };
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    for (std::size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_TRUE(compare(ascending[i], ascending[j]) == (i <=> j))
          << to_string(ascending[i]) << " against " << to_string(ascending[j]);
      EXPECT_EQ(ascending[i] == ascending[j], i == j);
    }
  }
}

TEST(term_order, of_numbers_is_exact) {
  EXPECT_TRUE(equivalent("1", "1.0"));
  EXPECT_NE(read("1"), read("1.0"));
  EXPECT_TRUE(less("1", "1.5"));
  EXPECT_TRUE(less("-1.5", "-1"));
  EXPECT_TRUE(less("9007199254740992.0", "9007199254740993"));
  EXPECT_TRUE(less("9007199254740991", "9007199254740992.0"));
  EXPECT_TRUE(equivalent("9223372036854775808", "9223372036854775808.0"));
  EXPECT_TRUE(less("9223372036854775807", "9223372036854775808.0"));
  EXPECT_TRUE(equivalent("-9223372036854775808", "-9223372036854775808.0"));
  EXPECT_TRUE(less("-9223372036854775809", "-9223372036854775808.0"));
  EXPECT_TRUE(less("18446744073709551616.0", "18446744073709551617"));
  EXPECT_TRUE(equivalent("18446744073709551616.0", "18446744073709551616"));
  EXPECT_TRUE(less("18446744073709551615", "18446744073709551616.0"));
  EXPECT_TRUE(equivalent("16#10000000000000000000000000", "1.2676506002282294e30"));
  EXPECT_TRUE(less("1.0e300", "16#F" + std::string(260, '0')));
  EXPECT_TRUE(less("16#F" + std::string(240, '0'), "1.0e300"));
  EXPECT_TRUE(less("-16#F" + std::string(260, '0'), "-1.0e300"));
  EXPECT_TRUE(less("1.7976931348623157e308", "16#1" + std::string(256, '0')));
  EXPECT_TRUE(less("0.5", "18446744073709551617"));
  EXPECT_TRUE(less("-18446744073709551617", "0.5"));
  EXPECT_TRUE(less("-18446744073709551617", "-0.5"));
  EXPECT_TRUE(less("-18446744073709551618", "-18446744073709551617"));
  EXPECT_EQ(term(0.0), term(-0.0));
  EXPECT_EQ(term(0.0).hash(), term(-0.0).hash());
}

TEST(term_order, of_atoms_and_bits) {
  EXPECT_TRUE(less("abc", "abd"));
  EXPECT_TRUE(less("''", "a"));
  EXPECT_TRUE(less("<<\"ab\">>", "<<\"abc\">>"));
  EXPECT_TRUE(less("<<\"abc\">>", "<<\"b\">>"));
  EXPECT_TRUE(less("<<1:1>>", "<<255>>"));
  EXPECT_TRUE(less("<<1:1>>", "<<2:2>>"));
}

TEST(term_order, of_tuples_is_by_size_first) {
  EXPECT_TRUE(less("{z}", "{a,a}"));
  EXPECT_TRUE(less("{a,1}", "{a,2}"));
  EXPECT_TRUE(equivalent("{a,1}", "{a,1.0}"));
  EXPECT_NE(read("{a,1}"), read("{a,1.0}"));
}

TEST(term_order, of_lists_is_element_by_element) {
  EXPECT_TRUE(less("[1,2]", "[1,2,0]"));
  EXPECT_TRUE(less("[1,2,9]", "[1,3]"));
  EXPECT_TRUE(less("[]", "[a]"));
  EXPECT_TRUE(less("[1|a]", "[1]")) << "the tail a is less than []";
  EXPECT_TRUE(less("[1|a]", "[1,2]"));
  EXPECT_TRUE(less("[1,2]", "[1|<<>>]"));
  EXPECT_TRUE(less("[a|b]", "[a|c]"));
  EXPECT_TRUE(equivalent("[1,2.0]", "[1.0,2]"));
}

TEST(term_order, of_maps_is_by_size_then_keys_then_values) {
  EXPECT_TRUE(less("#{z => 9}", "#{a => 1, b => 1}"));
  EXPECT_TRUE(less("#{a => 9}", "#{b => 1}"));
  EXPECT_TRUE(less("#{a => 1}", "#{a => 2}"));
  EXPECT_TRUE(less("#{a => 9, b => 1}", "#{a => 1, c => 1}")) << "all keys before any value";
  EXPECT_TRUE(less("#{1 => z}", "#{1.0 => a}")) << "in keys integers come before floats";
  EXPECT_TRUE(less("#{2 => z}", "#{1.0 => a}"));
  EXPECT_TRUE(less("#{{2} => z}", "#{{1.0} => a}")) << "within keys too";
  EXPECT_TRUE(equivalent("#{a => 1}", "#{a => 1.0}"));
  EXPECT_FALSE(equivalent("#{1 => a}", "#{1.0 => a}"));
  EXPECT_EQ(read("#{a => 1, b => 2}"), read("#{b => 2, a => 1}"));
}

TEST(term_order, of_identities) {
  EXPECT_TRUE(compare(pid{1, 0, 0}, pid{2, 0, 0}) < 0);
  EXPECT_TRUE(compare(reference{{9, 1}, 3, 0, 0}, reference{{1, 2}, 3, 0, 0}) < 0) << "high words first";
  EXPECT_NE(term(reference{{1}, 3, 0, 1}), term(reference{{1}, 3, 0, 2}));
  EXPECT_TRUE(compare(term::export_fun({"a"_atom, "z"_atom, 9}), term::export_fun({"b"_atom, "a"_atom, 0})) <
              0);
  EXPECT_TRUE(compare(term::fun({"a"_atom, 1, 5, 0, ""}), term::fun({"a"_atom, 2, 1, 0, ""})) < 0);
  EXPECT_NE(term::fun({"a"_atom, 1, 5, 0, "x"}), term::fun({"a"_atom, 1, 5, 0, "y"}));
}

TEST(term_order, hash_agrees_with_equality) {
  std::unordered_set<term> set;
  const std::vector<term> all = {1,
                                 1.0,
                                 "a"_atom,
                                 "a",
                                 term::list(1),
                                 term::tuple(1),
                                 read("#{1 => 1}"),
                                 term(),
                                 term::tuple(),
                                 "",
                                 read("[1|2]"),
                                 read("[1,2]"),
                                 read("[[1],2]"),
                                 read("[1,[2]]"),
                                 read("{{1},2}"),
                                 read("{1,{2}}"),
                                 pid{1, 0, 0},
                                 port{1, 0, 0}};
  for (const term& t : all) set.insert(t);
  EXPECT_EQ(set.size(), all.size());
  for (const term& t : all) EXPECT_TRUE(set.contains(read(to_string(t)))) << to_string(t);
}

// --- depth and length ---

constexpr int large = 1'000'000; // far beyond what a stack holds

TEST(deep_term, long_lists) {
  std::vector<term> elements;
  elements.reserve(large);
  for (int i = 0; i < large; ++i) elements.emplace_back(i);
  const term whole = term::list_from(std::move(elements));
  term consed;
  for (int i = large; i-- > 0;) consed = term::cons(i, std::move(consed));
  EXPECT_EQ(whole, consed);
  EXPECT_TRUE(compare(whole, consed) == 0);
  EXPECT_EQ(whole.hash(), consed.hash());
  EXPECT_EQ(whole.length(), consed.length());
  EXPECT_TRUE(compare(whole, term::cons(0, term::list(2))) < 0);
  EXPECT_EQ(to_string(consed, {.limit = 20}), "[0,1,2,3,4,5,6,7,...");
}

TEST(deep_term, nested_tuples_lists_and_maps) {
  const auto nest = [] {
    term t;
    for (int i = 0; i < large / 10; ++i) {
      t = term::tuple(std::move(t), 1);
      t = term::list(std::move(t), 2);
      t = term::map({{"k"_atom, std::move(t)}});
      t = term::cons(3, std::move(t));
    }
    return t;
  };
  const term a = nest();
  const term b = nest();
  EXPECT_EQ(a, b);
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_EQ(to_string(a).size(), to_string(b).size());
  const term c = term::map({{a, b}});
  EXPECT_NE(c.find(b), nullptr);
}

TEST(deep_term, a_shared_node_is_compared_once) {
  term t = 1;
  for (int i = 0; i < 100; ++i) t = term::tuple(t, t); // 2^100 leaves
  const term same = t;                                 // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(t, same);
  EXPECT_EQ(to_string(t, {.limit = 10}).size(), 10u);
}

} // namespace
} // namespace coppice
