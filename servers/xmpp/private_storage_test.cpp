#include "servers/xmpp/private_storage.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
auto request(const std::string& type, const std::string& content) {
  return parse_private_request(parsed("<iq xmlns='jabber:client' type='" + type +
                                      "' id='1'><query xmlns='jabber:iq:private'>" + content +
                                      "</query></iq>"),
                               2);
}
condition error_of(const std::string& type, const std::string& content) {
  const auto r = request(type, content);
  return r ? condition::undefined_condition : r.error().is;
}
const std::string exodus = "<exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus>";

// XEP-0049, 2.2
TEST(private_storage, keeps_parts_and_gives_them_back) {
  EXPECT_EQ(request("set", exodus).value(), (private_request{.keeps = true, .parts = {parsed(exodus)}}));
  const auto back = request("get", exodus);
  EXPECT_EQ(back.value(), private_request{.parts = {xml::element("exodus:prefs", "exodus")}});
  EXPECT_EQ(private_key(back->parts[0]), private_key(parsed(exodus)));
  EXPECT_EQ(private_result(parsed("<iq xmlns='jabber:client' from='hamlet@shakespeare.lit/denmark' type='get'"
                                  " id='1001'/>"),
                           parsed(exodus)),
            parsed("<iq xmlns='jabber:client' to='hamlet@shakespeare.lit/denmark' type='result' id='1001'>"
                   "<query xmlns='jabber:iq:private'>" +
                   exodus + "</query></iq>"));
}

// XEP-0048, by XEP-0049: not a reserved namespace
TEST(private_storage, bookmarks_can_be_kept) {
  EXPECT_TRUE(request("set", "<storage xmlns='storage:bookmarks'/>"));
}

// XEP-0049, 2.3
TEST(private_storage, what_makes_no_sense_is_refused) {
  EXPECT_EQ(error_of("get", ""), condition::bad_request);
  EXPECT_EQ(error_of("get", exodus + exodus), condition::bad_request);
  EXPECT_EQ(error_of("set", exodus + exodus + exodus), condition::bad_request);
  EXPECT_EQ(error_of("set", "<vCard xmlns='vcard-temp'/>"), condition::not_acceptable);
  EXPECT_EQ(error_of("set", "<query xmlns='jabber:iq:roster'/>"), condition::not_acceptable);
  EXPECT_EQ(error_of("set", "<a xmlns='http://jabber.org/x'/>"), condition::not_acceptable);
  EXPECT_EQ(error_of("set", "<a xmlns=''/>"), condition::not_acceptable);
  EXPECT_FALSE(parse_private_request(parsed("<iq xmlns='jabber:client' type='get' id='1'/>")));
}

} // namespace
} // namespace coppice::xmpp
