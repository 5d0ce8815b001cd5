// The examples of XEP-0077.
#include "servers/xmpp/registration.hpp"

#include "servers/xml/stream_parser.hpp"

#include <gtest/gtest.h>

namespace coppice::xmpp {
namespace {

xml::element iq(const std::string& type, const std::string& inside) {
  return xml::parse_element("<iq xmlns='jabber:client' type='" + type +
                            "' id='r'><query xmlns='jabber:iq:register'>" + inside + "</query></iq>")
      .value();
}
std::string refusal(const std::string& inside) {
  const auto read = parse_registration(iq("set", inside));
  return read ? "taken" : std::string(name_of(read.error().is));
}

// Examples 1 to 4
TEST(registration, asks_for_a_name_and_a_password) {
  const xml::element asked = iq("get", "");
  EXPECT_EQ(parse_registration(asked), registration_request());
  EXPECT_EQ(
      registration_fields(asked).to_string("jabber:client"),
      "<iq type=\"result\" id=\"r\"><query xmlns=\"jabber:iq:register\"><instructions>Choose a name and a "
      "password.</instructions><username/><password/></query></iq>");
  EXPECT_EQ(registered_as(asked, "juliet").to_string("jabber:client"),
            "<iq type=\"result\" id=\"r\"><query "
            "xmlns=\"jabber:iq:register\"><registered/><username>juliet</username>"
            "<password/></query></iq>");
}

// Examples 5, 11, 18
TEST(registration, reads_what_is_wanted) {
  EXPECT_EQ(parse_registration(iq("set", "<username>bill</username><password>Calliope</password>")),
            (registration_request{
                .wants = registration_request::kind::save, .user = "bill", .password = "Calliope"}));
  EXPECT_EQ(parse_registration(iq("set", "<remove/>")),
            (registration_request{.wants = registration_request::kind::remove}));
}

// Example 13, 3.1
TEST(registration, refuses_what_is_not_whole) {
  EXPECT_EQ(refusal("<remove/><username>bill</username>"), "bad-request");
  EXPECT_EQ(refusal("<username>bill</username>"), "not-acceptable");
  EXPECT_EQ(refusal("<username/><password>x</password>"), "not-acceptable");
  EXPECT_EQ(refusal(""), "not-acceptable");
  EXPECT_FALSE(parse_registration(xml::parse_element("<iq xmlns='jabber:client' type='set'/>").value()));
}

} // namespace
} // namespace coppice::xmpp
