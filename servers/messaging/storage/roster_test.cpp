#include "servers/messaging/storage/roster.hpp"

#include "servers/messaging/storage/storage_test.hpp"

#include <gmock/gmock.h>

namespace coppice::messaging::storage {
namespace {

using store::transaction;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class a_roster : public on_tables {
protected:
  std::optional<std::uint64_t> put(const xmpp::roster_item& item, const roster_bounds& bounds = {}) {
    return in([&](transaction& t) { return put_roster_item(t, "a@h", item, bounds); });
  }
  std::optional<std::uint64_t> remove(std::string_view contact, const roster_bounds& bounds = {}) {
    return in([&](transaction& t) { return remove_roster_item(t, "a@h", contact, bounds); });
  }
  stored_roster load() {
    return in([](transaction& t) { return load_roster(t, "a@h"); });
  }
  /// The contacts that have changed; with a minus those that have gone.
  std::vector<std::string> changes(std::uint64_t since) {
    std::vector<std::string> names;
    for (const roster_change& c : in([&](transaction& t) { return roster_changes(t, "a@h", since); })) {
      names.push_back((c.item.listed ? "" : "-") + c.item.contact.text());
    }
    return names;
  }
};
COPPICE_ON_BOTH(a_roster);

xmpp::roster_item contact(std::string_view address) {
  xmpp::roster_item item;
  item.contact = jid(address);
  return item;
}

TEST_P(a_roster, gives_back_its_items) {
  xmpp::roster_item full = contact("b@h");
  full.name = "Béla";
  full.state = {.to = true, .from = true, .asked = false, .asking = false, .approved = true};
  full.groups = {"Friends", "Überraschung"};
  xmpp::roster_item waiting = contact("c@h");
  waiting.state.asking = true;
  waiting.listed = false;
  EXPECT_TRUE(put(waiting));
  EXPECT_TRUE(put(full));
  EXPECT_THAT(load().items, ElementsAre(full, waiting));
  full.groups.clear();
  full.state = {.asked = true};
  EXPECT_TRUE(put(full));
  EXPECT_THAT(load().items, ElementsAre(full, waiting));
  EXPECT_EQ(in([](transaction& t) { return find_roster_item(t, "a@h", "b@h"); }), full);
  EXPECT_EQ(in([](transaction& t) { return find_roster_item(t, "a@h", "x@h"); }), std::nullopt);
  EXPECT_THAT(in([](transaction& t) { return load_roster(t, "b@h"); }).items, IsEmpty());
}

// XEP-0237 2.4, RFC 6121 2.6.3
TEST_P(a_roster, knows_what_has_changed_since_a_version) {
  EXPECT_EQ(load().version, 0U);
  EXPECT_EQ(put(contact("b@h")), 1U);
  EXPECT_EQ(put(contact("c@h")), 2U);
  EXPECT_EQ(put(contact("d@h")), 3U);
  EXPECT_EQ(remove("c@h"), 4U);
  EXPECT_EQ(remove("c@h"), std::nullopt);
  EXPECT_EQ(put(contact("b@h")), 5U);
  EXPECT_EQ(load().version, 5U);
  EXPECT_EQ(load().oldest, 0U);
  EXPECT_THAT(changes(0), ElementsAre("d@h", "-c@h", "b@h"));
  EXPECT_THAT(changes(3), ElementsAre("-c@h", "b@h"));
  EXPECT_THAT(changes(5), IsEmpty());
  EXPECT_EQ(put(contact("c@h")), 6U);
  EXPECT_THAT(changes(3), ElementsAre("b@h", "c@h"));
}

TEST_P(a_roster, does_not_show_requests_that_wait) {
  put(contact("b@h"));
  xmpp::roster_item waiting = contact("c@h");
  waiting.listed = false;
  EXPECT_EQ(put(waiting), 1U);
  EXPECT_THAT(changes(0), ElementsAre("b@h"));
  EXPECT_EQ(remove("c@h"), 1U);
  EXPECT_THAT(changes(0), ElementsAre("b@h"));
  waiting.contact = jid("b@h"); // taken off, while he asks
  EXPECT_EQ(put(waiting), 2U);
  EXPECT_THAT(changes(1), ElementsAre("-b@h"));
}

TEST_P(a_roster, forgets_old_removals_and_says_from_when_on_it_knows) {
  const roster_bounds bounds{.items = 100, .removals = 4};
  for (int i = 0; i < 5; ++i) put(contact("c" + std::to_string(i) + "@h"), bounds);
  for (int i = 0; i < 5; ++i) remove("c" + std::to_string(i) + "@h", bounds);
  EXPECT_EQ(load().version, 10U);
  EXPECT_EQ(load().oldest, 8U);
  EXPECT_THAT(changes(8), ElementsAre("-c3@h", "-c4@h"));
}

TEST_P(a_roster, is_bounded) {
  const roster_bounds bounds{.items = 1, .removals = 4};
  EXPECT_TRUE(put(contact("b@h"), bounds));
  EXPECT_FALSE(put(contact("c@h"), bounds));
  EXPECT_TRUE(put(contact("b@h"), bounds));
}

} // namespace
} // namespace coppice::messaging::storage
