#include "servers/xmpp/client_state.hpp"

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/message_rules.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
bool waits(const std::string& stanza) { return news_of(parsed(stanza)).has_value(); }
using texts = std::vector<std::string>;

// XEP-0352, 3.2
TEST(client_state, presence_waits_unless_it_asks_or_is_of_a_room) {
  EXPECT_TRUE(waits("<presence xmlns='jabber:client' from='a@b/c'/>"));
  EXPECT_TRUE(waits("<presence xmlns='jabber:client' from='a@b/c' type='unavailable'/>"));
  EXPECT_FALSE(waits("<presence xmlns='jabber:client' from='a@b' type='subscribe'/>"));
  EXPECT_FALSE(waits("<presence xmlns='jabber:client' from='a@b' type='error'/>"));
  EXPECT_TRUE(waits("<presence xmlns='jabber:client' from='r@m/n'>"
                    "<x xmlns='http://jabber.org/protocol/muc#user'><item role='none'/></x></presence>"));
  EXPECT_FALSE(waits("<presence xmlns='jabber:client' from='r@m/n'>"
                     "<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x></presence>"));
}

TEST(client_state, messages_wait_if_they_are_but_states) {
  const std::string state =
      "<message xmlns='jabber:client' from='a@b/c' to='d@e/f' type='chat'><composing"
      " xmlns='http://jabber.org/protocol/chatstates'/><no-store xmlns='urn:xmpp:hints'/>";
  EXPECT_TRUE(waits(state + "</message>"));
  EXPECT_FALSE(waits(state + "<body>Hi</body></message>"));
  EXPECT_FALSE(waits("<message xmlns='jabber:client' from='a@b/c'/>"));
  EXPECT_FALSE(waits(
      "<message xmlns='jabber:client' from='a@b/c'><received xmlns='urn:xmpp:receipts' id='1'/></message>"));
  const auto copy = [](const std::string& text) {
    return make_carbon(carbon::sent, "d@e", "d@e/f", parsed(text));
  };
  EXPECT_TRUE(news_of(copy(state + "</message>")));
  EXPECT_FALSE(news_of(copy(state + "<body>Hi</body></message>")));
}

TEST(client_state, notifications_of_items_wait) {
  const std::string event = "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'>"
                            "<item id='1'/></items></event></message>";
  EXPECT_TRUE(waits("<message xmlns='jabber:client' from='a@b' type='headline'>" + event));
  EXPECT_FALSE(waits("<message xmlns='jabber:client' from='a@b'>" + event));
}

TEST(client_state, requests_do_not_wait) {
  EXPECT_FALSE(
      waits("<iq xmlns='jabber:client' from='a@b' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"));
}

TEST(client_state, newer_news_take_the_place_of_older) {
  waiting_stanzas waiting;
  EXPECT_EQ(waiting.offer("romeo away", "romeo"), texts());
  EXPECT_EQ(waiting.offer("nurse away", "nurse"), texts());
  EXPECT_EQ(waiting.offer("romeo back", "romeo"), texts());
  EXPECT_EQ(waiting.size(), 2U);
  EXPECT_EQ(waiting.take(), (texts{"nurse away", "romeo back"}));
  EXPECT_EQ(waiting.take(), texts());
}

TEST(client_state, what_cannot_wait_takes_all_before_it_along) {
  waiting_stanzas waiting;
  EXPECT_EQ(waiting.offer("romeo away", "romeo"), texts());
  EXPECT_EQ(waiting.offer("Hi!", std::nullopt), (texts{"romeo away", "Hi!"}));
  EXPECT_EQ(waiting.size(), 0U);
}

TEST(client_state, what_waits_has_bounds) {
  waiting_stanzas few({.stanzas = 2});
  EXPECT_EQ(few.offer("1", "1"), texts());
  EXPECT_EQ(few.offer("2", "2"), texts());
  EXPECT_EQ(few.offer("2", "2"), texts());
  EXPECT_EQ(few.offer("3", "3"), (texts{"1", "2", "3"}));
  waiting_stanzas small({.bytes = 3});
  EXPECT_EQ(small.offer("12", "1"), texts());
  EXPECT_EQ(small.offer("123", "1"), texts());
  EXPECT_EQ(small.offer("1", "2"), (texts{"123", "1"}));
}

// XEP-0352, 4.2
TEST(client_state, clients_say_what_they_are) {
  EXPECT_EQ(parse_client_state(parsed("<active xmlns='urn:xmpp:csi:0'/>")), true);
  EXPECT_EQ(parse_client_state(parsed("<inactive xmlns='urn:xmpp:csi:0'/>")), false);
  EXPECT_FALSE(parse_client_state(parsed("<active xmlns='urn:xmpp:csi'/>")));
}

} // namespace
} // namespace coppice::xmpp
