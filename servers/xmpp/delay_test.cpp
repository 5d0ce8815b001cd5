#include "servers/xmpp/delay.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

namespace coppice::xmpp {
namespace {

constexpr instant landing = std::chrono::sys_days(std::chrono::year(1969) / 7 / 21) + std::chrono::hours(2) +
                            std::chrono::minutes(56) + std::chrono::seconds(15);

// XEP-0082, 3.2
TEST(delay, a_time_has_one_text_and_several_to_read) {
  EXPECT_EQ(to_text(landing), "1969-07-21T02:56:15Z");
  EXPECT_EQ(to_text(landing + std::chrono::milliseconds(7)), "1969-07-21T02:56:15.007000Z");
  EXPECT_EQ(parse_instant("1969-07-21T02:56:15Z"), landing);
  EXPECT_EQ(parse_instant("1969-07-20T21:56:15-05:00"), landing);
  EXPECT_EQ(parse_instant("1969-07-21T04:26:15+01:30"), landing);
  EXPECT_EQ(parse_instant("1969-07-21T02:56:15.007Z"), landing + std::chrono::milliseconds(7));
  EXPECT_EQ(parse_instant("1969-07-21T02:56:15.1234567891234Z"),
            landing + std::chrono::microseconds(123'456));
}

TEST(delay, what_is_no_time_is_none) {
  for (const char* text :
       {"", "1969-07-21", "1969-07-21T02:56:15", "1969-02-29T02:56:15Z", "1969-13-21T02:56:15Z",
        "1969-07-21T24:00:00Z", "1969-07-21T02:60:00Z", "1969-07-21T02:56:61Z", "1969-07-21T02:56:15.Z",
        "1969-07-21T02:56:15Zx", "1969-07-21T02:56:15+1", "1969-07-21T02:56:15+01:00x", "69-07-21T02:56:15Z",
        "1969-07-21 02:56:15Z", "1969-07-21T02:56:15z", "+969-07-21T02:56:15Z"}) {
    EXPECT_FALSE(parse_instant(text)) << text;
  }
}

// XEP-0203, 2
TEST(delay, a_stanza_is_stamped_once_by_each) {
  xml::element message = xml::parse_element("<message xmlns='jabber:client'/>").value();
  add_delay(message, "capulet.com", landing);
  add_delay(message, "capulet.com", landing + std::chrono::hours(1));
  EXPECT_EQ(message, xml::parse_element("<message xmlns='jabber:client'><delay xmlns='urn:xmpp:delay'"
                                        " from='capulet.com' stamp='1969-07-21T02:56:15Z'/></message>")
                         .value());
  add_delay(message, "room@capulet.com", landing);
  EXPECT_EQ(message.children().size(), 2U);
}

} // namespace
} // namespace coppice::xmpp
