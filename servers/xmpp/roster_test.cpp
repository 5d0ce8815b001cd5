#include "servers/xmpp/roster.hpp"

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace coppice::xmpp {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
jid address(std::string_view text) { return jid::parse(text).value(); }

const jid juliet = address("juliet@example.com/balcony");

auto set_of(const std::string& items) {
  return parse_roster_set(parsed("<query xmlns='jabber:iq:roster'>" + items + "</query>"), juliet,
                          {.name = 10, .group = 10, .groups = 2});
}
condition error_of(const std::string& items) {
  const auto set = set_of(items);
  return set ? condition::undefined_condition : set.error().is;
}

// RFC 6121, 2.3.1
TEST(roster, a_contact_is_set_with_his_name_and_groups) {
  EXPECT_EQ(set_of("<item jid='nurse@example.com' name='Nurse'><group>Servants</group></item>").value(),
            (roster_set{.contact = address("nurse@example.com"), .name = "Nurse", .groups = {"Servants"}}));
}

// RFC 6121, 2.1.2.5: what a client says of the subscription is nothing to go by
TEST(roster, nobody_sets_his_own_subscription) {
  EXPECT_EQ(
      set_of("<item jid='NURSE@example.com/x' subscription='both' ask='subscribe' approved='true'/>").value(),
      roster_set{.contact = address("nurse@example.com")});
}

// RFC 6121, 2.5.1
TEST(roster, a_contact_is_removed) {
  EXPECT_EQ(set_of("<item jid='nurse@example.com' subscription='remove'/>").value(),
            (roster_set{.contact = address("nurse@example.com"), .remove = true}));
}

// RFC 6121, 2.3.3
TEST(roster, what_is_wrong_is_refused) {
  EXPECT_EQ(error_of(""), condition::bad_request);
  EXPECT_EQ(error_of("<item jid='a@b'/><item jid='c@d'/>"), condition::bad_request);
  EXPECT_EQ(error_of("<x xmlns='y' jid='a@b'/>"), condition::bad_request);
  EXPECT_EQ(error_of("<item jid='a@b'><group>G</group><group>G</group></item>"), condition::bad_request);
  EXPECT_EQ(error_of("<item jid='a@b' name='01234567890'/>"), condition::not_acceptable);
  EXPECT_EQ(error_of("<item jid='a@b'><group/></item>"), condition::not_acceptable);
  EXPECT_EQ(error_of("<item jid='a@b'><group>01234567890</group></item>"), condition::not_acceptable);
  EXPECT_EQ(error_of("<item jid='a@b'><group>1</group><group>2</group><group>3</group></item>"),
            condition::not_acceptable);
  EXPECT_EQ(error_of("<item/>"), condition::jid_malformed);
  EXPECT_EQ(error_of("<item jid='@'/>"), condition::jid_malformed);
  EXPECT_EQ(error_of("<item jid='juliet@example.com'/>"), condition::not_allowed);
}

// RFC 6121, 2.1.4
TEST(roster, a_result_shows_what_is_listed) {
  const std::vector<roster_item> items{
      {.contact = address("romeo@example.net"),
       .name = "Romeo",
       .state = {.to = true, .from = true},
       .groups = {"Friends"}},
      {.contact = address("mercutio@example.com"), .state = {.asked = true, .asking = true}},
      {.contact = address("tybalt@example.com"), .state = {.asking = true}, .listed = false},
      {.contact = address("nurse@example.com"), .state = {.approved = true}},
  };
  const xml::element asked = parsed("<iq xmlns='jabber:client' from='juliet@example.com/balcony' id='h'"
                                    " type='get'><query xmlns='jabber:iq:roster' ver='1'/></iq>");
  EXPECT_EQ(
      roster_result(asked, items, 11),
      parsed("<iq xmlns='jabber:client' to='juliet@example.com/balcony' id='h' type='result'>"
             "<query xmlns='jabber:iq:roster' ver='11'>"
             "<item jid='romeo@example.net' name='Romeo' subscription='both'><group>Friends</group></item>"
             "<item jid='mercutio@example.com' subscription='none' ask='subscribe'/>"
             "<item jid='nurse@example.com' subscription='none' approved='true'/>"
             "</query></iq>"));
  EXPECT_FALSE(roster_result(asked, items, std::nullopt).first()->find("ver"));
}

// RFC 6121, 2.1.6
TEST(roster, a_push_says_what_has_changed) {
  roster_item item{.contact = address("nurse@example.com"), .name = "Nurse"};
  EXPECT_EQ(roster_push(item, juliet.text(), "a78b4q6ha463", 13),
            parsed("<iq xmlns='jabber:client' to='juliet@example.com/balcony' id='a78b4q6ha463' type='set'>"
                   "<query xmlns='jabber:iq:roster' ver='13'>"
                   "<item jid='nurse@example.com' name='Nurse' subscription='none'/></query></iq>"));
  item.listed = false;
  EXPECT_EQ(roster_push(item, juliet.text(), "1", 14).first()->first()->to_string(ns::roster),
            "<item jid=\"nurse@example.com\" subscription=\"remove\"/>");
}

// XEP-0237, 3.2
TEST(roster, a_client_gets_what_it_lacks) {
  EXPECT_EQ(answer_to(std::nullopt, 9, 0), roster_answer::whole);
  EXPECT_EQ(answer_to("", 9, 0), roster_answer::whole);
  EXPECT_EQ(answer_to("ver14", 9, 0), roster_answer::whole);
  EXPECT_EQ(answer_to("9", 9, 0), roster_answer::unchanged);
  EXPECT_EQ(answer_to("5", 9, 5), roster_answer::changes);
  EXPECT_EQ(answer_to("4", 9, 5), roster_answer::whole);
  EXPECT_EQ(answer_to("10", 9, 5), roster_answer::whole) << "restored from a backup";
  EXPECT_EQ(answer_to("99999999999999999999", std::numeric_limits<std::uint64_t>::max(), 0),
            roster_answer::whole);
}

} // namespace
} // namespace coppice::xmpp
