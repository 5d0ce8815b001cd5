#include "coppice/http/client.hpp"

#include "coppice/http/detail/http_test.hpp"
#include "coppice/net/detail/tls_test.hpp"

#include <deque>
#include <gmock/gmock.h>

namespace coppice::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::HasSubstr;

client_options patient() {
  client_options o;
  o.connect_timeout = o.head_timeout = o.timeout = 20s;
  return o;
}

task<client> a_client(client_options options = patient()) {
  auto started = co_await start_client(std::move(options));
  EXPECT_TRUE(started) << started.error();
  co_return std::move(*started);
}

std::string at(const net::endpoint& e, const std::string& target) {
  return "http://" + e.to_string() + target;
}
std::string at(const net::listener& l, const std::string& target) { return at(l.local(), target); }

std::string shown(const client_result<fetched>& got) {
  if (!got) return "error " + std::to_string(static_cast<int>(got.error().code)) + ": " + got.error().text;
  return std::to_string(got->status()) + " " + got->body;
}
client_errc code_of(const client_result<fetched>& got) { return got.error().code; }

task<std::string> got(const client* web, client_request request) {
  client_result<fetched> answer = co_await web->fetch(std::move(request));
  co_return shown(answer);
}

// --- a server of ours ---

response hello(request& r) {
  return response::text("hello " + std::string(r.header("x-name").value_or("you")));
}
task<response> echo(request& r) {
  std::string body = co_await r.body();
  co_return response::text(std::string(to_string(r.method())) + ":" + body);
}
response secrets(request& r) {
  return response::text(std::string(r.header("authorization").value_or("none")) + " " +
                        std::string(to_string(r.method())));
}
response moved(request& r) {
  auto to = r.query();
  return response::redirect(*to.get("to"), static_cast<status>(std::stoi(std::string(*to.get("status")))));
}
task<response> drip(request& r) {
  response head;
  co_await r.start(std::move(head));
  for (int i = 0; i < 50; ++i) co_await r.write("piece " + std::to_string(i) + ";");
  co_return response::streamed();
}
response large(request&) { return response::text(std::string(100'000, 'l')); }

routes table() {
  routes t;
  t.get("/hello", &hello)
      .get("/drip", &drip)
      .get("/large", &large)
      .any("/secrets", &secrets)
      .any("/moved", &moved);
  t.post("/echo", &echo, {.body_limit = 10'000'000}).put("/echo", &echo, {.body_limit = 10'000'000});
  return t;
}

TEST(client, asks_and_keeps_the_connection) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve(table());
    client web = co_await a_client();
    for (int i = 0; i < 3; ++i) {
      client_request ask = client_request::get(at(l, "/hello"));
      ask.header("X-Name", "me");
      std::string answer = co_await got(&web, std::move(ask));
      EXPECT_EQ(answer, "200 hello me");
    }
    std::string echoed = co_await got(&web, client_request::post(at(l, "/echo"), "text/plain", "abc"));
    EXPECT_EQ(echoed, "200 POST:abc");
    client_request head("HEAD", at(l, "/hello"));
    std::string bodyless = co_await got(&web, std::move(head));
    EXPECT_EQ(bodyless, "200 ");
    std::string none = co_await got(&web, client_request::get(at(l, "/none")));
    EXPECT_EQ(none.substr(0, 3), "404");
    EXPECT_EQ(l.accepted(), 1U);
  });
}

TEST(client, streams_bodies_both_ways) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve(table());
    client web = co_await a_client();
    for (bool sized : {true, false}) {
      client_request upload("POST", at(l, "/echo"));
      upload.streams_body = true;
      if (sized) upload.body_size = 40 * 50'000;
      client_result<client_exchange> under_way = co_await web.open(std::move(upload));
      EXPECT_TRUE(under_way) << under_way.error().text;
      for (int i = 0; i < 40; ++i) {
        std::string piece(50'000, static_cast<char>('a' + i % 26));
        client_result<> sent = co_await under_way->write(piece);
        EXPECT_TRUE(sent);
      }
      client_result<const response_head*> head = co_await under_way->response();
      EXPECT_EQ(to_int((*head)->status), 200U);
      std::size_t total = 0;
      for (;;) {
        client_result<std::string_view> piece = co_await under_way->body_piece();
        EXPECT_TRUE(piece);
        if (!piece || piece->empty()) break;
        total += piece->size();
      }
      EXPECT_EQ(total, 5 + 40 * 50'000U);
    }
    std::string dripped = co_await got(&web, client_request::get(at(l, "/drip")));
    EXPECT_THAT(dripped, HasSubstr("piece 48;piece 49;"));
    EXPECT_EQ(l.accepted(), 1U);
  });
}

TEST(client, follows_redirects_only_when_told_and_keeps_secrets) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve(table());
    net::listener other = serve(table());
    client web = co_await a_client();
    client_request ask = client_request::get(at(l, "/moved?status=302&to=/hello"));
    std::string told = co_await got(&web, ask);
    EXPECT_EQ(told.substr(0, 3), "302");
    ask.redirects = 1;
    std::string followed = co_await got(&web, ask);
    EXPECT_EQ(followed, "200 hello you");
    client_request post = client_request::post(at(l, "/moved?status=303&to=/secrets"), "text/plain", "x");
    post.header("Authorization", "me");
    post.redirects = 5;
    std::string as_get = co_await got(&web, post);
    EXPECT_EQ(as_get, "200 me GET");
    post.url = at(l, "/moved?status=307&to=/secrets");
    std::string as_post = co_await got(&web, post);
    EXPECT_EQ(as_post, "200 me POST");
    post.url = at(l, "/moved?status=307&to=" + at(other, "/secrets"));
    std::string elsewhere = co_await got(&web, post);
    EXPECT_EQ(elsewhere, "200 none POST");
    client_request bad = client_request::get(at(l, "/moved?status=302&to=ftp://x"));
    bad.redirects = 1;
    std::string nowhere = co_await got(&web, bad);
    EXPECT_THAT(nowhere, HasSubstr("no URL"));
  });
}

TEST(client, bounds_what_it_takes_and_says_what_cannot_be_asked) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve(table());
    client_options small = patient();
    small.body_limit = 99'999;
    client web = co_await a_client(small);
    client_result<fetched> too_large = co_await web.fetch(client_request::get(at(l, "/large")));
    EXPECT_EQ(code_of(too_large), client_errc::too_large);
    std::string url = co_await got(&web, client_request::get("http://a b/"));
    EXPECT_THAT(url, HasSubstr("byte 8: a character that must be percent-encoded"));
    client_request injected = client_request::get(at(l, "/hello"));
    injected.header("X", "a\r\nY: b");
    client_result<fetched> refused = co_await web.fetch(std::move(injected));
    EXPECT_EQ(code_of(refused), client_errc::bad_request);
    net::listen_socket free = *net::listen_socket::open(net::endpoint());
    std::string nobody = at(*free.local(), "/");
    free.close();
    client_result<fetched> none = co_await web.fetch(client_request::get(nobody));
    EXPECT_EQ(code_of(none), client_errc::connect);
  });
}

// --- a server by hand ---

/// What each connection in turn answers its requests with; "close": it ends when the request is there, "end":
/// at once.
struct script {
  std::deque<std::vector<std::string>> connections;
};
process play(self, net::listen_socket door, script s) {
  std::vector<net::tcp_socket> open;
  for (std::vector<std::string>& answers : s.connections) {
    co_await door.wait_acceptable();
    std::expected<net::tcp_socket, std::error_code> peer = door.try_accept();
    while (!peer) {
      co_await door.wait_acceptable();
      peer = door.try_accept();
    }
    for (std::string& answer : answers) {
      if (answer == "end") break;
      std::string heard;
      char buffer[4096];
      while (!heard.ends_with("\r\n\r\n")) {
        net::io_result got = co_await peer->read_some(buffer, 20s);
        if (got.value_or(0) == 0) break;
        heard.append(buffer, *got);
      }
      if (answer == "close") break;
      co_await peer->write_all(answer, 20s);
    }
    if (answers.empty() || answers.back() == "close" || answers.back() == "end") continue;
    open.push_back(std::move(*peer));
  }
  co_await idle_for(60s); // holds what is open until the test ends it
}

net::endpoint played(script s) {
  net::listen_socket door = *net::listen_socket::open(net::endpoint());
  net::endpoint where = *door.local();
  spawn_link(&play, std::move(door), std::move(s));
  return where;
}
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(client, repeats_what_may_be_repeated_on_a_connection_that_had_ended) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    client web = co_await a_client();
    net::endpoint e = played({{{ok, "close"}, {ok}}});
    std::string first = co_await got(&web, client_request::get(at(e, "/")));
    EXPECT_EQ(first, "200 ok");
    std::string second = co_await got(&web, client_request::get(at(e, "/")));
    EXPECT_EQ(second, "200 ok") << "the server closed when the request came";
    net::endpoint f = played({{{ok, "close"}, {ok}}});
    co_await got(&web, client_request::get(at(f, "/")));
    client_result<fetched> post =
        co_await web.fetch(client_request::post(at(f, "/"), "text/plain", "\r\n\r\n"));
    EXPECT_EQ(code_of(post), client_errc::broken) << "it may have been acted upon";
    net::endpoint g = played({{{"close"}}});
    client_result<fetched> fresh = co_await web.fetch(client_request::get(at(g, "/")));
    EXPECT_EQ(code_of(fresh), client_errc::broken) << "a new connection is no reason to try again";
  });
}

TEST(client, reads_answers_strictly) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    client web = co_await a_client();
    std::string both = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    net::endpoint a = played({{{both}}});
    client_result<fetched> smuggled = co_await web.fetch(client_request::get(at(a, "/")));
    EXPECT_EQ(code_of(smuggled), client_errc::malformed);
    net::endpoint b = played({{{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", "end"}}});
    client_result<fetched> half = co_await web.fetch(client_request::get(at(b, "/")));
    EXPECT_EQ(code_of(half), client_errc::broken);
    net::endpoint c =
        played({{{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok}}});
    std::string after_hints = co_await got(&web, client_request::get(at(c, "/")));
    EXPECT_EQ(after_hints, "200 ok");
    net::endpoint d = played({{{"HTTP/1.0 200 OK\r\n\r\nto the end", "end"}}});
    std::string to_the_end = co_await got(&web, client_request::get(at(d, "/")));
    EXPECT_EQ(to_the_end, "200 to the end");
    net::endpoint e = played({{{ok + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"}, {ok}}});
    co_await got(&web, client_request::get(at(e, "/")));
    std::string clean = co_await got(&web, client_request::get(at(e, "/")));
    EXPECT_EQ(clean, "200 ok") << "what nobody asked for ends its connection";
  });
}

TEST(client, has_a_deadline_for_each_step) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    client_options hasty = patient();
    hasty.head_timeout = 30ms;
    client web = co_await a_client(hasty);
    net::endpoint mute = played({{{"", ""}}});
    client_result<fetched> head = co_await web.fetch(client_request::get(at(mute, "/")));
    EXPECT_EQ(code_of(head), client_errc::timed_out);
    hasty.connect_timeout = 30ms;
    hasty.connections_per_origin = 1;
    client one = co_await a_client(hasty);
    net::listener l = serve(table());
    client_result<client_exchange> holds = co_await one.open(client_request::get(at(l, "/hello")));
    EXPECT_TRUE(holds);
    client_result<fetched> waits = co_await one.fetch(client_request::get(at(l, "/hello")));
    EXPECT_EQ(code_of(waits), client_errc::timed_out);
    EXPECT_THAT(waits.error().text, HasSubstr("waiting for a connection"));
  });
}

process ask_once(self, client web, std::string url, pid tell) {
  std::string answer = co_await got(&web, client_request::get(url));
  send(tell, answer);
}
process hold(self me, client web, std::string url, pid tell) {
  client_result<client_exchange> held = co_await web.open(client_request::get(url));
  send(tell, me.id());
  co_await idle_for(60s);
}

TEST(client, lends_no_more_than_the_limit_and_loses_none) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener l = serve(table());
    client_options two = patient();
    two.connections_per_origin = 2;
    client web = co_await a_client(two);
    std::string url = at(l, "/hello");
    for (int i = 0; i < 200; ++i) spawn(&ask_once, web, url, me.id());
    for (int i = 0; i < 200; ++i) {
      std::string answer = co_await me.receive<std::string>();
      EXPECT_EQ(answer, "200 hello you");
    }
    EXPECT_LE(l.accepted(), 2U);
    for (int i = 0; i < 2; ++i) { // killed while they have one
      pid holder = spawn(&hold, web, url, me.id());
      co_await me.receive<pid>();
      exit(holder, exit_reason::kill());
    }
    std::string still = co_await got(&web, client_request::get(url));
    EXPECT_EQ(still, "200 hello you");
    exit(web.process(), exit_reason::kill());
  });
}

TEST(client, lets_idle_connections_go) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve(table());
    client_options brief = patient();
    brief.idle_timeout = 20ms;
    client web = co_await a_client(brief);
    std::string url = at(l, "/hello");
    co_await got(&web, client_request::get(url));
    while (l.connections() > 0) co_await yield();
    std::string again = co_await got(&web, client_request::get(url));
    EXPECT_EQ(again, "200 hello you");
    EXPECT_EQ(l.accepted(), 2U);
  });
}

TEST(client, speaks_https) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::testing::authority ca;
    net::tls_identity own = ca.issue("own", {.names = "IP:127.0.0.1"});
    server_options options;
    options.listener.tls = *net::tls_server::make({.identities = {own}, .alpn = {"http/1.1"}});
    net::listener l = serve(table(), options);
    client_options trusting = patient();
    trusting.tls = *net::tls_client::make({.ca_file = ca.ca_file(), .alpn = {"http/1.1"}});
    client web = co_await a_client(trusting);
    std::string url = "https://" + l.local().to_string();
    for (int i = 0; i < 3; ++i) {
      std::string answer = co_await got(&web, client_request::get(url + "/hello"));
      EXPECT_EQ(answer, "200 hello you");
    }
    std::string sent(1'000'000, 's');
    std::string echoed = co_await got(&web, client_request::post(url + "/echo", "text/plain", sent));
    EXPECT_EQ(echoed.size(), 9 + sent.size());
    EXPECT_EQ(l.accepted(), 1U);
    client distrusting = co_await a_client();
    client_result<fetched> refused = co_await distrusting.fetch(client_request::get(url + "/hello"));
    EXPECT_EQ(code_of(refused), client_errc::connect);
    EXPECT_THAT(refused.error().text, HasSubstr("TLS with https://127.0.0.1"));
  });
}

} // namespace
} // namespace coppice::http
