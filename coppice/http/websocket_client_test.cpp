#include "coppice/http/websocket_client.hpp"

#include "coppice/http/detail/http_test.hpp"
#include "coppice/net/detail/tls_test.hpp"

#include <gmock/gmock.h>

namespace coppice::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::HasSubstr;
using event = std::variant<websocket_message, websocket_closed>;

task<> loud(request& r, websocket& ws) {
  co_await ws.send_text(ws.protocol() + "|" + std::string(r.header("authorization").value_or("")));
  for (;;) {
    event next = co_await ws.receive();
    auto* message = std::get_if<websocket_message>(&next);
    if (message == nullptr) co_return;
    if (message->data == "leave") co_return;
    if (message->is_text) co_await ws.send_text(message->data + "!");
    if (!message->is_text) co_await ws.send_binary(message->data);
  }
}

routes table() {
  routes t;
  t.websocket("/ws", &loud, {.protocols = {"v2", "v1"}});
  t.websocket("/small", &loud, {.deflate = websocket_deflate()});
  t.get("/plain", [](request&) { return response::text("no"); });
  return t;
}

client_options patient() {
  client_options o;
  o.connect_timeout = o.head_timeout = o.timeout = 20s;
  return o;
}

using opened = client_result<std::unique_ptr<websocket>>;

task<std::string> heard(websocket* ws) {
  event next = co_await ws->receive();
  if (auto* message = std::get_if<websocket_message>(&next)) co_return std::move(message->data);
  auto& end = std::get<websocket_closed>(next);
  co_return "closed " + std::to_string(static_cast<int>(end.code)) + (end.clean ? " clean" : " broken");
}

/// Opens one at the test's server.
task<std::unique_ptr<websocket>> open_at(self me, client web, net::endpoint where) {
  client_request ask = client_request::get("ws://" + where.to_string() + "/small");
  opened ws = co_await open_websocket(me, web, std::move(ask));
  EXPECT_TRUE(ws) << ws.error().text;
  std::string greeting = co_await heard(ws->get());
  EXPECT_EQ(greeting, "|");
  co_return std::move(*ws);
}

TEST(websocket_client, leaves_what_concerns_other_sockets) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve(table());
    auto web = co_await start_client(patient());
    std::unique_ptr<websocket> one = co_await open_at(me, *web, l.local());
    std::unique_ptr<websocket> two = co_await open_at(me, *web, l.local());
    net::tcp_socket third = co_await dial(l);
    third.arm_readable();
    co_await third.write_all("no HTTP\r\n\r\n"); // answered with 400
    co_await third.wait_readable(20s);
    third.arm_readable();
    co_await two->send_text("b");
    co_await one->send_text("a");
    std::string a = co_await heard(one.get());
    std::string b = co_await heard(two.get());
    EXPECT_EQ(a + b, "a!b!");
    net::readable news = co_await me.receive<net::readable>();
    EXPECT_EQ(news.socket, third.id());
    co_await one->finish();
    co_await two->send_text("c");
    std::string c = co_await heard(two.get());
    EXPECT_EQ(c, "c!");
  });
}

TEST(websocket_client, talks_and_closes) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve(table());
    auto web = co_await start_client(patient());
    client_request ask = client_request::get("ws://" + l.local().to_string() + "/ws");
    ask.header("Authorization", "me");
    websocket_options options;
    options.protocols = {"v1", "v3"};
    opened ws = co_await open_websocket(me, *web, std::move(ask), std::move(options));
    EXPECT_TRUE(ws) << ws.error().text;
    std::string greeting = co_await heard(ws->get());
    EXPECT_EQ(greeting, "v1|me");
    EXPECT_EQ((*ws)->protocol(), "v1");
    for (int i = 0; i < 100; ++i) {
      std::string said = "hello " + std::to_string(i);
      co_await (*ws)->send_text(said);
      std::string answer = co_await heard(ws->get());
      EXPECT_EQ(answer, said + "!");
    }
    std::string big(900'000, 'b');
    co_await (*ws)->send_binary(big);
    std::string back = co_await heard(ws->get());
    EXPECT_TRUE(back == big);
    co_await (*ws)->finish();
    EXPECT_FALSE((*ws)->is_open());
  });
}

TEST(websocket_client, hears_that_the_server_leaves) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve(table());
    auto web = co_await start_client(patient());
    client_request ask = client_request::get("ws://" + l.local().to_string() + "/ws");
    opened ws = co_await open_websocket(me, *web, std::move(ask));
    co_await heard(ws->get());
    co_await (*ws)->send_text("leave");
    std::string end = co_await heard(ws->get());
    EXPECT_EQ(end, "closed 1000 clean");
    bool sent = co_await (*ws)->send_text("too late");
    EXPECT_FALSE(sent);
  });
}

TEST(websocket_client, says_why_it_was_refused) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve(table());
    auto web = co_await start_client(patient());
    std::string at = "ws://" + l.local().to_string();
    opened plain = co_await open_websocket(me, *web, client_request::get(at + "/plain"));
    EXPECT_EQ(plain.error().code, client_errc::refused);
    EXPECT_THAT(plain.error().text, HasSubstr("answered 200"));
    client_request foreign = client_request::get(at + "/ws");
    foreign.header("Origin", "http://elsewhere.test");
    opened forbidden = co_await open_websocket(me, *web, std::move(foreign));
    EXPECT_THAT(forbidden.error().text, HasSubstr("answered 403"));
    opened post = co_await open_websocket(me, *web, client_request::post(at + "/ws", "text/plain", "x"));
    EXPECT_EQ(post.error().code, client_errc::bad_request);
  });
}

TEST(websocket_client, compresses_when_both_want_it) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve(table());
    auto web = co_await start_client(patient());
    for (const char* path : {"/small", "/ws"}) {
      for (bool keeps : {true, false}) {
        websocket_options options;
        options.deflate = websocket_deflate{.own_context = keeps, .peer_context = keeps};
        client_request ask = client_request::get("ws://" + l.local().to_string() + path);
        opened ws = co_await open_websocket(me, *web, std::move(ask), std::move(options));
        EXPECT_TRUE(ws) << ws.error().text;
        co_await heard(ws->get());
        for (int i = 0; i < 20; ++i) {
          std::string said(static_cast<std::size_t>(i) * 1000, 's');
          co_await (*ws)->send_text(said);
          std::string answer = co_await heard(ws->get());
          EXPECT_EQ(answer, said + "!");
        }
        co_await (*ws)->finish();
      }
    }
  });
}

TEST(websocket_client, goes_over_tls) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::testing::authority ca;
    net::tls_identity own = ca.issue("own", {.names = "IP:127.0.0.1"});
    server_options options;
    options.listener.tls = *net::tls_server::make({.identities = {own}});
    net::listener l = serve(table(), options);
    client_options trusting = patient();
    trusting.tls = *net::tls_client::make({.ca_file = ca.ca_file()});
    auto web = co_await start_client(trusting);
    client_request ask = client_request::get("wss://" + l.local().to_string() + "/ws");
    opened ws = co_await open_websocket(me, *web, std::move(ask));
    EXPECT_TRUE(ws) << ws.error().text;
    co_await heard(ws->get());
    for (int i = 0; i < 100; ++i) co_await (*ws)->send_text("m" + std::to_string(i));
    for (int i = 0; i < 100; ++i) {
      std::string answer = co_await heard(ws->get());
      EXPECT_EQ(answer, "m" + std::to_string(i) + "!");
    }
    co_await (*ws)->finish();
  });
}

} // namespace
} // namespace coppice::http
