#include "servers/xmpp/pubsub/account.hpp"

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp::pubsub {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
jid address(std::string_view text) { return jid::parse(text).value(); }

const party juliet{.who = address("juliet@capulet.lit/balcony"), .is_owner = true};
const party romeo{.who = address("romeo@montague.lit/orchard"), .sees_presence = true, .groups = {"Friends"}};
const party nurse{.who = address("nurse@capulet.lit/hall"), .sees_presence = true, .groups = {"Servants"}};
const party tybalt{.who = address("tybalt@capulet.lit/pda")};

std::string form(std::string_view form_type, const std::string& var, const std::string& value) {
  return "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>" +
         std::string(form_type) + "</value></field><field var='" + var + "'><value>" + value +
         "</value></field></x>";
}

/// An account with the items that its commands have stored; says what came of each request in one line.
class account_test : public testing::Test {
public:
  std::string ask(const party& who, const std::string& type, const std::string& content,
                  const std::string& ns = "") {
    const auto r =
        parse_request(parsed("<iq xmlns='jabber:client' type='" + type + "' id='1'><pubsub xmlns='" +
                             std::string(ns::pubsub) + ns + "'>" + content + "</pubsub></iq>"));
    if (!r) return describe(r.error());
    const auto out = romantic.handle(*r, who, "fresh");
    if (!out) return describe(out.error());
    said.clear();
    for (const command& c : out->todo) std::visit([this](const auto& one) { carry_out(one); }, c);
    for (const command& c : out->todo) romantic.done(c);
    reply = out->reply;
    return said;
  }
  std::string publish(const std::string& node, const std::string& id, const std::string& options = "") {
    const std::string with = options.empty() ? "" : "<publish-options>" + options + "</publish-options>";
    return ask(juliet, "set",
               "<publish node='" + node + "'><item id='" + id + "'><tune xmlns='t'/></item></publish>" +
                   with);
  }
  std::string configure(const std::string& node, const std::string& var, const std::string& value) {
    return ask(juliet, "set",
               "<configure node='" + node + "'>" + form(config_form, var, value) + "</configure>", "#owner");
  }
  static std::string describe(const stanza_error& e) {
    return std::string(name_of(e.is)) + (e.more.name().empty() ? "" : " " + e.more.name());
  }

  account romantic{address("juliet@capulet.lit"), {}, {.nodes = 3, .subscribers = 1}};
  std::string said;
  xml::element reply;
  xml::element told;

private:
  void carry_out(const save_node& c) {
    EXPECT_EQ(parse_node(to_text(c.state)).value(), c.state);
    said += "save " + c.name + "; ";
  }
  void carry_out(const drop_node& c) { said += "drop " + c.name + "; "; }
  void carry_out(const put_item& c) {
    said += "put " + c.node + "/" + c.id + " of " + std::to_string(c.keep) + "; ";
  }
  void carry_out(const drop_item& c) { said += "drop " + c.node + "/" + c.id + "; "; }
  void carry_out(const drop_items& c) {
    said += "drop all of " + c.node + " but " + std::to_string(c.keep) + "; ";
  }
  void carry_out(const read_items& c) {
    said += "read " + c.node + " " + std::to_string(c.ids.size()) + " " + std::to_string(c.newest) + "; ";
  }
  void carry_out(const tell& c) {
    told = c.message;
    said += "tell " + c.node + "; ";
  }
  void carry_out(const send_last_item& c) { said += "last of " + c.node + " to " + c.to.text() + "; "; }
};

// XEP-0163, 3; XEP-0060, 7.1.4
TEST_F(account_test, publishing_makes_the_node) {
  EXPECT_EQ(publish("tune", "1"), "save tune; put tune/1 of 1; tell tune; ");
  EXPECT_EQ(publish("tune", "2"), "put tune/2 of 1; tell tune; ");
  EXPECT_EQ(told, parsed("<message xmlns='jabber:client' from='juliet@capulet.lit' type='headline'>"
                         "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='tune'>"
                         "<item id='2'><tune xmlns='t'/></item></items></event></message>"));
  EXPECT_EQ(reply, parsed("<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='tune'>"
                          "<item id='2'/></publish></pubsub>"));
  EXPECT_EQ(ask(juliet, "set", "<publish node='tune'><item><tune xmlns='t'/></item></publish>"),
            "put tune/fresh of 1; tell tune; ");
}

TEST_F(account_test, only_the_owner_publishes_and_rules) {
  publish("tune", "1");
  for (const auto& [type, content, ns] :
       {std::tuple{"set", "<publish node='tune'><item><t xmlns='t'/></item></publish>", ""},
        {"set", "<retract node='tune'><item id='1'/></retract>", ""},
        {"set", "<create node='new'/>", ""},
        {"set", "<delete node='tune'/>", "#owner"},
        {"set", "<purge node='tune'/>", "#owner"},
        {"get", "<configure node='tune'/>", "#owner"},
        {"get", "<subscriptions node='tune'/>", "#owner"},
        {"get", "<affiliations node='tune'/>", "#owner"}}) {
    EXPECT_EQ(ask(romeo, type, content, ns), "forbidden") << content;
  }
}

// XEP-0060, 7.1.5; XEP-0223, 4
TEST_F(account_test, what_the_publisher_expects_is_made_or_checked) {
  const std::string closed = form(options_form, "pubsub#access_model", "whitelist");
  EXPECT_EQ(publish("secret", "1", closed), "save secret; put secret/1 of 1; tell secret; ");
  EXPECT_EQ(romantic.find("secret")->config.access, access_model::whitelist);
  EXPECT_EQ(publish("secret", "2", closed), "put secret/2 of 1; tell secret; ");
  EXPECT_EQ(publish("tune", "1"), "save tune; put tune/1 of 1; tell tune; ");
  EXPECT_EQ(publish("tune", "2", closed), "conflict precondition-not-met");
  EXPECT_EQ(publish("tune", "2", form(options_form, "pubsub#color", "red")), "conflict precondition-not-met");
  EXPECT_EQ(publish("colored", "2", form(options_form, "pubsub#color", "red")),
            "conflict precondition-not-met");
}

// XEP-0060, 6.1.3 and 6.5.9: each access model
TEST_F(account_test, who_may_see_items) {
  publish("n", "1");
  const auto seen_by = [this](const party& who) { return ask(who, "get", "<items node='n'/>"); };
  const std::string read = "read n 0 1000; ";
  EXPECT_EQ(seen_by(romeo), read);
  EXPECT_EQ(seen_by(tybalt), "not-authorized presence-subscription-required");
  configure("n", "pubsub#access_model", "open");
  EXPECT_EQ(seen_by(tybalt), read);
  configure("n", "pubsub#access_model", "roster");
  configure("n", "pubsub#roster_groups_allowed", "Friends");
  EXPECT_EQ(seen_by(romeo), read);
  EXPECT_EQ(seen_by(nurse), "not-authorized not-in-roster-group");
  configure("n", "pubsub#access_model", "whitelist");
  EXPECT_EQ(seen_by(romeo), "not-allowed closed-node");
  EXPECT_EQ(seen_by(juliet), read);
  EXPECT_EQ(romantic.names_for(romeo), std::vector<std::string>());
  EXPECT_EQ(romantic.names_for(juliet), std::vector<std::string>{"n"});
}

// XEP-0060, 6.5
TEST_F(account_test, items_are_read) {
  publish("n", "1");
  EXPECT_EQ(ask(romeo, "get", "<items node='n' max_items='2'/>"), "read n 0 2; ");
  EXPECT_EQ(ask(romeo, "get", "<items node='n'><item id='1'/></items>"), "read n 1 1000; ");
  EXPECT_EQ(ask(romeo, "get", "<items node='other'/>"), "item-not-found");
  configure("n", "pubsub#persist_items", "0");
  EXPECT_EQ(ask(romeo, "get", "<items node='n'/>"), "feature-not-implemented unsupported");
  const std::vector<stored_item> items{{.id = "1", .payload = xml::element("t", "tune")}};
  EXPECT_EQ(items_result("n", items),
            parsed("<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='n'><item id='1'>"
                   "<tune xmlns='t'/></item></items></pubsub>"));
}

// XEP-0060, 7.2, 8.4 and 8.5
TEST_F(account_test, items_and_nodes_go) {
  publish("n", "1");
  EXPECT_EQ(ask(juliet, "set", "<retract node='n'><item id='1'/></retract>"), "drop n/1; tell n; ");
  EXPECT_EQ(*told.first(), parsed("<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'>"
                                  "<retract id='1'/></items></event>"));
  EXPECT_EQ(ask(juliet, "set", "<purge node='n'/>", "#owner"), "drop all of n but 0; tell n; ");
  EXPECT_EQ(*told.first(),
            parsed("<event xmlns='http://jabber.org/protocol/pubsub#event'><purge node='n'/></event>"));
  EXPECT_EQ(ask(juliet, "set", "<delete node='n'/>", "#owner"), "drop n; tell n; ");
  EXPECT_EQ(*told.first(),
            parsed("<event xmlns='http://jabber.org/protocol/pubsub#event'><delete node='n'/></event>"));
  EXPECT_EQ(romantic.find("n"), nullptr);
  EXPECT_EQ(ask(juliet, "set", "<delete node='n'/>", "#owner"), "item-not-found");
}

TEST_F(account_test, that_something_is_gone_is_told_if_the_node_says_so) {
  publish("n", "1");
  configure("n", "pubsub#notify_retract", "0");
  configure("n", "pubsub#notify_delete", "0");
  EXPECT_EQ(ask(juliet, "set", "<retract node='n'><item id='1'/></retract>"), "drop n/1; ");
  EXPECT_EQ(ask(juliet, "set", "<retract node='n' notify='true'><item id='1'/></retract>"),
            "drop n/1; tell n; ");
  EXPECT_EQ(ask(juliet, "set", "<delete node='n'/>", "#owner"), "drop n; ");
}

// XEP-0060, 8.1 and 8.2
TEST_F(account_test, nodes_are_made_and_set_up) {
  EXPECT_EQ(ask(juliet, "set", "<create node='n'/>"), "save n; ");
  EXPECT_EQ(ask(juliet, "set", "<create node='n'/>"), "conflict");
  EXPECT_EQ(
      ask(juliet, "set",
          "<create node='m'/><configure>" + form(config_form, "pubsub#max_items", "10") + "</configure>"),
      "save m; ");
  EXPECT_EQ(romantic.find("m")->config.max_items, 10U);
  EXPECT_EQ(configure("m", "pubsub#max_items", "5"), "drop all of m but 5; save m; ");
  EXPECT_EQ(configure("m", "pubsub#max_items", "max"), "save m; ");
  EXPECT_EQ(configure("m", "pubsub#access_model", "authorize"), "not-acceptable");
  EXPECT_EQ(ask(juliet, "get", "<configure node='m'/>", "#owner"), "");
  EXPECT_EQ(data_form::parse(*reply.first()->first())->value("pubsub#max_items"), "max");
  EXPECT_EQ(ask(juliet, "get", "<default/>", "#owner"), "");
  EXPECT_EQ(data_form::parse(*reply.first()->first())->value("pubsub#access_model"), "presence");
}

TEST_F(account_test, has_bounds) {
  for (const char* name : {"a", "b", "c"}) publish(name, "1");
  EXPECT_EQ(publish("d", "1"), "resource-constraint");
  EXPECT_EQ(ask(juliet, "set", "<create node='d'/>"), "resource-constraint");
  EXPECT_NE(publish("c", "2"), "resource-constraint");
}

// XEP-0060, 6.1 and 6.2
TEST_F(account_test, subscribing) {
  publish("n", "1");
  EXPECT_EQ(ask(romeo, "set", "<subscribe node='n' jid='romeo@montague.lit'/>"),
            "save n; last of n to romeo@montague.lit; ");
  EXPECT_EQ(reply, parsed("<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscription node='n'"
                          " jid='romeo@montague.lit' subscription='subscribed'/></pubsub>"));
  EXPECT_EQ(ask(romeo, "set", "<subscribe node='n' jid='romeo@montague.lit'/>"),
            "last of n to romeo@montague.lit; ");
  EXPECT_EQ(ask(romeo, "set", "<subscribe node='n' jid='nurse@capulet.lit'/>"), "bad-request invalid-jid");
  EXPECT_EQ(ask(tybalt, "set", "<subscribe node='n' jid='tybalt@capulet.lit'/>"),
            "not-authorized presence-subscription-required");
  EXPECT_EQ(ask(nurse, "set", "<subscribe node='n' jid='nurse@capulet.lit'/>"),
            "policy-violation too-many-subscriptions");
  ask(juliet, "get", "<subscriptions node='n'/>", "#owner");
  EXPECT_EQ(
      reply,
      parsed("<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><subscriptions node='n'>"
             "<subscription jid='romeo@montague.lit' subscription='subscribed'/></subscriptions></pubsub>"));
  ask(romeo, "get", "<subscriptions/>");
  EXPECT_EQ(reply.first()->children().size(), 1U);
  ask(nurse, "get", "<subscriptions/>");
  EXPECT_TRUE(reply.first()->empty());
  EXPECT_EQ(ask(nurse, "set", "<unsubscribe node='n' jid='romeo@montague.lit'/>"), "forbidden");
  EXPECT_EQ(ask(romeo, "set", "<unsubscribe node='n' jid='romeo@montague.lit'/>"), "save n; ");
  EXPECT_EQ(ask(romeo, "set", "<unsubscribe node='n' jid='romeo@montague.lit'/>"),
            "unexpected-request not-subscribed");
}

// XEP-0060, 5.7 and 8.9.1
TEST_F(account_test, the_owner_is_the_only_one_with_an_affiliation) {
  publish("n", "1");
  ask(juliet, "get", "<affiliations/>");
  EXPECT_EQ(reply, parsed("<pubsub xmlns='http://jabber.org/protocol/pubsub'><affiliations>"
                          "<affiliation node='n' affiliation='owner'/></affiliations></pubsub>"));
  ask(romeo, "get", "<affiliations/>");
  EXPECT_TRUE(reply.first()->empty());
  ask(juliet, "get", "<affiliations node='n'/>", "#owner");
  EXPECT_EQ(reply,
            parsed("<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><affiliations node='n'>"
                   "<affiliation jid='juliet@capulet.lit' affiliation='owner'/></affiliations></pubsub>"));
}

// XEP-0163, 4.1 and 4.2
TEST(pubsub_notification, goes_to_those_who_may_and_want) {
  node n;
  EXPECT_TRUE(is_notified(n, juliet, true));
  EXPECT_FALSE(is_notified(n, juliet, false));
  EXPECT_TRUE(is_notified(n, romeo, true));
  EXPECT_FALSE(is_notified(n, romeo, false));
  EXPECT_FALSE(is_notified(n, tybalt, true));
  n.config.access = access_model::open;
  EXPECT_FALSE(is_notified(n, tybalt, true)) << "wanting is enough for those who share presence alone";
  n.subscribers = {tybalt.who.bare(), romeo.who};
  EXPECT_TRUE(is_notified(n, tybalt, false));
  EXPECT_TRUE(is_notified(n, romeo, false));
  n.config.access = access_model::whitelist;
  EXPECT_FALSE(is_notified(n, romeo, true));
  EXPECT_TRUE(is_notified(n, juliet, true));
}

// XEP-0163, 4.3.4
TEST_F(account_test, the_last_item_is_sent_to_who_comes_online) {
  publish("tune", "1");
  publish("secret", "1", form(options_form, "pubsub#access_model", "whitelist"));
  publish("quiet", "1", form(options_form, "pubsub#send_last_published_item", "never"));
  const auto all = [](std::string_view feature) { return feature.ends_with("+notify"); };
  EXPECT_EQ(romantic.last_items_for(romeo, all), std::vector<std::string>{"tune"});
  EXPECT_EQ(romantic.last_items_for(juliet, all), (std::vector<std::string>{"secret", "tune"}));
  EXPECT_EQ(romantic.last_items_for(tybalt, all), std::vector<std::string>());
  EXPECT_EQ(
      romantic.last_items_for(juliet, [](std::string_view feature) { return feature == "tune+notify"; }),
      std::vector<std::string>{"tune"});
  EXPECT_EQ(romantic.last_item_message("tune", {.id = "1",
                                                .payload = xml::element("t", "tune"),
                                                .at = parse_instant("2003-12-13T23:58:37Z").value()}),
            parsed("<message xmlns='jabber:client' from='juliet@capulet.lit' type='headline'>"
                   "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='tune'>"
                   "<item id='1'><tune xmlns='t'/></item></items></event>"
                   "<delay xmlns='urn:xmpp:delay' from='juliet@capulet.lit' "
                   "stamp='2003-12-13T23:58:37Z'/></message>"));
}

TEST(pubsub_node, what_is_not_stored_so_is_refused) {
  const auto reads = [](const std::string& content) {
    return parse_node("<node><x xmlns='jabber:x:data' type='submit'>" + content + "</node>").has_value();
  };
  EXPECT_TRUE(reads("</x>"));
  EXPECT_FALSE(reads("</x><subscriber jid='@'/>"));
  EXPECT_FALSE(reads("<field var='pubsub#max_items'><value>x</value></field></x>"));
  EXPECT_FALSE(parse_node(""));
  EXPECT_FALSE(parse_node("<node/>"));
  EXPECT_FALSE(parse_node("<node><x xmlns='jabber:x:data'/></node>"));
}

} // namespace
} // namespace coppice::xmpp::pubsub
