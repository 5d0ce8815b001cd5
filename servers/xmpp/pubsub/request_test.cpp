#include "servers/xmpp/pubsub/request.hpp"

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/pubsub/node_config.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp::pubsub {
namespace {

using kind = request::kind;

std::expected<request, stanza_error> read(const std::string& type, const std::string& content,
                                          const std::string& ns = "") {
  return parse_request(xml::parse_element("<iq xmlns='jabber:client' type='" + type +
                                          "' id='1'><pubsub xmlns='http://jabber.org/protocol/pubsub" + ns +
                                          "'>" + content + "</pubsub></iq>")
                           .value());
}
std::string error_of(const std::string& type, const std::string& content, const std::string& ns = "") {
  const auto r = read(type, content, ns);
  if (r) return "none";
  return std::string(name_of(r.error().is)) + ' ' + r.error().more.name();
}
std::string form(std::string_view form_type, const std::string& type = "submit") {
  return "<x xmlns='jabber:x:data' type='" + type + "'><field var='FORM_TYPE' type='hidden'><value>" +
         std::string(form_type) + "</value></field></x>";
}

// XEP-0060, 7.1.1 and 7.1.5
TEST(pubsub_request, publish) {
  const auto r =
      read("set", "<publish node='n'><item id='bnd81g37d61f49fgn581'><tune xmlns='t'/></item></publish>");
  EXPECT_EQ(r.value(), (request{.wants = kind::publish,
                                .node = "n",
                                .ids = {"bnd81g37d61f49fgn581"},
                                .item = xml::element("t", "tune")}));
  EXPECT_TRUE(read("set", "<publish node='n'><item><tune xmlns='t'/></item></publish>")->ids.empty());
  EXPECT_TRUE(read("set", "<publish node='n'><item><tune xmlns='t'/></item></publish><publish-options>" +
                              form(options_form) + "</publish-options>")
                  ->form);
}

// XEP-0060, 7.1.3
TEST(pubsub_request, publish_errors) {
  EXPECT_EQ(error_of("set", "<publish><item><t xmlns='t'/></item></publish>"), "bad-request nodeid-required");
  EXPECT_EQ(error_of("set", "<publish node='n'/>"), "bad-request item-required");
  EXPECT_EQ(error_of("set", "<publish node='n'><item/></publish>"), "bad-request payload-required");
  EXPECT_EQ(error_of("set", "<publish node='n'><item><a xmlns='t'/><b xmlns='t'/></item></publish>"),
            "bad-request invalid-payload");
  EXPECT_EQ(error_of("set", "<publish node='n'><item/><item/></publish>"), "not-allowed max-items-exceeded");
  EXPECT_EQ(error_of("set",
                     "<publish node='" + std::string(1'024, 'n') + "'><item><t xmlns='t'/></item></publish>"),
            "not-acceptable ");
  EXPECT_EQ(error_of("set", "<publish node='n'><item id='" + std::string(1'024, 'n') +
                                "'><t xmlns='t'/></item></publish>"),
            "not-acceptable ");
  EXPECT_EQ(error_of("set", "<publish node='n'><item><t xmlns='t'/></item></publish><publish-options>" +
                                form(config_form) + "</publish-options>"),
            "bad-request ");
}

// XEP-0060, 7.2.1 and 7.2.3
TEST(pubsub_request, retract) {
  EXPECT_EQ(read("set", "<retract node='n' notify='1'><item id='a'/></retract>").value(),
            (request{.wants = kind::retract, .node = "n", .ids = {"a"}, .notify = true}));
  EXPECT_EQ(error_of("set", "<retract><item id='a'/></retract>"), "bad-request nodeid-required");
  EXPECT_EQ(error_of("set", "<retract node='n'/>"), "bad-request item-required");
  EXPECT_EQ(error_of("set", "<retract node='n'><item/></retract>"), "bad-request item-required");
}

// XEP-0060, 6.5.2, 6.5.7 and 6.5.8
TEST(pubsub_request, items) {
  EXPECT_EQ(read("get", "<items node='n'/>").value(), (request{.wants = kind::items, .node = "n"}));
  EXPECT_EQ(read("get", "<items node='n' max_items='2'/>")->max, 2U);
  EXPECT_EQ(read("get", "<items node='n'><item id='a'/><item id='b'/></items>")->ids,
            (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(error_of("get", "<items node='n' max_items='many'/>"), "bad-request ");
  EXPECT_EQ(error_of("get", "<items node='n'><item/></items>"), "bad-request item-required");
  std::string many;
  for (std::size_t i = 0; i <= most_ids; ++i) many += "<item id='a'/>";
  EXPECT_EQ(error_of("get", "<items node='n'>" + many + "</items>"), "not-acceptable ");
}

// XEP-0060, 8
TEST(pubsub_request, what_owners_ask_for) {
  const std::string owner = "#owner";
  EXPECT_EQ(read("set", "<create node='n'/><configure>" + form(config_form) + "</configure>")->wants,
            kind::create);
  EXPECT_TRUE(read("set", "<create node='n'/><configure>" + form(config_form) + "</configure>")->form);
  EXPECT_FALSE(read("set", "<create node='n'/>")->form);
  EXPECT_EQ(read("set", "<delete node='n'/>", owner)->wants, kind::remove);
  EXPECT_EQ(read("set", "<purge node='n'/>", owner)->wants, kind::purge);
  EXPECT_EQ(read("get", "<configure node='n'/>", owner)->wants, kind::get_config);
  EXPECT_TRUE(read("set", "<configure node='n'>" + form(config_form) + "</configure>", owner)->form);
  EXPECT_FALSE(
      read("set", "<configure node='n'>" + form(config_form, "cancel") + "</configure>", owner)->form);
  EXPECT_EQ(read("get", "<default/>", owner)->wants, kind::get_default);
  EXPECT_EQ(read("get", "<affiliations node='n'/>", owner)->wants, kind::owners);
  EXPECT_EQ(read("get", "<subscriptions node='n'/>", owner)->wants, kind::subscribers);
  EXPECT_EQ(error_of("set", "<delete/>", owner), "bad-request nodeid-required");
  EXPECT_EQ(error_of("set", "<delete node='n'/>"), "feature-not-implemented unsupported");
}

// XEP-0060, 5.6, 5.7, 6.1 and 6.2
TEST(pubsub_request, what_subscribers_ask_for) {
  const jid francisco = jid::parse("francisco@denmark.lit").value();
  EXPECT_EQ(read("set", "<subscribe node='n' jid='francisco@denmark.lit'/>").value(),
            (request{.wants = kind::subscribe, .node = "n", .who = francisco}));
  EXPECT_EQ(read("set", "<unsubscribe node='n' jid='francisco@denmark.lit'/>")->wants, kind::unsubscribe);
  EXPECT_EQ(error_of("set", "<subscribe node='n'/>"), "bad-request invalid-jid");
  EXPECT_EQ(read("get", "<subscriptions/>")->wants, kind::subscriptions);
  EXPECT_EQ(read("get", "<affiliations/>")->wants, kind::affiliations);
}

TEST(pubsub_request, what_is_no_request_is_refused) {
  EXPECT_EQ(error_of("get", ""), "bad-request ");
  EXPECT_EQ(error_of("get", "<publish node='n'/>"), "feature-not-implemented unsupported");
  EXPECT_EQ(error_of("get", "<options node='n' jid='a@b'/>"), "feature-not-implemented unsupported");
}

} // namespace
} // namespace coppice::xmpp::pubsub
