// The steps of RFC 6120, section 9.1, and clients that do not keep to them.
#include "servers/xmpp/negotiation.hpp"

#include "coppice/net/detail/base64.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice::xmpp {
namespace {

using action = negotiation_step::action;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

negotiation_options options(framing frames = framing::tcp, bool secure = true) {
  negotiation_options o;
  o.frames = frames;
  o.domains = {"im.example.com"};
  o.secure = secure;
  o.offers_tls = !secure;
  o.decoy_secret = "secret";
  o.unique = [n = 0]() mutable { return "token" + std::to_string(++n); };
  return o;
}

xml::stream_opened head(std::string_view attributes = "to='im.example.com' version='1.0'",
                        std::string_view ns = ns::client) {
  const std::string text =
      "<stream xmlns='http://etherx.jabber.org/streams' " + std::string(attributes) + "/>";
  return {xml::parse_element(text).value(), std::string(ns)};
}
xml::element parsed(std::string_view text) { return xml::parse_element(text).value(); }

xml::element auth(std::string_view mechanism, std::string_view initial) {
  xml::element e(ns::sasl, "auth");
  e.set("mechanism", mechanism);
  if (!initial.empty()) e.add_text(net::detail::to_base64(initial));
  return e;
}
std::string plain(std::string_view user, std::string_view password, std::string_view as = "") {
  return std::string(as) + '\0' + std::string(user) + '\0' + std::string(password);
}

/// Until the user is let in.
negotiation entered(framing frames = framing::tcp) {
  negotiation n(options(frames));
  EXPECT_EQ(n.opened(frames == framing::tcp
                         ? head()
                         : xml::stream_opened{parsed("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' "
                                                     "to='im.example.com' version='1.0'/>"),
                                              ""})
                .next,
            action::read_on);
  EXPECT_EQ(n.received(auth("PLAIN", plain("juliet", "r0m30myr0m30"))).next, action::check_password);
  EXPECT_EQ(n.checked(true).next, action::restart);
  return n;
}

// RFC 6120, 9.1.1
TEST(negotiation, asks_for_tls_first) {
  negotiation n(options(framing::tcp, false));
  const negotiation_step greeting =
      n.opened(head("to='im.example.com' from='juliet@im.example.com' version='1.0'"));
  EXPECT_EQ(greeting.write,
            "<?xml version='1.0'?><stream:stream xmlns=\"jabber:client\" "
            "xmlns:stream=\"http://etherx.jabber.org/streams\" version=\"1.0\" xml:lang=\"en\" id=\"token1\" "
            "from=\"im.example.com\" to=\"juliet@im.example.com\"><stream:features><starttls "
            "xmlns=\"urn:ietf:params:xml:ns:xmpp-tls\"><required/></starttls></stream:features>");
  const negotiation_step proceed = n.received(parsed("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
  EXPECT_EQ(proceed.next, action::start_tls);
  EXPECT_EQ(proceed.write, "<proceed xmlns=\"urn:ietf:params:xml:ns:xmpp-tls\"/>");
}

TEST(negotiation, nothing_but_tls_goes_in_clear) {
  negotiation n(options(framing::tcp, false));
  (void)n.opened(head());
  const negotiation_step step = n.received(auth("PLAIN", plain("juliet", "pw")));
  EXPECT_EQ(step.next, action::close);
  EXPECT_THAT(step.write, HasSubstr("<stream:error><policy-violation"));
  EXPECT_THAT(step.write, HasSubstr("</stream:stream>"));
}

// RFC 6120, 9.1.2 and 9.1.3, by PLAIN
TEST(negotiation, lets_users_in_and_binds) {
  negotiation n(options());
  const negotiation_step greeting = n.opened(head());
  EXPECT_THAT(greeting.write,
              HasSubstr("<mechanism>SCRAM-SHA-256</mechanism><mechanism>SCRAM-SHA-1</mechanism>"
                        "<mechanism>PLAIN</mechanism>"));
  EXPECT_THAT(greeting.write, Not(HasSubstr("PLUS"))) << "there is nothing to bind to";
  const negotiation_step asked = n.received(auth("PLAIN", plain("Juliet", "r0m30myr0m30")));
  EXPECT_EQ(asked.next, action::check_password);
  EXPECT_EQ(asked.user, "juliet");
  EXPECT_EQ(asked.password, "r0m30myr0m30");
  EXPECT_FALSE(n.is_authenticated());
  const negotiation_step done = n.checked(true);
  EXPECT_EQ(done.next, action::restart);
  EXPECT_EQ(done.write, "<success xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\"/>");
  EXPECT_TRUE(n.is_authenticated());

  const negotiation_step again = n.opened(head());
  EXPECT_THAT(again.write, HasSubstr("id=\"token2\""));
  EXPECT_THAT(again.write, HasSubstr("<stream:features><bind xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\"/>"));
  const xml::element bind =
      parsed("<iq xmlns='jabber:client' id='yhc13a95' type='set'>"
             "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>balcony</resource></bind></iq>");
  const negotiation_step bound = n.received(bind);
  EXPECT_EQ(bound.next, action::bind);
  EXPECT_EQ(bound.user, "juliet");
  EXPECT_EQ(bound.request, bind);
}

TEST(negotiation, by_scram_bound_to_the_channel) {
  negotiation_options o = options();
  o.bindings = {{"tls-exporter", "bound"}};
  negotiation n(std::move(o));
  EXPECT_THAT(n.opened(head()).write, HasSubstr("<mechanism>SCRAM-SHA-256-PLUS</mechanism>"));
  const negotiation_step asked = n.received(auth("SCRAM-SHA-1-PLUS", "p=tls-exporter,,n=user,r=client"));
  EXPECT_EQ(asked.next, action::find_user);
  EXPECT_EQ(asked.user, "user");
  const user_secrets known{*make_verifier(scram_hash::sha1, "pencil", "salt", 4096), {}};
  const negotiation_step challenge = n.found(known);
  const std::string said = *net::detail::from_base64(parsed(challenge.write).text());
  EXPECT_THAT(said, StartsWith("r=clienttoken"));
  EXPECT_THAT(said, HasSubstr(",s=c2FsdA==,i=4096"));
  const negotiation_step wrong =
      n.received(parsed("<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>Yz1jRDEsLHI9LHA9</response>"));
  EXPECT_THAT(wrong.write, StartsWith("<failure"));
  EXPECT_EQ(wrong.next, action::read_on);
}

TEST(negotiation, nobody_learns_who_exists) {
  const auto challenge_for = [](const std::optional<user_secrets>& who) {
    negotiation n(options());
    (void)n.opened(head());
    EXPECT_EQ(n.received(auth("SCRAM-SHA-256", "n,,n=ghost,r=client")).next, action::find_user);
    return *net::detail::from_base64(parsed(n.found(who).write).text());
  };
  EXPECT_EQ(challenge_for(std::nullopt), challenge_for(std::nullopt)) << "the same salt each time";
}

TEST(negotiation, an_empty_challenge_asks_for_what_did_not_come_at_once) {
  negotiation n(options());
  (void)n.opened(head());
  EXPECT_EQ(n.received(auth("PLAIN", "")).write, "<challenge xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\"/>");
  xml::element response(ns::sasl, "response");
  response.add_text(net::detail::to_base64(plain("juliet", "pw")));
  EXPECT_EQ(n.received(response).next, action::check_password);
}

TEST(negotiation, nobody_acts_for_others) {
  negotiation n(options());
  (void)n.opened(head());
  EXPECT_THAT(n.received(auth("PLAIN", plain("juliet", "pw", "romeo@im.example.com"))).write,
              HasSubstr("<invalid-authzid/>"));
  EXPECT_EQ(n.received(auth("PLAIN", plain("juliet", "pw", "juliet@im.example.com"))).next,
            action::check_password);
}

// RFC 6120, 6.5
TEST(negotiation, says_what_is_wrong_with_a_request) {
  negotiation n(options());
  (void)n.opened(head());
  EXPECT_THAT(n.received(auth("DIGEST-MD5", "")).write, HasSubstr("<invalid-mechanism/>"));
  EXPECT_THAT(
      n.received(parsed("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>a?</auth>")).write,
      HasSubstr("<incorrect-encoding/>"));
  EXPECT_THAT(n.received(auth("PLAIN", "no parts")).write, HasSubstr("<malformed-request/>"));
  EXPECT_THAT(n.received(parsed("<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")).write,
              HasSubstr("<aborted/>"));
}

// RFC 6120, 6.4.5
TEST(negotiation, closes_after_too_many_failures) {
  negotiation n(options());
  (void)n.opened(head());
  negotiation_step last;
  for (int i = 0; i < negotiation::most_failures; ++i) {
    EXPECT_EQ(n.received(auth("PLAIN", plain("juliet", "guess"))).next, action::check_password);
    last = n.checked(false);
    EXPECT_THAT(last.write, HasSubstr("<not-authorized/>"));
  }
  EXPECT_EQ(last.next, action::close);
  EXPECT_THAT(last.write, HasSubstr("<policy-violation"));
}

// RFC 6120, 4.9.3
TEST(negotiation, refuses_streams_that_are_not_for_it) {
  const auto answer = [](const xml::stream_opened& h) {
    negotiation n(options());
    const negotiation_step step = n.opened(h);
    EXPECT_EQ(step.next, action::close);
    EXPECT_THAT(step.write, StartsWith("<?xml version='1.0'?><stream:stream "));
    return step.write;
  };
  EXPECT_THAT(answer(head("to='elsewhere.example' version='1.0'")), HasSubstr("<host-unknown"));
  EXPECT_THAT(answer(head("version='1.0'")), HasSubstr("<host-unknown"));
  EXPECT_THAT(answer(head("to='im.example.com'")), HasSubstr("<unsupported-version"));
  EXPECT_THAT(answer(head("to='im.example.com' version='1.0'", "jabber:server")),
              HasSubstr("<invalid-namespace"));
  EXPECT_THAT(answer({parsed("<stream xmlns='x' version='1.0'/>"), ""}), HasSubstr("<invalid-namespace"));
}

TEST(negotiation, nothing_goes_before_authentication_or_binding) {
  const xml::element message = parsed("<message xmlns='jabber:client' to='romeo@example.net'/>");
  negotiation n(options());
  (void)n.opened(head());
  EXPECT_THAT(n.received(message).write, HasSubstr("<stream:error><not-authorized"));
  negotiation in = entered();
  (void)in.opened(head());
  EXPECT_THAT(in.received(message).write, HasSubstr("<stream:error><not-authorized"));
}

// XEP-0198, sections 3 and 5
TEST(negotiation, resumes_instead_of_binding) {
  negotiation n = entered();
  (void)n.opened(head());
  EXPECT_THAT(n.received(parsed("<enable xmlns='urn:xmpp:sm:3'/>")).write, HasSubstr("<unexpected-request"));
  const negotiation_step resume = n.received(parsed("<resume xmlns='urn:xmpp:sm:3' previd='x' h='1'/>"));
  EXPECT_EQ(resume.next, action::resume);
  EXPECT_EQ(resume.user, "juliet");
  EXPECT_EQ(n.not_resumed(parsed("<failed xmlns='urn:xmpp:sm:3'/>")).write,
            "<failed xmlns=\"urn:xmpp:sm:3\"/>");
  EXPECT_EQ(n.received(parsed("<iq xmlns='jabber:client' id='1' type='set'><bind "
                              "xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"))
                .next,
            action::bind);
}

// RFC 7395, section 3
TEST(negotiation, over_websocket_each_message_is_one_element) {
  negotiation n(options(framing::websocket));
  const negotiation_step greeting = n.received(
      parsed("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='im.example.com' version='1.0'/>"));
  EXPECT_EQ(greeting.write,
            "<open xmlns=\"urn:ietf:params:xml:ns:xmpp-framing\" version=\"1.0\" xml:lang=\"en\" "
            "id=\"token1\" from=\"im.example.com\"/>");
  EXPECT_THAT(greeting.more,
              ElementsAre(StartsWith(
                  "<stream:features xmlns:stream=\"http://etherx.jabber.org/streams\"><mechanisms xmlns=")));
  const negotiation_step wrong = n.failed("not-well-formed", "");
  EXPECT_EQ(wrong.write, "<stream:error xmlns:stream=\"http://etherx.jabber.org/streams\"><not-well-formed "
                         "xmlns=\"urn:ietf:params:xml:ns:xmpp-streams\"/></stream:error>");
  EXPECT_THAT(wrong.more, ElementsAre("<close xmlns=\"urn:ietf:params:xml:ns:xmpp-framing\"/>"));
  negotiation other(options(framing::websocket));
  EXPECT_EQ(other.received(parsed("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>")).next,
            action::close);
}

TEST(negotiation, says_later_when_it_cannot_know_who_somebody_is) {
  negotiation n(options());
  (void)n.opened(head());
  EXPECT_EQ(n.received(auth("PLAIN", plain("juliet", "pw"))).next, action::check_password);
  EXPECT_THAT(n.unavailable("Try later.").write, HasSubstr("<temporary-auth-failure/>"));
}

} // namespace
} // namespace coppice::xmpp
