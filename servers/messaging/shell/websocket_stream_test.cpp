// Streams over WebSocket with real sockets, by the clauses of RFC 7395.
#include "servers/messaging/shell/websocket_stream.hpp"

#include "coppice/http/websocket_client.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/net/detail/base64.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/store/detail/store_test.hpp"
#include "servers/messaging/application.hpp"
#include "servers/messaging/storage/accounts.hpp"
#include "servers/messaging/storage/schema.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <gtest/gtest.h>

namespace coppice::messaging {
namespace {

using namespace std::chrono_literals;

constexpr const char* open_text =
    R"(<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>)";
constexpr const char* close_text = R"(<close xmlns="urn:ietf:params:xml:ns:xmpp-framing"/>)";

node_options with_sockets() {
  node_options options;
  options.cores = 2;
  options.make_poller = net::make_poller();
  return options;
}

store::database tables_in(const store::testing::scratch& folder) {
  store::database_options options;
  options.where = folder.file("messaging.db");
  options.schema = storage::schema_name;
  options.migrations = storage::migrations();
  options.durable = store::durability::normal;
  return store::database::open(options).value();
}

/// A client that sends and reads whole messages.
struct client {
  std::unique_ptr<http::websocket> ws;

  task<> say(std::string message) {
    bool sent = co_await ws->send_text(message);
    EXPECT_TRUE(sent);
  }
  /// The next message; or the code with which the WebSocket was closed.
  task<std::string> next() {
    auto got = co_await ws->receive<>();
    if (auto* message = std::get_if<http::websocket_message>(&got)) co_return std::move(message->data);
    co_return std::to_string(static_cast<int>(std::get<http::websocket_closed>(got).code));
  }
  task<xml::element> element() {
    std::string text = co_await next();
    auto e = xml::parse_element(text);
    EXPECT_TRUE(e.has_value()) << text;
    co_return e.value_or(xml::element());
  }
  /// Reads our opening and the features behind it.
  task<xml::element> open() {
    co_await say(open_text);
    xml::element head = co_await element();
    EXPECT_TRUE(head.is(xmpp::ns::framing, "open")) << head.to_string();
    co_return co_await element();
  }
  /// A stream error of that condition, the end of the stream, the end of the WebSocket.
  task<> ends_with(std::string condition) {
    xml::element error = co_await element();
    EXPECT_TRUE(error.is(xmpp::ns::streams, "error")) << error.to_string();
    EXPECT_NE(error.child(xmpp::ns::stream_errors, condition), nullptr) << error.to_string();
    std::string end = co_await next();
    EXPECT_EQ(end, close_text);
    std::string code = co_await next();
    EXPECT_EQ(code, "1000");
  }
};

class websocket_stream : public ::testing::Test {
protected:
  using body = task<> (*)(self, net::listener);

  /// Runs it beside a server of alice's and bob's.
  void run(body test, web_entrance in = {}) {
    const store::testing::scratch folder;
    settings how;
    how.iterations = 4096;
    const host h(how, tables_in(folder), std::nullopt, std::string(32, 's'));
    for (const char* name : {"alice", "bob"}) {
      auto made = make_credentials(name, "secret", how).value();
      auto added = h.db().write_now([made](store::transaction& t) {
        return storage::create_account(t, made.address, made.verifiers, storage::from_column(1));
      });
      ASSERT_TRUE(added && *added);
    }
    node n(with_sockets());
    auto up = application::boot(n, {application_spec("messaging").start(top_child(h, {}))});
    ASSERT_TRUE(up.has_value()) << up.error().message();
    n.run(&serve, h, in, test);
  }

  static task<> serve(self me, host h, web_entrance in, body test) {
    http::routes routes;
    mount(routes, h, in);
    auto started = http::start_server(std::move(routes));
    EXPECT_TRUE(started) << (started ? "" : started.error());
    co_await test(me, *started);
  }
};

task<http::client_result<std::unique_ptr<http::websocket>>>
try_connect(self me, net::listener at, std::string origin, std::vector<std::string> protocols) {
  auto web = co_await http::start_client();
  http::client_request to = http::client_request::get("ws://" + at.local().to_string() + "/xmpp-websocket");
  if (!origin.empty()) to.header("Origin", origin);
  http::websocket_options options;
  options.protocols = std::move(protocols);
  co_return co_await http::open_websocket(me, std::move(*web), std::move(to), std::move(options));
}

task<client> connect(self me, net::listener at) {
  std::vector<std::string> protocols{"xmpp"};
  auto opened = co_await try_connect(me, std::move(at), "", std::move(protocols));
  client c;
  EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().text);
  if (opened) {
    c.ws = std::move(*opened);
    EXPECT_EQ(c.ws->protocol(), "xmpp");
  }
  co_return std::move(c);
}

/// Connects, signs in with PLAIN, and binds the resource.
task<client> sign_in(self me, net::listener at, std::string user) {
  client c = co_await connect(me, at);
  co_await c.open();
  const std::string proof = std::string(1, '\0') + user + std::string(1, '\0') + "secret";
  co_await c.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" +
                 net::detail::to_base64(proof) + "</auth>");
  xml::element success = co_await c.element();
  EXPECT_TRUE(success.is(xmpp::ns::sasl, "success")) << success.to_string();
  xml::element features = co_await c.open();
  EXPECT_NE(features.child(xmpp::ns::bind, "bind"), nullptr) << features.to_string();
  co_await c.say("<iq xmlns='jabber:client' type='set' id='b'><bind "
                 "xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>");
  xml::element bound = co_await c.element();
  EXPECT_TRUE(bound.is(xmpp::ns::client, "iq")) << bound.to_string();
  EXPECT_EQ(bound.get("type"), "result");
  co_return std::move(c);
}

// RFC 7395, 3.4 and 4: features follow the opening in a message of their own; there is no STARTTLS.
TEST_F(websocket_stream, opens) {
  run([](self me, net::listener at) -> task<> {
    client c = co_await connect(me, at);
    xml::element features = co_await c.open();
    EXPECT_TRUE(features.is(xmpp::ns::streams, "features")) << features.to_string();
    const xml::element* offered = features.child(xmpp::ns::sasl, "mechanisms");
    EXPECT_NE(offered, nullptr);
    if (offered == nullptr) co_return;
    EXPECT_EQ(offered->to_string().find("-PLUS"), std::string::npos) << "there is nothing to bind to";
    EXPECT_EQ(features.child(xmpp::ns::tls, "starttls"), nullptr);
  });
}

// RFC 7395, 3.1
TEST_F(websocket_stream, insists_on_the_subprotocol) {
  run([](self me, net::listener at) -> task<> {
    std::vector<std::string> protocols;
    auto opened = co_await try_connect(me, at, "", std::move(protocols));
    EXPECT_TRUE(opened.has_value());
    if (!opened) co_return;
    client c;
    c.ws = std::move(*opened);
    std::string code = co_await c.next();
    EXPECT_EQ(code, "1002");
  });
}

// RFC 7395, 3.6: `<close/>` is answered by `<close/>`, then the WebSocket is closed.
TEST_F(websocket_stream, closes_in_order) {
  run([](self me, net::listener at) -> task<> {
    client early = co_await connect(me, at);
    co_await early.open();
    co_await early.say(close_text);
    std::string answer = co_await early.next();
    EXPECT_EQ(answer, close_text);
    std::string code = co_await early.next();
    EXPECT_EQ(code, "1000");
    client alice = co_await sign_in(me, at, "alice");
    co_await alice.say(close_text);
    std::string end = co_await alice.next();
    EXPECT_EQ(end, close_text);
    std::string bound_code = co_await alice.next();
    EXPECT_EQ(bound_code, "1000");
  });
}

// RFC 7395, 3.5: an error comes behind an opening, if there was none yet.
TEST_F(websocket_stream, opens_before_it_complains) {
  run([](self me, net::listener at) -> task<> {
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"<presence xmlns='jabber:client'/>", "invalid-xml"},
        {"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='elsewhere.example' version='1.0'/>",
         "host-unknown"},
        {"<stream:stream xmlns:stream='http://etherx.jabber.org/streams' to='localhost'>", "not-well-formed"},
        {" <open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>",
         "not-well-formed"},
        {"", "not-well-formed"},
    };
    for (const auto& [message, condition] : wrong) {
      client c = co_await connect(me, at);
      co_await c.say(message);
      xml::element head = co_await c.element();
      EXPECT_TRUE(head.is(xmpp::ns::framing, "open")) << head.to_string();
      co_await c.ends_with(condition);
    }
  });
}

// RFC 6120, 4.9.3 and 11.1; RFC 7395, 3.2: messages are text.
TEST_F(websocket_stream, ends_with_what_was_wrong) {
  run([](self me, net::listener at) -> task<> {
    const std::string of_strangers = "<a xmlns='x'>" + std::string(24'000, 'x') + "</a>";
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"<a><b></a>", "not-well-formed"},
        {"<a/><b/>", "not-well-formed"},
        {"<!DOCTYPE a><a/>", "restricted-xml"},
        {"<a><!-- --></a>", "restricted-xml"},
        {of_strangers, "policy-violation"},
        {open_text, "invalid-namespace"},
        {"<message xmlns='jabber:client'/>", "not-authorized"},
    };
    for (const auto& [message, condition] : wrong) {
      client c = co_await connect(me, at);
      co_await c.open();
      co_await c.say(message);
      co_await c.ends_with(condition);
    }
    client c = co_await connect(me, at);
    co_await c.open();
    bool sent = co_await c.ws->send_binary(close_text);
    EXPECT_TRUE(sent);
    co_await c.ends_with("unsupported-encoding");
  });
}

TEST_F(websocket_stream, bounds_what_users_send) {
  run([](self me, net::listener at) -> task<> {
    const std::string long_text = "<message xmlns='jabber:client'><body>" +
                                  std::string(settings().limits.stanza + 8'000, 'x') + "</body></message>";
    client alice = co_await sign_in(me, at, "alice");
    co_await alice.say(long_text);
    co_await alice.ends_with("policy-violation");
    client bob = co_await sign_in(me, at, "bob");
    co_await bob.say(std::string(2 * settings().limits.stanza, '<'));
    std::string code = co_await bob.next();
    EXPECT_EQ(code, "1009") << "it is not even read";
  });
}

TEST_F(websocket_stream, carries_messages) {
  run([](self me, net::listener at) -> task<> {
    client alice = co_await sign_in(me, at, "alice");
    client bob = co_await sign_in(me, at, "bob");
    constexpr int many = 500; // more than may wait for alice's process
    for (int i = 0; i < many; ++i) {
      co_await alice.say("<message xmlns='jabber:client' to='bob@localhost/r' type='chat'><body>" +
                         std::to_string(i) + "</body></message>");
    }
    for (int i = 0; i < many; ++i) {
      xml::element m = co_await bob.element();
      EXPECT_TRUE(m.is(xmpp::ns::client, "message")) << m.to_string();
      EXPECT_EQ(m.text_of("body"), std::to_string(i));
      EXPECT_EQ(m.get("from"), "alice@localhost/r");
    }
  });
}

TEST_F(websocket_stream, says_that_the_server_stops) {
  run([](self me, net::listener at) -> task<> {
    client alice = co_await sign_in(me, at, "alice");
    client stranger = co_await connect(me, at);
    co_await stranger.open();
    exit(at.process(), exit_reason::shutdown());
    co_await alice.ends_with("system-shutdown");
    co_await stranger.ends_with("system-shutdown");
  });
}

TEST_F(websocket_stream, wants_encryption) {
  web_entrance in;
  in.trusts_loopback = false;
  run(
      [](self me, net::listener at) -> task<> {
        client c = co_await connect(me, at);
        co_await c.say(open_text);
        xml::element head = co_await c.element();
        EXPECT_TRUE(head.is(xmpp::ns::framing, "open")) << head.to_string();
        co_await c.ends_with("policy-violation");
        auto web = co_await http::start_client();
        auto meta = co_await web->fetch(
            http::client_request::get("http://" + at.local().to_string() + "/.well-known/host-meta.json"));
        EXPECT_EQ(meta->body, "{\"links\":[]}\n");
      },
      in);
}

// XEP-0156, section 3: by the name and the scheme that the client came by.
TEST_F(websocket_stream, tells_where_it_is) {
  web_entrance in;
  in.trusts_loopback = false;
  in.behind_tls = [](const http::request_head&) { return true; };
  run(
      [](self me, net::listener at) -> task<> {
        (void)me;
        const std::string here = at.local().to_string();
        auto web = co_await http::start_client();
        auto json =
            co_await web->fetch(http::client_request::get("http://" + here + "/.well-known/host-meta.json"));
        EXPECT_EQ(json->head.headers.get("Content-Type"), "application/json");
        EXPECT_EQ(json->head.headers.get("Access-Control-Allow-Origin"), "*");
        EXPECT_EQ(json->body, R"({"links":[{"rel":"urn:xmpp:alt-connections:websocket","href":"wss://)" +
                                  here + "/xmpp-websocket\"}]}\n");
        auto xrd =
            co_await web->fetch(http::client_request::get("http://" + here + "/.well-known/host-meta"));
        EXPECT_EQ(xrd->head.headers.get("Content-Type"), "application/xrd+xml");
        EXPECT_EQ(xrd->head.headers.get("Access-Control-Allow-Origin"), "*");
        EXPECT_NE(xrd->body.find("href=\"wss://" + here + "/xmpp-websocket\""), std::string::npos)
            << xrd->body;
      },
      in);
}

TEST_F(websocket_stream, lets_in_the_pages_that_it_should) {
  web_entrance in;
  in.origins = {"https://chat.example.org"};
  run(
      [](self me, net::listener at) -> task<> {
        const std::vector<std::pair<std::string, bool>> pages{
            {"http://" + at.local().to_string(), true},
            {"https://chat.example.org", true},
            {"https://elsewhere.example", false},
        };
        for (const auto& [origin, welcome] : pages) {
          std::vector<std::string> protocols{"xmpp"};
          auto opened = co_await try_connect(me, at, origin, std::move(protocols));
          EXPECT_TRUE(opened.has_value());
          if (!opened) co_return;
          client c;
          c.ws = std::move(*opened);
          co_await c.ws->send_text(close_text);
          std::string answer = co_await c.next();
          EXPECT_EQ(answer, welcome ? close_text : "1008") << origin;
        }
      },
      in);
  run([](self me, net::listener at) -> task<> {
    std::vector<std::string> protocols{"xmpp"};
    auto opened = co_await try_connect(me, at, "https://elsewhere.example", std::move(protocols));
    EXPECT_FALSE(opened.has_value());
  });
}

} // namespace
} // namespace coppice::messaging
