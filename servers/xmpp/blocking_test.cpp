#include "servers/xmpp/blocking.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
jid address(std::string_view text) { return jid::parse(text).value(); }
const jid juliet = address("juliet@capulet.com/chamber");

auto request(const std::string& type, const std::string& content) {
  return parse_block_request(parsed("<iq xmlns='jabber:client' from='juliet@capulet.com/chamber' type='" +
                                    type + "' id='1'>" + content + "</iq>"),
                             2);
}
condition error_of(const std::string& type, const std::string& content) {
  const auto r = request(type, content);
  return r ? condition::undefined_condition : r.error().is;
}

// XEP-0191, 3.2 to 3.5
TEST(blocking, requests_are_read) {
  using kind = block_request::kind;
  EXPECT_EQ(request("get", "<blocklist xmlns='urn:xmpp:blocking'/>").value(), block_request());
  EXPECT_EQ(
      request("set", "<block xmlns='urn:xmpp:blocking'><item jid='Romeo@montague.net'/></block>").value(),
      (block_request{.wants = kind::block, .who = {address("romeo@montague.net")}}));
  EXPECT_EQ(
      request("set", "<unblock xmlns='urn:xmpp:blocking'><item jid='a@b'/><item jid='c'/></unblock>").value(),
      (block_request{.wants = kind::unblock, .who = {address("a@b"), address("c")}}));
  EXPECT_EQ(request("set", "<unblock xmlns='urn:xmpp:blocking'/>").value(),
            block_request{.wants = kind::unblock_all});
}

TEST(blocking, nonsense_is_refused) {
  EXPECT_EQ(error_of("set", "<block xmlns='urn:xmpp:blocking'/>"), condition::bad_request);
  EXPECT_EQ(error_of("get", "<block xmlns='urn:xmpp:blocking'><item jid='a@b'/></block>"),
            condition::bad_request);
  EXPECT_EQ(error_of("set", "<blocklist xmlns='urn:xmpp:blocking'/>"), condition::bad_request);
  EXPECT_EQ(error_of("set", "<block xmlns='urn:x'><item jid='a@b'/></block>"), condition::bad_request);
  EXPECT_EQ(error_of("set", ""), condition::bad_request);
  EXPECT_EQ(error_of("set", "<block xmlns='urn:xmpp:blocking'><item/></block>"), condition::jid_malformed);
  EXPECT_EQ(
      error_of("set",
               "<block xmlns='urn:xmpp:blocking'><item jid='a'/><item jid='b'/><item jid='c'/></block>"),
      condition::resource_constraint);
}

// XEP-0191, 5
TEST(blocking, an_entry_stands_for_what_is_below_it) {
  struct entry {
    const char* entry;
    bool full, bare, other_resource, domain, domain_resource;
  };
  for (const entry& e : {entry{"user@domain/resource", true, false, false, false, false},
                         entry{"user@domain", true, true, true, false, false},
                         entry{"domain/resource", true, false, false, false, true},
                         entry{"domain", true, true, true, true, true},
                         entry{"user@other", false, false, false, false, false}}) {
    block_list list;
    EXPECT_TRUE(list.add(address(e.entry)));
    EXPECT_FALSE(list.add(address(e.entry)));
    EXPECT_EQ(list.blocks(address("user@domain/resource")), e.full) << e.entry;
    EXPECT_EQ(list.blocks(address("user@domain")), e.bare) << e.entry;
    EXPECT_EQ(list.blocks(address("user@domain/other")), e.other_resource) << e.entry;
    EXPECT_EQ(list.blocks(address("domain")), e.domain) << e.entry;
    EXPECT_EQ(list.blocks(address("domain/resource")), e.domain_resource) << e.entry;
    EXPECT_TRUE(list.remove(address(e.entry)));
    EXPECT_FALSE(list.remove(address(e.entry)));
    EXPECT_FALSE(list.blocks(address("user@domain/resource")));
  }
}

// XEP-0191, 3.2 and 3.3
TEST(blocking, answers_and_pushes_are_written) {
  block_list list;
  list.add(address("romeo@montague.net"));
  list.add(address("iago@shakespeare.lit"));
  EXPECT_EQ(
      block_list_result(parsed("<iq xmlns='jabber:client' type='get' id='blocklist1'/>"), list),
      parsed("<iq xmlns='jabber:client' type='result' id='blocklist1'><blocklist xmlns='urn:xmpp:blocking'>"
             "<item jid='iago@shakespeare.lit'/><item jid='romeo@montague.net'/></blocklist></iq>"));
  EXPECT_EQ(block_push({.wants = block_request::kind::block, .who = {address("romeo@montague.net")}},
                       juliet.text(), "push1"),
            parsed("<iq xmlns='jabber:client' to='juliet@capulet.com/chamber' type='set' id='push1'>"
                   "<block xmlns='urn:xmpp:blocking'><item jid='romeo@montague.net'/></block></iq>"));
  EXPECT_EQ(
      block_push({.wants = block_request::kind::unblock_all}, juliet.text(), "push5").first()->to_string(),
      "<unblock xmlns=\"urn:xmpp:blocking\"/>");
}

std::string incoming(const std::string& stanza) {
  block_list list;
  list.add(address("romeo@montague.net"));
  const auto verdict =
      judge_incoming(list, juliet, address("romeo@montague.net/orchard"),
                     parsed("<" + stanza + " xmlns='jabber:client' from='romeo@montague.net/orchard' />"));
  if (verdict.passes) return "passes";
  return verdict.answer ? std::string(name_of(verdict.answer->is)) : "dropped";
}

// XEP-0191, 3.3
TEST(blocking, whoever_is_blocked_finds_nobody) {
  for (const char* type : {"subscribe", "probe", "unavailable"}) {
    EXPECT_EQ(incoming("presence type='" + std::string(type) + "'"), "dropped");
  }
  EXPECT_EQ(incoming("presence"), "dropped");
  EXPECT_EQ(incoming("message"), "service-unavailable");
  EXPECT_EQ(incoming("message type='chat'"), "service-unavailable");
  EXPECT_EQ(incoming("message type='groupchat'"), "dropped");
  EXPECT_EQ(incoming("message type='headline'"), "dropped");
  EXPECT_EQ(incoming("message type='error'"), "dropped");
  EXPECT_EQ(incoming("iq type='get'"), "service-unavailable");
  EXPECT_EQ(incoming("iq type='set'"), "service-unavailable");
  EXPECT_EQ(incoming("iq type='result'"), "dropped");
  EXPECT_EQ(incoming("iq type='error'"), "dropped");
}

// XEP-0191, 3.3
TEST(blocking, a_user_is_told_that_he_blocks_whom_he_writes_to) {
  block_list list;
  list.add(address("romeo@montague.net"));
  const xml::element message =
      parsed("<message xmlns='jabber:client' from='juliet@capulet.com/chamber' to='romeo@montague.net'/>");
  const auto verdict = judge_outgoing(list, juliet, address("romeo@montague.net"), message);
  ASSERT_TRUE(verdict.answer);
  EXPECT_FALSE(verdict.passes);
  EXPECT_EQ(
      to_element(*verdict.answer),
      parsed("<error xmlns='jabber:client' type='cancel'>"
             "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
             "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>You block this address.</text>"
             "<blocked xmlns='urn:xmpp:blocking:errors'/></error>"));
  EXPECT_TRUE(judge_outgoing(list, juliet, address("nurse@capulet.com"), message).passes);
}

TEST(blocking, a_users_own_resources_always_reach_each_other) {
  block_list list;
  list.add(address("capulet.com"));
  const xml::element message = parsed("<message xmlns='jabber:client'/>");
  EXPECT_TRUE(judge_incoming(list, juliet, address("juliet@capulet.com/balcony"), message).passes);
  EXPECT_TRUE(judge_outgoing(list, juliet, juliet.bare(), message).passes);
  EXPECT_FALSE(judge_incoming(list, juliet, address("nurse@capulet.com"), message).passes);
}

} // namespace
} // namespace coppice::xmpp
