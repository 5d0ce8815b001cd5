#include "servers/xmpp/message_rules.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace coppice::xmpp {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
xml::element message(const std::string& type, const std::string& content = "<body>Hi</body>") {
  return parsed(
      "<message xmlns='jabber:client' from='romeo@montague.lit/orchard' to='juliet@capulet.lit' type='" +
      type + "'>" + content + "</message>");
}
message_traits traits(const std::string& type, const std::string& content = "<body>Hi</body>") {
  return traits_of(message(type, content));
}

constexpr std::array types{"normal", "chat", "groupchat", "headline", "error"};

/// What happens, in the letters of RFC 6121's table (8.5.4): S nothing, E an error, O offline, D to all of
/// them.
char letter(const message_delivery& d) {
  if (d.error) return 'E';
  if (d.offline) return 'O';
  return d.to.any() ? 'D' : 'S';
}
std::string row(std::string_view resource, const std::vector<message_target>& resources) {
  std::string letters;
  for (const char* type : types) letters += letter(deliver(traits(type), resource, resources));
  return letters;
}

const message_target balcony{.resource = "balcony", .priority = 5, .available = true};
const message_target chamber{.resource = "chamber", .priority = 0, .available = true};
const message_target bot{.resource = "bot", .priority = -1, .available = true};
const message_target silent{.resource = "silent"};

// RFC 6121, 8.5.4, columns: normal, chat, groupchat, headline, error
TEST(message_rules, nobody_is_there) {
  EXPECT_EQ(row("", {}), "OOESS");
  EXPECT_EQ(row("gone", {}), "EOESS");
}

TEST(message_rules, only_resources_of_negative_priority_or_without_presence) {
  for (const auto& resources : {std::vector{bot}, std::vector{silent}}) {
    EXPECT_EQ(row("", resources), "OOESS");
    EXPECT_EQ(row("gone", resources), "EOESS");
    EXPECT_EQ(row(resources[0].resource, resources), "DDDDD");
  }
}

TEST(message_rules, one_resource) {
  EXPECT_EQ(row("", {chamber}), "DDEDS");
  EXPECT_EQ(row("gone", {chamber}), "EDESS");
  EXPECT_EQ(row("chamber", {chamber}), "DDDDD");
}

TEST(message_rules, several_resources) {
  const std::vector resources{bot, balcony, silent, chamber};
  EXPECT_EQ(row("", resources), "DDEDS");
  EXPECT_EQ(row("gone", resources), "EDESS");
  EXPECT_EQ(deliver(traits("chat"), "", resources).to, resource_set("1010"));
  EXPECT_EQ(deliver(traits("chat"), "balcony", resources).to, resource_set("0010"));
  EXPECT_EQ(deliver(traits("chat"), "gone", resources).to, resource_set("1010"));
}

// XEP-0160, 3; XEP-0334, 4
TEST(message_rules, what_is_kept_offline) {
  const std::string state = "<active xmlns='http://jabber.org/protocol/chatstates'/><thread>1</thread>";
  const std::string receipt = "<received xmlns='urn:xmpp:receipts' id='1'/>";
  EXPECT_TRUE(traits("chat").kept_offline);
  EXPECT_TRUE(traits("normal", "<x xmlns='something'/>").kept_offline);
  EXPECT_TRUE(traits("chat", receipt).kept_offline);
  EXPECT_FALSE(traits("chat", state).kept_offline);
  EXPECT_TRUE(traits("chat", state + "<body>Hi</body>").kept_offline);
  EXPECT_TRUE(traits("chat", state + "<store xmlns='urn:xmpp:hints'/>").kept_offline);
  EXPECT_FALSE(traits("chat", "<body>Hi</body><no-store xmlns='urn:xmpp:hints'/>").kept_offline);
  EXPECT_TRUE(traits("chat", "<body>Hi</body><no-permanent-store xmlns='urn:xmpp:hints'/>").kept_offline);
  EXPECT_FALSE(traits("headline").kept_offline);
  EXPECT_FALSE(traits("error", "<store xmlns='urn:xmpp:hints'/>").kept_offline);
  EXPECT_EQ(letter(deliver(traits("chat", state), "", {})), 'S');
}

// XEP-0313, 6.1.1; XEP-0334, 4
TEST(message_rules, what_is_archived) {
  const std::string state = "<active xmlns='http://jabber.org/protocol/chatstates'/>";
  EXPECT_TRUE(traits("chat").archived);
  EXPECT_TRUE(traits("normal").archived);
  EXPECT_FALSE(traits("groupchat").archived);
  EXPECT_FALSE(traits("headline").archived);
  EXPECT_FALSE(traits("error").archived);
  EXPECT_FALSE(traits("chat", state).archived);
  EXPECT_FALSE(traits("normal", "<x xmlns='something'/>").archived);
  EXPECT_TRUE(traits("normal", "<x xmlns='something'/><store xmlns='urn:xmpp:hints'/>").archived);
  EXPECT_TRUE(traits("normal", "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs'/>").archived);
  EXPECT_TRUE(traits("chat", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>").archived);
  EXPECT_TRUE(traits("normal", "<reactions xmlns='urn:xmpp:reactions:0' id='1'/>").archived);
  EXPECT_FALSE(traits("chat", "<body>Hi</body><no-store xmlns='urn:xmpp:hints'/>").archived);
  EXPECT_FALSE(traits("chat", "<body>Hi</body><no-permanent-store xmlns='urn:xmpp:hints'/>").archived);
}

// XEP-0280, 6.1
TEST(message_rules, what_is_copied) {
  const auto both = [](const message_traits& t) { return t.copied_in && t.copied_out; };
  const auto neither = [](const message_traits& t) { return !t.copied_in && !t.copied_out; };
  EXPECT_TRUE(both(traits("chat", "")));
  EXPECT_TRUE(both(traits("normal")));
  EXPECT_TRUE(neither(traits("normal", "<x xmlns='something'/>")));
  EXPECT_TRUE(both(traits("normal", "<received xmlns='urn:xmpp:receipts' id='1'/>")));
  EXPECT_TRUE(both(traits("normal", "<active xmlns='http://jabber.org/protocol/chatstates'/>")));
  EXPECT_TRUE(neither(traits("groupchat")));
  EXPECT_TRUE(neither(traits("headline")));
  EXPECT_TRUE(neither(traits("error", "")));
  EXPECT_TRUE(both(traits("error")));
  EXPECT_TRUE(neither(traits("chat", "<body>Hi</body><private xmlns='urn:xmpp:carbons:2'/>")));
  EXPECT_TRUE(neither(traits("chat", "<body>Hi</body><no-copy xmlns='urn:xmpp:hints'/>")));
  EXPECT_TRUE(both(traits("normal", "<x xmlns='jabber:x:conference' jid='r@s'/>")));
  EXPECT_TRUE(
      both(traits("normal", "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>")));
  const message_traits pm = traits("chat", "<body>Hi</body><x xmlns='http://jabber.org/protocol/muc#user'/>");
  EXPECT_TRUE(pm.copied_out);
  EXPECT_FALSE(pm.copied_in);
}

// XEP-0280, 7 and 8
TEST(message_rules, copies_go_to_those_who_want_them_and_have_it_not_yet) {
  std::vector resources{bot, balcony, silent, chamber};
  for (message_target& r : resources) r.carbons = r.resource != "chamber";
  EXPECT_EQ(deliver(traits("chat"), "", resources).carbons, resource_set("0101"));
  EXPECT_EQ(deliver(traits("chat"), "chamber", resources).carbons, resource_set("0111"));
  EXPECT_EQ(deliver(traits("chat"), "balcony", resources).carbons, resource_set("0101"));
  EXPECT_EQ(deliver(traits("normal"), "gone", resources).carbons, resource_set());
  EXPECT_EQ(deliver(traits("headline"), "", resources).carbons, resource_set());
  EXPECT_EQ(copies_of_sent(traits("chat"), "balcony", resources), resource_set("0101"));
  EXPECT_EQ(copies_of_sent(traits("chat"), "chamber", resources), resource_set("0111"));
  EXPECT_EQ(copies_of_sent(traits("groupchat"), "chamber", resources), resource_set());
}

// XEP-0045, 7.5: else the room would never learn that its occupant is gone
TEST(message_rules, a_private_message_of_a_room_to_nobody_is_an_error) {
  const message_traits pm = traits("chat", "<body>Hi</body><x xmlns='http://jabber.org/protocol/muc#user'/>");
  EXPECT_TRUE(deliver(pm, "gone", std::vector{chamber}).error);
}

// XEP-0359, 3.1
TEST(message_rules, forged_identifiers_are_taken_away) {
  xml::element m = message("chat", "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@capulet.lit' id='forged'/>"
                                   "<stanza-id xmlns='urn:xmpp:sid:0' by='room@capulet.lit' id='theirs'/>"
                                   "<origin-id xmlns='urn:xmpp:sid:0' id='mine'/>");
  set_stanza_id(m, "juliet@capulet.lit", "28482-98726-73623");
  EXPECT_EQ(m, message("chat",
                       "<origin-id xmlns='urn:xmpp:sid:0' id='mine'/>"
                       "<stanza-id xmlns='urn:xmpp:sid:0' by='room@capulet.lit' id='theirs'/>"
                       "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@capulet.lit' id='28482-98726-73623'/>"));
}

// XEP-0280, 7
TEST(message_rules, a_copy_is_wrapped_by_the_user_himself) {
  const xml::element original = message("chat");
  EXPECT_EQ(
      make_carbon(carbon::received, "juliet@capulet.lit", "juliet@capulet.lit/home", original),
      parsed("<message xmlns='jabber:client' from='juliet@capulet.lit' to='juliet@capulet.lit/home'"
             " type='chat'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" +
             original.to_string("") + "</forwarded></received></message>"));
  EXPECT_TRUE(make_carbon(carbon::sent, "a@b", "a@b/c", original).child("urn:xmpp:carbons:2", "sent") !=
              nullptr);
}

// XEP-0297, 3
TEST(message_rules, what_is_forwarded_has_its_time) {
  EXPECT_EQ(make_forwarded(xml::element("jabber:client", "message"), instant(std::chrono::seconds(0))),
            parsed("<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay'"
                   " stamp='1970-01-01T00:00:00Z'/><message xmlns='jabber:client'/></forwarded>"));
}

} // namespace
} // namespace coppice::xmpp
