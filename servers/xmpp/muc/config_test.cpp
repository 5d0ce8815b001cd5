#include "servers/xmpp/muc/config.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

namespace coppice::xmpp::muc {
namespace {

std::expected<room_config, std::string> answered(const room_config& now, std::string_view fields) {
  const std::string text = "<x xmlns='jabber:x:data' type='submit'>" + std::string(fields) + "</x>";
  return configured(now, data_form::parse(xml::parse_element(text).value()).value(), {});
}

const room_config odd{.name = "A <Dark> Cave",
                      .description = "The place\nfor all good witches!",
                      .lang = "en",
                      .password = "cauldronburn",
                      .persistent = true,
                      .listed = false,
                      .members_only = true,
                      .moderated = true,
                      .anonymous = false,
                      .change_subject = true,
                      .invites = true,
                      .archived = false,
                      .pm = private_messages::moderators,
                      .max_users = 17,
                      .history = 5};

TEST(room_config, comes_back_from_what_is_kept_of_it) {
  EXPECT_EQ(parse_config(to_text(odd)), odd);
  EXPECT_EQ(parse_config(to_text({})), room_config());
}

// What the first version wrote is read for ever.
TEST(room_config, of_the_first_version_is_read) {
  const auto config =
      parse_config("<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
                   "<value>http://jabber.org/protocol/muc#roomconfig</value></field><field "
                   "var='version'><value>1</value></field>"
                   "<field var='muc#roomconfig_roomname'><value>Cave</value></field>"
                   "<field var='muc#roomconfig_roomdesc'><value>Dark</value></field>"
                   "<field var='muc#roomconfig_lang'><value>en</value></field>"
                   "<field var='muc#roomconfig_persistentroom'><value>1</value></field>"
                   "<field var='muc#roomconfig_publicroom'><value>0</value></field>"
                   "<field var='muc#roomconfig_membersonly'><value>1</value></field>"
                   "<field var='muc#roomconfig_moderatedroom'><value>1</value></field>"
                   "<field var='muc#roomconfig_changesubject'><value>1</value></field>"
                   "<field var='muc#roomconfig_allowinvites'><value>1</value></field>"
                   "<field var='muc#roomconfig_enablearchiving'><value>0</value></field>"
                   "<field var='muc#roomconfig_roomsecret'><value>s</value></field>"
                   "<field var='muc#roomconfig_allowpm'><value>none</value></field>"
                   "<field var='muc#roomconfig_whois'><value>anyone</value></field>"
                   "<field var='muc#roomconfig_maxusers'><value>17</value></field>"
                   "<field var='muc#maxhistoryfetch'><value>5</value></field></x>");
  const room_config expected{.name = "Cave",
                             .description = "Dark",
                             .lang = "en",
                             .password = "s",
                             .persistent = true,
                             .listed = false,
                             .members_only = true,
                             .moderated = true,
                             .anonymous = false,
                             .change_subject = true,
                             .invites = true,
                             .archived = false,
                             .pm = private_messages::none,
                             .max_users = 17,
                             .history = 5};
  EXPECT_EQ(config, expected);
}

TEST(room_config, with_less_is_as_in_a_new_room) {
  const std::string head =
      "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'>"
      "<value>http://jabber.org/protocol/muc#roomconfig</value></field><field var='version'>";
  EXPECT_EQ(parse_config(head + "<value>1</value></field><field var='later'><value>1</value></field></x>"),
            room_config());
  EXPECT_EQ(parse_config(head + "<value>2</value></field></x>").error(),
            "the room's configuration is of a version that is not known");
  EXPECT_FALSE(parse_config("<x/>"));
  EXPECT_FALSE(parse_config("text"));
  EXPECT_FALSE(parse_config(head +
                            "<value>1</value></field><field var='muc#roomconfig_maxusers'><value>x</value>"
                            "</field></x>"));
}

// XEP-0045, 10.2: what is left out remains
TEST(room_config, takes_answers) {
  EXPECT_EQ(answered(odd, ""), odd);
  EXPECT_EQ(answered({}, "<field var='muc#roomconfig_moderatedroom'><value>true</value></field>")->moderated,
            true);
  EXPECT_EQ(
      answered(odd, "<field var='muc#roomconfig_passwordprotectedroom'><value>0</value></field>")->password,
      "");
  EXPECT_EQ(answered({}, "<field var='muc#roomconfig_maxusers'><value>33</value></field>")->max_users, 33U);
  EXPECT_EQ(answered(odd, "<field var='muc#roomconfig_maxusers'><value>none</value></field>")->max_users, 0U);
  EXPECT_EQ(answered({}, "<field var='muc#roomconfig_allowpm'><value>none</value></field>")->pm,
            private_messages::none);
}

// XEP-0045, 10.2.1: not-acceptable
TEST(room_config, says_what_it_cannot_take) {
  EXPECT_EQ(
      answered({}, "<field var='muc#roomconfig_passwordprotectedroom'><value>1</value></field>").error(),
      "muc#roomconfig_roomsecret must not be empty");
  EXPECT_EQ(answered({}, "<field var='muc#roomconfig_maxusers'><value>-1</value></field>").error(),
            "muc#roomconfig_maxusers must be a number or none");
  EXPECT_EQ(answered({}, "<field var='muc#roomconfig_maxusers'><value>5001</value></field>").error(),
            "muc#roomconfig_maxusers must be at most 5000");
  EXPECT_EQ(answered({}, "<field var='muc#maxhistoryfetch'><value>101</value></field>").error(),
            "muc#maxhistoryfetch must be at most 100");
  EXPECT_EQ(answered({}, "<field var='muc#roomconfig_whois'><value>me</value></field>").error(),
            "'muc#roomconfig_whois' has a value that is not among the options");
  EXPECT_EQ(answered({}, "<field var='muc#roomconfig_roomname'><value>" + std::string(4097, 'x') +
                             "</value></field>")
                .error(),
            "muc#roomconfig_roomname is too long");
}

} // namespace
} // namespace coppice::xmpp::muc
