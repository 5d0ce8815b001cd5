#include "servers/xmpp/pubsub/bookmarks.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp::pubsub {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
const std::string extended =
    "<conference xmlns='urn:xmpp:bookmarks:1' name='The Orchard' autojoin='1'>"
    "<nick>JC</nick><extensions><state xmlns='http://myclient.example/bookmark/state'"
    " minimized='true'/></extensions></conference>";
const std::vector<stored_item> present{
    {.id = "theplay@conference.shakespeare.lit",
     .payload = parsed("<conference xmlns='urn:xmpp:bookmarks:1' name='The Play' autojoin='true'>"
                       "<nick>JC</nick><password>secret</password></conference>")},
    {.id = "orchard@conference.shakespeare.lit", .payload = parsed(extended)},
    {.id = "odd", .payload = parsed("<x xmlns='y'/>")},
};
const std::string as_storage =
    "<conference name='The Play' autojoin='true' jid='theplay@conference.shakespeare.lit'>"
    "<nick>JC</nick><password>secret</password></conference>"
    "<conference name='The Orchard' autojoin='1' "
    "jid='orchard@conference.shakespeare.lit'><nick>JC</nick></conference>";

bookmark_changes changes(const std::string& content) {
  return changes_by_storage(parsed("<storage xmlns='storage:bookmarks'>" + content + "</storage>"), present);
}

// XEP-0402, 6; XEP-0048, 2.1
TEST(bookmarks, the_list_of_old_is_a_view) {
  EXPECT_EQ(to_storage(present), parsed("<storage xmlns='storage:bookmarks'>" + as_storage + "</storage>"));
  EXPECT_EQ(to_storage({}), parsed("<storage xmlns='storage:bookmarks'/>"));
}

TEST(bookmarks, the_same_list_changes_nothing) { EXPECT_TRUE(changes(as_storage).empty()); }

TEST(bookmarks, a_list_of_old_changes_what_is_other) {
  const auto c =
      changes("<conference name='Orchard' jid='orchard@conference.shakespeare.lit'/>"
              "<conference jid='New@conference.shakespeare.lit'><nick>J</nick></conference>"
              "<conference jid='new@conference.shakespeare.lit'/><conference jid='@'/><conference/>"
              "<url name='x' url='http://x'/>");
  ASSERT_EQ(c.put.size(), 2U);
  EXPECT_EQ(c.put[0].id, "orchard@conference.shakespeare.lit");
  EXPECT_EQ(
      c.put[0].payload,
      parsed("<conference xmlns='urn:xmpp:bookmarks:1' name='Orchard'><extensions><state"
             " xmlns='http://myclient.example/bookmark/state' minimized='true'/></extensions></conference>"));
  EXPECT_EQ(c.put[1].id, "new@conference.shakespeare.lit");
  EXPECT_EQ(c.put[1].payload, parsed("<conference xmlns='urn:xmpp:bookmarks:1'><nick>J</nick></conference>"));
  EXPECT_EQ(c.removed, std::vector<std::string>{"theplay@conference.shakespeare.lit"});
}

TEST(bookmarks, an_empty_list_removes_all) {
  const auto c = changes("");
  EXPECT_TRUE(c.put.empty());
  EXPECT_EQ(c.removed.size(), 2U) << "what is no bookmark stays";
}

} // namespace
} // namespace coppice::xmpp::pubsub
