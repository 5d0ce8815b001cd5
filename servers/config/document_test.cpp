#include "servers/config/document.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace coppice::config {
namespace {

problem wrong(std::string_view text) {
  auto read = parse(text);
  if (read) {
    ADD_FAILURE() << "was taken: " << text;
    return {};
  }
  return read.error();
}

TEST(document, values_know_where_they_stand) {
  const auto file = parse("a: 1\nb:\n  c: [x, 'y z']\n  d:\n  e: null\n");
  ASSERT_TRUE(file);
  ASSERT_EQ(file->entries.size(), 2U);
  EXPECT_EQ(file->entries[0].value.text, "1");
  const node& b = file->entries[1].value;
  ASSERT_EQ(b.entries.size(), 3U);
  EXPECT_EQ(b.entries[0].at, (place{3, 3}));
  const node& list = b.entries[0].value;
  ASSERT_EQ(list.items.size(), 2U);
  EXPECT_EQ(list.items[1].text, "y z");
  EXPECT_EQ(list.items[1].at, (place{3, 10}));
  EXPECT_EQ(b.entries[1].value.is, node::form::nothing);
  EXPECT_EQ(b.entries[2].value.is, node::form::nothing);
}

TEST(document, quotes_make_texts) {
  const auto file = parse("a: \"\"\nb: 'null'\nc: \"\\x41\"\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->entries[0].value.is, node::form::scalar);
  EXPECT_EQ(file->entries[1].value.text, "null");
  EXPECT_EQ(file->entries[2].value.text, "A");
}

TEST(document, an_empty_file_says_nothing) {
  for (const char* text : {"", "# only that\n", "---\n", "~"}) {
    const auto file = parse(text);
    ASSERT_TRUE(file) << text;
    EXPECT_TRUE(file->entries.empty());
  }
}

TEST(document, what_is_no_yaml_is_named_with_its_place) {
  const problem p = wrong("a: 1\nb: [1, 2\n");
  EXPECT_GE(p.at.line, 2U);
  EXPECT_FALSE(p.text.empty());
  EXPECT_EQ(wrong("a: 1\n\tb: 2\n").at.line, 2U);
  EXPECT_EQ((problem{{3, 4}, "no"}.in_file("f.yaml")), "f.yaml:3:4: no");
}

TEST(document, a_key_stands_once) {
  const problem p = wrong("a: 1\nb: 2\na: 3\n");
  EXPECT_EQ(p.at, (place{3, 1}));
  EXPECT_NE(p.text.find("line 1"), std::string::npos);
}

TEST(document, only_maps_of_plain_keys) {
  EXPECT_NE(wrong("- a\n").text.find("key: value"), std::string::npos);
  EXPECT_NE(wrong("just text").text.find("key: value"), std::string::npos);
  EXPECT_NE(wrong("? [a]\n: b\n").text.find("plain text"), std::string::npos);
  EXPECT_NE(wrong("? {a: b}\n: b\n").text.find("plain text"), std::string::npos);
  EXPECT_NE(wrong("~: b\n").text.find("plain text"), std::string::npos);
  EXPECT_NE(wrong("a: 1\n---\nb: 2\n").text.find("second document"), std::string::npos);
}

TEST(document, no_aliases_anchors_and_tags) {
  EXPECT_NE(wrong("a: &x 1\nb: *x\n").text.find("anchors"), std::string::npos);
  EXPECT_NE(wrong("a: &x [1]\n").text.find("anchors"), std::string::npos);
  EXPECT_FALSE(parse("b: *x\n"));
  EXPECT_NE(wrong("a: !!int 1\n").text.find("tags"), std::string::npos);
  EXPECT_NE(wrong("a: !thing [1]\n").text.find("tags"), std::string::npos);
}

TEST(document, is_bounded) {
  EXPECT_NE(wrong(std::string(most_bytes + 1, '#')).text.find("256 KiB"), std::string::npos);
  EXPECT_NE(wrong("a: " + std::string(most_depth, '[') + std::string(most_depth, ']')).text.find("nested"),
            std::string::npos);
  EXPECT_TRUE(parse("a: " + std::string(most_depth - 1, '[') + std::string(most_depth - 1, ']')));
  EXPECT_FALSE(parse("a: " + std::string(100'000, '[')));
  EXPECT_FALSE(parse("a: " + std::string(100'000, '{')));
  std::string many = "a: [";
  for (std::size_t i = 0; i < most_values; ++i) many += "1,";
  EXPECT_NE(wrong(many + "]").text.find("values"), std::string::npos);
}

} // namespace
} // namespace coppice::config
