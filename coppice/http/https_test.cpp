// The server over TLS: the same code behind another stream, met by other programs.
#include "coppice/http/detail/http_test.hpp"
#include "coppice/net/detail/tls_test.hpp"

namespace coppice::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using net::testing::authority;
using net::testing::ran;

response who(request& r) {
  std::optional<net::tls_info> tls = r.tls();
  return response::text(tls ? tls->version + " " + tls->alpn + " " + tls->peer_subject : "plain");
}

task<response> echo(request& r) {
  std::string body = co_await r.body();
  co_return response::text(std::move(body));
}

task<response> many_pieces(request& r) {
  response head;
  co_await r.start(std::move(head));
  std::string piece(10'000, 'p');
  for (int i = 0; i < 100; ++i) co_await r.write(piece);
  co_return response::streamed();
}

task<> loud(request&, websocket& ws) {
  for (;;) {
    std::variant<websocket_message, websocket_closed> next = co_await ws.receive();
    auto* message = std::get_if<websocket_message>(&next);
    if (message == nullptr) co_return;
    co_await ws.send_text(message->data + "!");
  }
}

net::listener serve_tls(net::tls_server_options tls) {
  routes table;
  table.get("/who", &who).post("/echo", &echo, {.body_limit = 10'000'000}).get("/pieces", &many_pieces);
  table.websocket("/ws", &loud);
  std::expected<net::tls_server, std::string> made = net::tls_server::make(std::move(tls));
  EXPECT_TRUE(made) << made.error();
  server_options options;
  options.listener.tls = *made;
  return serve(std::move(table), std::move(options));
}

authority& the_ca() {
  static authority one;
  return one;
}
net::tls_server_options server_tls() {
  static const net::tls_identity own = the_ca().issue("a", {.names = "DNS:a.test"});
  return {.identities = {own}, .alpn = {"http/1.1"}};
}

std::string curl(const net::listener& l, const std::string& target) {
  std::string port = std::to_string(l.local().port());
  return "curl -sS --noproxy \\* --cacert " + the_ca().ca_file() + " --resolve a.test:" + port +
         ":127.0.0.1 https://a.test:" + port + target;
}

TEST(https, serves_curl) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve_tls(server_tls());
    ran newest = co_await net::testing::run(curl(l, "/who"));
    EXPECT_EQ(newest.output, "TLSv1.3 http/1.1 ");
    ran older = co_await net::testing::run(curl(l, "/who --tls-max 1.2"));
    EXPECT_EQ(older.output, "TLSv1.2 http/1.1 ");
    std::string file = the_ca().folder().write("upload", std::string(3'000'000, 'u'));
    ran upload = co_await net::testing::run(curl(l, "/echo --data-binary @") + file + " | wc -c");
    EXPECT_EQ(upload.output, "3000000\n");
    ran pieces = co_await net::testing::run(curl(l, "/pieces | wc -c"));
    EXPECT_EQ(pieces.output, "1000000\n");
    std::string plain = "curl -sS --noproxy \\* http://" + l.local().to_string() + "/who";
    ran not_tls = co_await net::testing::run(plain);
    EXPECT_NE(not_tls.status, 0);
    while (l.failed_handshakes() < 1) co_await yield();
  });
}

TEST(https, knows_clients_by_their_certificates) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::tls_server_options tls = server_tls();
    tls.clients = net::client_certificates::required;
    tls.client_ca_file = the_ca().ca_file();
    net::listener l = serve_tls(tls);
    ran nobody = co_await net::testing::run(curl(l, "/who"));
    EXPECT_NE(nobody.status, 0);
    net::tls_identity alice = the_ca().issue("alice");
    ran known = co_await net::testing::run(curl(l, "/who --cert ") + alice.certificate_file + " --key " +
                                           alice.key_file);
    EXPECT_EQ(known.output, "TLSv1.3 http/1.1 CN=alice");
  });
}

TEST(https, carries_websockets) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve_tls(server_tls());
    std::expected<net::tls_client, std::string> client =
        net::tls_client::make({.ca_file = the_ca().ca_file()});
    net::tcp_socket socket = co_await dial(l);
    std::expected<net::stream, net::tls_error> s =
        co_await net::tls_connect(std::move(socket), *client, "a.test", 20s);
    EXPECT_TRUE(s) << s.error().text;
    // The first frames come in one record with the request: they have left the socket when they are wanted.
    websocket_session session = websocket_session::client([] { return frame_mask{1, 2, 3, 4}; });
    for (int i = 0; i < 100; ++i) (void)session.text("hello " + std::to_string(i));
    std::string request = "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    std::string output = session.take_output();
    std::string all = request + output;
    co_await s->write_all(all, 20s);
    std::string answer;
    char buffer[4096];
    while (!answer.ends_with("hello 99!")) {
      net::io_result got = co_await s->read_some(buffer, 20s);
      EXPECT_TRUE(got);
      if (got.value_or(0) == 0) co_return;
      answer.append(buffer, *got);
    }
    std::vector<websocket_event> events = session.feed(body_of(answer));
    EXPECT_EQ(events.size(), 100U);
    EXPECT_EQ(events.back().data, "hello 99!");
    (void)session.close();
    output = session.take_output();
    co_await s->write_all(output, 20s);
    net::io_result end = co_await s->read_some(buffer, 20s);
    events = session.feed(std::string_view(buffer, end.value_or(0)));
    EXPECT_EQ(events.size(), 1U);
    EXPECT_TRUE(events.front().clean);
  });
}

} // namespace
} // namespace coppice::http
