#include "servers/xmpp/data_form.hpp"

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <gtest/gtest.h>

namespace coppice::xmpp {
namespace {

data_form parsed(std::string_view text) { return data_form::parse(xml::parse_element(text).value()).value(); }

std::string why_not(std::string_view text, const form_limits& limits = {}) {
  const auto form = data_form::parse(xml::parse_element(text).value(), limits);
  return form ? "it is one" : form.error();
}

/// XEP-0004, example 2
constexpr std::string_view bot_form = R"(
<x xmlns='jabber:x:data' type='form'>
  <title>Bot Configuration</title>
  <instructions>Fill out this form to configure your new bot!</instructions>
  <field type='hidden' var='FORM_TYPE'><value>jabber:bot</value></field>
  <field type='fixed'><value>Section 1: Bot Info</value></field>
  <field type='text-single' label='The name of your bot' var='botname'/>
  <field type='text-multi' label='Helpful description of your bot' var='description'/>
  <field type='boolean' label='Public bot?' var='public'><required/></field>
  <field type='text-private' label='Password for special access' var='password'/>
  <field type='list-multi' label='What features will the bot support?' var='features'>
    <option label='Contests'><value>contests</value></option>
    <option label='News'><value>news</value></option>
    <option label='Search'><value>search</value></option>
    <value>news</value>
    <value>search</value>
  </field>
  <field type='list-single' label='Maximum number of subscribers' var='maxsubs'>
    <value>20</value>
    <option label='10'><value>10</value></option>
    <option label='20'><value>20</value></option>
    <option label='None'><value>none</value></option>
  </field>
  <field type='jid-multi' label='People to invite' var='invitelist'>
    <desc>Tell all your friends about your new bot!</desc>
  </field>
</x>)";

/// A submission of the bot's form with one field besides what is required.
std::expected<data_form, std::string> answers(std::string_view fields) {
  return checked_answers(parsed(bot_form),
                         parsed("<x xmlns='jabber:x:data' type='submit'><field var='public'>"
                                "<value>1</value></field>" +
                                std::string(fields) + "</x>"));
}

TEST(data_form, is_read) {
  const data_form form = parsed(bot_form);
  EXPECT_EQ(form.kind, form_kind::form);
  EXPECT_EQ(form.title, "Bot Configuration");
  EXPECT_EQ(form.form_type(), "jabber:bot");
  ASSERT_EQ(form.fields.size(), 9U);
  EXPECT_EQ(form.fields[1].type, field_type::fixed);
  EXPECT_TRUE(form.find("public")->required);
  EXPECT_EQ(form.find("features")->values, (std::vector<std::string>{"news", "search"}));
  EXPECT_EQ(form.find("maxsubs")->options[2], (form_option{"None", "none"}));
  EXPECT_EQ(form.find("invitelist")->description, "Tell all your friends about your new bot!");
  EXPECT_EQ(form.value("maxsubs"), "20");
  EXPECT_EQ(form.value("botname"), std::nullopt);
  EXPECT_EQ(form.find("nothing"), nullptr);
}

TEST(data_form, comes_back_from_what_is_written_of_it) {
  data_form form = parsed(bot_form);
  form.fields.back().open = true;
  EXPECT_EQ(data_form::parse(to_element(form)).value(), form);
}

TEST(data_form, is_built_field_by_field) {
  data_form form = data_form::of(form_kind::form, "urn:test");
  form.add("name", field_type::text_single, "Name", "Joogle").required = true;
  form.add_bool("public", "Public?", false);
  EXPECT_EQ(to_element(form),
            to_element(parsed("<x xmlns='jabber:x:data' type='form'>"
                              "<field var='FORM_TYPE' type='hidden'><value>urn:test</value></field>"
                              "<field var='name' type='text-single' label='Name'><required/>"
                              "<value>Joogle</value></field>"
                              "<field var='public' type='boolean' label='Public?'>"
                              "<value>0</value></field></x>")));
}

// XEP-0004, 3.4 and example 8
TEST(data_form, may_be_a_table) {
  const data_form form = parsed(R"(
<x xmlns='jabber:x:data' type='result'>
  <title>Joogle Search: verona</title>
  <reported><field var='name'/><field var='url'/></reported>
  <item>
    <field var='name'><value>Comune di Verona</value></field>
    <field var='url'><value>http://www.comune.verona.it/</value></field>
  </item>
  <item>
    <field var='name'><value>benvenuto!</value></field>
    <field var='url'><value>http://www.hellasverona.it/</value></field>
  </item>
</x>)");
  ASSERT_EQ(form.reported.size(), 2U);
  ASSERT_EQ(form.items.size(), 2U);
  EXPECT_EQ(form.items[1][0].value(), "benvenuto!");
  EXPECT_EQ(data_form::parse(to_element(form)).value(), form);
}

TEST(data_form, of_an_unknown_type_is_none) {
  EXPECT_EQ(why_not("<x xmlns='jabber:x:data' type='bad'/>"),
            "the form's type is none of form, submit, cancel and result");
  EXPECT_EQ(why_not("<x xmlns='jabber:x:oob' type='form'/>"), "there is no form");
  EXPECT_EQ(why_not("<x xmlns='jabber:x:data' type='submit'><field/></x>"), "a field has no 'var'");
}

// XEP-0004, 3.3: text-single is assumed for a type that is not understood
TEST(data_form, fields_of_unknown_types_are_text) {
  const data_form form = parsed("<x xmlns='jabber:x:data' type='form'><field var='a' type='color'/></x>");
  EXPECT_EQ(form.fields[0].type, field_type::text_single);
}

TEST(data_form, has_bounds) {
  const form_limits limits{.fields = 2, .values = 2, .items = 1, .bytes = 8};
  const auto within = [&](const std::string& inside) {
    return why_not("<x xmlns='jabber:x:data' type='result'>" + inside + "</x>", limits);
  };
  EXPECT_EQ(within("<field var='a'/><field var='b'/>"), "it is one");
  EXPECT_EQ(within("<field var='a'/><field var='b'/><field var='c'/>"), "the form has too many fields");
  EXPECT_EQ(within("<item><field var='a'/><field var='b'/><field var='c'/></item>"),
            "the form has too many fields");
  EXPECT_EQ(within("<item/><item/>"), "the form has too many items");
  EXPECT_EQ(within("<field var='a'><value/><value/><value/></field>"), "a field has too many values");
  EXPECT_EQ(within("<field var='a'><option/><option/><option/></field>"), "a field has too many options");
  EXPECT_EQ(within("<field var='a'><value>123456789</value></field>"), "the form holds too much");
}

// XEP-0004, 4
TEST(data_form, answers_are_checked) {
  EXPECT_TRUE(answers(""));
  EXPECT_EQ(answers("<field var='maxsubs'><value>30</value></field>").error(),
            "'maxsubs' has a value that is not among the options");
  EXPECT_EQ(answers("<field var='botname'><value>a</value><value>b</value></field>").error(),
            "'botname' has several values");
  EXPECT_EQ(answers("<field var='invitelist'><value>a@b@c</value></field>").error().substr(0, 31),
            "'invitelist' must be an address");
  EXPECT_EQ(answers("<field var='FORM_TYPE'><value>jabber:other</value></field>").error(),
            "'FORM_TYPE' is that of another form");
  const auto missing =
      checked_answers(parsed(bot_form), parsed("<x xmlns='jabber:x:data' type='submit'></x>"));
  EXPECT_EQ(missing.error(), "'public' is required");
  const auto odd =
      checked_answers(parsed(bot_form), parsed("<x xmlns='jabber:x:data' type='submit'><field var='public'>"
                                               "<value>yes</value></field></x>"));
  EXPECT_EQ(odd.error(), "'public' must be 0 or 1");
  EXPECT_EQ(checked_answers(parsed(bot_form), parsed("<x xmlns='jabber:x:data' type='cancel'/>")).error(),
            "the form is not submitted");
}

TEST(data_form, answers_come_in_their_form) {
  const data_form form =
      answers("<field var='invitelist'><value>Juliet@Capulet.com</value>"
              "<value>juliet@capulet.com</value><value/></field>"
              "<field var='unknown'><value>1</value></field>"
              "<field var='description'><value>one</value><value/><value>two</value></field>"
              "<field var='botname'><value/></field>")
          .value();
  EXPECT_EQ(form.find("invitelist")->values, std::vector<std::string>{"juliet@capulet.com"});
  EXPECT_EQ(form.find("unknown"), nullptr);
  EXPECT_EQ(form.find("description")->lines(), "one\n\ntwo");
  EXPECT_TRUE(form.find("botname")->values.empty());
  EXPECT_EQ(form.find("maxsubs"), nullptr) << "left out: not to change";
  EXPECT_EQ(form.value("public"), "1");
}

// XEP-0122, 3.2.2
TEST(data_form, lists_may_be_open) {
  data_form asked = parsed(bot_form);
  asked.fields[7].open = true;
  const auto form = checked_answers(asked, parsed("<x xmlns='jabber:x:data' type='submit'>"
                                                  "<field var='public'><value>true</value></field>"
                                                  "<field var='maxsubs'><value>31</value></field></x>"));
  EXPECT_EQ(form.value().value("maxsubs"), "31");
}

} // namespace
} // namespace coppice::xmpp
