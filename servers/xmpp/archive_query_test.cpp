#include "servers/xmpp/archive_query.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coppice::xmpp {
namespace {

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
jid address(std::string_view text) { return jid::parse(text).value(); }

auto query_of(const std::string& content) {
  return parse_archive_query(parsed("<query xmlns='urn:xmpp:mam:2' queryid='f27'>" + content + "</query>"),
                             {.ids = 2});
}
auto query_with(const std::string& var, const std::string& values) {
  return query_of("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
                  "<value>urn:xmpp:mam:2</value></field><field var='" +
                  var + "'>" + values + "</field></x>");
}
condition error_of(const std::expected<archive_query, stanza_error>& query) {
  return query ? condition::undefined_condition : query.error().is;
}

// XEP-0313, 4
TEST(archive_query, all_of_it) { EXPECT_EQ(query_of("").value(), archive_query{.id = "f27"}); }

// XEP-0313, 4.1.1 to 4.1.3
TEST(archive_query, fields_narrow_it) {
  EXPECT_EQ(query_with("with", "<value>juliet@capulet.lit</value>")->with, address("juliet@capulet.lit"));
  EXPECT_EQ(query_with("start", "<value>2010-08-07T00:00:00Z</value>")->start,
            parse_instant("2010-08-07T00:00:00Z"));
  EXPECT_EQ(query_with("end", "<value>2010-07-07T13:23:54Z</value>")->end,
            parse_instant("2010-07-07T13:23:54Z"));
  EXPECT_EQ(query_with("after-id", "<value>28482-98726-73623</value>")->after_id, "28482-98726-73623");
  EXPECT_EQ(query_with("before-id", "<value>09af3-cc343-b409f</value>")->before_id, "09af3-cc343-b409f");
  EXPECT_EQ(query_with("ids", "<value>1</value><value>2</value>")->ids, (std::vector<std::string>{"1", "2"}));
}

// XEP-0313, 4.3
TEST(archive_query, pages) {
  const auto query = query_of("<set xmlns='http://jabber.org/protocol/rsm'><max>10</max>"
                              "<after>09af3-cc343-b409f</after></set><flip-page/>");
  EXPECT_EQ(query->page, (page_request{.max = 10, .after = "09af3-cc343-b409f"}));
  EXPECT_TRUE(query->flipped);
}

TEST(archive_query, nonsense_is_refused) {
  EXPECT_EQ(error_of(query_with("start", "<value>yesterday</value>")), condition::bad_request);
  EXPECT_EQ(error_of(query_with("end", "")), condition::bad_request);
  EXPECT_EQ(error_of(query_with("after-id", "<value/>")), condition::bad_request);
  EXPECT_EQ(error_of(query_with("ids", "")), condition::bad_request);
  EXPECT_EQ(error_of(query_with("ids", "<value>1</value><value>2</value><value>3</value>")),
            condition::resource_constraint);
  EXPECT_EQ(error_of(query_with("with", "<value>@</value>")), condition::jid_malformed);
  EXPECT_EQ(error_of(query_of("<x xmlns='jabber:x:data' type='submit'/>")), condition::bad_request);
  EXPECT_EQ(error_of(query_of("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>x</value>"
                              "</field></x>")),
            condition::bad_request);
  EXPECT_EQ(error_of(query_of("<set xmlns='http://jabber.org/protocol/rsm'><max>x</max></set>")),
            condition::bad_request);
  EXPECT_EQ(error_of(parse_archive_query(
                parsed("<query xmlns='urn:xmpp:mam:2' queryid='" + std::string(256, 'x') + "'/>"))),
            condition::bad_request);
}

// XEP-0313, 4.1.5
TEST(archive_query, fields_that_are_not_known_are_refused) {
  EXPECT_EQ(error_of(query_with("{http://example.com/}free-text-search", "<value>x</value>")),
            condition::feature_not_implemented);
}

// XEP-0313, 4.1.5
TEST(archive_query, the_form_has_the_known_fields) {
  EXPECT_EQ(make_archive_form(),
            parsed("<query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='form'>"
                   "<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"
                   "<field type='jid-single' var='with'/><field type='text-single' var='start'/>"
                   "<field type='text-single' var='end'/><field type='text-single' var='before-id'/>"
                   "<field type='text-single' var='after-id'/><field type='list-multi' var='ids'>"
                   "<validate xmlns='http://jabber.org/protocol/xdata-validate'><open/>"
                   "</validate></field></x></query>"));
}

// XEP-0313, 4.2
TEST(archive_query, results_are_forwarded_messages) {
  const xml::element message =
      parsed("<message xmlns='jabber:client' to='juliet@capulet.lit/balcony'"
             " from='romeo@montague.lit/orchard' type='chat'><body>Call me but love</body>"
             "</message>");
  EXPECT_EQ(make_archive_result("juliet@capulet.lit", "juliet@capulet.lit/chamber", "f27",
                                {.id = "28482-98726-73623",
                                 .at = parse_instant("2010-07-10T23:08:25Z").value(),
                                 .stanza = message}),
            parsed("<message xmlns='jabber:client' from='juliet@capulet.lit' to='juliet@capulet.lit/chamber'>"
                   "<result xmlns='urn:xmpp:mam:2' queryid='f27' id='28482-98726-73623'>"
                   "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' "
                   "stamp='2010-07-10T23:08:25Z'/>" +
                   message.to_string() + "</forwarded></result></message>"));
}

// XEP-0313, 4.3.2
TEST(archive_query, the_end_says_whether_it_is_all) {
  const page_info page{.first = "23452-4534-1", .last = "390-2342-22", .first_index = 0, .count = 16};
  EXPECT_EQ(
      make_archive_end(page, true),
      parsed("<fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'>"
             "<first index='0'>23452-4534-1</first><last>390-2342-22</last><count>16</count></set></fin>"));
  EXPECT_FALSE(make_archive_end(page, false).find("complete"));
}

// XEP-0313, 5
TEST(archive_query, metadata_tells_both_ends) {
  EXPECT_EQ(make_archive_metadata(archive_end{"YWxwaGEg", parse_instant("2008-08-22T21:09:04Z").value()},
                                  archive_end{"b21lZ2Eg", parse_instant("2020-04-20T14:34:21Z").value()}),
            parsed("<metadata xmlns='urn:xmpp:mam:2'><start id='YWxwaGEg' timestamp='2008-08-22T21:09:04Z'/>"
                   "<end id='b21lZ2Eg' timestamp='2020-04-20T14:34:21Z'/></metadata>"));
  EXPECT_EQ(make_archive_metadata(std::nullopt, std::nullopt), parsed("<metadata xmlns='urn:xmpp:mam:2'/>"));
}

// XEP-0441, 2.1
TEST(archive_preferences, are_read_as_they_are_written) {
  const archive_preferences preferences{.otherwise = archive_preferences::policy::roster,
                                        .always = {address("romeo@montague.lit")},
                                        .never = {address("montague@montague.lit")}};
  const xml::element e = parsed("<prefs xmlns='urn:xmpp:mam:2' default='roster'>"
                                "<always><jid>romeo@montague.lit</jid></always>"
                                "<never><jid>montague@montague.lit</jid></never></prefs>");
  EXPECT_EQ(to_element(preferences), e);
  EXPECT_EQ(parse_archive_preferences(e).value(), preferences);
  EXPECT_EQ(parse_archive_preferences(parsed("<prefs xmlns='urn:xmpp:mam:2' default='never'/>")).value(),
            archive_preferences{.otherwise = archive_preferences::policy::never});
}

TEST(archive_preferences, nonsense_is_refused) {
  const auto error = [](const std::string& prefs) {
    const auto read =
        parse_archive_preferences(parsed("<prefs xmlns='urn:xmpp:mam:2' " + prefs + "</prefs>"), 1);
    return read ? condition::undefined_condition : read.error().is;
  };
  EXPECT_EQ(error(">"), condition::bad_request);
  EXPECT_EQ(error("default='sometimes'>"), condition::bad_request);
  EXPECT_EQ(error("default='never'><always><jid/></always>"), condition::jid_malformed);
  EXPECT_EQ(error("default='never'><always><jid>a@b</jid><jid>a@b</jid></always>"),
            condition::undefined_condition);
  EXPECT_EQ(error("default='never'><never><jid>a@b</jid><jid>a@c</jid></never>"),
            condition::resource_constraint);
}

// XEP-0441, 2.1.1 to 2.1.3
TEST(archive_preferences, decide) {
  archive_preferences p{.always = {address("a@b")}, .never = {address("c@d"), address("e@f/x")}};
  EXPECT_TRUE(p.allows(address("x@y/z"), false));
  EXPECT_FALSE(p.allows(address("c@d/z"), true));
  EXPECT_TRUE(p.allows(address("e@f/z"), false));
  EXPECT_FALSE(p.allows(address("e@f/x"), false));
  p.otherwise = archive_preferences::policy::roster;
  EXPECT_FALSE(p.allows(address("x@y/z"), false));
  EXPECT_TRUE(p.allows(address("x@y/z"), true));
  EXPECT_TRUE(p.allows(address("a@b/z"), false));
  p.otherwise = archive_preferences::policy::never;
  EXPECT_FALSE(p.allows(address("x@y/z"), true));
}

} // namespace
} // namespace coppice::xmpp
