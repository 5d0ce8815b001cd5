#include "coppice/term/term.hpp"

#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <stdexcept>
#include <thread>
#include <unordered_set>

namespace coppice {
namespace {

TEST(term, default_and_moved_from_are_nil) {
  term t;
  EXPECT_TRUE(t.is_nil());
  t = term::tuple(1, 2);
  const term u = std::move(t);
  EXPECT_TRUE(t.is_nil()); // NOLINT(bugprone-use-after-move): what the class promises
  EXPECT_EQ(u.size(), 2u);
}

TEST(term, kinds) {
  EXPECT_EQ(term(1).kind(), term_kind::integer);
  EXPECT_EQ(term(1.5).kind(), term_kind::floating);
  EXPECT_EQ(term(true), term("true"_atom));
  EXPECT_EQ(term("text").kind(), term_kind::binary);
  EXPECT_EQ(term("").kind(), term_kind::binary);
  EXPECT_EQ(term::bitstring("\xff", 3).kind(), term_kind::bitstring);
  EXPECT_EQ(term::tuple().kind(), term_kind::tuple);
  EXPECT_EQ(term::map({}).kind(), term_kind::map);
  EXPECT_EQ(term::list().kind(), term_kind::nil);
  EXPECT_EQ(term::list(1).kind(), term_kind::list);
  EXPECT_EQ(term(pid{5, 0, 0}).kind(), term_kind::pid);
  EXPECT_EQ(term(port{5, 0, 0}).kind(), term_kind::port);
  EXPECT_EQ(term(reference::local(7)).kind(), term_kind::reference);
  EXPECT_EQ(term::export_fun({"lists"_atom, "map"_atom, 2}).kind(), term_kind::export_fun);
  EXPECT_EQ(term::fun({"m"_atom, 1, 2, 0, "x"}).kind(), term_kind::fun);
}

TEST(term, gives_back_what_it_was_made_of) {
  EXPECT_EQ(term(std::numeric_limits<std::int64_t>::min()).as_int64(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(term(-0.5).as_double(), -0.5);
  EXPECT_FALSE(term(1).as_double());
  EXPECT_FALSE(term(1.0).as_int64());
  EXPECT_EQ(term(atom("abc")).as_atom(), atom("abc"));
  EXPECT_EQ(term(false).as_bool(), false);
  EXPECT_FALSE(term("ok"_atom).as_bool());
  const pid p{(std::uint64_t{9} << 26) | 3, 77, 0xffff'ffff};
  EXPECT_EQ(term(p).as_pid(), p);
  const reference r{{1, 2, 3, 4, 5}, 5, 6, 7};
  EXPECT_EQ(term(r).as_reference(), r);
  const port q{1, 2, 3};
  EXPECT_EQ(term(q).as_port(), q);
  EXPECT_EQ(term("abc").as_binary(), "abc");
  EXPECT_EQ(term(std::string("a\0b", 3)).as_binary(), std::string_view("a\0b", 3));
  EXPECT_EQ(term("").as_binary(), "");
  EXPECT_EQ(term::export_fun({"m"_atom, "f"_atom, 3}).as_export(), (mfa{"m"_atom, "f"_atom, 3}));
  const term fun = term::fun({"m"_atom, -1, 12345, 2, "opaque"});
  EXPECT_EQ(fun.as_fun()->bytes, "opaque");
  EXPECT_EQ(fun.as_fun()->index, -1);
  EXPECT_EQ(fun.as_fun()->arity, 2u);
}

TEST(term, refuses_what_erlang_has_not) {
  EXPECT_THROW(term{std::numeric_limits<double>::infinity()}, std::domain_error);
  EXPECT_THROW(term{std::numeric_limits<double>::quiet_NaN()}, std::domain_error);
  EXPECT_THROW((term{pid{1, 1u << 24, 0}}), std::length_error);
  EXPECT_THROW(term::bitstring("a", 9), std::length_error);
}

TEST(term, bitstrings_mask_their_padding) {
  EXPECT_EQ(term::bitstring("\xff", 3), term::bitstring("\xe0", 3));
  EXPECT_NE(term::bitstring("\xff", 3), term::bitstring("\xff", 4));
  EXPECT_EQ(term::bitstring("ab", 8), term("a"));
  EXPECT_EQ(term::bitstring("ab", 11).bit_size(), 11u);
  EXPECT_FALSE(term::bitstring("ab", 11).as_binary());
}

TEST(term, integers_of_any_size) {
  const std::uint64_t limbs[] = {0, 1};
  const term big = term::integer(false, limbs);
  std::uint64_t room = 0;
  EXPECT_EQ(big.as_integer(room)->limbs.size(), 2u);
  EXPECT_FALSE(big.as_int64());
  EXPECT_TRUE(big.is_integer());
  const std::uint64_t padded[] = {5, 0, 0};
  EXPECT_EQ(term::integer(true, padded), term(-5)) << "small values have one form";
  const std::uint64_t edge[] = {std::uint64_t{1} << 63};
  EXPECT_EQ(term::integer(true, edge).as_int64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_FALSE(term::integer(false, edge).as_int64());
  EXPECT_EQ(term(std::numeric_limits<std::uint64_t>::max()).as_integer(room)->limbs[0],
            std::numeric_limits<std::uint64_t>::max());
  const std::vector<std::uint64_t> huge(term::max_integer_limbs + 1, 1);
  EXPECT_THROW(term::integer(false, huge), std::length_error);
}

TEST(term, tuples_and_tags) {
  const term t = term::tuple("ok"_atom, 7, "x");
  EXPECT_TRUE(t.is_tagged("ok"_atom, 3));
  EXPECT_FALSE(t.is_tagged("ok"_atom, 2));
  EXPECT_FALSE(t.is_tagged("error"_atom, 3));
  EXPECT_EQ(t.elements()[1], term(7));
  EXPECT_EQ(t, term::tuple_from(std::vector<term>{"ok"_atom, 7, "x"}));
  EXPECT_EQ(term::tuple(), term::tuple_from(std::vector<term>{}));
  EXPECT_TRUE(term(1).elements().empty());
}

TEST(term, lists_do_not_show_how_they_were_built) {
  const term whole = term::list(1, 2, 3);
  const term consed = term::cons(1, term::cons(2, term::cons(3, {})));
  const term mixed = term::cons(1, term::list(2, 3));
  EXPECT_EQ(whole, consed);
  EXPECT_EQ(whole, mixed);
  EXPECT_EQ(whole.hash(), consed.hash());
  EXPECT_EQ(whole.hash(), mixed.hash());
  EXPECT_EQ(term::list(0, 1, 2, 3).tail(), whole);
  EXPECT_EQ(term::list(0, 1, 2, 3).tail().hash(), whole.hash());
  EXPECT_EQ(whole.head(), term(1));
  EXPECT_EQ(whole.tail().tail().tail(), term());
  EXPECT_EQ(mixed.length(), 3u);
  EXPECT_EQ(mixed.tail().length(), 2u);
  EXPECT_EQ(term().length(), 0u);
  std::vector<std::int64_t> seen;
  for (const term& t : mixed.items()) seen.push_back(*t.as_int64());
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_TRUE(term(5).items().empty());
}

TEST(term, improper_lists) {
  const term t = term::cons(1, term::cons(2, "rest"_atom));
  EXPECT_FALSE(t.length());
  EXPECT_TRUE(t.is_list());
  EXPECT_FALSE(t.is_proper_list());
  EXPECT_EQ(t.last_tail(), term("rest"_atom));
  EXPECT_EQ(t, term::list_from(std::vector<term>{1, 2}, "rest"_atom));
  EXPECT_NE(t, term::list(1, 2));
  EXPECT_EQ(std::distance(t.items().begin(), t.items().end()), 2);
}

TEST(term, maps) {
  const term m = term::map({{"b"_atom, 2}, {"a"_atom, 1}, {1, "int"}, {1.0, "float"}, {"a"_atom, 3}});
  EXPECT_EQ(m.size(), 4u);
  EXPECT_EQ(*m.find("a"_atom), term(3)) << "the last of equal keys";
  EXPECT_EQ(*m.find(1), term("int"));
  EXPECT_EQ(*m.find(1.0), term("float")) << "keys match exactly";
  EXPECT_EQ(m.find("c"_atom), nullptr);
  EXPECT_EQ(term(1).find(1), nullptr);
  EXPECT_EQ(m.map_keys()[0], term(1)) << "integers before floats";
  EXPECT_EQ(m.map_keys()[1], term(1.0));
  EXPECT_EQ(*m.map_put("a"_atom, 9).find("a"_atom), term(9));
  EXPECT_EQ(m.map_remove("a"_atom).size(), 3u);
  EXPECT_EQ(term::map({{1, 2}}).map_remove(1), term::map({}));
  EXPECT_EQ(m.map_remove("zzz"_atom), m);
}

TEST(term, text_of_binaries_and_charlists) {
  EXPECT_EQ(term("abc").as_text(), "abc");
  EXPECT_EQ(term::charlist("h\xc3\xa9").as_text(), "h\xc3\xa9");
  EXPECT_EQ(*term::charlist("h\xc3\xa9").length(), 2u);
  EXPECT_EQ(term().as_text(), "");
  EXPECT_FALSE(term::list(1, -1).as_text());
  EXPECT_FALSE(term::list(0xd800).as_text());
  EXPECT_FALSE(term(7).as_text());
  EXPECT_THROW(term::charlist("\xff"), std::invalid_argument);
}

TEST(term, counted_atoms_live_as_long_as_their_terms) {
  const std::size_t before = atom::peer_count();
  {
    term t = term::tuple(term(atom::from_peer("inside_a_term").value()), 1);
    const term copy = t.elements()[0];
    t = 0;
    EXPECT_EQ(copy.as_atom()->name(), "inside_a_term");
    EXPECT_EQ(atom::peer_count(), before + 1);
    const term ours = atom("inside_a_term");
    EXPECT_EQ(copy, ours);
    EXPECT_EQ(ours, copy);
    EXPECT_EQ(copy.hash(), ours.hash());
  }
  EXPECT_EQ(atom::peer_count(), before);
}

TEST(term, nodes_are_shared_between_threads) {
  const term shared = term::tuple("a", term::list(1, "b", 3), term::map({{"k"_atom, "v"}}));
  std::vector<std::thread> all;
  for (int i = 0; i < 4; ++i) {
    all.emplace_back([mine = shared] {
      std::vector<term> copies;
      for (int n = 0; n < 2000; ++n) copies.push_back(mine.elements()[static_cast<std::size_t>(n) % 3]);
    });
  }
  for (auto& thread : all) thread.join();
  EXPECT_EQ(shared.elements()[0], term("a"));
}

} // namespace
} // namespace coppice
