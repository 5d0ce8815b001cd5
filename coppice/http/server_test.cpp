#include "coppice/http/server.hpp"

#include "coppice/http/detail/http_test.hpp"
#include "coppice/runtime/call.hpp"

namespace coppice::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;

response hello(request& r) {
  return response::text("hello " + std::string(r.binding("name").value_or("world")));
}

task<response> echo(request& r) {
  std::string body = co_await r.body();
  co_return response::text(std::move(body));
}

task<response> count_pieces(request& r) {
  std::size_t total = 0;
  for (;;) {
    std::string_view piece = co_await r.body_piece();
    if (piece.empty()) break;
    total += piece.size();
  }
  co_return response::text(std::to_string(total));
}

routes simple() {
  routes table;
  table.get("/", &hello)
      .get("/hello/:name", &hello)
      .post("/echo", &echo)
      .post("/count", &count_pieces, {.body_limit = 100'000'000});
  return table;
}

TEST(server, answers_by_route_and_method) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve(simple());
    std::string root = co_await exchange(l, get("/"));
    EXPECT_EQ(status_of(root), "HTTP/1.1 200");
    EXPECT_EQ(body_of(root), "hello world");
    EXPECT_TRUE(has(root, "content-length: 11\r\n")) << root;
    EXPECT_TRUE(has(root, "connection: close\r\n"));
    EXPECT_TRUE(has(root, "\r\ndate: ")) << root;
    std::string named = co_await exchange(l, get("/hello/b%20b"));
    EXPECT_EQ(body_of(named), "hello b b");
    std::string none = co_await exchange(l, get("/nothing/here"));
    EXPECT_EQ(status_of(none), "HTTP/1.1 404");
    std::string wrong = co_await exchange(l, get("/echo"));
    EXPECT_EQ(status_of(wrong), "HTTP/1.1 405");
    EXPECT_TRUE(has(wrong, "allow: POST\r\n")) << wrong;
    std::string head = co_await exchange(l, "HEAD / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(has(head, "content-length: 11\r\n"));
    EXPECT_EQ(body_of(head), "");
    std::string old = co_await exchange(l, "GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(body_of(old), "hello world");
  });
}

TEST(server, keeps_connections_and_answers_pipelined_requests_in_order) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve(simple());
    net::tcp_socket s = co_await dial(l);
    for (int i = 0; i < 3; ++i) {
      co_await s.write_all("GET /hello/again HTTP/1.1\r\nHost: t\r\n\r\n");
      std::string one = co_await read_until(&s, "hello again");
      EXPECT_EQ(status_of(one), "HTTP/1.1 200");
    }
    std::string many;
    for (int i = 0; i < 2000; ++i) {
      many += "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 6\r\n\r\n<" +
              std::to_string(1000 + i % 1000) + ">";
    }
    many += get("/hello/last");
    co_await s.write_all(many);
    std::string all = co_await read_until(&s);
    std::size_t at = 0;
    for (int i = 0; i < 2000; ++i) {
      at = all.find("<" + std::to_string(1000 + i % 1000) + ">", at);
      EXPECT_NE(at, std::string::npos) << i;
      if (at == std::string::npos) break;
      at += 6;
    }
    EXPECT_TRUE(all.ends_with("hello last"));
    EXPECT_EQ(l.accepted(), 1U);
  });
}

TEST(server, refuses_what_two_parsers_could_read_differently) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve(simple());
    std::string both =
        co_await exchange(l, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_EQ(status_of(both), "HTTP/1.1 400");
    EXPECT_FALSE(has(both, "200")) << "what follows is not answered";
    std::string bare = co_await exchange(l, "GET / HTTP/1.1\nHost: t\n\n");
    EXPECT_EQ(status_of(bare), "HTTP/1.1 400");
    std::string hostless = co_await exchange(l, "GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(status_of(hostless), "HTTP/1.1 400");
    std::string large = co_await exchange(l, get("/", "X: " + std::string(9000, 'x') + "\r\n"));
    EXPECT_EQ(status_of(large), "HTTP/1.1 431");
    std::string lengthy = co_await exchange(l, get("/" + std::string(9000, 'x')));
    EXPECT_EQ(status_of(lengthy), "HTTP/1.1 414");
    std::string dots = co_await exchange(l, get("/hello/%2e%2e"));
    EXPECT_EQ(status_of(dots), "HTTP/1.1 400");
  });
}

TEST(server, reads_bodies_of_both_framings_within_the_limit) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve(simple());
    std::string chunked = co_await exchange(
        l, "POST /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
           "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n");
    EXPECT_EQ(body_of(chunked), "hello world");
    std::string big(30'000'000, 'b');
    std::string counted = co_await exchange(
        l, "POST /count HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 30000000\r\n\r\n" + big);
    EXPECT_EQ(body_of(counted), "30000000");
    std::string too_large =
        co_await exchange(l, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 30000000\r\n\r\n");
    EXPECT_EQ(status_of(too_large), "HTTP/1.1 413");
    std::string grown = "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 20; ++i) grown += "10000\r\n" + std::string(65536, 'x') + "\r\n";
    std::string refused = co_await exchange(l, grown);
    EXPECT_EQ(status_of(refused), "HTTP/1.1 413");
  });
}

TEST(server, says_continue_only_when_the_body_is_wanted) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    net::listener l = serve(simple());
    net::tcp_socket s = co_await dial(l);
    co_await s.write_all("POST /echo HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: 5\r\n"
                         "Expect: 100-continue\r\n\r\n");
    std::string go = co_await read_until(&s, "\r\n\r\n");
    EXPECT_EQ(go, "HTTP/1.1 100 Continue\r\n\r\n");
    co_await s.write_all("hello");
    std::string answer = co_await read_until(&s);
    EXPECT_EQ(body_of(answer), "hello");
    net::tcp_socket refused = co_await dial(l);
    co_await refused.write_all(
        "POST /nowhere HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    refused.shutdown_write();
    std::string no = co_await read_until(&refused);
    EXPECT_EQ(status_of(no), "HTTP/1.1 404");
    EXPECT_TRUE(has(no, "connection: close\r\n"));
  });
}

task<response> stream(request& r) {
  response head(status::ok, "text/event-stream", "first,");
  co_await r.start(std::move(head));
  co_await r.write("second,");
  std::string long_piece(100'000, '3');
  co_await r.write(long_piece);
  co_return response::streamed();
}

task<response> stream_sized(request& r) {
  response head(status::ok);
  std::optional<std::uint64_t> size = 6;
  co_await r.start(std::move(head), size);
  co_await r.write("abc");
  co_await r.write("def");
  co_return response::streamed();
}

task<response> stream_short(request& r) {
  response head(status::ok);
  std::optional<std::uint64_t> size = 6;
  co_await r.start(std::move(head), size);
  co_await r.write("abc");
  co_return response::streamed();
}

TEST(server, streams_responses) {
  node_options options = with_sockets();
  options.on_report = [](const report&) {};
  node n(options);
  n.run([](self) -> task<> {
    routes table;
    table.get("/chunked", &stream).get("/sized", &stream_sized).get("/short", &stream_short);
    net::listener l = serve(std::move(table));
    net::tcp_socket s = co_await dial(l);
    co_await s.write_all("GET /chunked HTTP/1.1\r\nHost: t\r\n\r\nGET /sized HTTP/1.1\r\nHost: t\r\n\r\n" +
                         get("/short"));
    std::string all = co_await read_until(&s);
    EXPECT_TRUE(has(all, "transfer-encoding: chunked\r\n"));
    EXPECT_TRUE(has(all, "\r\n\r\n6\r\nfirst,\r\n7\r\nsecond,\r\n186a0\r\n333"));
    EXPECT_TRUE(has(all, "3\r\n0\r\n\r\nHTTP/1.1 200"));
    EXPECT_TRUE(has(all, "content-length: 6\r\n"));
    EXPECT_TRUE(has(all, "abcdefHTTP/1.1 200"));
    EXPECT_TRUE(all.ends_with("\r\n\r\nabc")) << "one that ends too early is cut, so that the peer sees it";
    std::string old = co_await exchange(l, "GET /chunked HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(has(old, "\r\n\r\nfirst,second,333")) << "an old client reads to the end";
  });
}

struct watched {
  std::vector<report> seen;
  std::mutex mutex;
};

TEST(server, a_handler_that_fails_is_reported_once_and_answered_500) {
  node_options options = with_sockets();
  auto reports = std::make_shared<watched>();
  options.on_report = [reports](const report& r) {
    if (r.level < severity::error) return;
    std::lock_guard guard(reports->mutex);
    reports->seen.push_back(r);
  };
  node n(options);
  n.run([](self) -> task<> {
    routes table = simple();
    table.get("/crash", [](request&) -> response { throw std::runtime_error("out of cheese"); });
    table.get("/teapot",
              [](request&) -> response { throw error(static_cast<status>(418), "short and stout"); });
    table.get("/malformed", [](request&) { return response::text("x").header("a b", "c"); });
    net::listener l = serve(std::move(table));
    net::tcp_socket other = co_await dial(l);
    std::string crash = co_await exchange(l, "GET /crash HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_EQ(status_of(crash), "HTTP/1.1 500");
    EXPECT_TRUE(has(crash, "connection: close\r\n"));
    EXPECT_FALSE(has(crash, "cheese")) << "the peer is told nothing of the inside";
    std::string malformed = co_await exchange(l, "GET /malformed HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_EQ(status_of(malformed), "HTTP/1.1 500");
    co_await other.write_all("GET /teapot HTTP/1.1\r\nHost: t\r\n\r\n" + get("/"));
    std::string both = co_await read_until(&other);
    EXPECT_EQ(status_of(both), "HTTP/1.1 418");
    EXPECT_TRUE(has(both, "short and stout"));
    EXPECT_TRUE(both.ends_with("hello world")) << "an answer is no crash";
  });
  std::lock_guard guard(reports->mutex);
  ASSERT_EQ(reports->seen.size(), 2U);
  EXPECT_EQ(reports->seen[0].fields.at(0).second, term("GET /crash"));
  ASSERT_NE(reports->seen[0].reason.details(), nullptr);
  EXPECT_EQ(reports->seen[0].reason.details()->text, "out of cheese");
}

TEST(server, slow_peers_are_turned_away) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    server_options options;
    options.head_timeout = 30ms;
    options.idle_timeout = 30ms;
    options.transfer_grace = 30ms;
    net::listener l = serve(simple(), options);
    std::string silent = co_await exchange(l, "");
    EXPECT_EQ(silent, "") << "nothing was asked";
    std::string half = co_await exchange(l, "GET / HTTP/1.1\r\nHo");
    EXPECT_EQ(status_of(half), "HTTP/1.1 408");
    std::string slow_body =
        co_await exchange(l, "POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhe");
    EXPECT_EQ(status_of(slow_body), "HTTP/1.1 408");
    std::string idle = co_await exchange(l, "GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_TRUE(idle.ends_with("hello world")) << "then the connection is closed in silence";
  });
}

TEST(server, a_peer_that_does_not_read_its_answer_is_cut_off) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    trap_exit(true);
    server_options options;
    options.transfer_grace = 30ms;
    options.minimum_rate = 1'000'000'000;
    options.listener.drain_timeout = 1h;
    routes table;
    table.get("/", [](request&) { return response::text(std::string(100'000'000, 'x')); });
    net::listener l = serve(std::move(table), options);
    net::tcp_socket s = co_await dial(l);
    co_await s.write_all("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    co_await s.wait_readable();
    exit(l.process(), exit_reason::shutdown());
    exit_signal e = co_await me.receive<exit_signal>(); // once the connection has ended
    EXPECT_EQ(e.from, l.process());
  });
}

struct handling {
  pid connection;
};
struct finish_now {};

task<response> wait_for_word(request& r, pid watcher) {
  self me = r.process();
  handling started{me.id()};
  send(watcher, started);
  co_await me.receive<finish_now>();
  co_return response::text("done");
}

TEST(server, drains_idle_connections_at_once_and_busy_ones_after_their_request) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    trap_exit(true);
    pid watcher = me.id();
    routes table = simple();
    table.get("/wait", [watcher](request& r) { return wait_for_word(r, watcher); });
    server_options options;
    options.listener.drain_timeout = 1h;
    net::listener l = serve(std::move(table), options);
    net::tcp_socket idle = co_await dial(l);
    co_await idle.write_all("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    co_await read_until(&idle, "hello world");
    net::tcp_socket busy = co_await dial(l);
    co_await busy.write_all("GET /wait HTTP/1.1\r\nHost: t\r\n\r\nGET / HTTP/1.1\r\nHost: t\r\n\r\n");
    handling h = co_await me.receive<handling>();
    exit(l.process(), exit_reason::shutdown());
    std::string nothing = co_await read_until(&idle);
    EXPECT_EQ(nothing, "");
    send(h.connection, finish_now{});
    std::string last = co_await read_until(&busy);
    EXPECT_TRUE(has(last, "done"));
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_TRUE(e.reason.is("shutdown"));
  });
}

TEST(server, a_killed_handler_closes_its_connection_alone) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    pid watcher = me.id();
    routes table = simple();
    table.get("/wait", [watcher](request& r) { return wait_for_word(r, watcher); });
    net::listener l = serve(std::move(table));
    net::tcp_socket s = co_await dial(l);
    co_await s.write_all("GET /wait HTTP/1.1\r\nHost: t\r\n\r\n");
    handling h = co_await me.receive<handling>();
    exit(h.connection, exit_reason::kill());
    std::string nothing = co_await read_until(&s);
    EXPECT_EQ(nothing, "");
    std::string other = co_await exchange(l, get("/"));
    EXPECT_EQ(body_of(other), "hello world");
  });
}

TEST(server, a_handler_that_ends_itself_is_answered_for) {
  node_options options = with_sockets();
  options.on_report = [](const report&) {};
  node n(options);
  n.run([](self me) -> task<> {
    pid watcher = me.id();
    routes table;
    table.get("/exit", [watcher](request& r) -> response {
      handling started{r.process().id()};
      send(watcher, started);
      coppice::exit(exit_reason(atom("gone_fishing")));
    });
    net::listener l = serve(std::move(table));
    net::tcp_socket s = co_await dial(l);
    co_await s.write_all("GET /exit HTTP/1.1\r\nHost: t\r\n\r\n");
    std::string answer = co_await read_until(&s);
    EXPECT_EQ(status_of(answer), "HTTP/1.1 500");
    handling h = co_await me.receive<handling>();
    monitor(h.connection);
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.process, h.connection);
  });
}

TEST(server, a_handler_knows_its_peer_and_query) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    routes table;
    table.get("/who", [](request& r) {
      return response::text(r.peer().address() + " " + std::string(r.query().get("q").value_or("?")));
    });
    net::listener l = serve(std::move(table));
    std::string answer = co_await exchange(l, get("/who?q=a+b"));
    EXPECT_EQ(body_of(answer), "127.0.0.1 a b");
    std::string bad = co_await exchange(l, get("/who?q=%zz"));
    EXPECT_EQ(status_of(bad), "HTTP/1.1 400");
  });
}

TEST(server, admits_requests_before_their_route_and_adds_fields_to_every_answer) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    server_options options;
    options.admit = [](const request_head& head) -> std::optional<response> {
      if (head.authority == "good") return std::nullopt;
      return response::text("who?", status::forbidden);
    };
    options.headers = {{"x-common", "here"}, {"cache-control", "no-cache"}};
    routes table;
    table.get("/", [](request&) {
      response r = response::text("in");
      r.header("Cache-Control", "no-store");
      return r;
    });
    net::listener l = serve(std::move(table), std::move(options));
    std::string in = co_await exchange(l, "GET / HTTP/1.1\r\nHost: good\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(body_of(in), "in");
    EXPECT_NE(in.find("x-common: here"), std::string::npos);
    EXPECT_EQ(in.find("no-cache"), std::string::npos);
    for (const char* bad : {"GET / HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n",
                            "GET /nowhere HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n"}) {
      std::string out = co_await exchange(l, bad);
      EXPECT_EQ(status_of(out), "HTTP/1.1 403") << out;
      EXPECT_NE(out.find("x-common: here"), std::string::npos);
    }
    for (const char* bad :
         {"GET /nowhere HTTP/1.1\r\nHost: good\r\nConnection: close\r\n\r\n", "no request\r\n\r\n"}) {
      std::string out = co_await exchange(l, bad);
      EXPECT_NE(out.find("x-common: here"), std::string::npos) << out;
    }
  });
}

TEST(server, says_which_route_is_wrong_or_that_the_port_is_taken) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    routes bad;
    bad.get("/a/[b", &hello);
    std::expected<net::listener, std::string> wrong = start_server(std::move(bad));
    EXPECT_TRUE(!wrong && has(wrong.error(), "/a/[b"));
    net::listener l = serve(simple());
    server_options options;
    options.listener.endpoint = l.local();
    std::expected<net::listener, std::string> taken = start_server(simple(), options);
    EXPECT_TRUE(!taken && has(taken.error(), l.local().to_string()));
    co_return;
  });
}

} // namespace
} // namespace coppice::http
