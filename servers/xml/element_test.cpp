#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

namespace coppice::xml {
namespace {

element message() {
  return element("jabber:client", "message")
      .set("to", "romeo@example.net")
      .add(element("jabber:client", "body").add_text("a < b & c"))
      .add(element("urn:x", "x"));
}

TEST(element, is_built_and_written) {
  EXPECT_EQ(message().to_string("jabber:client"),
            "<message to=\"romeo@example.net\"><body>a &lt; b &amp; c</body><x xmlns=\"urn:x\"/></message>");
  EXPECT_EQ(element("urn:x", "x").set("a", "1\n\"<").to_string(),
            "<x xmlns=\"urn:x\" a=\"1&#10;&quot;&lt;\"/>");
  EXPECT_EQ(element("", "x").set("a", "1").set("a", "2").to_string(), "<x a=\"2\"/>");
  std::string start;
  message().append_start_to(start, "jabber:client");
  EXPECT_EQ(start, "<message to=\"romeo@example.net\">");
}

TEST(element, is_looked_into) {
  const element m = message();
  EXPECT_EQ(m.text_of("body"), "a < b & c");
  EXPECT_EQ(m.text_of("subject"), std::nullopt);
  EXPECT_EQ(m.child("x"), nullptr);
  ASSERT_NE(m.child("urn:x", "x"), nullptr);
  EXPECT_TRUE(m.child("urn:x", "x")->empty());
  EXPECT_EQ(m.children().size(), 2U);
  EXPECT_TRUE(m.first()->is("jabber:client", "body"));
  EXPECT_EQ(m.get("from"), "");
  EXPECT_EQ(m.find("from"), std::nullopt);
}

TEST(element, is_changed) {
  element m = message();
  EXPECT_EQ(m.remove("urn:x", "x"), 1U);
  EXPECT_EQ(m.remove("urn:x", "x"), 0U);
  m.unset("to");
  EXPECT_EQ(m.to_string("jabber:client"), "<message><body>a &lt; b &amp; c</body></message>");
  EXPECT_NE(m, message());
}

TEST(element, holds_only_what_xml_can) {
  const std::string replaced = "a\xef\xbf\xbd"
                               "b";
  EXPECT_EQ(element("", "x").add_text(std::string_view("a\0b", 3)).text(), replaced);
  EXPECT_EQ(element("", "x")
                .add_text("a\xff"
                          "b")
                .text(),
            replaced);
  EXPECT_EQ(element("", "x")
                .set("n", "a\x01"
                          "b")
                .get("n"),
            replaced);
}

TEST(element, comes_back_as_it_was_written) {
  const element m =
      message().set(xml_namespace, "lang", "en").set("urn:y", "z", "1\t2\r\n").add_text("]]> \r");
  EXPECT_EQ(parse_element(m.to_string()).value(), m);
  EXPECT_EQ(parse_element("<r xmlns='jabber:client'>" + m.to_string("jabber:client") + "</r>")
                .value()
                .first()
                ->to_string(),
            m.to_string());
}

} // namespace
} // namespace coppice::xml
