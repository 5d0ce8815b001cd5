#include "servers/xmpp/muc/muc_service.hpp"

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <gtest/gtest.h>
#include <vector>

namespace coppice::xmpp::muc {
namespace {

const std::vector<listed_room> rooms = {{"coven@chat.shakespeare.lit", "A Dark Cave"},
                                        {"forres@chat.shakespeare.lit", "The Palace"},
                                        {"heath@chat.shakespeare.lit", ""}};

xml::element asked(const std::string& query, std::size_t most = 100) {
  const auto iq =
      xml::parse_element("<iq xmlns='jabber:client' type='get' id='1' from='hag66@shakespeare.lit/pda' "
                         "to='chat.shakespeare.lit'>" +
                         query + "</iq>");
  return answer(*iq, {.name = "Chat", .rooms = rooms, .fresh_name = "x7", .most = most}).value();
}

/// The first letters of the rooms, and how many there are: `cf 3`.
std::string page(const std::string& set, std::size_t most = 100) {
  const xml::element reply =
      asked("<query xmlns='http://jabber.org/protocol/disco#items'>" + set + "</query>", most);
  std::string all;
  for (const xml::element* e : reply.first()->children()) {
    if (e->name() == "item") all += e->get("jid")[0];
  }
  const xml::element* about = reply.first()->child(ns::rsm, "set");
  if (about != nullptr) all += " " + about->text_of("count").value_or("");
  return all;
}

// XEP-0045, 6.2, example 4
TEST(muc_service, tells_what_it_is) {
  const xml::element reply = asked("<query xmlns='http://jabber.org/protocol/disco#info'/>");
  const xml::element* identity = reply.first()->child("identity");
  EXPECT_EQ(identity->get("category"), "conference");
  EXPECT_EQ(identity->get("type"), "text");
  EXPECT_NE(reply.to_string().find("\"http://jabber.org/protocol/muc\""), std::string::npos);
}

// XEP-0045, 6.3, examples 5 to 7; XEP-0059
TEST(muc_service, tells_its_rooms_by_pages) {
  EXPECT_EQ(page(""), "cfh");
  EXPECT_EQ(page("", 2), "cf 3");
  const auto set = [](const std::string& inside) {
    return "<set xmlns='http://jabber.org/protocol/rsm'>" + inside + "</set>";
  };
  EXPECT_EQ(page(set("<max>2</max>")), "cf 3");
  EXPECT_EQ(page(set("<max>2</max><after>forres@chat.shakespeare.lit</after>")), "h 3");
  EXPECT_EQ(page(set("<max>2</max><before/>")), "fh 3");
  EXPECT_EQ(page(set("<max>1</max><before>forres@chat.shakespeare.lit</before>")), "c 3");
  EXPECT_EQ(page(set("<max>1</max><index>1</index>")), "f 3");
  EXPECT_EQ(page(set("<max>0</max>")), " 3");
  EXPECT_EQ(page(set("<max>9</max><after>z</after>")), " 3");
}

TEST(muc_service, answers_pings_and_gives_names) {
  EXPECT_EQ(asked("<ping xmlns='urn:xmpp:ping'/>").get("type"), "result");
  EXPECT_EQ(asked("<unique xmlns='http://jabber.org/protocol/muc#unique'/>").first()->text(), "x7");
  EXPECT_EQ(asked("<query xmlns='jabber:iq:roster'/>").get("type"), "error");
}

// XEP-0045, 10.1 and 17.3
TEST(muc_service, knows_what_makes_a_room) {
  const auto presence = [](const std::string& type, const std::string& inside) {
    return xml::parse_element("<presence xmlns='jabber:client' from='a@b/c' to='r@s/n' " + type + ">" +
                              inside + "</presence>")
        .value();
  };
  const jid to = jid::parse("r@s/n").value();
  const std::string x = "<x xmlns='http://jabber.org/protocol/muc'/>";
  EXPECT_TRUE(makes_room(presence("", x), to));
  EXPECT_FALSE(makes_room(presence("type='unavailable'", x), to));
  EXPECT_FALSE(makes_room(presence("", ""), to));
  EXPECT_FALSE(makes_room(presence("", x), to.bare()));
  EXPECT_FALSE(makes_room(presence("", x), jid::parse("s/n").value()));
  EXPECT_EQ(answer_without_room(presence("type='unavailable'", "")), std::nullopt);
  EXPECT_EQ(answer_without_room(presence("", ""))->get("type"), "error");
  EXPECT_EQ(answer_without_room(
                xml::parse_element("<iq xmlns='jabber:client' type='result' id='1' from='a@b'/>").value()),
            std::nullopt);
}

} // namespace
} // namespace coppice::xmpp::muc
