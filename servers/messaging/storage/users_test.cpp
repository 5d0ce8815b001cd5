// Accounts and what is kept for users besides rosters and archives.
#include "servers/messaging/storage/accounts.hpp"
#include "servers/messaging/storage/archive.hpp"
#include "servers/messaging/storage/block_list.hpp"
#include "servers/messaging/storage/offline.hpp"
#include "servers/messaging/storage/private_xml.hpp"
#include "servers/messaging/storage/pubsub.hpp"
#include "servers/messaging/storage/roster.hpp"
#include "servers/messaging/storage/settings.hpp"
#include "servers/messaging/storage/storage_test.hpp"
#include "servers/messaging/storage/vcard.hpp"

#include <gmock/gmock.h>

#include <array>

namespace coppice::messaging::storage {
namespace {

using store::transaction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class a_user : public on_tables {
protected:
  bool create(std::string_view name, const std::vector<xmpp::scram_verifier>& verifiers = {}) {
    return in([&](transaction& t) { return create_account(t, name, verifiers, at_us(5)); });
  }
};
COPPICE_ON_BOTH(a_user);

xmpp::scram_verifier verifier(xmpp::scram_hash hash) {
  return {hash, 4096, std::string("s\0lt", 4), "stored", "server"};
}

TEST_P(a_user, has_an_account) {
  const std::vector<xmpp::scram_verifier> both = {verifier(xmpp::scram_hash::sha1),
                                                  verifier(xmpp::scram_hash::sha256)};
  EXPECT_TRUE(create("a@h", both));
  EXPECT_FALSE(create("a@h"));
  auto find = [&](std::string_view name) {
    return in([&](transaction& t) { return find_account(t, name); });
  };
  ASSERT_TRUE(find("a@h"));
  EXPECT_EQ(find("a@h")->verifiers, both);
  EXPECT_EQ(find("a@h")->created, at_us(5));
  EXPECT_EQ(*find("a@h")->find(xmpp::scram_hash::sha256), both[1]);
  EXPECT_FALSE(find("b@h"));
  const std::array one = {both[1]};
  EXPECT_TRUE(in([&](transaction& t) { return set_verifiers(t, "a@h", one); }));
  EXPECT_FALSE(in([&](transaction& t) { return set_verifiers(t, "b@h", one); }));
  EXPECT_THAT(find("a@h")->verifiers, ElementsAre(both[1]));
  EXPECT_EQ(find("a@h")->find(xmpp::scram_hash::sha1), nullptr);
}

TEST_P(a_user, is_listed_in_pages) {
  for (const char* name : {"b@h", "c@h", "Z@h", "é@h", "a@h"}) create(name);
  auto list = [&](std::string_view after, std::size_t most) {
    return in([&](transaction& t) { return list_accounts(t, after, most); });
  };
  EXPECT_THAT(list("", 3), ElementsAre("Z@h", "a@h", "b@h"));
  EXPECT_THAT(list("b@h", 3), ElementsAre("c@h", "é@h"));
  EXPECT_EQ(in([](transaction& t) { return count_accounts(t); }), 5U);
}

// XEP-0160
TEST_P(a_user, finds_what_came_while_he_was_away) {
  auto add = [&](std::int64_t at, std::string_view stanza) {
    return in([&](transaction& t) { return add_offline(t, "a@h", at, at_us(at), stanza, {3, 100}); });
  };
  EXPECT_TRUE(add(1, "<m1/>"));
  EXPECT_TRUE(add(2, "<m2/>"));
  EXPECT_TRUE(add(2, "<m2/>")) << "what comes again is there already";
  EXPECT_TRUE(add(3, "<m3/>"));
  EXPECT_FALSE(add(4, "<m4/>"));
  auto load = [&](std::int64_t after, std::size_t most) {
    return in([&](transaction& t) { return load_offline(t, "a@h", after, most); });
  };
  auto two = load(0, 2);
  ASSERT_EQ(two.size(), 2U);
  EXPECT_EQ(two[0].stanza, "<m1/>");
  EXPECT_EQ(two[1].at, at_us(2));
  EXPECT_EQ(load(two[1].id, 9).at(0).stanza, "<m3/>");
  in([&](transaction& t) { remove_offline(t, "a@h", two[1].id); });
  EXPECT_EQ(in([](transaction& t) { return count_offline(t, "a@h"); }), 1U);
  EXPECT_TRUE(add(5, "<m5/>"));
  EXPECT_EQ(load(0, 9).at(1).stanza, "<m5/>");
  in([](transaction& t) { remove_offline(t, "a@h"); });
  EXPECT_EQ(in([](transaction& t) { return count_offline(t, "a@h"); }), 0U);
  EXPECT_TRUE(add(6, "<m6/>"));
}

TEST_P(a_user, has_so_much_room_for_what_comes) {
  auto add = [&](std::int64_t at, std::size_t bytes) {
    return in([&](transaction& t) {
      return add_offline(t, "a@h", at, at_us(at), std::string(bytes, 'x'), {100, 50});
    });
  };
  EXPECT_TRUE(add(1, 1'000)) << "one always has room";
  EXPECT_TRUE(add(2, 30));
  EXPECT_FALSE(add(3, 30));
  EXPECT_TRUE(add(4, 20));
  EXPECT_FALSE(add(5, 1));
  in([](transaction& t) { remove_offline(t, "a@h", 2); });
  EXPECT_TRUE(add(6, 50));
  EXPECT_FALSE(add(7, 1));
}

// XEP-0049
TEST_P(a_user, keeps_xml_of_his_own) {
  auto save = [&](std::string_view name, std::string_view body) {
    return in([&](transaction& t) { return save_private_xml(t, "a@h", name, body, {2, 40}); });
  };
  auto load = [&](std::string_view name) {
    return in([&](transaction& t) { return load_private_xml(t, "a@h", name); });
  };
  EXPECT_FALSE(load("{ns}one"));
  EXPECT_TRUE(save("{ns}one", "<one/>"));
  EXPECT_TRUE(save("{ns}two", "<two/>"));
  EXPECT_FALSE(save("{ns}three", "<three/>"));
  EXPECT_TRUE(save("{ns}one", "<one again=''/>"));
  EXPECT_EQ(load("{ns}one"), "<one again=''/>");
  EXPECT_EQ(load("{ns}three"), std::nullopt);
  EXPECT_FALSE(save("{ns}two", "<two>" + std::string(40, 'x') + "</two>")) << "bytes of all together";
  EXPECT_EQ(load("{ns}two"), "<two/>");
}

TEST_P(a_user, has_a_card) {
  auto load = [&] { return in([](transaction& t) { return load_vcard(t, "a@h"); }); };
  EXPECT_FALSE(load());
  for (const char* body : {"<vCard/>", "<vCard>2</vCard>"}) {
    in([&](transaction& t) { save_vcard(t, "a@h", body); });
    EXPECT_EQ(load(), body);
  }
}

// XEP-0191
TEST_P(a_user, blocks_others) {
  auto entries = [&] { return in([](transaction& t) { return load_block_list(t, "a@h"); }).entries(); };
  const std::array two = {jid("b@h"), jid("evil")};
  EXPECT_TRUE(in([&](transaction& t) { return block(t, "a@h", two, 2); }));
  EXPECT_TRUE(in([&](transaction& t) { return block(t, "a@h", two, 2); }));
  const std::array more = {jid("c@h")};
  EXPECT_FALSE(in([&](transaction& t) { return block(t, "a@h", more, 2); }));
  EXPECT_THAT(entries(), ElementsAre("b@h", "evil"));
  const std::array one = {jid("b@h"), jid("c@h")};
  in([&](transaction& t) { unblock(t, "a@h", one); });
  EXPECT_THAT(entries(), ElementsAre("evil"));
  in([](transaction& t) { unblock_all(t, "a@h"); });
  EXPECT_THAT(entries(), IsEmpty());
}

TEST_P(a_user, leaves_nothing_behind) {
  const std::array others = {jid("b@h")};
  xmpp::roster_item item;
  item.contact = jid("b@h");
  for (const char* name : {"a@h", "b@h"}) {
    create(name, {verifier(xmpp::scram_hash::sha1)});
    in([&](transaction& t) {
      (void)put_roster_item(t, name, item);
      remove_roster_item(t, name, "b@h");
      (void)put_roster_item(t, name, item);
      (void)add_offline(t, name, 1, at_us(1), "<m/>", {});
      append_to_archive(t, name, {1, "b@h", "", at_us(1), "<m/>"});
      xmpp::archive_preferences rules;
      rules.always = {jid("b@h")};
      save_archive_preferences(t, name, rules);
      (void)save_private_xml(t, name, "x", "<x/>", {});
      save_vcard(t, name, "<vCard/>");
      (void)block(t, name, others);
      (void)create_node(t, name, {"n", "", at_us(1)});
      (void)publish_item(t, name, "n", {"1", "", at_us(1), "<i/>"}, 9);
    });
  }
  EXPECT_TRUE(in([](transaction& t) { return remove_account(t, "a@h"); }));
  EXPECT_FALSE(in([](transaction& t) { return remove_account(t, "a@h"); }));
  in([](transaction& t) {
    for (const char* table :
         {"roster", "roster_gone", "roster_version", "offline", "archive", "archive_policy", "archive_rule",
          "private_xml", "vcard", "blocked", "pubsub_node", "pubsub_item"}) {
      store::rows of = t.query("SELECT owner FROM " + std::string(table));
      for (const store::row& r : of) EXPECT_EQ(r.get<std::string>(0), "b@h") << table;
      EXPECT_EQ(of.empty(), table == std::string_view("roster_gone")) << table;
    }
    EXPECT_EQ(t.query("SELECT account FROM verifier").size(), 1U);
  });
}

TEST_P(a_user, is_served_with_settings) {
  auto load = [&] { return in([](transaction& t) { return load_setting(t, "secret"); }); };
  const std::string bytes("\0\xff", 2);
  EXPECT_FALSE(load());
  EXPECT_EQ(in([&](transaction& t) { return load_or_save_setting(t, "secret", bytes); }), bytes);
  EXPECT_EQ(in([](transaction& t) { return load_or_save_setting(t, "secret", "other"); }), bytes);
  in([](transaction& t) { save_setting(t, "secret", "new"); });
  EXPECT_EQ(load(), "new");
  in([](transaction& t) { remove_setting(t, "secret"); });
  EXPECT_FALSE(load());
}

} // namespace
} // namespace coppice::messaging::storage
