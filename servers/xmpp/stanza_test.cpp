#include "servers/xmpp/stanza.hpp"

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <gtest/gtest.h>

namespace coppice::xmpp {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }

TEST(stanza, is_known_by_its_name_in_its_namespace) {
  EXPECT_EQ(kind_of(parsed("<message xmlns='jabber:client'/>")), stanza_kind::message);
  EXPECT_EQ(kind_of(parsed("<presence xmlns='jabber:client'/>")), stanza_kind::presence);
  EXPECT_EQ(kind_of(parsed("<iq xmlns='jabber:client'/>")), stanza_kind::iq);
  EXPECT_EQ(kind_of(parsed("<iq xmlns='jabber:server'/>")), stanza_kind::none);
  EXPECT_EQ(kind_of(parsed("<r xmlns='jabber:client'/>")), stanza_kind::none);
}

// RFC 6120, 8.3.1
TEST(stanza, is_answered_with_an_error_the_other_way_round) {
  const xml::element asked =
      parsed("<iq xmlns='jabber:client' from='juliet@im.example.com/balcony' id='zj3v142b'"
             " to='im.example.com' type='get'><query xmlns='jabber:iq:roster'/></iq>");
  EXPECT_EQ(error_reply(asked, {.is = condition::service_unavailable}),
            parsed("<iq xmlns='jabber:client' to='juliet@im.example.com/balcony' id='zj3v142b'"
                   " from='im.example.com' type='error'><error type='cancel'><service-unavailable"
                   " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"));
}

TEST(stanza, errors_say_more_when_there_is_more_to_say) {
  const stanza_error e{condition::not_acceptable, "Too long.", "wait", xml::element("urn:x", "too-long")};
  EXPECT_EQ(to_element(e).to_string(ns::client),
            "<error type=\"wait\"><not-acceptable xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\"/>"
            "<text xmlns=\"urn:ietf:params:xml:ns:xmpp-stanzas\" xml:lang=\"en\">Too long.</text>"
            "<too-long xmlns=\"urn:x\"/></error>");
}

TEST(stanza, errors_and_results_are_not_answered) {
  EXPECT_TRUE(may_be_answered(parsed("<message xmlns='jabber:client' from='a@b'/>")));
  EXPECT_TRUE(may_be_answered(parsed("<iq xmlns='jabber:client' from='a@b' type='get'/>")));
  EXPECT_FALSE(may_be_answered(parsed("<iq xmlns='jabber:client' from='a@b' type='result'/>")));
  EXPECT_FALSE(may_be_answered(parsed("<message xmlns='jabber:client' from='a@b' type='error'/>")));
  EXPECT_FALSE(may_be_answered(parsed("<message xmlns='jabber:client'/>")));
}

// RFC 6120, 8.2.3
TEST(stanza, an_iq_has_an_id_a_type_and_one_payload) {
  EXPECT_TRUE(is_sound_iq(parsed("<iq id='1' type='get'><q xmlns='a'/></iq>")));
  EXPECT_TRUE(is_sound_iq(parsed("<iq id='1' type='result'/>")));
  EXPECT_FALSE(is_sound_iq(parsed("<iq type='get'><q xmlns='a'/></iq>")));
  EXPECT_FALSE(is_sound_iq(parsed("<iq id='1' type='get'/>")));
  EXPECT_FALSE(is_sound_iq(parsed("<iq id='1' type='set'><q xmlns='a'/><q xmlns='b'/></iq>")));
  EXPECT_FALSE(is_sound_iq(parsed("<iq id='1' type='push'><q xmlns='a'/></iq>")));
  EXPECT_FALSE(is_sound_iq(parsed("<iq id='1'/>")));
}

TEST(stanza, every_condition_has_its_name) {
  EXPECT_EQ(name_of(condition::bad_request), "bad-request");
  EXPECT_EQ(name_of(condition::unexpected_request), "unexpected-request");
  EXPECT_EQ(type_of(condition::forbidden), "auth");
  EXPECT_EQ(type_of(condition::resource_constraint), "wait");
}

} // namespace
} // namespace coppice::xmpp
