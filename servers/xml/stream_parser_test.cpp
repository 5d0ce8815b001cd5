// Streams of RFC 6120 as they come over a connection, in pieces of every size.
#include "servers/xml/stream_parser.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace coppice::xml {
namespace {

const std::string head =
    "<?xml version='1.0'?><stream:stream from='juliet@im.example.com' to='im.example.com' "
    "version='1.0' xml:lang='en' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>";

/// All that the bytes say, a line each, and the error at the end.
std::string read(std::string_view bytes, std::size_t piece = 4096, const parser_limits& limits = {},
                 bool rests = false) {
  stream_parser p(limits);
  std::string said;
  std::expected<void, stream_error> fed;
  while (!bytes.empty() && fed) {
    fed = p.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (std::optional<stream_event> e = p.next()) {
      if (const auto* opened = std::get_if<stream_opened>(&*e)) {
        said +=
            fmt::format("open {} in {}, {}\n", opened->head.name(), opened->head.ns(), opened->default_ns);
      } else if (const auto* stanza = std::get_if<element>(&*e)) {
        said += stanza->to_string("jabber:client") + "\n";
      } else {
        said += "closed\n";
      }
    }
    if (rests) p.rest();
  }
  if (!fed) said += fmt::format("{}: {}\n", fed.error().condition, fed.error().text);
  return said;
}
/// The same behind the head of a stream, without the line of that.
std::string read_stanzas(const std::string& bytes, const parser_limits& limits = {}) {
  const std::string said = read(head + bytes, 4096, limits);
  return said.substr(said.find('\n') + 1);
}

TEST(stream_parser, reads_a_stream_however_it_is_cut) {
  const std::string all =
      head + "\n<message to='romeo@example.net'><body>Art thou not &lt;Romeo&gt;?</body></message> "
             "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq></stream:stream>";
  const std::string said =
      "open stream in http://etherx.jabber.org/streams, jabber:client\n"
      "<message to=\"romeo@example.net\"><body>Art thou not &lt;Romeo&gt;?</body></message>\n"
      "<iq type=\"get\" id=\"1\"><query xmlns=\"jabber:iq:roster\"/></iq>\nclosed\n";
  for (std::size_t piece = 1; piece < all.size(); ++piece) {
    EXPECT_EQ(read(all, piece), said) << piece;
    EXPECT_EQ(read(all, piece, {}, true), said) << piece << ", with rests";
  }
}

TEST(stream_parser, remembers_prefixes_and_limits_over_a_rest) {
  const std::string begun =
      "<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns:p='urn:p' xmlns='jabber:client'>";
  const std::string said = "open stream in http://etherx.jabber.org/streams, jabber:client\n"
                           "<x xmlns=\"urn:p\"/>\n";
  const auto at_rest = [&](const std::string& rest) { return read(begun + rest, 1, {.stanza = 100}, true); };
  EXPECT_EQ(at_rest("<p:x/> "), said);
  EXPECT_EQ(at_rest("<p:x/></s:stream>"), said + "closed\n");
  EXPECT_EQ(at_rest("<p:x/><q:y/>").substr(0, said.size() + 20), said + "bad-namespace-prefix");
  const std::string long_one = at_rest("<p:x/><y>" + std::string(200, 'z'));
  EXPECT_EQ(long_one, said + "policy-violation: a stanza of more than 100 bytes\n");
  std::string many;
  std::string answers = said.substr(0, said.find('\n') + 1);
  for (int i = 0; i < 100; ++i) {
    many += "<p:x/>  ";
    answers += "<x xmlns=\"urn:p\"/>\n";
  }
  EXPECT_EQ(at_rest(many), answers);
}

TEST(stream_parser, resolves_prefixes_references_and_sections) {
  EXPECT_EQ(read_stanzas("<a:x xmlns:a='urn:a' a:b='1' c='&#10;&quot;'/><y><![CDATA[<&]]>&#x1F600;</y>"),
            "<x xmlns=\"urn:a\" xmlns:ns0=\"urn:a\" ns0:b=\"1\" c=\"&#10;&quot;\"/>\n"
            "<y>&lt;&amp;\xF0\x9F\x98\x80</y>\n");
  EXPECT_EQ(read_stanzas("<x xml:lang='de'>a\r\nb&#13;</x>"), "<x xml:lang=\"de\">a\nb&#13;</x>\n");
}

TEST(stream_parser, refuses_what_streams_may_not_have) {
  EXPECT_EQ(read("<!DOCTYPE x [<!ENTITY a 'b'>]><x>"), "restricted-xml: a DTD may not be there\n");
  EXPECT_EQ(read_stanzas("<x><!-- c --></x>"), "restricted-xml: a comment may not be there\n");
  EXPECT_EQ(read_stanzas("<?php x?>"), "restricted-xml: a processing instruction may not be there\n");
  EXPECT_EQ(read_stanzas("<x>&nbsp;</x>").substr(0, 15), "restricted-xml:");
  EXPECT_EQ(read_stanzas("words"), "bad-format: text between stanzas\n");
  EXPECT_EQ(read_stanzas("<p:x/>"),
            fmt::format("bad-namespace-prefix: unbound prefix at 1:{}\n", head.size() + 1));
  EXPECT_EQ(read_stanzas("<x></y>"),
            fmt::format("not-well-formed: mismatched tag at 1:{}\n", head.size() + 6));
  EXPECT_EQ(read_stanzas("<x>\x01</x>").substr(0, 16), "not-well-formed:");
  EXPECT_EQ(read_stanzas("<x>\xc0\x80</x>").substr(0, 16), "not-well-formed:");
  EXPECT_EQ(read_stanzas("<x a='1' a='2'/>").substr(0, 16), "not-well-formed:");
  EXPECT_EQ(read_stanzas("</stream:stream><x/>").substr(0, 23), "closed\nnot-well-formed:");
  EXPECT_EQ(read("<?xml version='1.0' encoding='latin1'?><x>"),
            "unsupported-encoding: the encoding is UTF-8\n");
  EXPECT_EQ(read("<?xml version='1.0' encoding='utf-8'?><x>"), "open x in , \n");
}

TEST(stream_parser, gives_what_came_whole_before_the_error_which_stays) {
  EXPECT_EQ(read_stanzas("<a/><b/><c></d>").substr(0, 26), "<a/>\n<b/>\nnot-well-formed:");
  stream_parser p;
  EXPECT_FALSE(p.feed("<x><y/></z>"));
  EXPECT_EQ(p.feed("<a/>").error().condition, "not-well-formed");
}

TEST(stream_parser, bounds_depth_attributes_parts_and_bytes) {
  const parser_limits few{.stanza = 2000, .depth = 4, .attributes = 3, .parts = 5};
  const parser_limits wide{.stanza = 2000, .depth = 4, .attributes = 8, .parts = 5};
  EXPECT_EQ(read_stanzas("<a><b><c/></b></a>", wide), "<a><b><c/></b></a>\n");
  EXPECT_EQ(read_stanzas("<a><b><c><d/></c></b></a>", wide),
            "policy-violation: more than 4 elements within each other\n");
  EXPECT_EQ(read("<r><a b='' c='' d=''/><a b='' c='' d='' e=''/>", 4096, few),
            "open r in , \n<a xmlns=\"\" b=\"\" c=\"\" d=\"\"/>\npolicy-violation: more than 3 attributes\n");
  EXPECT_EQ(read_stanzas("<a>1<b/>2<b/></a><a/>", wide), "<a>1<b/>2<b/></a>\n<a/>\n");
  EXPECT_EQ(read_stanzas("<a>1<b/>2<b/>3</a>", wide), "policy-violation: a stanza of more than 5 parts\n");
  const std::string body(1990, 'x');
  EXPECT_EQ(read_stanzas("<a>" + body + "</a><b/>", wide), "<a>" + body + "</a>\n<b/>\n");
  EXPECT_EQ(read_stanzas("<a>" + body + body + body, wide),
            "policy-violation: a stanza of more than 2000 bytes\n");
  EXPECT_EQ(read_stanzas("<a b='" + body + body + body, wide),
            "policy-violation: a stanza of more than 2000 bytes\n");
  EXPECT_EQ(read("<stream a='" + body + body, 100, wide),
            "policy-violation: a stanza of more than 2000 bytes\n");
}

TEST(stream_parser, white_space_between_stanzas_does_not_count) {
  stream_parser p({.stanza = 1000, .depth = 4, .attributes = 8, .parts = 5});
  ASSERT_TRUE(p.feed(head));
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(p.feed(" \n"));
  EXPECT_EQ(p.unfinished(), 0U);
  ASSERT_TRUE(p.feed("<a"));
  EXPECT_EQ(p.unfinished(), 2U);
}

TEST(stream_parser, a_tag_that_comes_byte_by_byte_costs_little) {
  stream_parser p;
  ASSERT_TRUE(p.feed(head + "<a b='"));
  std::expected<void, stream_error> fed;
  std::size_t bytes = 0;
  while (fed && bytes < 200'000) {
    fed = p.feed("x");
    ++bytes;
  }
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().text, "a long tag in too many pieces");
  EXPECT_GT(bytes, 4'000U);
}

TEST(parse_element, takes_the_whole_text_and_no_more) {
  const auto open =
      parse_element("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='example.com' version='1.0'/>");
  ASSERT_TRUE(open);
  EXPECT_TRUE(open->is("urn:ietf:params:xml:ns:xmpp-framing", "open"));
  EXPECT_EQ(open->get("to"), "example.com");
  EXPECT_EQ(parse_element("<a>x<b/></a>").value().to_string(), "<a>x<b/></a>");
  EXPECT_EQ(parse_element("<a/><b/>").error().condition, "not-well-formed");
  EXPECT_EQ(parse_element("<a>").error().condition, "not-well-formed");
  EXPECT_EQ(parse_element("").error().condition, "not-well-formed");
  EXPECT_EQ(parse_element("<a/> \n").value().to_string(), "<a/>");
}

TEST(stream_parser, reads_containers_in_pieces) {
  stream_parser p({.stanza = 100}, [](const element& e) { return e.name() == "list"; });
  std::string said;
  std::string text = "<all xmlns='n'><list a='1'>";
  for (int i = 0; i < 100; ++i) text += "<x/>";
  text += "<list><y><list/></y></list></list><z/></all>";
  for (const char c : text) {
    ASSERT_TRUE(p.feed(std::string_view(&c, 1)));
    while (std::optional<stream_event> e = p.next()) {
      if (const auto* list = std::get_if<container_opened>(&*e))
        said += "[" + std::string(list->head.get("a"));
      if (std::holds_alternative<container_closed>(*e)) said += "]";
      if (const auto* one = std::get_if<element>(&*e); one != nullptr && one->name() != "x") {
        said += one->to_string("n");
      }
      if (std::holds_alternative<stream_closed>(*e)) said += ".";
    }
  }
  EXPECT_EQ(said, "[1[<y><list/></y>]]<z/>.");
}

} // namespace
} // namespace coppice::xml
