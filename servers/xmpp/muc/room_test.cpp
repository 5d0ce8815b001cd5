// Entering, leaving, presence, nicks.
#include "servers/xmpp/muc/room.hpp"

#include "servers/xmpp/muc/detail/test_room.hpp"

#include <gtest/gtest.h>

namespace coppice::xmpp::muc {
namespace {

// XEP-0045, 10.1.1 and 10.1.2, examples 154 and following: an instant room
TEST(room, is_made_by_who_enters_first) {
  test_room room;
  room.enter(crone, "firstwitch");
  const auto sent = room.sent(crone);
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].get("from"), coven + "/firstwitch");
  EXPECT_EQ(standing_in(sent[0]), "owner moderator");
  EXPECT_EQ(codes(sent[0]), (strings{"170", "201", "110"}));
  EXPECT_EQ(sent[1].to_string(ns::client),
            "<message from=\"" + coven + "\" type=\"groupchat\" to=\"" + crone + "\"><subject/></message>");
  room.enter(hag, "thirdwitch");
  EXPECT_EQ(error_in(room.last(hag)), "cancel item-not-found") << "locked, 7.2.11";
  room.configure(crone, "");
  EXPECT_EQ(room.last(crone).get("type"), "result");
  EXPECT_EQ(room.commands<store_config>().size(), 1U);
  room.enter(hag, "thirdwitch");
  EXPECT_EQ(codes(room.sent(hag)[1]), (strings{"170", "110"}));
}

// XEP-0045, 7.2.3: the service has written the nick in another way
TEST(room, says_that_a_nick_is_another) {
  test_room room(kept({}));
  room.enter(crone, "first\u00a0witch"); // a space of another kind
  const auto sent = room.sent(crone);
  EXPECT_EQ(sent[0].get("from"), coven + "/first witch");
  EXPECT_EQ(codes(sent[0]), (strings{"170", "210", "110"}));
}

// XEP-0045, 10.1.3
TEST(room, is_given_up_by_who_does_not_configure_it) {
  test_room room;
  room.enter(crone, "firstwitch");
  room.set(crone,
           "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='cancel'/>"
           "</query>");
  EXPECT_EQ(room.commands<destroyed>().size(), 1U);
  test_room other;
  other.enter(crone, "firstwitch");
  other.leave(crone, "firstwitch");
  EXPECT_EQ(other.commands<destroyed>().size(), 1U);
}

// XEP-0045, 7.2.2 and 7.2.3, examples 18 to 21
TEST(room, tells_who_is_in_then_that_one_has_entered) {
  test_room room(kept({.anonymous = false}));
  room.enter(crone, "firstwitch");
  room.enter(wicca, "secondwitch");
  room.forget();
  room.enter(hag, "thirdwitch");
  const auto sent = room.sent(hag);
  ASSERT_EQ(sent.size(), 4U);
  EXPECT_EQ(sent[0].get("from"), coven + "/firstwitch");
  EXPECT_EQ(standing_in(sent[0]), "owner moderator");
  EXPECT_EQ(sent[1].get("from"), coven + "/secondwitch");
  EXPECT_EQ(standing_in(sent[1]), "admin moderator");
  EXPECT_EQ(sent[2].get("from"), coven + "/thirdwitch");
  EXPECT_EQ(standing_in(sent[2]), "none participant");
  EXPECT_EQ(codes(sent[2]), (strings{"100", "170", "110"}));
  EXPECT_EQ(sent[3].name(), "message");
  const auto told = room.sent(crone);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(item(told[0]).get("jid"), hag);
  EXPECT_TRUE(codes(told[0]).empty());
  EXPECT_EQ(room.sent(wicca).size(), 1U);
}

// XEP-0045, 7.2.4: in a semi-anonymous room only moderators see addresses
TEST(room, tells_addresses_to_moderators_alone) {
  test_room room(kept());
  room.fill();
  room.enter("macbeth@shakespeare.lit/x", "macbeth");
  EXPECT_EQ(item(room.last(crone)).get("jid"), "macbeth@shakespeare.lit/x");
  EXPECT_EQ(item(room.last(hag)).find("jid"), std::nullopt);
  for (const xml::element& e : room.sent("macbeth@shakespeare.lit/x")) {
    const bool own = e.get("from") == coven + "/macbeth";
    EXPECT_EQ(item(e).find("jid").has_value(), own);
  }
}

// XEP-0045, 7.2.1: the nick must be there; 7.2.3 groupchat 1.0 (example 38)
TEST(room, answers_presence_that_does_not_enter) {
  test_room room(kept());
  room.take("<presence xmlns='jabber:client' from='" + hag + "' to='" + coven +
            "'><x xmlns='http://jabber.org/protocol/muc'/></presence>");
  EXPECT_EQ(error_in(room.last(hag)), "modify jid-malformed");
  room.take("<presence xmlns='jabber:client' from='" + hag + "' to='" + coven + "/thirdwitch'/>");
  const xml::element kick = room.last(hag);
  EXPECT_EQ(kick.get("type"), "unavailable");
  EXPECT_EQ(codes(kick), (strings{"307", "333", "110"}));
  EXPECT_EQ(standing_in(kick), "none none");
  room.leave(hag, "thirdwitch");
  EXPECT_TRUE(room.sent(hag).empty());
}

// XEP-0045, 7.2.5 to 7.2.10
TEST(room, refuses_who_may_not_enter) {
  room_state state = kept({.password = "cauldronburn", .members_only = true, .max_users = 2});
  state.users["hag66@shakespeare.lit"] = {.is = affiliation::outcast};
  state.users["macbeth@shakespeare.lit"] = {.is = affiliation::member, .nick = "mac"};
  state.users["banquo@shakespeare.lit"] = {.is = affiliation::member};
  test_room room(state);
  const std::string banquo = "banquo@shakespeare.lit/x";
  const std::string password = "<password>cauldronburn</password>";
  const auto refusal = [&](const std::string& who, const std::string& nick, const std::string& inside) {
    room.enter(who, nick, inside);
    return error_in(room.last(who));
  };
  EXPECT_EQ(refusal(hag, "thirdwitch", password), "auth forbidden");
  EXPECT_EQ(refusal("x@y/z", "x", password), "auth registration-required");
  EXPECT_EQ(refusal(banquo, "banquo", ""), "auth not-authorized");
  EXPECT_EQ(refusal(banquo, "banquo", "<password>wrong</password>"), "auth not-authorized");
  EXPECT_EQ(refusal(banquo, "mac", password), "cancel conflict") << "reserved";
  EXPECT_EQ(refusal(banquo, " ", password), "modify not-acceptable");
  EXPECT_EQ(refusal(banquo, std::string(65, 'x'), password), "modify not-acceptable");
  EXPECT_EQ(refusal(banquo, "banquo", password), "");
  EXPECT_EQ(refusal(crone, "banquo", password), "cancel conflict");
  EXPECT_EQ(refusal(crone, "firstwitch", password), "");
  EXPECT_EQ(refusal("macbeth@shakespeare.lit/x", "mac", password), "wait service-unavailable");
  EXPECT_EQ(refusal(wicca, "secondwitch", password), "") << "an administrator, 7.2.10";
}

// XEP-0045, 7.14, examples 80 to 82
TEST(room, tells_that_one_has_left) {
  test_room room(kept());
  room.fill();
  room.take("<presence xmlns='jabber:client' type='unavailable' from='" + hag + "' to='" + coven +
            "/thirdwitch'><status>gone where the goblins go</status></presence>");
  const xml::element own = room.last(hag);
  EXPECT_EQ(own.get("type"), "unavailable");
  EXPECT_EQ(codes(own), strings{"110"});
  const xml::element told = room.last(crone);
  EXPECT_EQ(told.get("from"), coven + "/thirdwitch");
  EXPECT_EQ(standing_in(told), "none none");
  EXPECT_EQ(told.text_of("status"), "gone where the goblins go");
  EXPECT_EQ(room->size(), 2U);
  room.gone(wicca);
  EXPECT_EQ(room.last(crone).get("type"), "unavailable");
}

TEST(room, ends_when_the_last_one_leaves_if_it_is_temporary) {
  test_room room;
  room.enter(crone, "firstwitch");
  room.configure(crone, "");
  room.enter(hag, "thirdwitch");
  room.leave(crone, "firstwitch");
  EXPECT_TRUE(room.commands<destroyed>().empty());
  room.gone(hag);
  EXPECT_EQ(room.commands<destroyed>().size(), 1U);
}

// XEP-0045, 7.7, example 52
TEST(room, passes_changes_of_presence_on) {
  test_room room(kept());
  room.fill();
  room.take("<presence xmlns='jabber:client' from='" + wicca + "' to='" + coven +
            "/secondwitch' id='p1'><show>xa</show><status>gone</status><x "
            "xmlns='http://jabber.org/protocol/muc#user'>"
            "<item affiliation='owner' role='moderator'/></x><occupant-id xmlns='urn:xmpp:occupant-id:0' "
            "id='forged'/>"
            "</presence>");
  const xml::element told = room.last(hag);
  EXPECT_EQ(told.text_of("show"), "xa");
  EXPECT_EQ(told.text_of("status"), "gone");
  EXPECT_EQ(standing_in(told), "admin moderator");
  EXPECT_NE(told.child(ns::occupant_ids, "occupant-id")->get("id"), "forged");
  EXPECT_EQ(codes(room.last(wicca)), strings{"110"});
}

// XEP-0045, 7.6, examples 47 to 50
TEST(room, tells_of_new_nicks) {
  test_room room(kept());
  room.fill();
  room.take("<presence xmlns='jabber:client' from='" + hag + "' to='" + coven + "/oldhag'/>");
  const auto told = room.sent(crone);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].get("from"), coven + "/thirdwitch");
  EXPECT_EQ(told[0].get("type"), "unavailable");
  EXPECT_EQ(item(told[0]).get("nick"), "oldhag");
  EXPECT_EQ(standing_in(told[0]), "none participant");
  EXPECT_EQ(codes(told[0]), strings{"303"});
  EXPECT_EQ(told[1].get("from"), coven + "/oldhag");
  EXPECT_EQ(told[1].find("type"), std::nullopt);
  const auto own = room.sent(hag);
  ASSERT_EQ(own.size(), 2U);
  EXPECT_EQ(codes(own[0]), (strings{"303", "110"}));
  EXPECT_EQ(codes(own[1]), strings{"110"});
  EXPECT_EQ(room->nick_of(jid::parse(hag).value()), "oldhag");
  room.take("<presence xmlns='jabber:client' from='" + hag + "' to='" + coven + "/firstwitch'/>");
  EXPECT_EQ(error_in(room.last(hag)), "cancel conflict");
  EXPECT_EQ(room->nick_of(jid::parse(hag).value()), "oldhag");
}

// Several sessions of one user under one nick: for the others he is one
TEST(room, takes_several_sessions_of_one_user) {
  test_room room(kept());
  room.fill();
  const std::string phone = "hag66@shakespeare.lit/phone";
  room.enter(phone, "thirdwitch");
  EXPECT_EQ(room->size(), 3U);
  EXPECT_EQ(room.sent(phone).size(), 4U);
  room.forget();
  room.say(phone, "from afar");
  EXPECT_EQ(room.last(hag).get("from"), coven + "/thirdwitch");
  room.forget();
  room.leave(phone, "thirdwitch");
  EXPECT_EQ(room.last(phone).get("type"), "unavailable");
  EXPECT_EQ(room.last(crone).find("type"), std::nullopt) << "the other session is shown";
  EXPECT_EQ(room.last(hag).find("type"), std::nullopt);
  room.leave(hag, "thirdwitch");
  EXPECT_EQ(room.last(crone).get("type"), "unavailable");
}

TEST(room, lets_one_of_several_sessions_take_another_nick) {
  test_room room(kept());
  room.fill();
  const std::string phone = "hag66@shakespeare.lit/phone";
  room.enter(phone, "thirdwitch");
  room.forget();
  room.take("<presence xmlns='jabber:client' from='" + phone + "' to='" + coven + "/oldhag'/>");
  EXPECT_EQ(room->size(), 4U);
  EXPECT_EQ(room->nick_of(jid::parse(hag).value()), "thirdwitch");
  const auto own = room.sent(phone);
  EXPECT_EQ(codes(own.front()), (strings{"303", "110"}));
  EXPECT_EQ(own.back().get("from"), coven + "/oldhag");
  for (const xml::element& e : room.sent(crone)) EXPECT_EQ(e.find("type"), std::nullopt);
  room.take("<presence xmlns='jabber:client' from='" + phone + "' to='" + coven + "/thirdwitch'/>");
  EXPECT_EQ(room->size(), 3U);
  const auto told = room.sent(crone);
  EXPECT_EQ(codes(told.front()), strings{"303"});
  EXPECT_EQ(told.back().get("from"), coven + "/thirdwitch");
}

// Who enters again is told everything again: his client has lost it
TEST(room, tells_all_again_to_who_enters_again) {
  test_room room(kept());
  room.fill();
  room.enter(hag, "thirdwitch");
  EXPECT_EQ(room.sent(hag).size(), 4U);
  EXPECT_EQ(room->size(), 3U);
}

TEST(room, limits_sessions_and_presence) {
  test_room room(kept(), {.sessions = 2, .presence = 500});
  room.enter("hag66@shakespeare.lit/1", "h");
  room.enter("hag66@shakespeare.lit/2", "h");
  room.enter("hag66@shakespeare.lit/3", "h");
  EXPECT_EQ(error_in(room.last("hag66@shakespeare.lit/3")), "wait resource-constraint");
  room.enter(crone, "c", std::string(500, 'x'));
  EXPECT_EQ(error_in(room.last(crone)), "modify policy-violation");
}

// XEP-0045, 7.2.13, examples 33 to 36
TEST(room, gives_history) {
  test_room room(kept());
  room.enter(crone, "firstwitch");
  for (int i = 1; i <= 30; ++i) {
    room.at().now += std::chrono::seconds(1);
    room.say(crone, "line " + std::to_string(i));
  }
  room.forget();
  const auto given = [&](const std::string& history) {
    room.enter(hag, "thirdwitch", history);
    strings lines;
    for (const xml::element& e : room.sent(hag)) {
      if (e.name() == "message" && e.child("subject") == nullptr) lines.push_back(e.text_of("body").value());
    }
    return lines;
  };
  EXPECT_EQ(given("").size(), 20U);
  EXPECT_EQ(given("").back(), "line 30");
  EXPECT_EQ(given("<history maxstanzas='2'/>"), (strings{"line 29", "line 30"}));
  EXPECT_EQ(given("<history maxchars='0'/>"), strings());
  EXPECT_EQ(given("<history seconds='1'/>"), (strings{"line 29", "line 30"}));
  EXPECT_EQ(given("<history since='2001-09-09T01:47:10Z'/>"), strings{"line 30"});
  EXPECT_EQ(given("<history maxstanzas='-1' since='yesterday'/>").size(), 20U);
  room.enter(hag, "thirdwitch", "<history maxstanzas='1'/>");
  const auto sent = room.sent(hag);
  const xml::element& message = sent[sent.size() - 2];
  EXPECT_EQ(message.get("from"), coven + "/firstwitch");
  const xml::element* delay = message.child(ns::delay, "delay");
  ASSERT_NE(delay, nullptr);
  EXPECT_EQ(delay->get("from"), coven);
  EXPECT_EQ(delay->get("stamp"), "2001-09-09T01:47:10Z");
}

TEST(room, keeps_history_within_bounds) {
  history h(100, 3000);
  for (int i = 0; i < 50; ++i) {
    h.add(std::make_shared<const xml::element>(xml::element("a", "b").add_text(std::string(900, 'x'))), {});
  }
  EXPECT_EQ(h.size(), 3U);
  h.add(std::make_shared<const xml::element>(xml::element("a", "b").add_text(std::string(9000, 'x'))), {});
  EXPECT_EQ(h.size(), 3U);
}

// XEP-0045, 17.3 (status 332)
TEST(room, tells_when_the_service_ends) {
  test_room room(kept());
  room.fill();
  room.record(room->shut_down());
  EXPECT_EQ(codes(room.last(hag)), (strings{"332", "110"}));
  EXPECT_EQ(room->size(), 0U);
  EXPECT_TRUE(room.commands<destroyed>().empty());
}

// XEP-0421, 3.3: stable, of the account, another in another room
TEST(room, names_occupants_by_stable_identifiers) {
  test_room room(kept());
  room.fill();
  const auto id = [&](const std::string& who, const std::string& nick) {
    room.enter(who, nick);
    const xml::element e = room.last(crone);
    return std::string(e.child(ns::occupant_ids, "occupant-id")->get("id"));
  };
  const std::string first = id("a@b/1", "a");
  room.leave("a@b/1", "a");
  EXPECT_EQ(id("a@b/2", "other"), first);
  EXPECT_NE(id("b@b/1", "b"), first);
  class room another(jid::parse("heath@chat.shakespeare.lit").value(), kept(), {}, "secret");
  const outcome out =
      another.take(jid::parse("a@b/1").value(), jid::parse("heath@chat.shakespeare.lit/a").value(),
                   xml::parse_element("<presence xmlns='jabber:client'><x "
                                      "xmlns='http://jabber.org/protocol/muc'/></presence>")
                       .value(),
                   room.at());
  const auto& own = std::get<broadcast>(out.front());
  EXPECT_NE(own.stanza->child(ns::occupant_ids, "occupant-id")->get("id"), first);
}

} // namespace
} // namespace coppice::xmpp::muc
