#include "coppice/term/describe.hpp"

#include <array>
#include <chrono>
#include <deque>
#include <gtest/gtest.h>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "coppice/term/text.hpp"

namespace coppice::describe_test {

struct send_message {
  std::string user, text;
  friend bool operator==(const send_message&, const send_message&) = default;
};
struct ping {
  friend bool operator==(const ping&, const ping&) = default;
};
struct pong {};
struct profile {
  std::string name;
  int age = 0;
  std::optional<std::string> mail;
  using coppice_as_map = void;
  friend bool operator==(const profile&, const profile&) = default;
};
struct batch {
  std::vector<send_message> messages;
  std::map<std::string, int> counts;
  std::pair<int, bool> flags;
  friend bool operator==(const batch&, const batch&) = default;
};
enum class colour { red, green, blue = 7 };
enum class wide : int { near = 1, far = 1000 };
struct tree {
  int value = 0;
  std::vector<tree> below;
  friend bool operator==(const tree&, const tree&) = default;
};
struct everything {
  bool b = false;
  std::int8_t i8 = 0;
  std::uint64_t u64 = 0;
  double d = 0;
  atom a;
  term t;
  pid p;
  reference r;
  colour c{};
  std::chrono::milliseconds ms{};
  std::array<int, 3> three{};
  std::set<int> set;
  std::deque<int> deque;
  std::list<std::string> list;
  std::unordered_map<int, std::string> map;
  std::tuple<int, std::string> tuple;
  std::optional<int> maybe;
  std::variant<std::monostate, int, std::string> one_of;
  std::vector<std::byte> bytes;
  std::unique_ptr<int> owned;
  ping nothing;
};

// A class with a wire form of its own.
class celsius {
public:
  explicit celsius(double degrees) : degrees_(degrees) {}
  [[nodiscard]] double degrees() const { return degrees_; }

private:
  double degrees_;
};
struct reading {
  std::optional<std::string> note;
  std::vector<celsius> values;
};

struct sixty_four {
  int a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7;
  int c0, c1, c2, c3, c4, c5, c6, c7, d0, d1, d2, d3, d4, d5, d6, d7;
  int e0, e1, e2, e3, e4, e5, e6, e7, f0, f1, f2, f3, f4, f5, f6, f7;
  int g0, g1, g2, g3, g4, g5, g6, g7, h0, h1, h2, h3, h4, h5, h6, last;
};

template <class T>
struct page {
  std::vector<T> items;
};

} // namespace coppice::describe_test

template <>
struct coppice::enum_range<coppice::describe_test::wide> {
  static constexpr int min = 0;
  static constexpr int max = 1000;
};

template <>
struct coppice::describe<coppice::describe_test::celsius> {
  static term to(const describe_test::celsius& c) { return term::tuple("celsius"_atom, c.degrees()); }
  static std::expected<describe_test::celsius, decode_error> from(const term& t) {
    if (!t.is_tagged("celsius"_atom, 2)) return std::unexpected(mismatch("{celsius, Degrees}", t));
    const auto degrees = from_term<double>(t.elements()[1]);
    if (!degrees) return std::unexpected(degrees.error());
    return describe_test::celsius(*degrees);
  }
};

namespace coppice::describe_test {
namespace {

struct chain {
  int value = 0;
  std::unique_ptr<chain> next;
};

template <class T>
std::string text(const T& value) {
  return to_string(to_term(value));
}

template <class T>
std::expected<T, decode_error> read(std::string_view source) {
  return from_term<T>(parse_term(source).value());
}

template <class T>
std::string error(std::string_view source) {
  const auto value = read<T>(source);
  return value ? "no error" : value.error().message();
}

TEST(reflect, names_fields_and_types) {
  EXPECT_EQ(type_name<send_message>(), "send_message");
  EXPECT_EQ((type_name<page<send_message>>()), "page<send_message>");
  EXPECT_EQ((type_name<std::map<std::string, std::vector<int>>>()), "map<string,vector<int32>>");
  EXPECT_EQ(type_name<long>(), "int64");
  EXPECT_EQ(field_count<ping>, 0u);
  EXPECT_EQ(field_count<everything>, 21u);
  EXPECT_EQ((field_name<send_message, 1>()), "text");
  EXPECT_EQ((field_name<everything, 20>()), "nothing");
  EXPECT_EQ(field_count<sixty_four>, 64u);
  EXPECT_EQ((field_name<sixty_four, 0>()), "a0");
  EXPECT_EQ((field_name<sixty_four, 63>()), "last");
}

TEST(reflect, names_enumerators) {
  const auto& all = enumerators<colour>();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[2].name, "blue");
  EXPECT_EQ(all[2].value, colour::blue);
  EXPECT_EQ(enumerators<wide>()[1].name, "far");
}

TEST(reflect, type_hash_follows_name_and_layout) {
  static_assert(type_hash<send_message>() == type_hash<send_message>());
  EXPECT_NE(type_hash<send_message>(), type_hash<ping>());
  EXPECT_NE(type_hash<ping>(), type_hash<pong>());
  EXPECT_NE((type_hash<page<int>>()), (type_hash<page<long>>()));
  EXPECT_NE((type_hash<std::vector<int>>()), (type_hash<std::deque<int>>()));
  EXPECT_NE(type_hash<tree>(), 0u) << "a recursive type has one";
  // Fixed here, so that Clang and GCC are seen to agree.
  EXPECT_EQ(type_hash<batch>(), 0x1a7ee88c9c997c7ULL);
}

TEST(to_term, aggregates_are_tagged_tuples) {
  EXPECT_EQ(text(send_message{"bob", "hi"}), R"({send_message,<<"bob">>,<<"hi">>})");
  EXPECT_EQ(text(ping{}), "ping");
  EXPECT_EQ(text(batch{{{"a", "b"}}, {{"k", 2}}, {3, true}}),
            R"({batch,[{send_message,<<"a">>,<<"b">>}],#{<<"k">> => 2},{3,true}})");
  EXPECT_EQ(text(page<int>{{1000, 2}}), "{'page<int32>',[1000,2]}");
}

TEST(to_term, maps_where_asked_for) {
  EXPECT_EQ(text(profile{"bob", 7, {}}), R"(#{age => 7,mail => undefined,name => <<"bob">>})");
}

TEST(to_term, scalars) {
  EXPECT_EQ(text(true), "true");
  EXPECT_EQ(text(colour::blue), "blue");
  EXPECT_EQ(text(wide::far), "far");
  EXPECT_EQ(text(std::chrono::seconds(5)), "5");
  EXPECT_EQ(text(std::optional<int>()), "undefined");
  EXPECT_EQ(text(std::optional<int>(5)), "5");
  EXPECT_EQ(text(std::monostate()), "undefined");
  EXPECT_EQ(text(std::variant<int, std::string>("x")), "<<\"x\">>");
  EXPECT_EQ(text(std::vector<std::byte>{std::byte{1}, std::byte{255}}), "<<1,255>>");
  EXPECT_EQ(text(std::uint64_t{18446744073709551615u}), "18446744073709551615");
  EXPECT_THROW(to_term(static_cast<colour>(99)), std::domain_error);
}

everything full() {
  everything e;
  e.b = true;
  e.i8 = -128;
  e.u64 = 18446744073709551615u;
  e.d = 2.5;
  e.a = atom("abc");
  e.t = term::list(1, 2);
  e.p = pid{77, 0, 1};
  e.r = reference::local(9);
  e.c = colour::green;
  e.ms = std::chrono::milliseconds(1500);
  e.three = {1, 2, 3};
  e.set = {5, 4};
  e.deque = {6};
  e.list = {"x", "y"};
  e.map = {{1, "one"}};
  e.tuple = {8, "eight"};
  e.maybe = 3;
  e.one_of = "str";
  e.bytes = {std::byte{7}};
  e.owned = std::make_unique<int>(11);
  return e;
}

TEST(from_term, gives_back_what_to_term_was_given) {
  const everything e = full();
  const auto back = from_term<everything>(to_term(e));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(to_term(*back), to_term(e));
  EXPECT_EQ(back->u64, e.u64);
  EXPECT_EQ(back->p, e.p);
  EXPECT_EQ(back->ms, e.ms);
  EXPECT_EQ(*back->owned, 11);
  EXPECT_EQ(std::get<std::string>(back->one_of), "str");
  const everything none;
  EXPECT_EQ(to_term(*from_term<everything>(to_term(none))), to_term(none));
}

TEST(from_term, reads_what_an_erlang_shell_sends) {
  EXPECT_EQ(*read<send_message>(R"({send_message,"bob",<<"hi">>})"), (send_message{"bob", "hi"}));
  EXPECT_EQ(*read<std::string>("[104,233]"), "h\xc3\xa9");
  EXPECT_EQ(*read<std::string>("[]"), "");
  EXPECT_EQ(*read<double>("7"), 7.0);
  EXPECT_EQ(*read<double>("18446744073709551616"), 0x1p64);
  EXPECT_EQ(*read<float>("0.1"), 0.1f);
  EXPECT_EQ(*read<std::chrono::milliseconds>("250"), std::chrono::milliseconds(250));
  EXPECT_EQ(*read<profile>(R"(#{name => "bob", age => 3, other => 1})"), (profile{"bob", 3, {}}));
  EXPECT_EQ(*read<ping>("ping"), ping{});
  EXPECT_EQ((*read<std::variant<ping, send_message>>(R"({send_message,"a","b"})")).index(), 1u);
  EXPECT_EQ(read<std::vector<int>>("[1,2|3]").has_value(), false);
}

TEST(from_term, says_where_and_what_is_wrong) {
  EXPECT_EQ(error<send_message>(R"({send_message,"bob",42})"),
            "send_message.text: expected binary or charlist, got 42");
  EXPECT_EQ(error<send_message>(R"({send_massage,"bob",42})"),
            "send_message: expected {send_message, user, text}, got {send_massage,\"bob\",42}");
  EXPECT_EQ(error<batch>(R"({batch,[{send_message,"a","b"},{send_message,"a",b}],#{},{1,true}})"),
            "batch.messages[1].text: expected binary or charlist, got b");
  EXPECT_EQ(error<batch>(R"({batch,[],#{<<"k">> => x},{1,true}})"),
            "batch.counts[<<\"k\">>]: expected integer in -2147483648..2147483647, got x");
  EXPECT_EQ(error<batch>("{batch,[],#{},{1,2}}"), "batch.flags[1]: expected true or false, got 2");
  EXPECT_EQ(error<profile>("#{name => \"x\"}"), "profile.age: expected a key of that name, got none");
  EXPECT_EQ(error<ping>("pong"), "ping: expected ping, got pong");
  EXPECT_EQ(error<colour>("pink"), "colour: expected red, green or blue, got pink");
  EXPECT_EQ(error<std::optional<int>>("x"),
            "optional<int32>: expected integer in -2147483648..2147483647 or undefined, got x");
  EXPECT_EQ((error<std::variant<ping, send_message>>("{send_message,1,2}")),
            "variant<ping,send_message>.user: expected binary or charlist, got 1");
  EXPECT_EQ((error<std::variant<bool, std::string>>("7")),
            "variant<bool,string>: expected true or false or binary or charlist, got 7");
  EXPECT_EQ(error<std::string>("[1,-2]"), "string: expected binary or charlist, got [1,-2]");
  EXPECT_EQ((error<std::array<int, 2>>("[1]")), "array<int32,2>: expected list of 2, got [1]");
}

TEST(from_term, refuses_narrowing) {
  EXPECT_EQ(*read<std::int8_t>("-128"), -128);
  EXPECT_EQ(error<std::int8_t>("128"), "int8: expected integer in -128..127, got 128");
  EXPECT_EQ(error<std::uint8_t>("-1"), "uint8: expected integer in 0..255, got -1");
  EXPECT_EQ(error<std::int64_t>("9223372036854775808"),
            "int64: expected integer of 64 bits, got 9223372036854775808");
  EXPECT_EQ(*read<std::uint64_t>("18446744073709551615"), 18446744073709551615u);
  EXPECT_FALSE(read<std::uint64_t>("18446744073709551616"));
  EXPECT_FALSE(read<std::uint64_t>("-1"));
  EXPECT_FALSE(read<int>("1.0"));
  EXPECT_FALSE(read<double>("9007199254740993")) << "2^53+1 has no double";
  EXPECT_FALSE(read<float>("1.0e300"));
}

TEST(from_term, bounds_the_depth_of_recursive_types) {
  tree t;
  for (int i = 0; i < 50; ++i) {
    tree above;
    above.below.push_back(std::move(t));
    t = std::move(above);
  }
  EXPECT_EQ(from_term<tree>(to_term(t)), t);
  term deep = term::tuple("tree"_atom, 0, term());
  for (int i = 0; i < 100'000; ++i) deep = term::tuple("tree"_atom, 0, term::list(std::move(deep)));
  const auto back = from_term<tree>(deep);
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().expected, "no more than 200 levels");
}

TEST(describe, can_be_said_otherwise) {
  EXPECT_EQ(text(reading{{}, {celsius(20.5)}}), "{reading,undefined,[{celsius,20.5}]}");
  const auto back = read<reading>("{reading,\"x\",[{celsius,20}]}");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->values[0].degrees(), 20.0);
  EXPECT_EQ(error<reading>("{reading,\"x\",[{kelvin,20}]}"),
            "reading.values[0]: expected {celsius, Degrees}, got {kelvin,20}");
}

TEST(shape, knows_which_types_can_be_told_apart) {
  using detail::may_read;
  using detail::told_apart;
  static_assert(told_apart<int, double>());
  static_assert(!told_apart<double, int>(), "a float takes integers");
  static_assert(!told_apart<std::int8_t, std::int64_t>());
  static_assert(told_apart<std::vector<int>, std::string>());
  static_assert(!told_apart<std::string, std::vector<int>>(), "a string takes charlists");
  static_assert(told_apart<ping, pong, send_message, std::string>());
  static_assert(!told_apart<atom, ping>());
  static_assert(told_apart<colour, ping, bool>());
  static_assert(!told_apart<ping, atom>());
  static_assert(!told_apart<term, int>());
  static_assert(told_apart<std::pair<int, int>, std::tuple<int, int, int>>());
  static_assert(told_apart<std::pair<int, bool>, std::pair<bool, int>>());
  static_assert(!told_apart<std::pair<int, bool>, std::pair<int, bool>>());
  static_assert(!told_apart<int, std::chrono::seconds>());
  static_assert(!told_apart<std::optional<int>, std::monostate>());
  static_assert(!may_read<std::monostate, std::optional<ping>>() == false);
  static_assert(!may_read<std::monostate, send_message>());
  static_assert(may_read<std::monostate, atom>(), "so optional<atom> is refused");
}

TEST(from_term, types_of_one_file_or_function) {
  struct local {
    int a = 0;
    std::optional<std::string> b;
  };
  EXPECT_EQ(text(local{1, "x"}), "{local,1,<<\"x\">>}");
  EXPECT_EQ(from_term<local>(to_term(local{1, "x"}))->b, "x");
  static_assert(type_hash<local>() != type_hash<chain>());
  chain c{1, std::make_unique<chain>(2)};
  EXPECT_EQ(text(c), "{chain,1,{chain,2,undefined}}");
  EXPECT_EQ(from_term<chain>(to_term(c))->next->value, 2);
}

TEST(from_term, sixty_four_fields) {
  sixty_four s{};
  s.last = 64;
  const auto back = from_term<sixty_four>(to_term(s));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->last, 64);
}

} // namespace
} // namespace coppice::describe_test
