#include "coppice/term/external.hpp"

#include <gtest/gtest.h>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "coppice/term/text.hpp"

namespace coppice {
namespace {

using namespace std::string_literals;

class external : public testing::Test {
protected:
  std::expected<term, external_error> read(const std::string& bytes, const external_limits& limits = {}) {
    return binary_to_term("\x83" + bytes, nodes, limits);
  }
  /// The text of what the bytes are, or what is wrong with them.
  std::string text(const std::string& bytes, const external_limits& limits = {}) {
    auto value = read(bytes, limits);
    return value ? to_string(*value) : value.error().message();
  }
  /// Without the version.
  std::string written(const term& value) { return term_to_binary(value, nodes).substr(1); }

  node_names nodes{atom("cpp@127.0.0.1"), 7};
  const std::string own = "w\x0d"
                          "cpp@127.0.0.1";
  const std::string other = "w\x09"
                            "other@box";
};

TEST_F(external, writes_what_erlang_nodes_write) {
  const std::pair<term, std::string> all[] = {
      {0, "a\0"s},
      {255, "a\xff"},
      {256, "b\0\0\1\0"s},
      {-1, "b\xff\xff\xff\xff"},
      {INT32_MIN, "b\x80\0\0\0"s},
      {INT64_C(2147483648), "n\4\0\0\0\0\x80"s},
      {INT64_MIN, "n\x08\1\0\0\0\0\0\0\0\x80"s},
      {1.5, "F\x3f\xf8\0\0\0\0\0\0"s},
      {atom("ok"), "w\2ok"},
      {term::tuple(), "h\0"s},
      {term::tuple(1, 2), "h\2a\1a\2"},
      {term(), "j"},
      {term::list(1, 2, 255), "k\0\3\1\2\xff"s},
      {term::list(1, 256), "l\0\0\0\2a\1b\0\0\1\0j"s},
      {term::cons(1, 2), "l\0\0\0\1a\1a\2"s},
      {term::binary("hi"), "m\0\0\0\2hi"s},
      {term::bitstring("\xe0", 3), "M\0\0\0\1\3\xe0"s},
      {term::map({{"a"_atom, 1}}), "t\0\0\0\1w\1aa\1"s},
      {term::export_fun({"m"_atom, "f"_atom, 2}), "qw\1mw\1fa\2"},
  };
  for (const auto& [value, bytes] : all) {
    EXPECT_EQ(written(value), bytes) << to_string(value);
    EXPECT_EQ(read(bytes).value(), value) << to_string(value);
  }
}

TEST_F(external, large_counts_have_tags_of_their_own) {
  EXPECT_EQ(written(term::tuple_from(std::vector<term>(256, term()))).substr(0, 6), "i\0\0\1\0j"s);
  EXPECT_EQ(written(term::list_from(std::vector<term>(65536, term(1)))).substr(0, 7), "l\0\1\0\0a\1"s);
  EXPECT_EQ(written(term::list_from(std::vector<term>(65535, term(1)))).substr(0, 4), "k\xff\xff\1");
  const std::vector<std::uint64_t> limbs(40, ~std::uint64_t{0});
  EXPECT_EQ(written(term::integer(true, limbs)).substr(0, 7), "o\0\0\1\x40\1\xff"s);
  std::string long_name;
  for (int i = 0; i < 200; ++i) long_name += "日";
  EXPECT_EQ(written(atom(long_name)).substr(0, 3), "v\x02\x58");
}

TEST_F(external, reads_what_older_nodes_wrote) {
  EXPECT_EQ(text("c1.50000000000000000000e+00\0\0\0\0\0"s), "1.5");
  EXPECT_EQ(read("d\0\1\xe9"s).value(), term(atom("é")));
  EXPECT_EQ(read("s\1\xe9").value(), term(atom("é")));
  EXPECT_EQ(read("h\1gs\5a@box\0\0\0\1\0\0\0\2\3"s).value().elements()[0].as_pid()->id,
            1 | 2ULL << pid::slot_bits);
  EXPECT_EQ(read("r\0\2s\5a@box\3\0\0\0\1\0\0\0\2"s).value().as_reference()->words[1], 2U);
  EXPECT_EQ(read("es\5a@box\0\0\0\x09\3"s).value().as_reference()->words[0], 9U);
  EXPECT_EQ(read("fs\5a@box\0\0\0\x09\3"s).value().as_port()->id, 9U);
  EXPECT_EQ(text("n\3\0\5\0\0"s), "5"); // padded
  EXPECT_EQ(text("l\0\0\0\0j"s), "[]");
  EXPECT_EQ(text("l\0\0\0\1a\1k\0\1\2"s), "[1,2]");
}

TEST_F(external, own_identities_are_local_and_those_of_others_keep_their_node) {
  const pid mine{5 | 9ULL << pid::slot_bits, 0, 0};
  const std::string bytes = "X" + own + "\0\0\0\5\0\0\0\x09\0\0\0\7"s;
  EXPECT_EQ(written(mine), bytes);
  EXPECT_EQ(read(bytes).value().as_pid(), mine);
  const pid late{5 | (3ULL << 32 | 9) << pid::slot_bits, 0, 0}; // of more than 32 bits of generations
  EXPECT_EQ(written(late), "X" + own + "\x0c\0\0\5\0\0\0\x09\0\0\0\7"s);
  EXPECT_EQ(read(written(late)).value().as_pid(), late);

  const std::string before = "X" + own + "\0\0\0\5\0\0\0\x09\0\0\0\6"s; // of an earlier incarnation
  const pid stale = *read(before).value().as_pid();
  EXPECT_FALSE(stale.local());
  EXPECT_EQ(nodes.name(stale.node), nodes.own());
  EXPECT_EQ(written(stale), before);

  const std::string theirs = "Z\0\2"s + other + "\0\0\0\1\0\0\0\2\0\0\0\3"s;
  const reference r = *read(theirs).value().as_reference();
  EXPECT_EQ(nodes.name(r.node), atom("other@box"));
  EXPECT_EQ(written(r), theirs);

  const std::string wide = "x" + other + "\0\0\1\0\0\0\0\1\0\0\0\2"s;
  EXPECT_EQ(written(read(wide).value()), wide);
  EXPECT_EQ(written(port{9, 0, 0}), "Y" + own + "\0\0\0\x09\0\0\0\7"s);
}

TEST_F(external, nodes_that_terms_mention_are_bounded) {
  std::optional<std::uint32_t> last;
  EXPECT_TRUE(nodes.connect("first@h")); // does not count
  for (std::uint32_t i = 1; i <= node_names::most_mentioned; ++i) {
    last = nodes.mention("n" + std::to_string(i) + "@h");
    ASSERT_EQ(last, i + 1);
  }
  EXPECT_EQ(nodes.mention("one@more"), std::nullopt);
  EXPECT_NE(text("X" + other + "\0\0\0\5\0\0\0\x09\0\0\0\7"s).find("too many nodes"), std::string::npos);
  EXPECT_TRUE(nodes.connect("one@more")); // a node that one connects to still gets its number
  EXPECT_TRUE(nodes.mention("one@more"));
  EXPECT_EQ(nodes.mention("n1@h"), 2U);
}

TEST_F(external, a_fun_is_carried_as_it_came) {
  const std::string rest = "\2"
                           "0123456789abcdef"
                           "\0\0\0\4\0\0\0\1"
                           "w\1ma\4b\0\0\1\0"
                           "X"s +
                           own +
                           "\0\0\0\5\0\0\0\x09\0\0\0\7"
                           "h\1a\1"s;
  const std::string fun = "p\0\0\0"s + static_cast<char>(rest.size() + 4) + rest;
  const term value = read(fun).value();
  EXPECT_EQ(value.as_fun()->arity, 2U);
  EXPECT_EQ(value.as_fun()->index, 4);
  EXPECT_EQ(value.as_fun()->uniq, 256);
  EXPECT_EQ(written(term::list(value, value)), "l\0\0\0\2"s + fun + fun + "j");

  std::string longer = fun;
  ++longer[4];
  EXPECT_EQ(text("h\2" + longer + "j"), "byte 3: a fun is not as long as it says");
  EXPECT_EQ(text(fun.substr(0, fun.size() - 1)).substr(0, 10), "byte 2: a ");
}

TEST_F(external, wrong_bytes_are_told_with_their_place) {
  const std::pair<std::string, std::string> all[] = {
      {"", "byte 1: expected 1 bytes, 0 are left"},
      {"\x05", "byte 1: expected a term, got the tag 5"},
      {"y"s + "12345678", "byte 1: expected a term, got the tag 121"},
      {"h\2a\1", "byte 5: expected 1 bytes, 0 are left"},
      {"a\1a", "byte 3: bytes are left after the term"},
      {"i\xff\xff\xff\xff", "byte 6: 4294967295 elements cannot be in the 0 bytes that are left"},
      {"l\xff\xff\xff\xff", "byte 6: 4294967296 elements cannot be in the 0 bytes that are left"},
      {"t\xff\xff\xff\xff", "byte 6: 8589934590 elements cannot be in the 0 bytes that are left"},
      {"m\xff\xff\xff\xff", "byte 6: expected 4294967295 bytes, 0 are left"},
      {"o\xff\xff\xff\xff", "byte 6: expected 4294967296 bytes, 0 are left"},
      {"n\1\2\5", "byte 3: expected a sign, 0 or 1"},
      {"F\x7f\xf0\0\0\0\0\0\0"s, "byte 2: expected a finite float"},
      {"c" + std::string(31, 'x'), "byte 2: expected the text of a finite float"},
      {"t\0\0\0\2a\1a\1a\1a\2"s, "byte 14: a map has the same key twice"},
      {"M\0\0\0\1\x09\1"s, "byte 6: the last of 1 bytes cannot have 9 bits"},
      {"M\0\0\0\1\0\1"s, "byte 6: the last of 1 bytes cannot have 0 bits"},
      {"M\0\0\0\0\3"s, "byte 6: the last of 0 bytes cannot have 3 bits"},
      {"w\2\xff\xfe", "byte 1: the name of an atom is no UTF-8"},
      {"d\1\54" + std::string(300, 'a'), "byte 4: an atom has at most 255 characters"},
      {"v\1\54" + std::string(300, 'a'), "byte 1: an atom has at most 255 characters"},
      {"R\0"s, "byte 2: there is no such atom in the cache"},
      {"Z\0\6"s + other, "byte 2: a reference has 1 to 5 words, not 6"},
      {"Z\xea\x60" + other, "byte 2: a reference has 1 to 5 words, not 60000"},
      {"Xa\1", "byte 2: expected an atom, got the tag 97"},
      {"qw\1mw\1fb\0\0\0\1"s, "byte 8: expected the arity of a fun"},
  };
  for (const auto& [bytes, what] : all) EXPECT_EQ(text(bytes), what);
  EXPECT_EQ(binary_to_term("", nodes).error().message(), "byte 0: expected the version, 131");
  EXPECT_EQ(binary_to_term("a\1", nodes).error().message(), "byte 0: expected the version, 131");
}

TEST_F(external, depth_and_memory_are_bounded) {
  std::string deep;
  for (int i = 0; i < 400'000; ++i) deep += "h\1";
  deep += "j";
  EXPECT_TRUE(read(deep)); // nothing recurses, neither here nor when it goes
  EXPECT_EQ(written(*read(deep)), deep);
  EXPECT_EQ(text(deep, {.depth = 1000}), "byte 2003: terms lie more than 1000 deep in each other");

  const std::string wide = "l\0\1\x86\xa0"s + std::string(100'000, 'j') + "j";
  EXPECT_TRUE(read(wide));
  EXPECT_EQ(text(wide, {.memory = 1'000'000}), "byte 6: the term takes more than 1000000 bytes of memory");
}

TEST_F(external, what_is_written_is_bounded) {
  term twice = term::binary(std::string(1000, 'x'));
  for (int i = 0; i < 40; ++i) twice = term::tuple(twice, twice); // 2^40 of them
  EXPECT_THROW(term_to_binary(twice, nodes, 1 << 20), std::length_error);
  EXPECT_NO_THROW(term_to_binary(term::binary(std::string(1000, 'x')), nodes, 1015));
  EXPECT_THROW(term_to_binary(term::binary(std::string(1000, 'x')), nodes, 999), std::length_error);
}

TEST_F(external, compressed_terms_are_read_and_written) {
  const term value = term::list_from(std::vector<term>(10'000, term("again and again")));
  const std::string packed = term_to_compressed_binary(value, nodes);
  EXPECT_LT(packed.size(), 2000U);
  EXPECT_EQ(packed[1], 'P');
  EXPECT_EQ(binary_to_term(packed, nodes).value(), value);
  EXPECT_EQ(term_to_compressed_binary(1, nodes), "\x83"
                                                 "a\1"); // it would be larger
}

TEST_F(external, compressed_terms_are_bounded_and_must_be_whole) {
  const std::string packed = term_to_compressed_binary(std::string(1'000'000, '\0'), nodes);
  const auto wrong = [&](const std::string& bytes, const external_limits& limits = {}) {
    return binary_to_term(bytes, nodes, limits).error().what;
  };
  EXPECT_EQ(wrong(packed, {.inflated = 1000}), "it unfolds to 1000005 bytes, 1000 are allowed");
  std::string lies = packed;
  lies[5] = '\1'; // 1000001
  EXPECT_EQ(wrong(lies), "it unfolds to more bytes than it says");
  lies[3] = '\x7f';
  EXPECT_EQ(wrong(lies), "it says that it unfolds to 8339969 bytes, and these are 1000005");
  EXPECT_EQ(wrong(packed.substr(0, packed.size() - 20)), "the compressed data is damaged");
  EXPECT_EQ(wrong(packed + "x"), "bytes are left after the term");
  std::string damaged = packed;
  damaged[10] = static_cast<char>(~damaged[10]);
  EXPECT_EQ(wrong(damaged), "the compressed data is damaged");
}

TEST_F(external, atoms_of_peers_go_with_the_term) {
  const std::size_t before = atom::peer_count();
  {
    EXPECT_FALSE(read("h\2w\x0bnever_seen_"));
    EXPECT_EQ(atom::peer_count(), before); // nothing is left of what could not be read
    const term kept = read("w\x0anever_seen").value();
    EXPECT_EQ(atom::peer_count(), before + 1);
  }
  EXPECT_EQ(atom::peer_count(), before);
}

TEST_F(external, parts_of_frames_are_taken_one_after_the_other) {
  const std::vector<atom> cache{atom("first"), atom("second")};
  const std::string frame = "h\2R\1R\0a\5rest"s;
  std::string_view bytes = frame;
  EXPECT_EQ(take_external(bytes, nodes, {}, cache).value(), term::tuple("second"_atom, "first"_atom));
  EXPECT_EQ(take_external(bytes, nodes).value(), term(5));
  EXPECT_EQ(bytes, "rest");
  EXPECT_FALSE(take_external(bytes, nodes));
  EXPECT_EQ(bytes, "rest");
}

} // namespace
} // namespace coppice
