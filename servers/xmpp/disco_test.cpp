#include "servers/xmpp/disco.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace coppice::xmpp {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }

// XEP-0030, 3.1
TEST(disco, what_is_written_is_read) {
  disco_info info{
      .node = "n",
      .identities = {{.category = "conference", .type = "text", .name = "Play-Specific Chatrooms"},
                     {.category = "directory", .type = "chatroom", .name = "R\xc3\xa4ume", .lang = "de"}},
      .features = {"http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/muc"}};
  info.forms.push_back(data_form::of(form_kind::result, "http://jabber.org/network/serverinfo"));
  const xml::element e = to_element(info);
  EXPECT_EQ(parse_disco_info(e).value(), info);
  EXPECT_TRUE(info.has("http://jabber.org/protocol/muc"));
  EXPECT_FALSE(info.has("jabber:iq:time"));
  info.forms.clear();
  EXPECT_EQ(to_element(info),
            parsed("<query xmlns='http://jabber.org/protocol/disco#info' node='n'>"
                   "<identity category='conference' type='text' name='Play-Specific Chatrooms'/>"
                   "<identity category='directory' type='chatroom' name='R\xc3\xa4ume' xml:lang='de'/>"
                   "<feature var='http://jabber.org/protocol/disco#info'/>"
                   "<feature var='http://jabber.org/protocol/muc'/></query>"));
}

TEST(disco, what_is_read_has_bounds) {
  const disco_limits limits{.identities = 1, .features = 1, .forms = 1};
  const auto fits = [&](const std::string& one, int times) {
    std::string content;
    for (int i = 0; i < times; ++i) content += one;
    return parse_disco_info(
               parsed("<query xmlns='http://jabber.org/protocol/disco#info'>" + content + "</query>"), limits)
        .has_value();
  };
  for (const char* one : {"<identity category='a' type='b'/>", "<feature var='a'/>",
                          "<x xmlns='jabber:x:data' type='result'/>", "<other xmlns='x'/>"}) {
    EXPECT_TRUE(fits(one, 1)) << one;
    EXPECT_EQ(fits(one, 2), std::string_view(one).starts_with("<other")) << one;
  }
  EXPECT_FALSE(parse_disco_info(parsed("<query xmlns='x'/>")));
}

// XEP-0030, 4.1
TEST(disco, items_have_addresses) {
  const std::vector<disco_item> items{{.jid = "people.shakespeare.lit", .name = "Directory of Characters"},
                                      {.jid = "juliet@capulet.com", .node = "urn:xmpp:avatar:metadata"}};
  EXPECT_EQ(make_disco_items(items, "top"),
            parsed("<query xmlns='http://jabber.org/protocol/disco#items' node='top'>"
                   "<item jid='people.shakespeare.lit' name='Directory of Characters'/>"
                   "<item jid='juliet@capulet.com' node='urn:xmpp:avatar:metadata'/></query>"));
}

} // namespace
} // namespace coppice::xmpp
