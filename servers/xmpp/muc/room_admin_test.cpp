// Roles, affiliations, configuration.
#include "servers/xmpp/data_form.hpp"
#include "servers/xmpp/muc/detail/test_room.hpp"

#include <gtest/gtest.h>

namespace coppice::xmpp::muc {
namespace {

const std::string mac = "macbeth@shakespeare.lit/x";

/// `auth forbidden`, or `result`.
std::string answer_of(test_room& room, const std::string& who) {
  for (const xml::element& e : room.sent(who)) {
    if (e.name() != "iq") continue;
    const std::string error = error_in(e);
    return error.empty() ? std::string(e.get("type")) : error;
  }
  return "nothing";
}

std::string admin(test_room& room, const std::string& who, const std::string& item) {
  room.forget();
  room.admin(who, item);
  return answer_of(room, who);
}

// XEP-0045, 8.2, examples 88 to 91
TEST(room_admin, kicks) {
  test_room room(kept());
  room.fill();
  room.admin(crone, "<item nick='thirdwitch' role='none'><reason>Avaunt, you cullion!</reason></item>");
  const xml::element own = room.last(hag);
  EXPECT_EQ(own.get("type"), "unavailable");
  EXPECT_EQ(standing_in(own), "none none");
  EXPECT_EQ(codes(own), (strings{"307", "110"}));
  EXPECT_EQ(item(own).child("actor")->get("nick"), "firstwitch");
  EXPECT_EQ(item(own).text_of("reason"), "Avaunt, you cullion!");
  EXPECT_EQ(codes(room.last(wicca)), strings{"307"});
  EXPECT_EQ(answer_of(room, crone), "result");
  EXPECT_EQ(room->size(), 2U);
  EXPECT_EQ(admin(room, wicca, "<item nick='firstwitch' role='none'/>"), "cancel not-allowed") << "an owner";
  EXPECT_EQ(admin(room, wicca, "<item nick='nobody' role='none'/>"), "cancel item-not-found");
  EXPECT_EQ(admin(room, hag, "<item nick='firstwitch' role='none'/>"), "auth forbidden") << "not in the room";
}

// XEP-0045, 8.3 to 8.5, examples 92 to 103
TEST(room_admin, grants_and_revokes_voice) {
  test_room room(kept({.moderated = true}));
  room.fill();
  room.admin(crone,
             "<item nick='thirdwitch' role='participant'><reason>A worthy witch indeed!</reason></item>");
  const xml::element own = room.last(hag);
  EXPECT_EQ(standing_in(own), "none participant");
  EXPECT_EQ(item(own).text_of("reason"), "A worthy witch indeed!");
  EXPECT_EQ(admin(room, wicca, "<item nick='thirdwitch' role='visitor'/>"), "result");
  EXPECT_EQ(standing_in(room.last(hag)), "none visitor");
  EXPECT_EQ(admin(room, wicca, "<item nick='firstwitch' role='visitor'/>"), "cancel not-allowed");
  EXPECT_EQ(admin(room, hag, "<item nick='thirdwitch' role='participant'/>"), "auth forbidden");
  room.iq(crone, "get", "<query xmlns='http://jabber.org/protocol/muc#admin'><item role='visitor'/></query>");
  const xml::element list = room.last(crone);
  EXPECT_EQ(list.first()->child("item")->get("nick"), "thirdwitch");
  room.iq(hag, "get", "<query xmlns='http://jabber.org/protocol/muc#admin'><item role='visitor'/></query>");
  EXPECT_EQ(answer_of(room, hag), "auth forbidden");
}

// XEP-0045, 9.6 to 9.8, examples 131 to 142
TEST(room_admin, grants_and_revokes_moderation) {
  test_room room(kept());
  room.fill();
  room.enter(mac, "macbeth");
  EXPECT_EQ(admin(room, wicca, "<item nick='thirdwitch' role='moderator'/>"), "result");
  EXPECT_EQ(standing_in(room.last(hag)), "none moderator");
  EXPECT_EQ(admin(room, hag, "<item nick='macbeth' role='moderator'/>"), "auth forbidden");
  EXPECT_EQ(admin(room, hag, "<item nick='macbeth' role='none'/>"), "result");
  EXPECT_EQ(admin(room, hag, "<item nick='secondwitch' role='participant'/>"), "cancel not-allowed");
  EXPECT_EQ(admin(room, crone, "<item nick='secondwitch' role='participant'/>"), "cancel not-allowed");
  EXPECT_EQ(admin(room, wicca, "<item nick='thirdwitch' role='participant'/>"), "result");
}

// XEP-0045, 9.1, examples 106 to 111
TEST(room_admin, bans) {
  test_room room(kept());
  room.fill();
  EXPECT_EQ(admin(room, wicca,
                  "<item affiliation='outcast' jid='hag66@shakespeare.lit'><reason>Treason</reason></item>"),
            "result");
  const xml::element own = room.last(hag);
  EXPECT_EQ(codes(own), (strings{"301", "110"}));
  EXPECT_EQ(standing_in(own), "outcast none");
  EXPECT_EQ(codes(room.last(crone)), strings{"301"});
  const auto kept = room.commands<store_affiliation>();
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].user.text(), "hag66@shakespeare.lit");
  EXPECT_EQ(kept[0].is, affiliation::outcast);
  EXPECT_EQ(kept[0].reason, "Treason");
  room.enter(hag, "thirdwitch");
  EXPECT_EQ(error_in(room.last(hag)), "auth forbidden");
  EXPECT_EQ(admin(room, wicca, "<item affiliation='outcast' jid='crone1@shakespeare.lit'/>"),
            "cancel not-allowed");
  EXPECT_EQ(admin(room, wicca, "<item affiliation='outcast' jid='wiccarocks@shakespeare.lit'/>"),
            "cancel conflict");
  EXPECT_EQ(admin(room, wicca, "<item affiliation='none' jid='hag66@shakespeare.lit'/>"), "result");
  room.enter(hag, "thirdwitch");
  EXPECT_EQ(error_in(room.last(hag)), "");
}

// XEP-0045, 9.1: a whole domain
TEST(room_admin, bans_domains) {
  test_room room(kept());
  room.enter(crone, "firstwitch");
  room.enter("a@spam.lit/1", "a");
  room.enter("b@spam.lit/1", "b");
  EXPECT_EQ(admin(room, crone, "<item affiliation='outcast' jid='spam.lit'/>"), "result");
  EXPECT_EQ(room->size(), 1U);
  room.enter("c@spam.lit/1", "c");
  EXPECT_EQ(error_in(room.last("c@spam.lit/1")), "auth forbidden");
}

// XEP-0045, 9.2 and 9.5: lists, several changes at once, all of them or none
TEST(room_admin, changes_and_gives_lists) {
  test_room room(kept());
  room.fill();
  EXPECT_EQ(
      admin(
          room, wicca,
          "<item affiliation='outcast' jid='earlofcambridge@shakespeare.lit'><reason>Treason</reason></item>"
          "<item affiliation='member' jid='hecate@shakespeare.lit' nick='hecate'/>"),
      "result");
  EXPECT_EQ(codes(room.last("hecate@shakespeare.lit")), strings{"101"});
  room.iq(wicca, "get",
          "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast'/></query>");
  const xml::element list = room.last(wicca);
  EXPECT_EQ(list.first()->children().size(), 1U);
  EXPECT_EQ(list.first()->child("item")->get("jid"), "earlofcambridge@shakespeare.lit");
  EXPECT_EQ(list.first()->child("item")->text_of("reason"), "Treason");
  EXPECT_EQ(admin(room, wicca,
                  "<item affiliation='none' jid='hecate@shakespeare.lit'/>"
                  "<item affiliation='outcast' jid='crone1@shakespeare.lit'/>"),
            "cancel not-allowed");
  EXPECT_EQ(room->affiliation_of(jid::parse("hecate@shakespeare.lit").value()), affiliation::member);
  room.iq(hag, "get",
          "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member'/></query>");
  EXPECT_EQ(answer_of(room, hag), "auth forbidden");
  room.iq(wicca, "get",
          "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='owner'/></query>");
  EXPECT_EQ(answer_of(room, wicca), "auth forbidden") << "10.5, semi-anonymous";
}

// XEP-0045, 9.3 and 9.4, examples 115 to 122
TEST(room_admin, grants_and_revokes_membership) {
  test_room room(kept({.members_only = true, .moderated = true}));
  room.enter(crone, "firstwitch");
  EXPECT_EQ(admin(room, crone, "<item affiliation='member' jid='hag66@shakespeare.lit'/>"), "result");
  room.enter(hag, "thirdwitch");
  EXPECT_EQ(room->occupants().back().is, (standing{affiliation::member, role::participant}));
  EXPECT_EQ(admin(room, crone, "<item affiliation='none' jid='hag66@shakespeare.lit'/>"), "result");
  EXPECT_EQ(codes(room.last(hag)), (strings{"321", "110"}));
  EXPECT_EQ(room->size(), 1U);
}

// XEP-0045, 10.3 to 10.8, examples 166 to 184
TEST(room_admin, makes_and_unmakes_administrators_and_owners) {
  test_room room(kept());
  room.fill();
  EXPECT_EQ(admin(room, wicca, "<item affiliation='admin' jid='hag66@shakespeare.lit'/>"), "auth forbidden");
  EXPECT_EQ(admin(room, wicca, "<item affiliation='owner' jid='wiccarocks@shakespeare.lit'/>"),
            "auth forbidden");
  EXPECT_EQ(admin(room, crone, "<item affiliation='admin' nick='thirdwitch'/>"), "result");
  EXPECT_EQ(standing_in(room.last(hag)), "admin moderator");
  EXPECT_EQ(admin(room, crone, "<item affiliation='owner' jid='hag66@shakespeare.lit'/>"), "result");
  EXPECT_EQ(standing_in(room.last(wicca)), "owner moderator");
  EXPECT_EQ(admin(room, hag, "<item affiliation='member' jid='crone1@shakespeare.lit'/>"), "result");
  EXPECT_EQ(standing_in(room.last(crone)), "member participant");
  EXPECT_EQ(admin(room, hag, "<item affiliation='none' jid='hag66@shakespeare.lit'/>"), "cancel conflict")
      << "10.3: the last owner";
  EXPECT_EQ(admin(room, hag,
                  "<item affiliation='none' jid='hag66@shakespeare.lit'/>"
                  "<item affiliation='owner' jid='crone1@shakespeare.lit'/>"),
            "result");
  EXPECT_EQ(admin(room, wicca, "<item affiliation='none' jid='wiccarocks@shakespeare.lit'/>"), "result");
  EXPECT_EQ(standing_in(room.last(crone)), "none participant");
}

// XEP-0045, 17.5.3 (one attribute at a time) and what is no item
TEST(room_admin, refuses_what_makes_no_sense) {
  test_room room(kept(), {.affiliations = 3, .text = 10, .items = 2});
  room.fill();
  EXPECT_EQ(admin(room, crone, "<item nick='thirdwitch' role='none' affiliation='outcast'/>"),
            "modify bad-request");
  EXPECT_EQ(admin(room, crone, "<item nick='thirdwitch'/>"), "modify bad-request");
  EXPECT_EQ(admin(room, crone, "<item nick='thirdwitch' role='king'/>"), "modify bad-request");
  EXPECT_EQ(admin(room, crone, ""), "modify bad-request");
  EXPECT_EQ(admin(room, crone, "<item jid='@' affiliation='member'/>"), "modify jid-malformed");
  EXPECT_EQ(admin(room, crone, "<item nick='thirdwitch' role='none'><reason>12345678901</reason></item>"),
            "modify not-acceptable");
  EXPECT_EQ(admin(room, crone, "<item/><item/><item/>"), "modify policy-violation");
  EXPECT_EQ(admin(room, crone, "<item affiliation='member' jid='a@b'/>"), "result");
  EXPECT_EQ(admin(room, crone, "<item affiliation='member' jid='b@b'/>"), "wait resource-constraint");
}

// XEP-0045, 10.2, examples 162 to 165, and 10.2.1
TEST(room_owner, configures) {
  test_room room(kept());
  room.fill();
  room.iq(crone, "get", "<query xmlns='http://jabber.org/protocol/muc#owner'/>");
  const data_form form = data_form::parse(*room.last(crone).first()->first()).value();
  EXPECT_EQ(form.form_type(), "http://jabber.org/protocol/muc#roomconfig");
  EXPECT_EQ(form.value("muc#roomconfig_persistentroom"), "1");
  room.iq(wicca, "get", "<query xmlns='http://jabber.org/protocol/muc#owner'/>");
  EXPECT_EQ(answer_of(room, wicca), "auth forbidden");
  room.configure(crone, "<field var='muc#roomconfig_whois'><value>anyone</value></field>"
                        "<field var='muc#roomconfig_enablearchiving'><value>0</value></field>"
                        "<field var='muc#roomconfig_roomname'><value>A Dark Cave</value></field>");
  EXPECT_EQ(codes(room.last(hag)), (strings{"171", "172", "104"}));
  EXPECT_EQ(room->config().name, "A Dark Cave");
  EXPECT_EQ(room.commands<store_config>().size(), 1U);
  room.configure(crone, "<field var='muc#roomconfig_whois'><value>moderators</value></field>"
                        "<field var='muc#roomconfig_enablearchiving'><value>1</value></field>");
  EXPECT_EQ(codes(room.last(hag)), (strings{"170", "173"}));
  room.forget();
  room.configure(crone, "<field var='muc#roomconfig_passwordprotectedroom'><value>1</value></field>");
  EXPECT_EQ(answer_of(room, crone), "modify not-acceptable");
  EXPECT_TRUE(room.sent(hag).empty());
  room.configure(crone, "<field var='muc#roomconfig_membersonly'><value>1</value></field>");
  EXPECT_EQ(codes(room.last(hag)), (strings{"322", "110"}));
}

// XEP-0045, 10.9, examples 185 to 188
TEST(room_owner, destroys) {
  test_room room(kept());
  room.fill();
  const std::string how =
      "<query xmlns='http://jabber.org/protocol/muc#owner'>"
      "<destroy jid='coven2@chat.shakespeare.lit'><reason>Macbeth doth come.</reason></destroy>"
      "</query>";
  room.set(wicca, how);
  EXPECT_EQ(answer_of(room, wicca), "auth forbidden");
  room.set(crone, how);
  const xml::element told = room.last(hag);
  EXPECT_EQ(told.get("type"), "unavailable");
  EXPECT_EQ(standing_in(told), "none none");
  const xml::element* destroyed_as = told.child(ns::muc_user, "x")->child("destroy");
  EXPECT_EQ(destroyed_as->get("jid"), "coven2@chat.shakespeare.lit");
  EXPECT_EQ(destroyed_as->text_of("reason"), "Macbeth doth come.");
  EXPECT_EQ(answer_of(room, crone), "result");
  EXPECT_EQ(room.commands<destroyed>().size(), 1U);
}

// XEP-0045, 7.10, examples 65 to 74, and 7.12
TEST(room_owner, members_register_nicks) {
  test_room room(kept());
  room.fill();
  const auto wish = [&](const std::string& who, const std::string& nick) {
    room.forget();
    room.set(
        who,
        "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
        "<value>http://jabber.org/protocol/muc#register</value></field><field "
        "var='muc#register_roomnick'><value>" +
            nick + "</value></field></x></query>");
    return answer_of(room, who);
  };
  room.iq(hag, "get", "<query xmlns='jabber:iq:register'/>");
  EXPECT_NE(room.last(hag).first()->child(ns::data_forms, "x"), nullptr);
  EXPECT_EQ(wish(hag, "thirdwitch"), "result");
  EXPECT_EQ(standing_in(room.last(crone)), "member participant");
  EXPECT_EQ(wish(mac, "thirdwitch"), "cancel conflict");
  EXPECT_EQ(wish(mac, ""), "modify bad-request");
  room.iq(hag, "get", "<query xmlns='jabber:iq:register'/>");
  EXPECT_EQ(room.last(hag).first()->text_of("username"), "thirdwitch");
  room.iq(hag, "get", "<query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/>");
  EXPECT_EQ(room.last(hag).first()->child("identity")->get("name"), "thirdwitch");
  room.leave(hag, "thirdwitch");
  room.enter(mac, "thirdwitch");
  EXPECT_EQ(error_in(room.last(mac)), "cancel conflict");
  room.set(hag, "<query xmlns='jabber:iq:register'><remove/></query>");
  room.enter(mac, "thirdwitch");
  EXPECT_EQ(error_in(room.last(mac)), "");
  room.configure(crone, "<field var='muc#roomconfig_membersonly'><value>1</value></field>");
  EXPECT_EQ(wish(hag, "x"), "cancel not-allowed");
}

// XEP-0045, 6.4 and 6.5
TEST(room_iq, tells_what_the_room_is) {
  test_room room(kept({.name = "A Dark Cave", .members_only = true}));
  room.iq("a@b/c", "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>");
  const xml::element info = *room.last("a@b/c").first();
  EXPECT_EQ(info.child("identity")->get("name"), "A Dark Cave");
  std::string features;
  for (const xml::element* e : info.children()) features += std::string(e->get("var")) + " ";
  for (const std::string_view var :
       {"http://jabber.org/protocol/muc ", "muc_unsecured ", "muc_public ", "muc_persistent ",
        "muc_membersonly ", "muc_unmoderated ", "muc_semianonymous ", "urn:xmpp:mam:2 ",
        "urn:xmpp:occupant-id:0 ", "urn:xmpp:sid:0 "}) {
    EXPECT_NE(features.find(var), std::string::npos) << var;
  }
  const data_form form = data_form::parse(*info.child(ns::data_forms, "x")).value();
  EXPECT_EQ(form.value("muc#roominfo_occupants"), "0");
  room.enter(crone, "firstwitch");
  room.iq(crone, "get", "<query xmlns='http://jabber.org/protocol/disco#items'/>");
  EXPECT_EQ(room.last(crone).first()->first()->get("jid"), coven + "/firstwitch");
  room.iq("a@b/c", "get", "<query xmlns='http://jabber.org/protocol/disco#items'/>");
  EXPECT_TRUE(room.last("a@b/c").first()->empty());
}

// XEP-0410, 3.2 and 4.1; XEP-0045, 6.6
TEST(room_iq, to_oneself_tells_whether_one_is_in) {
  test_room room(kept());
  room.fill();
  room.iq(hag, "get", "<ping xmlns='urn:xmpp:ping'/>", "thirdwitch");
  EXPECT_EQ(answer_of(room, hag), "result");
  room.iq("a@b/c", "get", "<ping xmlns='urn:xmpp:ping'/>", "thirdwitch");
  EXPECT_EQ(answer_of(room, "a@b/c"), "modify not-acceptable");
  room.iq(hag, "get", "<ping xmlns='urn:xmpp:ping'/>", "nobody");
  EXPECT_EQ(answer_of(room, hag), "cancel item-not-found");
  room.iq("a@b/c", "get", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "thirdwitch");
  EXPECT_EQ(answer_of(room, "a@b/c"), "modify bad-request");
}

// XEP-0045, 17.4: requests between occupants; the answer finds the session that asked
TEST(room_iq, goes_to_occupants_and_back) {
  test_room room(kept());
  room.fill();
  room.enter("hag66@shakespeare.lit/phone", "thirdwitch");
  room.forget();
  room.iq(hag, "get", "<query xmlns='jabber:iq:version'/>", "firstwitch");
  const xml::element asked = room.last(crone);
  EXPECT_EQ(asked.get("from"), coven + "/thirdwitch");
  room.take("<iq xmlns='jabber:client' type='result' id='" + std::string(asked.get("id")) + "' from='" +
            crone + "' to='" + coven +
            "/thirdwitch'><query xmlns='jabber:iq:version'><name>x</name></query></iq>");
  const xml::element answer = room.last(hag);
  EXPECT_EQ(answer.get("id"), "i");
  EXPECT_EQ(answer.get("from"), coven + "/firstwitch");
  EXPECT_TRUE(room.sent("hag66@shakespeare.lit/phone").empty());
  room.iq(hag, "get", "<vCard xmlns='vcard-temp'/>", "firstwitch");
  EXPECT_EQ(room.sent("crone1@shakespeare.lit").size(), 1U) << "the account's server answers";
  room.take("<iq xmlns='jabber:client' type='result' id='999-x' from='" + crone + "' to='" + coven +
            "/thirdwitch'/>");
  EXPECT_TRUE(room.sent(hag).empty());
}

} // namespace
} // namespace coppice::xmpp::muc
