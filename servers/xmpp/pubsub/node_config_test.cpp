#include "servers/xmpp/pubsub/node_config.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp::pubsub {
namespace {

std::expected<node_config, stanza_error> with(std::string_view var, std::string_view value) {
  data_form form = data_form::of(form_kind::submit, config_form);
  form.add(var, value);
  return changed(node_config(), form);
}

// XEP-0163, 3.4
TEST(node_config, defaults_are_those_of_personal_events) {
  const node_config config = default_config("http://jabber.org/protocol/tune");
  EXPECT_EQ(config.access, access_model::presence);
  EXPECT_EQ(config.last, send_last::on_sub_and_presence);
  EXPECT_EQ(config.kept(), 1U);
}

// XEP-0402, 3.3: nobody's bookmarks leak because a client has forgotten to say so
TEST(node_config, bookmarks_are_closed_by_default) {
  const node_config config = default_config(ns::bookmarks);
  EXPECT_EQ(config.access, access_model::whitelist);
  EXPECT_EQ(config.kept(), most_items);
}

// XEP-0060, 8.2
TEST(node_config, answers_change_it) {
  EXPECT_EQ(with("pubsub#access_model", "open")->access, access_model::open);
  EXPECT_EQ(with("pubsub#send_last_published_item", "never")->last, send_last::never);
  EXPECT_EQ(with("pubsub#persist_items", "false")->kept(), 0U);
  EXPECT_EQ(with("pubsub#max_items", "10")->max_items, 10U);
  EXPECT_EQ(with("pubsub#max_items", "max")->max_items, most_items);
  EXPECT_EQ(with("pubsub#max_items", "1000000")->max_items, most_items);
  EXPECT_EQ(with("pubsub#roster_groups_allowed", "Friends")->groups, std::vector<std::string>{"Friends"});
  EXPECT_FALSE(with("pubsub#notification_type", "normal")->headline);
  EXPECT_TRUE(with("pubsub#publish_model", "publishers"));
}

TEST(node_config, what_cannot_be_is_refused) {
  for (const auto& [var, value] : {std::pair{"pubsub#access_model", "authorize"},
                                   {"pubsub#publish_model", "open"},
                                   {"pubsub#max_items", "-1"},
                                   {"pubsub#persist_items", "perhaps"},
                                   {"pubsub#send_last_published_item", "daily"},
                                   {"pubsub#notification_type", "chat"},
                                   {"pubsub#roster_groups_allowed", ""},
                                   {"pubsub#color", "red"},
                                   {"access_model", "open"}}) {
    const auto config = with(var, value);
    ASSERT_FALSE(config) << var;
    EXPECT_EQ(config.error().is, condition::not_acceptable);
  }
  EXPECT_FALSE(with("pubsub#title", std::string(1'024, 'x')));
}

TEST(node_config, its_form_holds_all_of_it) {
  const node_config config{.title = "T",
                           .type = "urn:x",
                           .access = access_model::roster,
                           .groups = {"A", "B"},
                           .persist = false,
                           .max_items = 7,
                           .last = send_last::on_sub,
                           .deliver_payloads = false,
                           .notify_retract = false,
                           .notify_delete = false,
                           .headline = false};
  const auto read = data_form::parse(to_element(to_form(config, form_kind::submit)));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(changed(node_config(), *read).value(), config);
  EXPECT_EQ(changed(config, to_form(node_config(), form_kind::submit))->access, access_model::presence);
}

} // namespace
} // namespace coppice::xmpp::pubsub
