// What is said in rooms.
#include "servers/xmpp/data_form.hpp"
#include "servers/xmpp/muc/detail/test_room.hpp"

#include <gtest/gtest.h>

namespace coppice::xmpp::muc {
namespace {

/// The same with a visitor, thirdwitch.
room_state moderated() { return kept({.moderated = true}); }

// XEP-0045, 7.4, examples 44 and 45; XEP-0359, 5.1; XEP-0421, 3.2
TEST(room_message, goes_to_all) {
  test_room room(kept());
  room.fill();
  room.message(hag, "groupchat",
               "<body>Harpier cries: 'tis time, 'tis time.</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/>"
               "<stanza-id xmlns='urn:xmpp:sid:0' by='" +
                   coven +
                   "' id='forged'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>"
                   "<x xmlns='http://jabber.org/protocol/muc#user'><status code='307'/></x>"
                   "<delay xmlns='urn:xmpp:delay' from='" +
                   coven + "' stamp='2002-10-13T23:58:37Z'/>");
  for (const std::string& who : {crone, wicca, hag}) {
    const auto sent = room.sent(who);
    ASSERT_EQ(sent.size(), 1U);
    const xml::element& m = sent[0];
    EXPECT_EQ(m.get("from"), coven + "/thirdwitch");
    EXPECT_EQ(m.get("to"), who);
    EXPECT_EQ(m.get("id"), "m");
    EXPECT_EQ(m.get("type"), "groupchat");
    EXPECT_EQ(m.text_of("body"), "Harpier cries: 'tis time, 'tis time.");
    EXPECT_EQ(m.child(ns::stanza_ids, "stanza-id")->get("id"), "id1");
    EXPECT_EQ(m.child(ns::stanza_ids, "stanza-id")->get("by"), coven);
    EXPECT_EQ(m.child(ns::stanza_ids, "origin-id")->get("id"), "o");
    EXPECT_NE(m.child(ns::occupant_ids, "occupant-id")->get("id"), "forged");
    EXPECT_EQ(m.children().size(), 4U);
  }
}

TEST(room_message, is_archived_before_anyone_gets_it) {
  test_room room(kept());
  room.fill();
  const outcome out = room->take(jid::parse(hag).value(), room->address(),
                                 xml::parse_element("<message xmlns='jabber:client' type='groupchat' from='" +
                                                    hag + "' to='" + coven + "'><body>a</body></message>")
                                     .value(),
                                 room.at());
  ASSERT_EQ(out.size(), 2U);
  const auto& first = std::get<archive>(out[0]);
  EXPECT_EQ(first.id, "id1");
  EXPECT_EQ(first.sender.text(), hag);
  EXPECT_EQ(first.at, room.at().now);
  const auto& second = std::get<broadcast>(out[1]);
  EXPECT_EQ(first.message, second.stanza) << "one for all";
  EXPECT_EQ(second.to->size(), 3U);
}

// XEP-0334; what is of the moment is passed on and not kept
TEST(room_message, of_the_moment_is_not_archived) {
  test_room room(kept());
  room.fill();
  room.message(hag, "groupchat", "<composing xmlns='http://jabber.org/protocol/chatstates'/>");
  room.message(hag, "groupchat", "<body>a</body><no-store xmlns='urn:xmpp:hints'/>");
  room.message(hag, "groupchat", "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>");
  EXPECT_EQ(room.sent(crone).size(), 3U);
  EXPECT_TRUE(room.commands<archive>().empty());
  room.message(hag, "groupchat",
               "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>y</reaction></reactions>");
  EXPECT_EQ(room.commands<archive>().size(), 1U);
  EXPECT_NE(room.last(crone).child("urn:xmpp:reactions:0", "reactions"), nullptr);
}

TEST(room_message, is_not_archived_where_the_owner_wants_none) {
  test_room room(kept({.archived = false}));
  room.fill();
  room.say(hag, "a");
  EXPECT_TRUE(room.commands<archive>().empty());
  EXPECT_NE(room.last(crone).child(ns::stanza_ids, "stanza-id"), nullptr);
}

// XEP-0045, 7.4: who may not speak
TEST(room_message, is_refused_of_strangers_and_visitors) {
  test_room room(moderated());
  room.fill();
  room.say("macbeth@shakespeare.lit/x", "a");
  EXPECT_EQ(error_in(room.last("macbeth@shakespeare.lit/x")), "modify not-acceptable");
  room.say(hag, "a");
  EXPECT_EQ(error_in(room.last(hag)), "auth forbidden");
  EXPECT_TRUE(room.sent(crone).empty());
  room.message(crone, "chat", "<body>a</body>");
  EXPECT_EQ(error_in(room.last(crone)), "modify bad-request");
}

// XEP-0045, 7.5, examples 46 and following
TEST(room_message, may_be_private) {
  test_room room(kept());
  room.fill();
  room.message(wicca, "chat",
               "<body>I'll give thee a wind.</body><x xmlns='http://jabber.org/protocol/muc#user'/>",
               "firstwitch");
  const xml::element m = room.last(crone);
  EXPECT_EQ(m.get("from"), coven + "/secondwitch");
  EXPECT_EQ(m.get("type"), "chat");
  EXPECT_NE(m.child(ns::muc_user, "x"), nullptr);
  EXPECT_TRUE(room.sent(hag).empty());
  EXPECT_TRUE(room.sent(wicca).empty());
  EXPECT_TRUE(room.commands<archive>().empty());
  room.message(wicca, "groupchat", "<body>a</body>", "firstwitch");
  EXPECT_EQ(error_in(room.last(wicca)), "modify bad-request");
  room.message(wicca, "chat", "<body>a</body>", "nobody");
  EXPECT_EQ(error_in(room.last(wicca)), "cancel item-not-found");
  room.message("a@b/c", "chat", "<body>a</body>", "firstwitch");
  EXPECT_EQ(error_in(room.last("a@b/c")), "modify not-acceptable");
}

TEST(room_message, may_be_private_for_whom_the_owner_allows_it) {
  const auto refusal = [](private_messages pm, const std::string& who) {
    test_room room(kept({.moderated = true, .pm = pm}));
    room.fill();
    room.message(who, "chat", "<body>a</body>", "firstwitch");
    return error_in(room.last(who));
  };
  EXPECT_EQ(refusal(private_messages::anyone, hag), "");
  EXPECT_EQ(refusal(private_messages::participants, hag), "auth forbidden");
  EXPECT_EQ(refusal(private_messages::participants, wicca), "");
  EXPECT_EQ(refusal(private_messages::moderators, hag), "auth forbidden");
  EXPECT_EQ(refusal(private_messages::moderators, wicca), "");
  EXPECT_EQ(refusal(private_messages::none, wicca), "auth forbidden");
}

// XEP-0045, 8.1, examples 83 to 87; 7.2.14
TEST(room_message, may_change_the_subject) {
  test_room room(kept());
  room.fill();
  room.message(wicca, "groupchat", "<subject>Fire Burn and Cauldron Bubble!</subject>");
  const xml::element told = room.last(hag);
  EXPECT_EQ(told.get("from"), coven + "/secondwitch");
  EXPECT_EQ(told.text_of("subject"), "Fire Burn and Cauldron Bubble!");
  EXPECT_EQ(room.commands<store_subject>().size(), 1U);
  room.message(hag, "groupchat", "<subject>Mine</subject>");
  EXPECT_EQ(error_in(room.last(hag)), "auth forbidden");
  room.message(hag, "groupchat", "<subject>no subject</subject><body>as there is a body</body>");
  EXPECT_EQ(error_in(room.last(hag)), "");
  room.enter("a@b/c", "a");
  EXPECT_EQ(room.last("a@b/c").text_of("subject"), "Fire Burn and Cauldron Bubble!");
  room_state again = kept();
  again.subject = room->subject_text();
  test_room later(again);
  later.enter("a@b/c", "a");
  const xml::element message = later.last("a@b/c");
  EXPECT_EQ(message.text_of("subject"), "Fire Burn and Cauldron Bubble!");
  EXPECT_NE(message.child(ns::delay, "delay"), nullptr);
  EXPECT_EQ(message.get("from"), coven + "/secondwitch");
}

TEST(room_message, may_change_the_subject_if_participants_may) {
  test_room room(kept({.change_subject = true}), {.subject = 10});
  room.fill();
  room.message(hag, "groupchat", "<subject>Mine</subject>");
  EXPECT_EQ(room.last(crone).text_of("subject"), "Mine");
  room.message(hag, "groupchat", "<subject>12345678901</subject>");
  EXPECT_EQ(error_in(room.last(hag)), "modify not-acceptable");
  room.message(hag, "groupchat", "<subject/>");
  EXPECT_EQ(room.last(crone).text_of("subject"), "");
}

// XEP-0045, 7.8.2, examples 55 to 58
TEST(room_message, may_invite) {
  test_room room(kept({.password = "cauldronburn"}));
  room.enter(crone, "firstwitch", "<password>cauldronburn</password>");
  room.forget();
  room.message(crone, "",
               "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='hecate@shakespeare.lit'>"
               "<reason>Hey Hecate!</reason></invite><invite to='macbeth@shakespeare.lit'/></x>");
  const xml::element m = room.last("hecate@shakespeare.lit");
  EXPECT_EQ(m.get("from"), coven);
  const xml::element* x = m.child(ns::muc_user, "x");
  EXPECT_EQ(x->child("invite")->get("from"), "crone1@shakespeare.lit");
  EXPECT_EQ(x->child("invite")->text_of("reason"), "Hey Hecate!");
  EXPECT_EQ(x->text_of("password"), "cauldronburn");
  EXPECT_EQ(room.sent("macbeth@shakespeare.lit").size(), 1U);
  room.message("hecate@shakespeare.lit/broom", "",
               "<x xmlns='http://jabber.org/protocol/muc#user'><decline to='crone1@shakespeare.lit'>"
               "<reason>Sorry, I'm too busy right now.</reason></decline></x>");
  const xml::element declined = room.last("crone1@shakespeare.lit");
  EXPECT_EQ(declined.child(ns::muc_user, "x")->child("decline")->get("from"), "hecate@shakespeare.lit");
  room.message("hecate@shakespeare.lit/broom", "",
               "<x xmlns='http://jabber.org/protocol/muc#user'><decline to='somebody@else.lit'/></x>");
  EXPECT_EQ(error_in(room.last("hecate@shakespeare.lit/broom")), "cancel item-not-found");
  EXPECT_TRUE(room.sent("somebody@else.lit").empty());
}

// XEP-0045, 7.8.2: into rooms for members only
TEST(room_message, may_invite_for_members_if_the_owner_allows_it) {
  const auto invite = [](test_room& room, const std::string& who) {
    room.message(
        who, "",
        "<x xmlns='http://jabber.org/protocol/muc#user'><invite to='hecate@shakespeare.lit/x'/></x>");
  };
  room_state state = kept({.members_only = true});
  state.users["hag66@shakespeare.lit"] = {.is = affiliation::member};
  test_room room(state);
  room.fill();
  invite(room, hag);
  EXPECT_EQ(error_in(room.last(hag)), "auth forbidden");
  invite(room, wicca);
  EXPECT_EQ(room->affiliation_of(jid::parse("hecate@shakespeare.lit").value()), affiliation::member);
  EXPECT_EQ(room.commands<store_affiliation>().size(), 1U);
  state.config.invites = true;
  test_room open(state);
  open.fill();
  invite(open, hag);
  EXPECT_EQ(open.sent("hecate@shakespeare.lit/x").size(), 1U);
  EXPECT_EQ(open->affiliation_of(jid::parse("hecate@shakespeare.lit").value()), affiliation::member);
}

// XEP-0045, 7.13 and 8.6, examples 78, 104 and 105
TEST(room_message, may_ask_for_voice) {
  test_room room(moderated());
  room.fill();
  const std::string ask = "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>"
                          "http://jabber.org/protocol/muc#request</value></field><field var='muc#role'>"
                          "<value>participant</value></field>";
  room.message(hag, "", ask + "</x>");
  EXPECT_EQ(room.sent(wicca).size(), 1U);
  const xml::element asked = room.last(crone);
  EXPECT_EQ(asked.get("from"), coven);
  const data_form form = data_form::parse(*asked.child(ns::data_forms, "x")).value();
  EXPECT_EQ(form.value("muc#jid"), hag);
  EXPECT_EQ(form.value("muc#roomnick"), "thirdwitch");
  EXPECT_EQ(form.value("muc#request_allow"), "0");
  const std::string grant = ask + "<field var='muc#roomnick'><value>thirdwitch</value></field>"
                                  "<field var='muc#request_allow'><value>true</value></field></x>";
  room.message(hag, "", grant);
  EXPECT_EQ(error_in(room.last(hag)), "auth forbidden");
  room.message(crone, "", grant);
  EXPECT_EQ(standing_in(room.last(hag)), "none participant");
  room.say(hag, "Thrice the brinded cat hath mew'd.");
  EXPECT_EQ(room.last(crone).text_of("body"), "Thrice the brinded cat hath mew'd.");
  room.message(hag, "", ask + "</x>");
  EXPECT_EQ(error_in(room.last(hag)), "wait unexpected-request");
}

// XEP-0045, 18.1.2 (ghosts)
TEST(room_message, that_cannot_be_delivered_removes_the_ghost) {
  test_room room(kept());
  room.fill();
  room.message(
      hag, "error",
      "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
      "firstwitch");
  EXPECT_EQ(error_in(room.last(crone)), "cancel service-unavailable") << "it was a private message";
  room.message(
      hag, "error",
      "<error type='wait'><recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  const xml::element told = room.last(crone);
  EXPECT_EQ(told.get("type"), "unavailable");
  EXPECT_EQ(codes(told), (strings{"307", "333"}));
  EXPECT_EQ(room->size(), 2U);
  room.forget();
  room.message("a@b/c", "error",
               "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>");
  EXPECT_TRUE(room.sent("a@b/c").empty()) << "errors are not answered";
}

} // namespace
} // namespace coppice::xmpp::muc
