// Nodes and rooms.
#include "servers/messaging/storage/archive.hpp"
#include "servers/messaging/storage/pubsub.hpp"
#include "servers/messaging/storage/rooms.hpp"
#include "servers/messaging/storage/storage_test.hpp"

#include <gmock/gmock.h>

namespace coppice::messaging::storage {
namespace {

using store::transaction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class a_node : public on_tables {
protected:
  std::optional<std::vector<std::string>> publish(const std::string& id, std::size_t most = 100) {
    auto gone = in([&](transaction& t) {
      return publish_item(t, "a@h", "n", {id, "a@h/r", at_us(7), "<i>" + id + "</i>"}, most);
    });
    if (!gone) return std::nullopt;
    return gone->ids;
  }
  std::vector<std::string> items() {
    return in([](transaction& t) { return list_items(t, "a@h", "n"); });
  }
  node_creation create(const std::string& name, std::size_t most = 100) {
    return in([&](transaction& t) { return create_node(t, "a@h", {name, "config", at_us(3)}, most); });
  }
};
COPPICE_ON_BOTH(a_node);

TEST_P(a_node, knows_how_many_bytes_it_has) {
  create("n");
  const auto put = [&](const std::string& id, const std::string& payload, std::size_t most) {
    return in([&](transaction& t) { return publish_item(t, "a@h", "n", {id, "", at_us(7), payload}, most); })
        ->bytes;
  };
  EXPECT_EQ(put("1", "<i>☃</i>", 2), 0);
  EXPECT_EQ(put("1", "<i/>", 2), 10) << "its predecessor";
  EXPECT_EQ(put("2", "<i>2</i>", 2), 0);
  EXPECT_EQ(put("3", "<i/>", 2), 4) << "the oldest";
  EXPECT_EQ(in([](transaction& t) { return item_bytes(t, "a@h", "n", "2"); }), 8);
  EXPECT_EQ(in([](transaction& t) { return item_bytes(t, "a@h", "n", "1"); }), 0);
  EXPECT_EQ(in([](transaction& t) { return node_bytes(t, "a@h", "n"); }), 12);
  EXPECT_EQ(in([](transaction& t) { return all_node_bytes(t, "a@h"); }), 12);
  EXPECT_EQ(in([](transaction& t) { return all_node_bytes(t, "b@h"); }), 0);
}

TEST_P(a_node, is_made_configured_and_removed) {
  EXPECT_EQ(create("n", 2), node_creation::created);
  EXPECT_EQ(create("n", 2), node_creation::exists);
  EXPECT_EQ(create("m", 2), node_creation::created);
  EXPECT_EQ(create("o", 2), node_creation::full);
  EXPECT_TRUE(in([](transaction& t) { return configure_node(t, "a@h", "n", "other"); }));
  EXPECT_FALSE(in([](transaction& t) { return configure_node(t, "a@h", "x", "other"); }));
  auto found = in([](transaction& t) { return find_node(t, "a@h", "n"); });
  ASSERT_TRUE(found);
  EXPECT_EQ(found->config, "other");
  EXPECT_EQ(found->created, at_us(3));
  publish("1");
  EXPECT_TRUE(in([](transaction& t) { return remove_node(t, "a@h", "n"); }));
  EXPECT_FALSE(in([](transaction& t) { return remove_node(t, "a@h", "n"); }));
  EXPECT_THAT(items(), IsEmpty());
  auto nodes = in([](transaction& t) { return list_nodes(t, "a@h"); });
  ASSERT_EQ(nodes.size(), 1U);
  EXPECT_EQ(nodes[0].name, "m");
}

TEST_P(a_node, holds_its_items_in_the_order_of_publication) {
  EXPECT_EQ(publish("1"), std::nullopt);
  create("n");
  EXPECT_THAT(publish("1").value(), IsEmpty());
  publish("2");
  publish("1");
  EXPECT_THAT(items(), ElementsAre("2", "1"));
  auto newest = in([](transaction& t) { return load_items(t, "a@h", "n", 1); });
  ASSERT_EQ(newest.size(), 1U);
  EXPECT_EQ(newest[0].id, "1");
  EXPECT_EQ(newest[0].publisher, "a@h/r");
  EXPECT_EQ(newest[0].at, at_us(7));
  EXPECT_EQ(newest[0].payload, "<i>1</i>");
  EXPECT_EQ(in([](transaction& t) { return find_item(t, "a@h", "n", "2"); })->payload, "<i>2</i>");
  EXPECT_FALSE(in([](transaction& t) { return find_item(t, "a@h", "n", "3"); }));
  EXPECT_TRUE(in([](transaction& t) { return retract_item(t, "a@h", "n", "2"); }));
  EXPECT_FALSE(in([](transaction& t) { return retract_item(t, "a@h", "n", "2"); }));
  in([](transaction& t) { purge_node(t, "a@h", "n"); });
  EXPECT_THAT(items(), IsEmpty());
}

TEST_P(a_node, lets_the_oldest_go) {
  create("n");
  for (const char* id : {"1", "2", "3"}) publish(id);
  EXPECT_THAT(publish("4", 2).value(), ElementsAre("1", "2"));
  EXPECT_THAT(items(), ElementsAre("3", "4"));
  EXPECT_THAT(publish("5", 0).value(), ElementsAre("3", "4")); // the newest always stays
}

class a_room : public on_tables {};
COPPICE_ON_BOTH(a_room);

TEST_P(a_room, is_kept_with_who_is_what_in_it) {
  auto affiliate = [&](const stored_affiliation& a) {
    return in([&](transaction& t) { return save_affiliation(t, "r@h", a, 2); });
  };
  in([](transaction& t) { save_room(t, {"r@h", "config", "", at_us(1)}); });
  EXPECT_TRUE(in([](transaction& t) { return save_room_subject(t, "r@h", "<subject/>"); }));
  EXPECT_TRUE(in([](transaction& t) { return save_room_config(t, "r@h", "new"); }));
  EXPECT_FALSE(in([](transaction& t) { return save_room_config(t, "x@h", "new"); }));
  auto room = in([](transaction& t) { return find_room(t, "r@h"); });
  ASSERT_TRUE(room);
  EXPECT_EQ(room->config, "new");
  EXPECT_EQ(room->subject, "<subject/>");
  EXPECT_EQ(room->created, at_us(1));

  EXPECT_TRUE(affiliate({"a@h", 4, "", "alice"}));
  EXPECT_TRUE(affiliate({"b@h", 1, "rude", ""}));
  EXPECT_FALSE(affiliate({"c@h", 1, "", ""}));
  EXPECT_TRUE(affiliate({"b@h", 2, "", ""}));
  auto all = in([](transaction& t) { return load_affiliations(t, "r@h"); });
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].nick, "alice");
  EXPECT_EQ(all[1].affiliation, 2);
  EXPECT_EQ(all[1].reason, "");
  EXPECT_TRUE(affiliate({"b@h", 0, "", ""}));
  EXPECT_EQ(in([](transaction& t) { return load_affiliations(t, "r@h"); }).size(), 1U);

  in([](transaction& t) { append_to_archive(t, "r@h", {1, "r@h", "alice", at_us(1), "<m/>"}); });
  EXPECT_TRUE(in([](transaction& t) { return remove_room(t, "r@h"); }));
  EXPECT_FALSE(in([](transaction& t) { return remove_room(t, "r@h"); }));
  EXPECT_THAT(in([](transaction& t) { return load_affiliations(t, "r@h"); }), IsEmpty());
  EXPECT_FALSE(in([](transaction& t) { return is_archived(t, "r@h", 1); }));
}

TEST_P(a_room, is_listed_in_pages) {
  for (const char* name : {"b@h", "c@h", "a@h"}) {
    in([&](transaction& t) { save_room(t, {name, "", "", at_us(1)}); });
  }
  auto list = [&](std::string_view after) {
    std::vector<std::string> names;
    for (const stored_room& r : in([&](transaction& t) { return list_rooms(t, after, 2); }))
      names.push_back(r.address);
    return names;
  };
  EXPECT_THAT(list(""), ElementsAre("a@h", "b@h"));
  EXPECT_THAT(list("b@h"), ElementsAre("c@h"));
}

} // namespace
} // namespace coppice::messaging::storage
