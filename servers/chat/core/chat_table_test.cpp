// The rules of PROTOCOL.md, "Events, order, and exactly once" and its table of limits.
#include "servers/chat/core/chat_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace coppice::chat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string id(std::size_t n) { return "message-" + std::to_string(n); }

/// An event as a word: "2 bob: hi" or "3 seen message-1 by bob".
std::string word(const event_ptr& e) {
  if (const chat_message* m = e->message()) return std::to_string(e->seq) + ' ' + m->from + ": " + m->text;
  const receipt& r = std::get<receipt>(e->what);
  return std::to_string(e->seq) + " seen " + r.id + " by " + r.by;
}

std::vector<std::string> words(const event_range& range) {
  std::vector<std::string> all;
  for (const event_ptr& e : range.events) all.push_back(word(e));
  return all;
}

std::vector<std::string> words(const std::vector<delivery>& made) {
  std::vector<std::string> all;
  for (const delivery& d : made) all.push_back(d.user + " " + word(d.what));
  return all;
}

template <class T>
refusal why(const std::expected<T, refusal>& outcome) {
  EXPECT_FALSE(outcome.has_value());
  return outcome ? refusal{} : outcome.error();
}

TEST(chat_table, a_message_goes_to_the_receiver_then_to_the_sender) {
  chat_table t("e");
  auto done = t.post("ann", id(1), "bob", "hi", 1000);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->recipients, 1U);
  EXPECT_EQ(done->at, 1000);
  EXPECT_THAT(words(done->deliveries), ElementsAre("bob 1 ann: hi", "ann 1 ann: hi"));
  EXPECT_THAT(words(t.unacked("bob")), ElementsAre("1 ann: hi"));
  EXPECT_THAT(words(t.unacked("ann")), ElementsAre("1 ann: hi"));
}

TEST(chat_table, a_message_to_oneself_is_one_message) {
  chat_table t("e");
  auto done = t.post("ann", id(1), "ann", "note", 0);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->recipients, 0U);
  EXPECT_THAT(words(done->deliveries), ElementsAre("ann 1 ann: note"));
  EXPECT_THAT(t.ack("ann", 1), IsEmpty());
}

TEST(chat_table, putting_again_changes_nothing_and_succeeds) {
  chat_table t("e");
  ASSERT_TRUE(t.post("ann", id(1), "bob", "hi", 1000));
  auto again = t.post("ann", id(1), "bob", "hi", 2000);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->at, 1000);
  EXPECT_EQ(again->recipients, 1U);
  EXPECT_THAT(again->deliveries, IsEmpty());
  EXPECT_EQ(t.unacked("bob").events.size(), 1U);
  ASSERT_TRUE(t.post("cid", id(1), "bob", "hi", 0)); // another user's id is another message
  EXPECT_EQ(t.unacked("bob").events.size(), 2U);
}

TEST(chat_table, pairs_are_remembered_beyond_the_message_and_then_forgotten) {
  chat_table t("e", {.retained = 0, .remembered = 3});
  for (std::size_t n = 1; n <= 3; ++n) ASSERT_TRUE(t.post("ann", id(n), "bob", "x", 0));
  t.ack("ann", 3);
  t.ack("bob", 3);
  EXPECT_THAT(t.events_after("bob", 0).events, IsEmpty());
  EXPECT_THAT(t.post("ann", id(1), "bob", "x", 0)->deliveries, IsEmpty());
  ASSERT_TRUE(t.post("ann", id(4), "bob", "x", 0));
  EXPECT_EQ(t.post("ann", id(1), "bob", "x", 0)->deliveries.size(), 2U);
}

TEST(chat_table, acks_make_receipts_once) {
  chat_table t("e");
  for (std::size_t n = 1; n <= 3; ++n) ASSERT_TRUE(t.post("ann", id(n), "bob", "x", 0));
  EXPECT_THAT(words(t.ack("bob", 2)),
              ElementsAre("ann 4 seen message-1 by bob", "ann 5 seen message-2 by bob"));
  EXPECT_THAT(t.ack("bob", 2), IsEmpty());
  EXPECT_THAT(t.ack("bob", 1), IsEmpty());
  EXPECT_THAT(words(t.ack("bob", 99)), ElementsAre("ann 6 seen message-3 by bob")); // beyond the last: to it
  EXPECT_EQ(t.state_of("bob")->acked, 3U);
  EXPECT_EQ(t.state_of("bob")->undelivered, 0U);
  EXPECT_THAT(t.ack("ann", 6), IsEmpty()); // one's own copies and receipts make none
}

TEST(chat_table, acked_events_are_retained_for_other_devices) {
  chat_table t("e", {.retained = 2});
  for (std::size_t n = 1; n <= 5; ++n) ASSERT_TRUE(t.post("ann", id(n), "bob", std::to_string(n), 0));
  t.ack("bob", 4);
  EXPECT_THAT(words(t.events_after("bob", 0)), ElementsAre("3 ann: 3", "4 ann: 4", "5 ann: 5"));
  EXPECT_THAT(words(t.events_after("bob", 3)), ElementsAre("4 ann: 4", "5 ann: 5"));
  EXPECT_THAT(words(t.unacked("bob")), ElementsAre("5 ann: 5"));
  EXPECT_EQ(t.events_after("bob", 99).after, 5U);
  EXPECT_THAT(t.events_after("nobody", 0).events, IsEmpty());
}

TEST(chat_table, a_full_mailbox_refuses_but_knows_what_it_has) {
  chat_table t("e", {.undelivered = 2});
  ASSERT_TRUE(t.post("ann", id(1), "bob", "x", 0));
  ASSERT_TRUE(t.post("cid", id(2), "bob", "x", 0));
  EXPECT_EQ(why(t.post("dan", id(3), "bob", "x", 0)), refusal::mailbox_full);
  EXPECT_EQ(t.state_of("dan")->last, 0U);
  EXPECT_TRUE(t.post("ann", id(1), "bob", "x", 0));
  t.ack("bob", 1);
  EXPECT_TRUE(t.post("dan", id(3), "bob", "x", 0));
}

TEST(chat_table, a_sender_who_never_acks_is_stopped_too) {
  chat_table t("e", {.undelivered = 2});
  ASSERT_TRUE(t.post("ann", id(1), "bob", "x", 0));
  ASSERT_TRUE(t.post("ann", id(2), "cid", "x", 0));
  EXPECT_EQ(why(t.post("ann", id(3), "dan", "x", 0)), refusal::mailbox_full);
  t.ack("ann", 2);
  EXPECT_TRUE(t.post("ann", id(3), "dan", "x", 0));
}

TEST(chat_table, the_oldest_receipt_goes_first) {
  chat_table t("e", {.receipts = 2});
  for (std::size_t n = 1; n <= 4; ++n) ASSERT_TRUE(t.post("ann", id(n), "bob", "x", 0));
  t.ack("ann", 4);
  t.ack("bob", 4);
  EXPECT_THAT(words(t.unacked("ann")), ElementsAre("7 seen message-3 by bob", "8 seen message-4 by bob"));
}

TEST(chat_table, requests_that_are_refused) {
  chat_table t("e");
  EXPECT_EQ(why(t.open("a b")), refusal::bad_name);
  EXPECT_EQ(why(t.post("ann", "short", "bob", "x", 0)), refusal::bad_id);
  EXPECT_EQ(why(t.post("ann", id(1), "not a name", "x", 0)), refusal::bad_name);
  EXPECT_EQ(why(t.post("ann", id(1), "#", "x", 0)), refusal::bad_name);
  EXPECT_EQ(why(t.post("ann", id(1), "bob", "", 0)), refusal::bad_text);
  EXPECT_EQ(why(t.post("ann", id(1), "#nowhere", "x", 0)), refusal::not_member);
  EXPECT_EQ(why(t.join("ann", "lobby")), refusal::bad_name);
  EXPECT_EQ(why(t.leave("ann", "lobby")), refusal::bad_name);
}

TEST(chat_table, users_are_limited) {
  chat_table t("e", {.users = 2});
  ASSERT_TRUE(t.open("ann"));
  ASSERT_TRUE(t.post("ann", id(1), "bob", "x", 0));
  EXPECT_EQ(why(t.open("cid")), refusal::too_many_users);
  EXPECT_EQ(why(t.post("ann", id(2), "cid", "x", 0)), refusal::too_many_users);
  EXPECT_EQ(why(t.join("cid", "#lobby")), refusal::too_many_users);
  EXPECT_TRUE(t.open("ann"));
  EXPECT_THAT(t.users(), ElementsAre("ann", "bob"));
}

TEST(chat_table, rooms_come_and_go_with_their_members) {
  chat_table t("e");
  auto joined = t.join("bob", "#lobby");
  ASSERT_TRUE(joined && joined->changed);
  EXPECT_FALSE(t.join("bob", "#lobby")->changed);
  EXPECT_THAT(*t.join("ann", "#lobby")->members, ElementsAre("ann", "bob"));
  ASSERT_EQ(t.rooms().size(), 1U);
  EXPECT_EQ(t.rooms_of("ann").at(0).room, "#lobby");
  EXPECT_THAT(*joined->members, ElementsAre("bob")); // what was handed out does not change
  EXPECT_FALSE(t.leave("cid", "#lobby")->changed);
  EXPECT_THAT(*t.leave("bob", "#lobby")->members, ElementsAre("ann"));
  auto last = t.leave("ann", "#lobby");
  EXPECT_TRUE(last->changed);
  EXPECT_EQ(last->members, nullptr);
  EXPECT_THAT(t.rooms(), IsEmpty());
  EXPECT_THAT(t.rooms_of("ann"), IsEmpty());
  EXPECT_FALSE(t.leave("ann", "#lobby")->changed);
}

TEST(chat_table, rooms_are_limited) {
  chat_table t("e", {.rooms = 2, .rooms_of_user = 2, .members = 2});
  ASSERT_TRUE(t.join("ann", "#one"));
  ASSERT_TRUE(t.join("ann", "#two"));
  EXPECT_EQ(why(t.join("ann", "#three")), refusal::too_many_rooms);
  EXPECT_EQ(why(t.join("bob", "#three")), refusal::too_many_rooms);
  ASSERT_TRUE(t.join("bob", "#one"));
  EXPECT_EQ(why(t.join("cid", "#one")), refusal::room_full);
  EXPECT_TRUE(t.join("bob", "#one"));
}

TEST(chat_table, a_room_message_goes_to_the_members_of_that_moment) {
  chat_table t("e");
  for (const char* user : {"ann", "bob", "cid"}) ASSERT_TRUE(t.join(user, "#lobby"));
  auto done = t.post("bob", id(1), "#lobby", "all", 5);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->recipients, 2U);
  EXPECT_THAT(words(done->deliveries), ElementsAre("ann 1 bob: all", "cid 1 bob: all", "bob 1 bob: all"));
  (void)t.leave("cid", "#lobby");
  EXPECT_EQ(t.post("bob", id(1), "#lobby", "all", 6)->recipients, 2U); // the earlier outcome
  EXPECT_EQ(t.post("bob", id(2), "#lobby", "again", 7)->recipients, 1U);
  EXPECT_EQ(why(t.post("cid", id(3), "#lobby", "x", 8)), refusal::not_member);
}

TEST(chat_table, a_room_goes_on_without_a_member_whose_mailbox_is_full) {
  chat_table t("e", {.undelivered = 1});
  for (const char* user : {"ann", "bob", "cid"}) ASSERT_TRUE(t.join(user, "#lobby"));
  ASSERT_TRUE(t.post("dan", id(1), "cid", "full now", 0));
  auto done = t.post("ann", id(2), "#lobby", "all", 0);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->recipients, 1U);
  EXPECT_THAT(words(done->deliveries), ElementsAre("bob 1 ann: all", "ann 1 ann: all"));
}

/// Random operations against what the rules say in the simplest words: each mailbox gives every accepted
/// message once, in order, numbers rising, receipts one for each first ack.
class random_chat : public testing::TestWithParam<unsigned> {};

TEST_P(random_chat, each_accepted_message_is_put_once_in_order) {
  std::mt19937 random(GetParam());
  auto any = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::vector<std::string> users{"ann", "bob", "cid", "dan"};
  chat_table t("e", {.undelivered = 40, .receipts = 100'000, .retained = 5});
  std::map<std::string, std::vector<std::string>> expected; // user -> "from text" of messages, in order
  std::map<std::string, std::size_t> receipts;
  std::map<std::string, std::uint64_t> shown; // user -> what a client has shown
  std::map<std::string, std::vector<std::string>> got;
  std::map<std::string, std::size_t> got_receipts;
  std::set<std::string> members;

  auto show = [&](const std::string& user) {
    for (const event_ptr& e : t.events_after(user, shown[user]).events) {
      ASSERT_GT(e->seq, shown[user]);
      shown[user] = e->seq;
      if (const chat_message* m = e->message()) {
        got[user].push_back(m->from + ' ' + m->text);
        if (m->from != user) ++receipts[m->from];
      } else {
        ++got_receipts[user];
      }
    }
    t.ack(user, shown[user]);
  };
  for (std::size_t step = 0; step < 2000; ++step) {
    const std::string user = users[any(4)];
    switch (any(6)) {
    case 0: ASSERT_EQ(t.join(user, "#room")->changed, members.insert(user).second); break;
    case 1:
      if (any(4) == 0) {
        ASSERT_EQ(t.leave(user, "#room")->changed, members.erase(user) == 1);
      }
      break;
    case 2: show(user); break;
    default: {
      const std::string to = any(3) == 0 ? "#room" : users[any(4)];
      auto done = t.post(user, id(step), to, std::to_string(step), 0);
      if (!done) break;
      std::set<std::string> reached{user};
      for (const delivery& d : done->deliveries) reached.insert(d.user);
      ASSERT_EQ(reached.size(), done->recipients + 1U);
      for (const std::string& r : reached) expected[r].push_back(user + ' ' + std::to_string(step));
      ASSERT_TRUE(t.post(user, id(step), to, std::to_string(step), 1)->deliveries.empty());
    }
    }
  }
  for (int round = 0; round < 2; ++round) { // the receipts of the first are seen in the second
    for (const std::string& user : users) show(user);
  }
  for (const std::string& user : users) {
    EXPECT_EQ(got[user], expected[user]) << user;
    EXPECT_EQ(got_receipts[user], receipts[user]) << user;
    EXPECT_EQ(t.state_of(user)->undelivered, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, random_chat, testing::Range(1U, 21U));

} // namespace
} // namespace coppice::chat
