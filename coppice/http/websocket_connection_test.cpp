#include "coppice/http/websocket_connection.hpp"

#include "coppice/http/detail/http_test.hpp"

namespace coppice::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;

constexpr std::string_view handshake =
    "GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// A client's side: the session of the library, driven by hand.
struct client {
  net::tcp_socket socket;
  websocket_session session = websocket_session::client([] { return frame_mask{1, 2, 3, 4}; });
  std::deque<websocket_event> events;
};

task<> flush(client* c) {
  std::string output = c->session.take_output();
  co_await c->socket.write_all(output);
}

task<std::unique_ptr<client>> open(net::listener l, std::string first = "") {
  auto c = std::make_unique<client>();
  net::tcp_socket socket = co_await dial(l);
  c->socket = std::move(socket);
  co_await c->socket.write_all(std::string(handshake) + "\r\n" + first);
  std::string answer;
  char one = 0;
  while (!answer.ends_with("\r\n\r\n")) {
    net::io_result n = co_await c->socket.read_some(std::span(&one, 1), 20s);
    EXPECT_EQ(n.value_or(0), 1U);
    if (n.value_or(0) != 1) break;
    answer.push_back(one);
  }
  EXPECT_EQ(status_of(answer), "HTTP/1.1 101");
  EXPECT_TRUE(has(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")); // RFC 6455 section 1.3
  co_return std::move(c);
}

/// The next event; pings are answered.
task<websocket_event> next(client* c) {
  char buffer[4096];
  while (c->events.empty()) {
    net::io_result n = co_await c->socket.read_some(buffer, 20s);
    EXPECT_TRUE(n);
    if (n.value_or(0) == 0) {
      std::optional<websocket_event> end = c->session.finish();
      co_return end.value_or(websocket_event());
    }
    for (websocket_event& e : c->session.feed(std::string_view(buffer, *n)))
      c->events.push_back(std::move(e));
    co_await flush(c);
  }
  websocket_event e = std::move(c->events.front());
  c->events.pop_front();
  co_return std::move(e);
}

task<std::string> next_text(client* c) {
  websocket_event e = co_await next(c);
  EXPECT_EQ(e.kind, websocket_event_kind::text);
  co_return std::move(e.data);
}

struct connected {
  pid connection;
};
struct outgoing {
  std::string text;
};
struct ended {
  std::uint16_t code;
  bool clean;
};

/// Echoes, sends what other processes want sent, and tells the watcher how it ended.
task<> chat(request&, websocket& ws, pid watcher) {
  connected here{ws.process().id()};
  send(watcher, here);
  for (;;) {
    std::variant<websocket_message, websocket_closed, outgoing> m = co_await ws.receive<outgoing>();
    if (auto* message = std::get_if<websocket_message>(&m)) {
      if (message->data == "crash") throw std::runtime_error("asked to crash");
      if (message->data == "bye") co_return;
      if (message->is_text) {
        co_await ws.send_text(message->data);
      } else {
        co_await ws.send_binary(message->data);
      }
    } else if (auto* out = std::get_if<outgoing>(&m)) {
      co_await ws.send_text(out->text);
    } else {
      const websocket_closed& c = std::get<websocket_closed>(m);
      ended e{static_cast<std::uint16_t>(c.code), c.clean};
      send(watcher, e);
      co_return;
    }
  }
}

net::listener serve_chat(pid watcher, websocket_options ws = {}, server_options options = {}) {
  routes table;
  table.websocket("/ws", [watcher](request& r, websocket& w) { return chat(r, w, watcher); }, std::move(ws));
  return serve(std::move(table), std::move(options));
}

TEST(websocket_connection, echoes_text_binary_and_fragments) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve_chat(me.id());
    std::unique_ptr<client> c = co_await open(l);
    (void)c->session.text("hello");
    (void)c->session.binary(std::string("\0\1", 2));
    co_await flush(c.get());
    std::string hello = co_await next_text(c.get());
    EXPECT_EQ(hello, "hello");
    websocket_event binary = co_await next(c.get());
    EXPECT_EQ(binary.kind, websocket_event_kind::binary);
    EXPECT_EQ(binary.data, std::string("\0\1", 2));
    std::string frames;
    write_frame(frames, opcode::text, "in ", false, frame_mask{9, 9, 9, 9});
    write_frame(frames, opcode::ping, "are you there", true, frame_mask{9, 9, 9, 9});
    write_frame(frames, opcode::continuation, "pieces", true, frame_mask{9, 9, 9, 9});
    co_await c->socket.write_all(frames);
    websocket_event pong = co_await next(c.get());
    EXPECT_EQ(pong.kind, websocket_event_kind::pong);
    EXPECT_EQ(pong.data, "are you there");
    std::string pieces = co_await next_text(c.get());
    EXPECT_EQ(pieces, "in pieces");
  });
}

TEST(websocket_connection, takes_frames_that_came_with_the_handshake) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve_chat(me.id());
    std::string early;
    write_frame(early, opcode::text, "early", true, frame_mask{9, 9, 9, 9});
    std::unique_ptr<client> c = co_await open(l, early);
    std::string text = co_await next_text(c.get());
    EXPECT_EQ(text, "early");
  });
}

TEST(websocket_connection, sends_what_other_processes_want_sent) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve_chat(me.id());
    std::unique_ptr<client> a = co_await open(l);
    connected here = co_await me.receive<connected>();
    for (int i = 0; i < 100; ++i) send(here.connection, outgoing{std::to_string(i)});
    for (int i = 0; i < 100; ++i) {
      std::string text = co_await next_text(a.get());
      EXPECT_EQ(text, std::to_string(i));
    }
  });
}

TEST(websocket_connection, closes_with_a_handshake_from_either_side) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve_chat(me.id());
    std::unique_ptr<client> a = co_await open(l);
    (void)a->session.close(close_code::going_away, "tab closed");
    co_await flush(a.get());
    ended e = co_await me.receive<ended>();
    EXPECT_EQ(e.code, 1001);
    EXPECT_TRUE(e.clean);
    websocket_event echoed = co_await next(a.get());
    EXPECT_TRUE(echoed.clean);
    std::unique_ptr<client> b = co_await open(l);
    (void)b->session.text("bye");
    co_await flush(b.get());
    websocket_event closed = co_await next(b.get());
    EXPECT_EQ(closed.kind, websocket_event_kind::close);
    EXPECT_EQ(closed.code, close_code::normal);
    std::unique_ptr<client> c = co_await open(l);
    c->socket.close();
    ended broken = co_await me.receive<ended>();
    EXPECT_EQ(broken.code, 1006);
    EXPECT_FALSE(broken.clean);
  });
}

TEST(websocket_connection, a_crash_of_the_handler_tells_1011) {
  node_options options = with_sockets();
  auto reports = std::make_shared<std::atomic<int>>(0);
  options.on_report = [reports](const report& r) {
    if (r.level >= severity::error) ++*reports;
  };
  node n(options);
  n.run([](self me) -> task<> {
    net::listener l = serve_chat(me.id());
    std::unique_ptr<client> c = co_await open(l);
    (void)c->session.text("crash");
    co_await flush(c.get());
    websocket_event closed = co_await next(c.get());
    EXPECT_EQ(closed.kind, websocket_event_kind::close);
    EXPECT_EQ(closed.code, close_code::internal_error);
  });
  EXPECT_EQ(reports->load(), 1);
}

TEST(websocket_connection, refuses_what_breaks_the_protocol_or_its_limits) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    websocket_options limited;
    limited.limits.message = 100;
    limited.limits.frame = 100;
    net::listener l = serve_chat(me.id(), limited);
    std::unique_ptr<client> large = co_await open(l);
    (void)large->session.text(std::string(200'000, 'x')); // more than is read before it is refused
    co_await flush(large.get());
    websocket_event too_big = co_await next(large.get());
    EXPECT_EQ(too_big.code, close_code::message_too_big);
    std::unique_ptr<client> naked = co_await open(l);
    std::string unmasked;
    write_frame(unmasked, opcode::text, "x");
    co_await naked->socket.write_all(unmasked);
    websocket_event protocol = co_await next(naked.get());
    EXPECT_EQ(protocol.code, close_code::protocol_error);
  });
}

TEST(websocket_connection, pings_the_silent_and_leaves_the_dead) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    websocket_options eager;
    eager.ping_interval = 10ms;
    eager.pong_timeout = 30ms;
    net::listener l = serve_chat(me.id(), eager);
    std::unique_ptr<client> alive = co_await open(l);
    for (int i = 0; i < 3; ++i) {
      websocket_event e = co_await next(alive.get());
      EXPECT_EQ(e.kind, websocket_event_kind::ping);
    }
    alive->socket.close();
    co_await me.receive<ended>();
    std::unique_ptr<client> dead = co_await open(l); // reads nothing, answers nothing
    ended e = co_await me.receive<ended>();
    EXPECT_EQ(e.code, 1006);
  });
}

TEST(websocket_connection, a_peer_that_never_closes_is_not_waited_for) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    websocket_options brief;
    brief.close_timeout = 20ms;
    net::listener l = serve_chat(me.id(), brief);
    std::unique_ptr<client> c = co_await open(l);
    (void)c->session.text("bye");
    co_await flush(c.get());
    std::string rest = co_await read_until(&c->socket); // the close frame, never answered, then the end
    EXPECT_FALSE(rest.empty());
  });
}

TEST(websocket_connection, a_drain_tells_the_peer) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    trap_exit(true);
    server_options options;
    options.listener.drain_timeout = 1h;
    net::listener l = serve_chat(me.id(), {}, options);
    std::unique_ptr<client> c = co_await open(l);
    co_await me.receive<connected>();
    exit(l.process(), exit_reason::shutdown());
    websocket_event closed = co_await next(c.get());
    EXPECT_EQ(closed.code, close_code::going_away);
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_TRUE(e.reason.is("shutdown"));
  });
}

TEST(websocket_connection, is_only_for_upgrades_of_pages_of_this_host) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve_chat(me.id());
    std::string foreign = std::string(handshake) + "Origin: http://evil.example\r\n\r\n";
    net::tcp_socket s = co_await dial(l);
    co_await s.write_all(foreign + get("/ws"));
    std::string answers = co_await read_until(&s);
    EXPECT_EQ(status_of(answers), "HTTP/1.1 403");
    EXPECT_TRUE(has(answers, "HTTP/1.1 426") || has(answers, "HTTP/1.1 400")) << answers;
    std::string post = co_await exchange(
        l, "POST /ws HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(status_of(post), "HTTP/1.1 405");
  });
}

} // namespace
} // namespace coppice::http
