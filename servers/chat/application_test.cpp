// The application with real sockets: the page's files, and two clients over WebSockets.
#include "servers/chat/application.hpp"

#include "coppice/net/asio_poller.hpp"
#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

namespace coppice::chat {
namespace {

using namespace std::chrono_literals;

constexpr duration long_enough = 20s;

node_options with_sockets() {
  node_options options;
  options.cores = 2;
  options.make_poller = net::make_poller();
  return options;
}

net::listener serve(const chat& c) {
  http::routes routes;
  mount(routes, c);
  auto started = http::start_server(std::move(routes));
  EXPECT_TRUE(started) << (started ? "" : started.error());
  return std::move(*started);
}

task<net::tcp_socket> dial(net::listener at) {
  std::expected<net::tcp_socket, std::error_code> s = co_await net::connect(at.local(), long_enough);
  EXPECT_TRUE(s.has_value());
  co_return std::move(*s);
}

/// The whole answer to a GET.
task<std::string> get(net::listener at, std::string path) {
  net::tcp_socket s = co_await dial(at);
  const std::string request = "GET " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
  co_await s.write_all(request);
  std::string answer;
  char buffer[4096];
  for (;;) {
    net::io_result n = co_await s.read_some(buffer, long_enough);
    if (!n || *n == 0) co_return std::move(answer);
    answer.append(buffer, *n);
  }
}

/// A client by hand: frames out, frames in.
struct client {
  net::tcp_socket socket;
  http::websocket_session session =
      http::websocket_session::client([] { return http::frame_mask{1, 2, 3, 4}; });
  std::vector<http::websocket_event> events;
};

task<> say(client* c, std::string frame) {
  EXPECT_TRUE(c->session.text(frame));
  std::string output = c->session.take_output();
  co_await c->socket.write_all(output);
}

task<std::unique_ptr<client>> open(net::listener at, std::string user) {
  auto c = std::make_unique<client>();
  net::tcp_socket s = co_await dial(at);
  c->socket = std::move(s);
  const std::string upgrade = "GET /chat/ws HTTP/1.1\r\nHost: test\r\nOrigin: http://test\r\n"
                              "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  co_await c->socket.write_all(upgrade);
  std::string head;
  char one = 0;
  while (!head.ends_with("\r\n\r\n")) {
    net::io_result n = co_await c->socket.read_some(std::span(&one, 1), long_enough);
    if (n.value_or(0) != 1) break;
    head.push_back(one);
  }
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101")) << head;
  if (!user.empty()) {
    const std::string hello = R"({"type":"hello","v":1,"user":")" + user + "\"}";
    co_await say(c.get(), hello);
  }
  co_return std::move(c);
}

/// Reads until a message contains the text, which gives the message, or until the end, which gives the code.
task<std::string> until(client* c, std::string text) {
  char buffer[4096];
  for (;;) {
    while (!c->events.empty()) {
      const http::websocket_event e = std::move(c->events.front());
      c->events.erase(c->events.begin());
      if (e.kind == http::websocket_event_kind::close) co_return std::to_string(static_cast<int>(e.code));
      if (e.data.find(text) != std::string::npos) co_return e.data;
    }
    net::io_result n = co_await c->socket.read_some(buffer, long_enough);
    if (!n || *n == 0) co_return "broken";
    c->events = c->session.feed(std::string_view(buffer, *n));
  }
}

TEST(chat_application, serves_its_page) {
  node n(with_sockets());
  const chat c;
  n.run(
      [](self, chat talk) -> task<> {
        net::listener at = serve(talk);
        std::string page = co_await get(at, "/chat/");
        EXPECT_TRUE(page.starts_with("HTTP/1.1 200"));
        EXPECT_NE(page.find("<title>"), std::string::npos);
        std::string script = co_await get(at, "/chat/model.js");
        EXPECT_NE(script.find("text/javascript; charset=utf-8"), std::string::npos);
        std::string logo = co_await get(at, "/chat/logo.svg");
        EXPECT_NE(logo.find("image/svg+xml"), std::string::npos);
        std::string none = co_await get(at, "/chat/passwd");
        EXPECT_TRUE(none.starts_with("HTTP/1.1 404"));
      },
      c);
}

TEST(chat_application, two_clients_talk) {
  node n(with_sockets());
  const chat c(options{.node_name = "coppice@test"});
  auto up = application::boot(n, {coppice::chat::application(c)});
  ASSERT_TRUE(up.has_value()) << up.error().message();
  n.run(
      [](self, chat talk) -> task<> {
        net::listener at = serve(talk);
        std::unique_ptr<client> ann = co_await open(at, "ann");
        std::unique_ptr<client> bob = co_await open(at, "bob");
        std::string welcome = co_await until(bob.get(), "welcome");
        EXPECT_NE(welcome.find(R"("node":"coppice@test")"), std::string::npos);
        const std::string hi = R"({"type":"send","id":"message-1","to":"bob","text":"hi"})";
        co_await say(ann.get(), hi);
        std::string got = co_await until(bob.get(), "\"message\"");
        EXPECT_NE(got.find(R"("text":"hi")"), std::string::npos);
        const std::string seen = R"({"type":"ack","seq":1})";
        co_await say(bob.get(), seen);
        std::string receipt = co_await until(ann.get(), "\"delivered\"");
        EXPECT_NE(receipt.find(R"("by":"bob")"), std::string::npos);
      },
      c);
}

TEST(chat_application, closes_with_the_codes_of_the_protocol) {
  node n(with_sockets());
  const chat c;
  auto up = application::boot(n, {coppice::chat::application(c)});
  ASSERT_TRUE(up.has_value()) << up.error().message();
  n.run(
      [](self, chat talk) -> task<> {
        net::listener at = serve(talk);
        std::unique_ptr<client> early = co_await open(at, "");
        co_await say(early.get(), R"({"type":"who"})");
        std::string code = co_await until(early.get(), "nothing");
        EXPECT_EQ(code, "4401");
        std::unique_ptr<client> odd = co_await open(at, "a b");
        std::string odd_code = co_await until(odd.get(), "nothing");
        EXPECT_EQ(odd_code, "4403");
        std::unique_ptr<client> large = co_await open(at, "ann");
        std::string too_large(200'000, 'x');
        co_await say(large.get(), too_large);
        std::string large_code = co_await until(large.get(), "nothing");
        EXPECT_EQ(large_code, "1009");
        std::unique_ptr<client> binary = co_await open(at, "bob");
        EXPECT_TRUE(binary->session.binary("x"));
        std::string output = binary->session.take_output();
        co_await binary->socket.write_all(output);
        std::string binary_code = co_await until(binary.get(), "nothing");
        EXPECT_EQ(binary_code, "4400");
      },
      c);
}

} // namespace
} // namespace coppice::chat
