#include "servers/xmpp/pubsub/avatars.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp::pubsub {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }

// The SHA-1 of "abc" is that of FIPS 180
const avatar abc{.id = "a9993e364706816aba3e25717850c26c9cd0d89d", .type = "image/png", .data = "abc"};

// XEP-0084, 3; XEP-0398, 3.1
TEST(avatars, of_items) {
  EXPECT_EQ(avatar_of_items(avatar_metadata(abc), avatar_data(abc)), abc);
  EXPECT_EQ(avatar_metadata(abc),
            parsed("<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='3'"
                   " id='a9993e364706816aba3e25717850c26c9cd0d89d' type='image/png'/></metadata>"));
  EXPECT_EQ(avatar_data(abc), parsed("<data xmlns='urn:xmpp:avatar:data'>YWJj</data>"));
}

TEST(avatars, a_picture_elsewhere_is_passed_over) {
  const xml::element both = parsed(
      "<metadata xmlns='urn:xmpp:avatar:metadata'>"
      "<info bytes='9' id='357a8123a30844a3aa99861b6349264ba67a5694' url='http://x/y.gif' type='image/gif'/>"
      "<info bytes='3' id='a9993e364706816aba3e25717850c26c9cd0d89d' type='image/png'/></metadata>");
  EXPECT_EQ(avatar_of_items(both, avatar_data(abc)), abc);
  EXPECT_EQ(avatar_id(both), abc.id);
  EXPECT_EQ(avatar_id(parsed("<metadata xmlns='urn:xmpp:avatar:metadata'/>")), "");
}

TEST(avatars, bytes_that_are_not_those_promised_are_none) {
  EXPECT_FALSE(
      avatar_of_items(avatar_metadata(abc), parsed("<data xmlns='urn:xmpp:avatar:data'>YWJk</data>")));
  EXPECT_FALSE(avatar_of_items(avatar_metadata(abc), parsed("<data xmlns='urn:xmpp:avatar:data'>!</data>")));
  EXPECT_FALSE(avatar_of_items(avatar_metadata(abc), parsed("<data xmlns='urn:xmpp:avatar:data'/>")));
  EXPECT_FALSE(avatar_of_items(parsed("<metadata xmlns='urn:xmpp:avatar:metadata'/>"), avatar_data(abc)));
}

// XEP-0153, 3.1; XEP-0398, 3.2
TEST(avatars, of_vcards) {
  EXPECT_EQ(avatar_of_vcard(parsed("<vCard xmlns='vcard-temp'><FN>J</FN><PHOTO><TYPE>image/png</TYPE>"
                                   "<BINVAL>\n  YW\n  Jj\n</BINVAL></PHOTO></vCard>")),
            abc);
  EXPECT_EQ(
      avatar_of_vcard(parsed("<vCard xmlns='vcard-temp'><PHOTO><BINVAL>/9j/</BINVAL></PHOTO></vCard>"))->type,
      "image/jpeg");
  EXPECT_FALSE(avatar_of_vcard(parsed("<vCard xmlns='vcard-temp'/>")));
  EXPECT_FALSE(
      avatar_of_vcard(parsed("<vCard xmlns='vcard-temp'><PHOTO><EXTVAL>http://x</EXTVAL></PHOTO></vCard>")));
  avatar huge = abc;
  huge.data.assign(most_avatar_bytes + 3, 'a');
  xml::element vcard("vcard-temp", "vCard");
  set_photo(vcard, huge);
  EXPECT_FALSE(avatar_of_vcard(vcard));
}

TEST(avatars, a_vcard_gets_the_picture_of_today) {
  xml::element vcard =
      parsed("<vCard xmlns='vcard-temp'><PHOTO><BINVAL>eHl6</BINVAL></PHOTO><FN>J</FN></vCard>");
  set_photo(vcard, abc);
  EXPECT_EQ(vcard, parsed("<vCard xmlns='vcard-temp'><FN>J</FN><PHOTO><TYPE>image/png</TYPE>"
                          "<BINVAL>YWJj</BINVAL></PHOTO></vCard>"));
  EXPECT_EQ(avatar_of_vcard(vcard), abc);
  set_photo(vcard, std::nullopt);
  EXPECT_EQ(vcard, parsed("<vCard xmlns='vcard-temp'><FN>J</FN></vCard>"));
}

std::string hashed(const std::string& presence, std::string_view id = "abc") {
  xml::element p = parsed("<presence xmlns='jabber:client'" + presence + "</presence>");
  add_avatar_hash(p, id);
  const xml::element* x = p.child("vcard-temp:x:update", "x");
  return x == nullptr ? "none" : x->text_of("photo").value_or("empty");
}

// XEP-0398, 4
TEST(avatars, presence_tells_of_them) {
  EXPECT_EQ(hashed(">"), "abc");
  EXPECT_EQ(hashed("><x xmlns='vcard-temp:x:update'/>"), "abc");
  EXPECT_EQ(hashed("><x xmlns='vcard-temp:x:update'><photo>old</photo></x>"), "abc");
  EXPECT_EQ(hashed("><x xmlns='vcard-temp:x:update'><photo/></x>"), "");
  EXPECT_EQ(hashed(" type='unavailable'>"), "none");
  EXPECT_EQ(hashed(">", ""), "none");
}

} // namespace
} // namespace coppice::xmpp::pubsub
