#include "servers/xmpp/result_set.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp {
namespace {

std::expected<page_request, stanza_error> request(const std::string& content) {
  return parse_page_request(
      xml::parse_element("<query xmlns='x'><set xmlns='http://jabber.org/protocol/rsm'>" + content +
                         "</set></query>")
          .value());
}

TEST(result_set, nothing_is_wanted_where_nothing_is_said) {
  EXPECT_EQ(parse_page_request(xml::element("x", "query")).value(), page_request());
  EXPECT_EQ(request("").value(), page_request());
}

// XEP-0059, 2.1 to 2.6
TEST(result_set, the_pages_are_those_asked_for) {
  EXPECT_EQ(request("<max>10</max>").value(), page_request{.max = 10});
  EXPECT_EQ(request("<max>10</max><after>peterpan@neverland.lit</after>").value(),
            (page_request{.max = 10, .after = "peterpan@neverland.lit"}));
  EXPECT_EQ(request("<max>10</max><before/>").value(), (page_request{.max = 10, .before = ""}));
  EXPECT_EQ(request("<max>10</max><before>peter@pixyland.org</before>").value(),
            (page_request{.max = 10, .before = "peter@pixyland.org"}));
  EXPECT_EQ(request("<max>10</max><index>371</index>").value(), (page_request{.max = 10, .index = 371}));
  EXPECT_TRUE(request("<before/>")->is_backwards());
  EXPECT_FALSE(request("<after>1</after>")->is_backwards());
}

TEST(result_set, the_server_bounds_a_page) {
  EXPECT_EQ(request("<max>1000</max>")->size(50), 50U);
  EXPECT_EQ(request("<max>5</max>")->size(50), 5U);
  EXPECT_EQ(request("<max>0</max>")->size(50), 0U);
  EXPECT_EQ(request("")->size(50), 50U);
}

TEST(result_set, nonsense_is_refused) {
  for (const std::string& text :
       {std::string("<max>ten</max>"), std::string("<max>-1</max>"), std::string("<max/>"),
        std::string("<max>99999999999999999999</max>"), std::string("<index>1x</index>"),
        std::string("<after/>"), "<after>" + std::string(1025, 'a') + "</after>",
        "<before>" + std::string(1025, 'a') + "</before>"}) {
    const auto page = request(text);
    ASSERT_FALSE(page) << text;
    EXPECT_EQ(page.error().is, condition::bad_request);
  }
}

// XEP-0059, 2.2 and 2.7
TEST(result_set, a_page_says_where_it_stands) {
  EXPECT_EQ(
      to_element(
          {.first = "stpeter@jabber.org", .last = "peterpan@neverland.lit", .first_index = 0, .count = 800}),
      xml::parse_element("<set xmlns='http://jabber.org/protocol/rsm'>"
                         "<first index='0'>stpeter@jabber.org</first>"
                         "<last>peterpan@neverland.lit</last><count>800</count></set>")
          .value());
  EXPECT_EQ(to_element({.count = 0}),
            xml::parse_element("<set xmlns='http://jabber.org/protocol/rsm'><count>0</count></set>").value());
}

} // namespace
} // namespace coppice::xmpp
