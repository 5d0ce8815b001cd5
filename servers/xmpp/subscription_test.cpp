#include "servers/xmpp/subscription.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>

namespace coppice::xmpp {
namespace {

// The states as appendix A.1 names them
constexpr subscription_state none{};
constexpr subscription_state none_out{.asked = true};
constexpr subscription_state none_in{.asking = true};
constexpr subscription_state none_out_in{.asked = true, .asking = true};
constexpr subscription_state to{.to = true};
constexpr subscription_state to_in{.to = true, .asking = true};
constexpr subscription_state from{.from = true};
constexpr subscription_state from_out{.from = true, .asked = true};
constexpr subscription_state both{.to = true, .from = true};
constexpr std::array states{none, none_out, none_in, none_out_in, to, to_in, from, from_out, both};

/// One row of a table: whether it is routed or delivered, the new state.
struct row {
  bool passed;
  subscription_state now;
};
using table = std::array<row, states.size()>;

bool visible_change(subscription_state before, subscription_state now) {
  before.asking = now.asking = false;
  return before != now;
}

/// Every state through one act, beside the table of the RFC.
void expect_table(subscription_change (*step)(const subscription_state&, subscription_act) noexcept,
                  subscription_act act, const table& rows) {
  for (std::size_t i = 0; i < states.size(); ++i) {
    const subscription_change change = step(states.at(i), act);
    EXPECT_EQ(change.passed, rows.at(i).passed) << name_of(act) << " in state " << i;
    EXPECT_EQ(change.now, rows.at(i).now) << name_of(act) << " in state " << i;
    EXPECT_EQ(change.pushed, visible_change(states.at(i), rows.at(i).now)) << name_of(act) << " " << i;
  }
}

// RFC 6121, A.2.1
TEST(subscription, user_asks) {
  expect_table(sent, subscription_act::subscribe,
               {{{true, none_out},
                 {true, none_out},
                 {true, none_out_in},
                 {true, none_out_in},
                 {true, to},
                 {true, to_in},
                 {true, from_out},
                 {true, from_out},
                 {true, both}}});
}

// RFC 6121, A.2.2
TEST(subscription, user_ends_his_subscription) {
  expect_table(sent, subscription_act::unsubscribe,
               {{{true, none},
                 {true, none},
                 {true, none_in},
                 {true, none_in},
                 {true, none},
                 {true, none_in},
                 {true, from},
                 {true, from},
                 {true, from}}});
}

// RFC 6121, A.2.3; where nobody asked it is an approval beforehand (3.4.2)
TEST(subscription, user_grants) {
  const auto approved = [](subscription_state s) {
    s.approved = true;
    return s;
  };
  expect_table(sent, subscription_act::subscribed,
               {{{false, approved(none)},
                 {false, approved(none_out)},
                 {true, from},
                 {true, from_out},
                 {false, approved(to)},
                 {true, both},
                 {false, from},
                 {false, from_out},
                 {false, both}}});
}

// RFC 6121, A.2.4
TEST(subscription, user_refuses_or_takes_back) {
  expect_table(sent, subscription_act::unsubscribed,
               {{{false, none},
                 {false, none_out},
                 {true, none},
                 {true, none_out},
                 {false, to},
                 {true, to},
                 {true, none},
                 {true, none_out},
                 {true, to}}});
}

// RFC 6121, A.3.1
TEST(subscription, contact_asks) {
  expect_table(received, subscription_act::subscribe,
               {{{true, none_in},
                 {true, none_out_in},
                 {false, none_in},
                 {false, none_out_in},
                 {true, to_in},
                 {false, to_in},
                 {false, from},
                 {false, from_out},
                 {false, both}}});
  for (const subscription_state& s : states) {
    const auto reply = received(s, subscription_act::subscribe).reply;
    EXPECT_EQ(reply.has_value(), s.from);
    if (reply) {
      EXPECT_EQ(*reply, subscription_act::subscribed);
    }
  }
}

// RFC 6121, A.3.2
TEST(subscription, contact_ends_his_subscription) {
  expect_table(received, subscription_act::unsubscribe,
               {{{false, none},
                 {false, none_out},
                 {true, none},
                 {true, none_out},
                 {false, to},
                 {true, to},
                 {true, none},
                 {true, none_out},
                 {true, to}}});
}

// RFC 6121, A.3.3
TEST(subscription, contact_grants) {
  expect_table(received, subscription_act::subscribed,
               {{{false, none},
                 {true, to},
                 {false, none_in},
                 {true, to_in},
                 {false, to},
                 {false, to_in},
                 {false, from},
                 {true, both},
                 {false, both}}});
}

// RFC 6121, A.3.4
TEST(subscription, contact_refuses_or_takes_back) {
  expect_table(received, subscription_act::unsubscribed,
               {{{false, none},
                 {true, none},
                 {false, none_in},
                 {true, none_in},
                 {true, none},
                 {true, none_in},
                 {false, from},
                 {true, from},
                 {true, from}}});
}

// RFC 6121, 3.4.2: footnotes of A.3.1
TEST(subscription, approved_beforehand_a_request_is_granted_without_being_seen) {
  for (subscription_state before : {none, none_out, to}) {
    before.approved = true;
    subscription_state after = before;
    after.from = true;
    EXPECT_EQ(received(before, subscription_act::subscribe),
              (subscription_change{
                  .now = after, .passed = false, .pushed = true, .reply = subscription_act::subscribed}));
  }
}

// RFC 6121, 3.4.2
TEST(subscription, an_approval_is_taken_back_in_silence) {
  const subscription_state before{.approved = true};
  EXPECT_EQ(sent(before, subscription_act::unsubscribed),
            (subscription_change{.now = none, .passed = false, .pushed = true}));
}

// RFC 6121, 2.5.2
TEST(subscription, whoever_is_taken_off_the_roster_is_told) {
  EXPECT_EQ(farewell_of(none), subscription_farewell());
  EXPECT_EQ(farewell_of(to), (subscription_farewell{.unsubscribe = true}));
  EXPECT_EQ(farewell_of(none_out), (subscription_farewell{.unsubscribe = true}));
  EXPECT_EQ(farewell_of(from), (subscription_farewell{.unsubscribed = true}));
  EXPECT_EQ(farewell_of(none_in), (subscription_farewell{.unsubscribed = true}));
  EXPECT_EQ(farewell_of(both), (subscription_farewell{.unsubscribe = true, .unsubscribed = true}));
}

TEST(subscription, names_are_read_as_they_are_written) {
  for (const char* name : {"none", "to", "from", "both"}) {
    EXPECT_EQ(name_of(subscription_state_of(name).value()), name);
  }
  EXPECT_FALSE(subscription_state_of("remove"));
  for (const char* name : {"subscribe", "subscribed", "unsubscribe", "unsubscribed"}) {
    EXPECT_EQ(name_of(subscription_act_of(name).value()), name);
  }
  EXPECT_FALSE(subscription_act_of("probe"));
  EXPECT_FALSE(subscription_act_of(""));
}

} // namespace
} // namespace coppice::xmpp
