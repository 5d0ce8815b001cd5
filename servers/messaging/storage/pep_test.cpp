#include "servers/messaging/storage/pep.hpp"

#include "servers/messaging/storage/storage_test.hpp"
#include "servers/messaging/storage/vcard.hpp"
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/pubsub/avatars.hpp"

#include <gmock/gmock.h>

namespace coppice::messaging::storage {
namespace {

namespace pubsub = xmpp::pubsub;
namespace ns = xmpp::ns;
using store::transaction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class nodes_of_an_account : public on_tables {
protected:
  carried_out carry(std::vector<pubsub::command> todo) {
    return in([&](transaction& t) { return carry_out(t, "a@h", todo, at_us(++now_)); });
  }
  std::vector<std::string> ids(std::string_view node, std::size_t newest = 100) {
    std::vector<std::string> all;
    for (const auto& one : in([&](transaction& t) { return read_items(t, "a@h", node, newest); })) {
      all.push_back(one.id);
    }
    return all;
  }
  static pubsub::put_item item(std::string_view node, std::string id, xml::element payload,
                               std::size_t keep = 100) {
    return {.node = std::string(node),
            .id = std::move(id),
            .payload = std::move(payload),
            .publisher = "a@h/r",
            .keep = keep};
  }
  /// The picture in the vCard.
  std::optional<pubsub::avatar> photo() {
    const auto card = in([](transaction& t) { return load_vcard(t, "a@h"); });
    if (!card) return std::nullopt;
    return pubsub::avatar_of_vcard(xml::parse_element(*card).value());
  }

private:
  std::int64_t now_ = 0;
};
COPPICE_ON_BOTH(nodes_of_an_account);

TEST_P(nodes_of_an_account, have_so_much_room) {
  carry({pubsub::save_node{"n", {.config = {.max_items = 2}}}});
  const auto put = [&](const char* id, std::size_t size, std::int64_t room) {
    xml::element payload("urn:x", "x");
    payload.add_text(std::string(size, 'x'));
    const std::vector<pubsub::command> todo{item("n", id, payload, 2)};
    return in([&](transaction& t) { return carry_out(t, "a@h", todo, at_us(1), room); });
  };
  const auto used = [&] { return in([](transaction& t) { return load_account_nodes(t, "a@h"); }).bytes; };
  const carried_out first = put("1", 100, 200);
  EXPECT_FALSE(first.full);
  EXPECT_EQ(first.grown, used());
  EXPECT_TRUE(put("2", 100, 50).full);
  EXPECT_THAT(ids("n"), ElementsAre("1"));
  EXPECT_EQ(put("1", 150, 50).grown, 50) << "in the place of the first";
  EXPECT_LT(put("1", 10, -5).grown, 0) << "who has too much may have less";
  put("2", 10, 200);
  EXPECT_EQ(put("3", 10, 200).grown, 0) << "the first has gone";
  const std::int64_t before = used();
  EXPECT_EQ(carry({pubsub::drop_item{"n", "2"}, pubsub::drop_node{"n"}}).grown, -before);
  EXPECT_EQ(used(), 0);
}

TEST_P(nodes_of_an_account, are_kept_with_their_configuration_and_items) {
  const pubsub::node open{.config = {.access = pubsub::access_model::open, .max_items = 2},
                          .subscribers = {jid("b@h")}};
  carry({pubsub::save_node{"n", open}});
  for (const char* id : {"1", "2", "3"}) carry({item("n", id, xml::element("urn:x", "x"), 2)});
  EXPECT_THAT(ids("n"), ElementsAre("2", "3"));
  EXPECT_THAT(ids("n", 1), ElementsAre("3"));
  const stored_account found = in([](transaction& t) { return load_account_nodes(t, "a@h"); });
  EXPECT_EQ(found.nodes.at("n"), open);
  EXPECT_EQ(found.avatar, "");
  const pubsub::node other{.config = {.max_items = 1}};
  carry({pubsub::drop_items{"n", 1}, pubsub::save_node{"n", other}});
  EXPECT_THAT(ids("n"), ElementsAre("3"));
  EXPECT_EQ(in([](transaction& t) { return load_account_nodes(t, "a@h"); }).nodes.at("n"), other);
  carry({pubsub::drop_node{"n"}});
  EXPECT_THAT(ids("n"), IsEmpty());
  EXPECT_THAT(in([](transaction& t) { return load_account_nodes(t, "a@h"); }).nodes, IsEmpty());
}

TEST_P(nodes_of_an_account, give_items_as_they_are_asked_for) {
  carry({pubsub::save_node{"n", {}}});
  for (const char* id : {"1", "2", "3"}) carry({item("n", id, xml::element("urn:x", std::string("x") + id))});
  const auto some = carry({pubsub::read_items{.node = "n", .ids = {"3", "none", "1"}}}).items;
  ASSERT_EQ(some.size(), 2U);
  EXPECT_EQ(some[0].payload, xml::element("urn:x", "x3"));
  EXPECT_EQ(some[0].publisher, "a@h/r");
  EXPECT_EQ(some[1].id, "1");
  EXPECT_EQ(carry({pubsub::send_last_item{"n", jid("b@h")}}).items.at(0).id, "3");
  EXPECT_TRUE(carry({pubsub::drop_item{"n", "2"}}).found);
  EXPECT_FALSE(carry({pubsub::drop_item{"n", "2"}}).found);
  EXPECT_THAT(ids("n"), ElementsAre("1", "3"));
}

TEST_P(nodes_of_an_account, keep_nothing_where_items_do_not_persist) {
  carry({pubsub::save_node{"n", {}}, item("n", "1", xml::element("urn:x", "x"), 0)});
  EXPECT_THAT(ids("n"), IsEmpty());
}

TEST_P(nodes_of_an_account, answer_with_no_more_than_fits) {
  carry({pubsub::save_node{"n", {}}});
  const std::string text(most_answer / 3, 'x');
  for (const char* id : {"1", "2", "3", "4"}) {
    carry({item("n", id, xml::element("urn:x", "x").add_text(text))});
  }
  EXPECT_THAT(ids("n"), ElementsAre("3", "4"));
}

// XEP-0398, 3
TEST_P(nodes_of_an_account, show_the_published_picture_in_the_card) {
  const pubsub::avatar picture =
      pubsub::avatar_of_vcard(xml::parse_element("<vCard xmlns='vcard-temp'><PHOTO><BINVAL>aGVsbG8=</BINVAL>"
                                                 "</PHOTO></vCard>")
                                  .value())
          .value();
  in([](transaction& t) { save_vcard(t, "a@h", "<vCard xmlns='vcard-temp'><FN>A</FN></vCard>"); });
  carry({pubsub::save_node{std::string(ns::user_avatar_data), {}},
         pubsub::save_node{std::string(ns::user_avatar_metadata), {}}});
  EXPECT_FALSE(carry({item(ns::user_avatar_metadata, picture.id, pubsub::avatar_metadata(picture))}).avatar)
      << "there are no bytes yet";
  EXPECT_FALSE(carry({item(ns::user_avatar_data, picture.id, pubsub::avatar_data(picture))}).avatar);
  EXPECT_EQ(carry({item(ns::user_avatar_metadata, picture.id, pubsub::avatar_metadata(picture))}).avatar,
            picture.id);
  EXPECT_EQ(photo(), picture);
  EXPECT_EQ(in([](transaction& t) { return load_account_nodes(t, "a@h"); }).avatar, picture.id);
  EXPECT_EQ(
      carry({item(ns::user_avatar_metadata, "none", xml::element(ns::user_avatar_metadata, "metadata"))})
          .avatar,
      "");
  EXPECT_EQ(photo(), std::nullopt);
  EXPECT_EQ(in([](transaction& t) { return load_vcard(t, "a@h"); }),
            xml::parse_element("<vCard xmlns='vcard-temp'><FN>A</FN></vCard>")->to_string());
  EXPECT_EQ(in([](transaction& t) { return load_account_nodes(t, "a@h"); }).avatar, "");
}

} // namespace
} // namespace coppice::messaging::storage
