#include "servers/xmpp/muc/privileges.hpp"

#include <gtest/gtest.h>

namespace coppice::xmpp::muc {
namespace {

constexpr affiliation outcast = affiliation::outcast;
constexpr affiliation none = affiliation::none;
constexpr affiliation member = affiliation::member;
constexpr affiliation admin = affiliation::admin;
constexpr affiliation owner = affiliation::owner;

std::string_view may(affiliation actor, affiliation before, affiliation wanted) {
  const auto refused = refusal(actor, before, wanted);
  return refused ? name_of(*refused) : "yes";
}

std::string_view may(standing actor, standing target, role wanted) {
  const auto refused = refusal(actor, target, wanted);
  return refused ? name_of(*refused) : "yes";
}

// XEP-0045, 5.2.2: the table of affiliations, for each that may change them
TEST(privileges, affiliations_are_changed_by_those_above) {
  constexpr affiliation all[] = {outcast, none, member, admin, owner};
  for (const affiliation before : all) {
    for (const affiliation after : all) {
      for (const affiliation low : {outcast, none, member}) EXPECT_EQ(may(low, before, after), "forbidden");
      EXPECT_EQ(may(owner, before, after), "yes");
      const bool below = before < admin && after < admin;
      EXPECT_EQ(may(admin, before, after) == "yes", below);
    }
  }
  EXPECT_EQ(may(admin, owner, outcast), "not-allowed"); // 9.1
  EXPECT_EQ(may(admin, admin, outcast), "not-allowed"); // 5.2.2
  EXPECT_EQ(may(admin, member, admin), "forbidden");    // 10.6
  EXPECT_EQ(may(admin, member, owner), "forbidden");    // 10.3
}

// XEP-0045, 5.1.1 and 8.2: kicks
TEST(privileges, moderators_kick_those_who_are_not_above) {
  for (const role low : {role::none, role::visitor, role::participant}) {
    EXPECT_EQ(may({owner, low}, {none, role::visitor}, role::none), "forbidden");
  }
  EXPECT_EQ(may({none, role::moderator}, {none, role::participant}, role::none), "yes");
  EXPECT_EQ(may({none, role::moderator}, {member, role::participant}, role::none), "not-allowed");
  EXPECT_EQ(may({member, role::moderator}, {admin, role::moderator}, role::none), "not-allowed");
  EXPECT_EQ(may({admin, role::moderator}, {owner, role::moderator}, role::none), "not-allowed");
  EXPECT_EQ(may({owner, role::moderator}, {owner, role::moderator}, role::none), "yes");
}

// XEP-0045, 8.3 and 8.4
TEST(privileges, voice_is_given_by_moderators_and_taken_from_those_below) {
  EXPECT_EQ(may({none, role::moderator}, {none, role::visitor}, role::participant), "yes");
  EXPECT_EQ(may({none, role::moderator}, {none, role::participant}, role::visitor), "yes");
  EXPECT_EQ(may({member, role::moderator}, {member, role::participant}, role::visitor), "not-allowed");
  EXPECT_EQ(may({admin, role::moderator}, {member, role::participant}, role::visitor), "yes");
  EXPECT_EQ(may({owner, role::moderator}, {admin, role::moderator}, role::visitor), "not-allowed");
}

// XEP-0045, 9.6 and 9.7
TEST(privileges, moderation_is_given_and_taken_by_administrators) {
  EXPECT_EQ(may({admin, role::moderator}, {none, role::participant}, role::moderator), "yes");
  EXPECT_EQ(may({member, role::moderator}, {none, role::participant}, role::moderator), "forbidden");
  EXPECT_EQ(may({admin, role::moderator}, {none, role::moderator}, role::participant), "yes");
  EXPECT_EQ(may({member, role::moderator}, {none, role::moderator}, role::participant), "not-allowed");
  EXPECT_EQ(may({owner, role::moderator}, {admin, role::moderator}, role::participant), "not-allowed");
}

// XEP-0045, 5.1.2
TEST(privileges, roles_on_entry_follow_from_affiliations) {
  EXPECT_EQ(role_on_entry(none, false), role::participant);
  EXPECT_EQ(role_on_entry(none, true), role::visitor);
  EXPECT_EQ(role_on_entry(member, true), role::participant);
  EXPECT_EQ(role_on_entry(admin, true), role::moderator);
  EXPECT_EQ(role_on_entry(owner, false), role::moderator);
  EXPECT_EQ(role_on_entry(outcast, false), role::none);
}

TEST(privileges, roles_follow_affiliations) {
  EXPECT_EQ(role_after(none, owner, role::visitor, true), role::moderator);
  EXPECT_EQ(role_after(admin, none, role::moderator, true), role::visitor);
  EXPECT_EQ(role_after(admin, member, role::moderator, true), role::participant);
  EXPECT_EQ(role_after(none, member, role::visitor, true), role::participant);
  EXPECT_EQ(role_after(none, member, role::moderator, true), role::moderator);
  EXPECT_EQ(role_after(member, none, role::participant, true), role::participant);
}

TEST(privileges, names_are_read) {
  EXPECT_EQ(parse_affiliation("outcast"), outcast);
  EXPECT_EQ(parse_affiliation("king"), std::nullopt);
  EXPECT_EQ(parse_role("moderator"), role::moderator);
  EXPECT_EQ(parse_role(""), std::nullopt);
  EXPECT_EQ(name_of(owner), "owner");
  EXPECT_EQ(name_of(role::none), "none");
}

} // namespace
} // namespace coppice::xmpp::muc
