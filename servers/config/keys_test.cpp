#include "servers/config/keys.hpp"

#include "servers/config/units.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice::config {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(units, times) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("2d"), 48h);
  EXPECT_EQ(parse_duration("0"), 0s);
  for (const char* no : {"", "5", "m", "5 m", "-5s", "1.5s", "5M", "1m1h", "1s1s", "99999999999999999999s"}) {
    EXPECT_FALSE(parse_duration(no)) << no;
  }
  EXPECT_THAT(parse_duration("999999999d").error(), HasSubstr("too long"));
  EXPECT_EQ(duration_text(90min), "1h30m");
  EXPECT_EQ(duration_text(0s), "0");
  EXPECT_EQ(duration_text(*parse_duration("1d2h3m4s5ms")), "1d2h3m4s5ms");
}

TEST(units, sizes) {
  EXPECT_EQ(parse_size("100"), 100U);
  EXPECT_EQ(parse_size("256KiB"), 256U << 10);
  EXPECT_EQ(parse_size("1GiB"), 1U << 30);
  for (const char* no : {"", "KiB", "1KB", "1 KiB", "-1", "1.5MiB", "99999999999GiB"}) {
    EXPECT_FALSE(parse_size(no)) << no;
  }
  EXPECT_EQ(size_text(256 << 10), "256KiB");
  EXPECT_EQ(size_text(1000), "1000");
  EXPECT_EQ(size_text(0), "0");
}

/// Something to be configured.
struct house {
  std::string name = "hut";
  bool open = false;
  std::size_t rooms = 3;
  std::size_t cellar = 1 << 20;
  std::chrono::nanoseconds patience = 5s;
  net::endpoint door = net::endpoint::loopback(80);
  std::optional<net::endpoint> gate;
  std::vector<std::string> guests;
  int colour = 0;

  keys known() {
    keys k;
    k.group("house", "The house")
        .text("name", name, "What it is called", change::at_start,
              [](const std::string& t) { return t == "bad" ? std::string("not that") : std::string(); })
        .yes_no("open", open, "Whether it is", change::live)
        .texts("guests", guests, "Who comes")
        .group("house.parts", "What it has")
        .number("rooms", rooms, 1, 9, "How many", change::live)
        .size("cellar", cellar, 1 << 10, 1 << 30, "How big")
        .time("patience", patience, 1s, 1h, "How long")
        .address("door", door, "Where")
        .address("gate", gate, "Where else")
        .one_of(
            "colour", {{"red", 0}, {"blue", 1}}, [this](int c) { colour = c; }, [this] { return colour; },
            "Of the walls");
    return k;
  }

  std::vector<problem> take(std::string_view text) {
    const auto file = parse(text);
    EXPECT_TRUE(file);
    return apply(known(), *file);
  }
};

TEST(keys, set_what_the_file_names) {
  house h;
  EXPECT_TRUE(h.take("house:\n  name: castle\n  open: yes\n  guests: [a, b]\n  parts:\n    rooms: 7\n"
                     "    cellar: 2MiB\n    patience: 1m\n    door: '[::1]:8080'\n    colour: blue\n")
                  .empty());
  EXPECT_EQ(h.name, "castle");
  EXPECT_TRUE(h.open);
  EXPECT_EQ(h.guests, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(h.rooms, 7U);
  EXPECT_EQ(h.cellar, 2U << 20);
  EXPECT_EQ(h.patience, 1min);
  EXPECT_EQ(h.door.to_string(), "[::1]:8080");
  EXPECT_FALSE(h.gate);
  EXPECT_EQ(h.colour, 1);
  house untouched;
  EXPECT_TRUE(untouched.take("house:\n  parts:\n").empty());
  EXPECT_EQ(untouched.rooms, 3U);
}

TEST(keys, an_address_may_be_left_out) {
  house h;
  EXPECT_TRUE(h.take("house: {parts: {gate: '[::1]:81'}}").empty());
  EXPECT_EQ(h.gate, net::endpoint::parse("[::1]:81"));
  EXPECT_TRUE(h.take("house: {parts: {gate: ''}}").empty());
  EXPECT_FALSE(h.gate);
  EXPECT_EQ(h.take("house: {parts: {gate: here}}").size(), 1U);
}

TEST(keys, unknown_ones_are_named_with_what_may_be_meant) {
  house h;
  auto wrong = h.take("house:\n  nane: x\n");
  ASSERT_EQ(wrong.size(), 1U);
  EXPECT_EQ(wrong[0].at, (place{2, 3}));
  EXPECT_EQ(wrong[0].text, "there is no key 'nane' in 'house'; did you mean 'name'?");
  EXPECT_THAT(h.take("house:\n  rooms: 2\n")[0].text, HasSubstr("did you mean 'house.parts.rooms'?"));
  EXPECT_THAT(h.take("house:\n  xyzzy: 2\n")[0].text, HasSubstr("there are name, open, guests, parts"));
  EXPECT_THAT(h.take("hous: 2\n")[0].text, HasSubstr("did you mean 'house'?"));
  EXPECT_LT(h.take(std::string(500, 'x') + ": 2\n")[0].text.size(), 200U);
}

TEST(keys, values_are_of_their_type_and_range) {
  house h;
  const auto wrong = h.take("house:\n  name: [x]\n  open: maybe\n  guests: a\n  parts:\n    rooms: 10\n"
                            "    cellar: 5KB\n    patience: 2h\n    door: here\n    colour: green\n");
  ASSERT_EQ(wrong.size(), 8U) << "all at once";
  EXPECT_EQ(wrong[0].text, "house.name: a text was expected, not a list");
  EXPECT_EQ(wrong[1].text, "house.open: yes or no was expected");
  EXPECT_EQ(wrong[2].text, "house.guests: a list was expected, not a value");
  EXPECT_EQ(wrong[3].text, "house.parts.rooms: a whole number from 1 to 9 was expected");
  EXPECT_THAT(wrong[4].text, HasSubstr("KiB, MiB or GiB"));
  EXPECT_EQ(wrong[5].text, "house.parts.patience: a time from 1s to 1h was expected");
  EXPECT_THAT(wrong[6].text, HasSubstr("127.0.0.1:5222"));
  EXPECT_EQ(wrong[7].text, "house.parts.colour: one of red, blue was expected");
  EXPECT_EQ(wrong[5].at, (place{8, 15}));
  EXPECT_EQ(h.rooms, 3U) << "nothing of that was taken";
  EXPECT_THAT(h.take("house: 5\n")[0].text, HasSubstr("keys were expected"));
  EXPECT_THAT(h.take("house:\n  name: bad\n")[0].text, HasSubstr("not that"));
  EXPECT_THAT(h.take("house:\n  name:\n")[0].text, HasSubstr("not nothing"));
  EXPECT_THAT(h.take("house:\n  parts: {rooms: 99999999999999999999}\n")[0].text, HasSubstr("1 to 9"));
}

TEST(keys, the_example_says_what_holds) {
  house h;
  h.name = "say \"hut\"\n";
  h.guests = {"x", "y: z"};
  h.patience = 90s;
  const std::string text = example(h.known(), "# A house.\n");
  EXPECT_TRUE(text.starts_with("# A house.\n"));
  EXPECT_THAT(text, HasSubstr("  # Whether it is (yes, no; reload).\n  open: no\n"));
  house again;
  EXPECT_TRUE(again.take(text).empty());
  EXPECT_EQ(again.name, h.name);
  EXPECT_TRUE(differences(h.known(), again.known()).empty());
}

TEST(keys, differences_are_named) {
  house one;
  house other;
  other.rooms = 4;
  other.name = "x";
  const auto found = differences(one.known(), other.known());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].path, "house.name");
  EXPECT_EQ(found[0].takes, change::at_start);
  EXPECT_EQ(found[1].path, "house.parts.rooms");
  EXPECT_EQ(found[1].before, "3");
  EXPECT_EQ(found[1].after, "4");
  EXPECT_EQ(found[1].takes, change::live);
}

TEST(keys, the_table_has_a_row_for_each) {
  house h;
  EXPECT_THAT(table(h.known()), HasSubstr("| `house.parts.rooms` ↻ | 1 to 9 | `3` | How many |\n"));
}

} // namespace
} // namespace coppice::config
