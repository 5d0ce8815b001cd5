#include "coppice/term/text.hpp"

#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace coppice {
namespace {

// Prints what was parsed; an error message if it does not parse.
std::string through(std::string_view text) {
  const auto value = parse_term(text);
  return value ? to_string(*value) : value.error().message();
}

TEST(to_string, integers_and_floats) {
  EXPECT_EQ(to_string(0), "0");
  EXPECT_EQ(to_string(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(through("-123456789012345678901234567890"), "-123456789012345678901234567890");
  EXPECT_EQ(through("10000000000000000000000000000000000000000"),
            "10000000000000000000000000000000000000000");
  const std::vector<std::pair<double, const char*>> floats = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {1.0, "1.0"},
      {-1.5, "-1.5"},
      {100.0, "100.0"},
      {1000.0, "1.0e3"},
      {12340.0, "12340.0"},
      {123400.0, "1.234e5"},
      {1234567890.0, "1234567890.0"},
      {12345678900.0, "12345678900.0"},
      {123456.789, "123456.789"},
      {0.1, "0.1"},
      {0.001, "0.001"},
      {0.0001, "0.0001"},
      {0.00001, "1.0e-5"},
      {0.001234, "0.001234"},
      {0.0001234, "1.234e-4"},
      {1.0e10, "1.0e10"},
      {1.0e22, "1.0e22"},
      {1.0e100, "1.0e100"},
      {3.141592653589793, "3.141592653589793"},
      {9007199254740991.0, "9007199254740991.0"},
      {9007199254740992.0, "9.007199254740992e15"},
      {5.0e-324, "5.0e-324"},
      {1.7976931348623157e308, "1.7976931348623157e308"},
  };
  for (const auto& [value, text] : floats) {
    EXPECT_EQ(to_string(value), text);
    EXPECT_EQ(through(text), text);
  }
}

TEST(to_string, atoms_are_quoted_when_they_must_be) {
  EXPECT_EQ(to_string("ok"_atom), "ok");
  EXPECT_EQ(to_string(atom("a1_B@x")), "a1_B@x");
  EXPECT_EQ(to_string(atom("")), "''");
  EXPECT_EQ(to_string(atom("Upper")), "'Upper'");
  EXPECT_EQ(to_string(atom("_x")), "'_x'");
  EXPECT_EQ(to_string(atom("a b")), "'a b'");
  EXPECT_EQ(to_string(atom("it's")), "'it\\'s'");
  EXPECT_EQ(to_string(atom("a\"b")), "'a\"b'");
  EXPECT_EQ(to_string(atom("a\n\x01\x7f")), "'a\\n\\001\\d'");
  EXPECT_EQ(to_string(atom("\xc3\xa9t\xc3\xa9")), "\xc3\xa9t\xc3\xa9");
  EXPECT_EQ(to_string(atom("\xc3\x89t")), "'\xc3\x89t'");
  EXPECT_EQ(to_string(atom("\xce\xa9")), "'\\x{3A9}'");
  EXPECT_EQ(to_string(atom("\xce\xa9"), {.unicode = true}), "'\xce\xa9'");
  for (const char* word : {"after", "and",  "andalso", "band",   "begin",   "bnot", "bor", "bsl",  "bsr",
                           "bxor",  "case", "catch",   "cond",   "div",     "end",  "fun", "if",   "let",
                           "not",   "of",   "or",      "orelse", "receive", "rem",  "try", "when", "xor"}) {
    EXPECT_EQ(to_string(atom(word)), "'" + std::string(word) + "'");
  }
  EXPECT_EQ(to_string(atom("maybe")), "maybe");
  EXPECT_EQ(to_string(atom("undefined")), "undefined");
}

TEST(to_string, lists_and_strings) {
  EXPECT_EQ(to_string(term()), "[]");
  EXPECT_EQ(to_string(term::list(1, 2, 3)), "[1,2,3]");
  EXPECT_EQ(to_string(term::charlist("abc")), "\"abc\"");
  EXPECT_EQ(to_string(term::charlist("a\"b\\\n\t\x1b")), R"("a\"b\\\n\t\e")");
  EXPECT_EQ(to_string(term::charlist("it's")), "\"it's\"");
  EXPECT_EQ(to_string(term::charlist("\xc3\xa9")), "\"\xc3\xa9\"");
  EXPECT_EQ(to_string(term::list(97, 0)), "[97,0]");
  EXPECT_EQ(to_string(term::list(127)), "[127]") << "DEL is not printable";
  EXPECT_EQ(to_string(term::list(97, 0x3a9)), "[97,937]");
  EXPECT_EQ(to_string(term::list(97, 0x3a9), {.unicode = true}), "\"a\xce\xa9\"");
  EXPECT_EQ(to_string(term::list_from(std::vector<term>{1, 2}, "t"_atom)), "[1,2|t]");
  EXPECT_EQ(to_string(term::cons('a', 'b')), "[97|98]");
  EXPECT_EQ(to_string(term::list(term::charlist("ab"), term())), R"(["ab",[]])");
}

TEST(to_string, binaries_and_bitstrings) {
  EXPECT_EQ(to_string(""), "<<>>");
  EXPECT_EQ(to_string("abc"), "<<\"abc\">>");
  EXPECT_EQ(to_string(std::string("\x01\x02", 2)), "<<1,2>>");
  EXPECT_EQ(to_string("a\"b"), R"(<<"a\"b">>)");
  EXPECT_EQ(to_string("\xe9"), "<<\"\xc3\xa9\">>") << "Latin-1 bytes print as characters";
  EXPECT_EQ(to_string("\xce\xa9"), "<<\"\xc3\x8e\xc2\xa9\">>") << "and so do UTF-8 bytes, as with ~p";
  EXPECT_EQ(to_string("\xce\xa9", {.unicode = true}), "<<\"\xce\xa9\"/utf8>>");
  EXPECT_EQ(to_string("abc", {.unicode = true}), "<<\"abc\">>");
  EXPECT_EQ(to_string(term::bitstring("\x01\x40", 11)), "<<1,2:3>>");
  EXPECT_EQ(to_string(term::bitstring("\x80", 1)), "<<1:1>>");
}

TEST(to_string, compounds_and_identities) {
  EXPECT_EQ(to_string(term::tuple()), "{}");
  EXPECT_EQ(to_string(term::tuple("a"_atom, term::tuple(1), "x")), "{a,{1},<<\"x\">>}");
  EXPECT_EQ(to_string(term::map({})), "#{}");
  EXPECT_EQ(to_string(term::map({{"b"_atom, 1}, {"a"_atom, term::map({{1, 2}})}})),
            "#{a => #{1 => 2},b => 1}");
  EXPECT_EQ(to_string(pid{(std::uint64_t{2} << 26) | 7, 3, 99}), "<3.7.2>");
  EXPECT_EQ(to_string(port{6, 0, 0}), "#Port<0.6>");
  EXPECT_EQ(to_string(reference{{1, 2, 3, 0, 0}, 3, 0, 0}), "#Ref<0.3.2.1>");
  EXPECT_EQ(to_string(term::export_fun({"lists"_atom, atom("Map"), 2})), "fun lists:'Map'/2");
  EXPECT_EQ(to_string(term::fun({atom("erl_eval"), 6, 12345, 1, ""})), "#Fun<erl_eval.6.12345>");
}

TEST(to_string, limits_length_and_work) {
  const term t = term::tuple("abcdef"_atom, term::list(1000, 2000), "text");
  const std::string whole = to_string(t);
  EXPECT_EQ(whole, "{abcdef,[1000,2000],<<\"text\">>}");
  for (std::size_t limit = 1; limit < whole.size() + 3; ++limit) {
    const std::string cut = to_string(t, {.limit = limit});
    if (limit >= whole.size()) {
      EXPECT_EQ(cut, whole);
    } else {
      EXPECT_EQ(cut.size(), limit);
      EXPECT_TRUE(cut.ends_with(std::string("...").substr(0, limit)));
      const std::size_t kept = limit > 3 ? limit - 3 : 0;
      EXPECT_EQ(cut.substr(0, kept), whole.substr(0, kept));
    }
  }
  EXPECT_EQ(to_string(std::string(1'000'000, 'x'), {.limit = 12}), "<<\"xxxxxx...");
  EXPECT_EQ(to_string(term::charlist(std::string(1'000'000, 'x')), {.limit = 12}), "\"xxxxxxxx...");
  EXPECT_EQ(to_string(term::charlist("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"), {.limit = 7}), "\"\xc3\xa9...")
      << "no character is cut in two";
  const std::vector<std::uint64_t> limbs(term::max_integer_limbs, UINT64_MAX);
  EXPECT_EQ(to_string(term::integer(true, limbs), {.limit = 12}), "-16#FFFFF...");
}

TEST(to_string, is_what_fmt_prints) {
  EXPECT_EQ(fmt::format("{} {}", term::tuple(1, 2), "ok"_atom), "{1,2} ok");
  EXPECT_EQ(fmt::format("{:.8}", term("abcdefghijkl")), "<<\"ab...");
  EXPECT_EQ(fmt::format("{} {} {}", pid{5, 0, 0}, reference::local(1), port{2, 0, 0}),
            "<0.5.0> #Ref<0.0.0.1> #Port<0.2>");
}

TEST(parse_term, reads_what_is_printed) {
  for (const char* text : {
           "[]",
           "{}",
           "#{}",
           "<<>>",
           "''",
           "ok",
           "'Quoted \\'atom'",
           "-1",
           "1.5e-7",
           "\"string\"",
           "[1,2,3|tail]",
           "{a,{b,{c}}}",
           "#{a => 1,#{b => 2} => [3]}",
           "<<\"bytes\">>",
           "<<1,2,3:4>>",
           "<0.7.2>",
           "#Ref<0.3.2.1>",
           "#Ref<0.1>",
           "#Port<0.6>",
           "fun lists:'Map'/2",
           "[\"a\",[[]]]",
           "'\\x{3A9}'",
           "\"\xc3\xa9\"",
           "<<\"\xc3\xa9\">>",
           "{'$gen_call',{<0.1.2>,[alias|#Ref<0.1.2.3>]},{x}}",
       }) {
    EXPECT_EQ(through(text), text);
  }
}

TEST(parse_term, reads_other_spellings) {
  EXPECT_EQ(through(" { a , [ 1 ,\n2 | b ] } . "), "{a,[1,2|b]}");
  EXPECT_EQ(through("% comment\n{a, % another\n b}% last"), "{a,b}");
  EXPECT_EQ(through("16#ff"), "255");
  EXPECT_EQ(through("-2#101"), "-5");
  EXPECT_EQ(through("36#Zz"), "1295");
  EXPECT_EQ(through("1_000_000"), "1000000");
  EXPECT_EQ(through("+5"), "5");
  EXPECT_EQ(through("1."), "1");
  EXPECT_EQ(through("2.0E+3"), "2.0e3");
  EXPECT_EQ(through("{$a,$\\n,$\\s,$\\\\,$\\x41,$\\x{3a9},$\\101,$\\^a,$ }"), "{97,10,32,92,65,937,65,1,32}");
  EXPECT_EQ(through(R"("a" "b"
                       "c")"),
            "\"abc\"");
  EXPECT_EQ(through("\"\xce\xa9\""), "[937]");
  EXPECT_EQ(through("<<\"\xce\xa9\"/utf8>>"), "<<\"\xc3\x8e\xc2\xa9\">>");
  EXPECT_EQ(through("<<\"ab\",$c, 100 , 16#fff:12>>"), "<<97,98,99,100,255,15:4>>");
  EXPECT_EQ(through("<<-1>>"), "<<\"\xc3\xbf\">>");
  EXPECT_EQ(through("<<257>>"), "<<1>>");
  EXPECT_EQ(through("#{a=>1,a=>2}"), "#{a => 2}");
  EXPECT_EQ(through("'a\\tb'"), "'a\\tb'");
}

TEST(parse_term, says_where_and_what_is_wrong) {
  EXPECT_EQ(through(""), "1:1: expected a term, got the end of the text");
  EXPECT_EQ(through("{a,\n  }"), "2:3: expected a term, got '}'");
  EXPECT_EQ(through("{a b}"), "1:4: expected ',' or '}', got 'b'");
  EXPECT_EQ(through("[a|b,c]"), "1:5: expected ']', got ','");
  EXPECT_EQ(through("[a"), "1:3: expected ',', '|' or ']', got the end of the text");
  EXPECT_EQ(through("#{a 1}"), "1:5: expected '=>', got '1'");
  EXPECT_EQ(through("Var"), "1:1: expected a term (an atom that begins so needs quotes), got 'V'");
  EXPECT_EQ(through("{end}"), "1:2: expected a term, got the reserved word end (quote it: 'end')");
  EXPECT_EQ(through("a b"), "1:3: expected the end of the term, got 'b'");
  EXPECT_EQ(through("'\xc3\xa9' x"), "1:5: expected the end of the term, got 'x'")
      << "columns are characters";
  EXPECT_EQ(through("'abc"), "1:1: expected a closing ', got the end of the text");
  EXPECT_EQ(through("\"abc"), "1:1: expected a closing \", got the end of the text");
  EXPECT_EQ(through("37#1"), "1:1: expected a base from 2 to 36, got 37");
  EXPECT_EQ(through("16#"), "1:4: expected a digit, got the end of the text");
  EXPECT_EQ(through("-a"), "1:2: expected a digit, got 'a'");
  EXPECT_EQ(through("1.0e999"), "1:1: expected a float of 64 bits, got one out of its range");
  EXPECT_EQ(through("<<a>>"), "1:3: expected an integer or a string, got 'a'");
  EXPECT_EQ(through("<<1:65>>"), "1:5: expected a size of at most 64, got '6'");
  EXPECT_EQ(through("<<\"\xce\xa9\">>"),
            "1:3: expected characters below 256, or /utf8 after the text, got others");
  EXPECT_EQ(through("#Fun<a.1.2>"), "1:1: expected a term, got a local fun, which cannot be read back");
  EXPECT_EQ(through("<0.1>"), "1:5: expected '.', got '>'");
  EXPECT_EQ(through("<99999999.1.1>"), "1:2: expected a node of at most 16777215, got '9'");
  EXPECT_EQ(through("$"), "1:2: expected a character, got the end of the text");
  EXPECT_EQ(through("\"\\x{110000}\"").substr(0, 37), "1:12: expected a character of Unicode");
  EXPECT_EQ(through("a\xff"), "1:2: expected the end of the term, got a byte that is not UTF-8");
  EXPECT_EQ(through("'a\xff'"), "1:3: expected well-formed UTF-8, got a byte that is not UTF-8");
  EXPECT_EQ(through("'" + std::string(256, 'a') + "'"),
            "1:1: expected an atom of at most 255 characters, got a longer one");
}

TEST(parse_term, is_bounded) {
  const std::string deep(20'000, '[');
  EXPECT_EQ(through(deep).substr(0, 33), "1:10002: expected at most 10000 l");
  EXPECT_EQ(parse_term("[[1]]", {.depth = 1}).error().expected, "at most 1 levels");
  EXPECT_TRUE(parse_term("[[1]]", {.depth = 2}));
  EXPECT_EQ(parse_term("12345", {.size = 4}).error().message(), "1:1: expected at most 4 bytes, got 5");
  EXPECT_EQ(parse_term("12345", {.digits = 4}).error().expected, "an integer of at most 4 digits");
  EXPECT_TRUE(parse_term(std::string(20'000, '7')));
  EXPECT_FALSE(parse_term(std::string(20'001, '7')));
  EXPECT_EQ(through(std::string(9'000, '[') + std::string(9'000, ']')),
            std::string(9'000, '[') + std::string(9'000, ']'));
}

TEST(parse_term, makes_no_lasting_atoms) {
  const std::size_t before = atom::peer_count();
  EXPECT_TRUE(parse_term("{never_seen_before_1,never_seen_before_2}"));
  EXPECT_EQ(atom::peer_count(), before);
}

} // namespace
} // namespace coppice
