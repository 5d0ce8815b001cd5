#include "servers/xmpp/upload.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

#include <array>

namespace coppice::xmpp {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t most = 5'242'880;

xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }
xml::element iq(const std::string& attributes, const std::string& type = "get") {
  return parsed("<iq xmlns='jabber:client' from='romeo@montague.tld/garden' id='step_03' "
                "to='upload.montague.tld' type='" +
                type + "'><request xmlns='urn:xmpp:http:upload:0' " + attributes + "/></iq>");
}
const std::string example = "filename='très cool.jpg' size='23456' content-type='image/jpeg'";
condition refusal_of(const std::string& attributes) {
  const auto asked = parse_upload_request(iq(attributes), most);
  return asked ? condition::undefined_condition : asked.error().is;
}

// XEP-0363, example 4
TEST(upload_info, has_the_largest_size) {
  EXPECT_EQ(
      to_element(upload_service_info(most)),
      parsed("<query xmlns='http://jabber.org/protocol/disco#info'>"
             "<identity category='store' type='file' name='HTTP File Upload'/>"
             "<feature var='http://jabber.org/protocol/disco#info'/><feature var='urn:xmpp:http:upload:0'/>"
             "<x type='result' xmlns='jabber:x:data'><field var='FORM_TYPE' type='hidden'>"
             "<value>urn:xmpp:http:upload:0</value></field>"
             "<field var='max-file-size'><value>5242880</value></field></x></query>"));
}

// XEP-0363, examples 5 and 6
TEST(upload_request, is_read_and_answered_with_a_slot) {
  const auto asked = parse_upload_request(iq(example), most);
  EXPECT_EQ(asked.value(), (upload_request{"très cool.jpg", 23456, "image/jpeg"}));
  EXPECT_EQ(upload_slot(iq(example), "https://h/4a77/tr%C3%A8s%20cool.jpg", "https://d/4a77/c.jpg"),
            parsed("<iq xmlns='jabber:client' from='upload.montague.tld' id='step_03' "
                   "to='romeo@montague.tld/garden' type='result'><slot xmlns='urn:xmpp:http:upload:0'>"
                   "<put url='https://h/4a77/tr%C3%A8s%20cool.jpg'/><get url='https://d/4a77/c.jpg'/>"
                   "</slot></iq>"));
}

TEST(upload_request, may_leave_out_the_type) {
  EXPECT_EQ(parse_upload_request(iq("filename='a' size='1'"), most).value(), (upload_request{"a", 1}));
  EXPECT_EQ(parse_upload_request(iq("filename='a' size='1' content-type=''"), most).value(),
            (upload_request{"a", 1}));
  EXPECT_EQ(parse_upload_request(iq("filename='a' size='1' content-type='Text/Plain; charset=utf-8'"), most)
                .value()
                .type,
            "text/plain");
}

// XEP-0363, 4
TEST(upload_request, that_makes_no_sense_is_refused) {
  for (const char* attributes :
       {"size='1'", "filename='' size='1'", "filename='a'", "filename='a' size=''", "filename='a' size='0'",
        "filename='a' size='-1'", "filename='a' size=' 1'", "filename='a' size='1x'",
        "filename='a' size='1.5'", "filename='a' size='99999999999999999999'",
        "filename='a' size='1' content-type='jpeg'", "filename='a' size='1' content-type='a/b&#10;X: y'",
        "filename='a' size='1' content-type='/b'"}) {
    EXPECT_EQ(refusal_of(attributes), condition::bad_request) << attributes;
  }
  EXPECT_FALSE(parse_upload_request(iq(example, "set"), most));
  EXPECT_FALSE(parse_upload_request(parsed("<iq xmlns='jabber:client' type='get' id='1'/>"), most));
}

// XEP-0363, example 11
TEST(upload_request, for_too_large_a_file_hears_what_is_not) {
  EXPECT_TRUE(parse_upload_request(iq(example), 23456));
  const auto refused = parse_upload_request(iq(example), 20000);
  ASSERT_FALSE(refused);
  const xml::element error = to_element(refused.error());
  EXPECT_EQ(error.get("type"), "modify");
  EXPECT_NE(error.child("urn:ietf:params:xml:ns:xmpp-stanzas", "not-acceptable"), nullptr);
  EXPECT_EQ(*error.child("urn:xmpp:http:upload:0", "file-too-large"),
            parsed("<file-too-large xmlns='urn:xmpp:http:upload:0'><max-file-size>20000</max-file-size>"
                   "</file-too-large>"));
}

// XEP-0363, example 12
TEST(upload_quota, names_the_time_from_which_on_there_is_room) {
  const instant noon = parse_instant("2017-12-03T12:00:00Z").value();
  const std::array uses = {upload_use{noon - 500ms, 10}, upload_use{noon + 1min, 50},
                           upload_use{noon + 2min, 30}};
  EXPECT_FALSE(over_quota(uses, 10, {100, 4}));
  EXPECT_FALSE(over_quota({}, 100, {100, 1}));
  const auto stamp = [&](std::uint64_t size, upload_quota quota) {
    const auto error = over_quota(uses, size, quota);
    if (!error) return std::string("room");
    EXPECT_EQ(error->is, condition::resource_constraint);
    EXPECT_EQ(to_element(*error).get("type"), "wait");
    return std::string(error->more.get("stamp"));
  };
  EXPECT_EQ(stamp(11, {100, 4}), "2017-12-04T12:00:00Z");
  EXPECT_EQ(stamp(30, {100, 4}), "2017-12-04T12:01:00Z");
  EXPECT_EQ(stamp(1, {100, 3}), "2017-12-04T12:00:00Z");
  EXPECT_EQ(stamp(1, {100, 1}), "2017-12-04T12:02:00Z");
  EXPECT_EQ(stamp(101, {100, 4}), "") << "it will never have room";
}

TEST(upload_name, is_one_part_of_a_path) {
  EXPECT_EQ(upload_name("a.jpg"), "a.jpg");
  EXPECT_EQ(upload_name("/etc/passwd"), "passwd");
  EXPECT_EQ(upload_name("C:\\Users\\a b.png"), "a b.png");
  EXPECT_EQ(upload_name("../.."), "file");
  EXPECT_EQ(upload_name("."), "file");
  EXPECT_EQ(upload_name("dir/"), "file");
  EXPECT_EQ(upload_name("a\r\nb\x7f.txt"), "a__b_.txt");
  EXPECT_EQ(upload_name(std::string(300, 'x') + ".tar"), std::string(116, 'x') + ".tar");
  EXPECT_EQ(upload_name("x." + std::string(300, 'y')).size(), 120U);
  std::string wide = "x";
  for (int i = 0; i < 100; ++i) wide += "è";
  const std::string name = upload_name(wide + ".jpg");
  EXPECT_EQ(name, wide.substr(0, 115) + ".jpg") << "no half characters";
}

} // namespace
} // namespace coppice::xmpp
