#include "servers/xmpp/caps.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
disco_info info_of(const std::string& content) {
  return parse_disco_info(
             parsed("<query xmlns='http://jabber.org/protocol/disco#info'>" + content + "</query>"))
      .value();
}
const std::string simple = "<identity category='client' name='Exodus 0.9.1' type='pc'/>"
                           "<feature var='http://jabber.org/protocol/muc'/>"
                           "<feature var='http://jabber.org/protocol/caps'/>"
                           "<feature var='http://jabber.org/protocol/disco#info'/>"
                           "<feature var='http://jabber.org/protocol/disco#items'/>";
const std::string form =
    "<x xmlns='jabber:x:data' type='result'>"
    "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>"
    "<field var='os'><value>Mac</value></field>"
    "<field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>"
    "<field var='os_version'><value>10.5.1</value></field>"
    "<field var='software_version'><value>0.11</value></field>"
    "<field var='software'><value>Psi</value></field></x>";
const std::string complex = "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
                            "<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>"
                            "<feature var='http://jabber.org/protocol/caps'/>"
                            "<feature var='http://jabber.org/protocol/disco#info'/>"
                            "<feature var='http://jabber.org/protocol/disco#items'/>"
                            "<feature var='http://jabber.org/protocol/muc'/>" +
                            form;

// XEP-0115, 5.2
TEST(caps, simple_example) {
  EXPECT_EQ(verification_string(info_of(simple), "sha-1"), "QgayPKawpkPSDYmwT/WM94uAlu0=");
}

// XEP-0115, 5.3
TEST(caps, complex_example) {
  EXPECT_EQ(verification_string(info_of(complex), "sha-1"), "q07IKJEyjvHSyhy//CH0CxmKi8w=");
}

TEST(caps, other_functions) {
  const auto ver = verification_string(info_of(simple), "sha-256");
  ASSERT_TRUE(ver);
  EXPECT_EQ(ver->size(), 44U);
  EXPECT_FALSE(verification_string(info_of(simple), "md5"));
}

// XEP-0115, 5.4
TEST(caps, what_is_there_twice_is_ill_formed) {
  EXPECT_FALSE(
      verification_string(info_of(simple + "<feature var='http://jabber.org/protocol/caps'/>"), "sha-1"));
  EXPECT_FALSE(verification_string(
      info_of(simple + "<identity category='client' name='Exodus 0.9.1' type='pc'/>"), "sha-1"));
  EXPECT_FALSE(verification_string(info_of(complex + form), "sha-1"));
  EXPECT_FALSE(verification_string(
      info_of("<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>a</value>"
              "<value>b</value></field></x>"),
      "sha-1"));
}

// XEP-0115, 5.4
TEST(caps, forms_without_a_hidden_type_are_passed_over) {
  const std::string open =
      "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>a</value></field></x>";
  const std::string none =
      "<x xmlns='jabber:x:data' type='result'><field var='a'><value>a</value></field></x>";
  EXPECT_EQ(verification_string(info_of(simple + open + none), "sha-1"), "QgayPKawpkPSDYmwT/WM94uAlu0=");
}

// XEP-0115, 8: one feature made of two
TEST(caps, what_could_be_read_in_two_ways_is_ill_formed) {
  EXPECT_TRUE(verification_string(info_of("<feature var='a'/><feature var='b'/>"), "sha-1"));
  EXPECT_FALSE(verification_string(info_of("<feature var='a&lt;b'/>"), "sha-1"));
}

// XEP-0115, 6.1 and 6.2
TEST(caps, of_a_presence) {
  const auto caps =
      parse_caps(parsed("<presence xmlns='jabber:client'><c xmlns='http://jabber.org/protocol/caps'"
                        " hash='sha-1' node='http://code.google.com/p/exodus'"
                        " ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>"));
  ASSERT_TRUE(caps);
  EXPECT_EQ(caps->disco_node(), "http://code.google.com/p/exodus#QgayPKawpkPSDYmwT/WM94uAlu0=");
  EXPECT_EQ(caps->key(), "sha-1 QgayPKawpkPSDYmwT/WM94uAlu0=");
  EXPECT_TRUE(matches(*caps, info_of(simple)));
  EXPECT_FALSE(matches(*caps, info_of(complex)));
  EXPECT_EQ(
      make_caps("http://code.google.com/p/exodus", info_of(simple)),
      parsed("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://code.google.com/p/exodus'"
             " ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>"));
  EXPECT_FALSE(parse_caps(parsed("<presence xmlns='jabber:client'><c xmlns='http://jabber.org/protocol/caps'"
                                 " node='http://psi-im.org/caps' ver='0.10' ext='ca cs'/></presence>")));
  EXPECT_FALSE(parse_caps(parsed("<presence xmlns='jabber:client'/>")));
}

} // namespace
} // namespace coppice::xmpp
