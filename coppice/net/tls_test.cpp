#include "coppice/net/tls.hpp"

#include "coppice/net/detail/net_test.hpp"
#include "coppice/net/detail/tls_test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::AllOf;
using ::testing::HasSubstr;

task<> echo(self, stream s) {
  char buffer[65536];
  for (;;) {
    io_result n = co_await s.read_some(buffer, 20s);
    if (!n) co_return;
    if (*n == 0) break;
    std::string_view heard(buffer, *n);
    io_result sent = co_await s.write_all(heard, 20s);
    if (!sent) co_return;
  }
  s.close();
}

/// Says what the handshake made of it, and ends.
task<> tell(self, stream s) {
  std::optional<tls_info> i = s.tls();
  std::string text = i->version + "|" + i->alpn + "|" + i->server_name + "|" + i->peer_subject;
  co_await s.write_all(text, 20s);
  s.close();
}

tls_server server_of(tls_server_options options) {
  std::expected<tls_server, std::string> made = tls_server::make(std::move(options));
  EXPECT_TRUE(made) << made.error();
  return *made;
}

listener serve(tls_server tls, connection_handler handler) {
  listener_options options;
  options.tls = std::move(tls);
  std::expected<listener, std::error_code> l = start_listener(options, std::move(handler));
  EXPECT_TRUE(l);
  return *l;
}

using connected = std::expected<stream, tls_error>;

task<connected> dial(endpoint to, tls_client_options options, std::string host) {
  std::expected<tls_client, std::string> client = tls_client::make(options);
  EXPECT_TRUE(client) << client.error();
  std::expected<tcp_socket, std::error_code> s = co_await connect(to, 20s);
  EXPECT_TRUE(s);
  connected done = co_await tls_connect(std::move(*s), *client, std::move(host), 20s);
  co_return std::move(done);
}

task<std::string> read_all(stream* from, std::size_t limit = SIZE_MAX) {
  std::string all;
  std::vector<char> buffer(65536);
  while (all.size() < limit) {
    io_result n = co_await from->read_some(buffer, 20s);
    if (!n) all += "<" + n.error().message() + ">";
    if (!n || *n == 0) break;
    all.append(buffer.data(), *n);
  }
  co_return std::move(all);
}

/// What `tell` says to a client, or why there was none.
task<std::string> told(endpoint to, tls_client_options options, std::string host) {
  connected s = co_await dial(to, std::move(options), std::move(host));
  if (!s) co_return "no: " + s.error().text;
  std::string all = co_await read_all(&*s);
  co_return std::move(all);
}

/// The peer hears of a refusal before it is counted.
task<> until_failed(const listener* l, std::uint64_t handshakes) {
  while (l->failed_handshakes() < handshakes) co_await yield();
}

/// One authority for all tests, with the certificates most need.
tls_client_options trusting_only(const authority& a) { return {.ca_file = a.ca_file()}; }
tls_client_options careless_with(const authority& a) { return {.ca_file = a.ca_file(), .verify = false}; }

struct world {
  authority ca;
  tls_identity a = ca.issue("a", {.names = "DNS:a.test,IP:127.0.0.1"});
  tls_client_options trusting() const { return trusting_only(ca); }
};
world& the_world() {
  static world w;
  return w;
}

TEST(tls, carries_bytes_of_any_number_both_ways) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    listener l = serve(server_of({.identities = {w.a}}), &echo);
    connected s = co_await dial(l.local(), w.trusting(), "a.test");
    EXPECT_TRUE(s) << s.error().text;
    std::string big(3'000'000, 'x');
    for (std::size_t at = 0; at < big.size(); at += 97) big[at] = static_cast<char>('a' + at % 26);
    for (std::size_t at = 0; at < big.size(); at += 100'000) {
      std::vector<std::string_view> pieces{std::string_view(big).substr(at, 10), "",
                                           std::string_view(big).substr(at + 10, 90),
                                           std::string_view(big).substr(at + 100, 99'900)};
      io_result sent = co_await s->write_all(pieces, 20s);
      EXPECT_EQ(sent.value_or(0), 100'000U);
      std::string back = co_await read_all(&*s, 100'000);
      EXPECT_TRUE(back == big.substr(at, 100'000));
    }
    s->shutdown_write();
    std::string end = co_await read_all(&*s);
    EXPECT_EQ(end, "");
  });
}

process pour(self, pid tell_whom, stream to, std::size_t size) {
  std::string all(size, 'y');
  io_result sent = co_await to.write_all(all, 60s);
  to.close();
  send(tell_whom, sent.value_or(0));
}

task<> count_all(self me, stream s, pid watcher) {
  std::size_t total = 0;
  std::vector<char> buffer(100'000);
  for (;;) {
    io_result n = co_await s.read_some(buffer, 20s);
    if (!n || *n == 0) break;
    total += *n;
  }
  send(watcher, std::pair<pid, std::size_t>(me.id(), total));
}

TEST(tls, writes_more_than_the_system_buffers) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    world& w = the_world();
    pid watcher = me.id();
    connection_handler count = [watcher](self c, stream s) { return count_all(c, std::move(s), watcher); };
    listener l = serve(server_of({.identities = {w.a}}), std::move(count));
    connected s = co_await dial(l.local(), w.trusting(), "a.test");
    spawn(&pour, me.id(), std::move(*s), std::size_t{20'000'000});
    std::size_t sent = co_await me.receive<std::size_t>();
    EXPECT_EQ(sent, 20'000'000U);
    std::pair<pid, std::size_t> got = co_await me.receive<std::pair<pid, std::size_t>>();
    EXPECT_EQ(got.second, 20'000'000U);
  });
}

TEST(tls, agrees_on_version_and_protocol) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    listener l = serve(server_of({.identities = {w.a}, .alpn = {"h2", "http/1.1"}}), &tell);
    tls_client_options client = w.trusting();
    client.alpn = {"http/1.1", "h2"};
    std::string chosen = co_await told(l.local(), client, "a.test");
    EXPECT_EQ(chosen, "TLSv1.3|h2|a.test|") << "the server's preference";
    client.alpn = {};
    std::string none = co_await told(l.local(), client, "127.0.0.1");
    EXPECT_EQ(none, "TLSv1.3|||") << "an address is verified and not sent as a name";
    client.alpn = {"smtp"};
    std::string refused = co_await told(l.local(), client, "a.test");
    EXPECT_THAT(refused, HasSubstr("no application protocol"));
    co_await until_failed(&l, 1);
  });
}

TEST(tls, chooses_the_certificate_by_the_name_asked_for) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    tls_server_options options{.identities = {w.a, w.ca.issue("b", {.names = "DNS:b.test"}),
                                              w.ca.issue("wild", {.names = "DNS:*.C.test", .rsa = true})}};
    listener l = serve(server_of(options), &tell);
    std::string a = co_await told(l.local(), w.trusting(), "a.test");
    EXPECT_EQ(a, "TLSv1.3||a.test|");
    std::string b = co_await told(l.local(), w.trusting(), "B.test");
    EXPECT_EQ(b, "TLSv1.3||B.test|");
    std::string c = co_await told(l.local(), w.trusting(), "any.c.test");
    EXPECT_EQ(c, "TLSv1.3||any.c.test|");
    std::string deep = co_await told(l.local(), w.trusting(), "too.deep.c.test");
    EXPECT_EQ(deep, "no: the certificate is not for 'too.deep.c.test'");
  });
}

TEST(tls, a_client_believes_only_good_certificates) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    authority other("other");
    listener good = serve(server_of({.identities = {w.a}}), &tell);
    std::string wrong_name = co_await told(good.local(), w.trusting(), "b.test");
    EXPECT_EQ(wrong_name, "no: the certificate is not for 'b.test'");
    std::string wrong_ca = co_await told(good.local(), trusting_only(other), "a.test");
    EXPECT_THAT(wrong_ca, AllOf(HasSubstr("issuer"), HasSubstr("name its authority in the CA file")));
    std::string careless = co_await told(good.local(), careless_with(other), "b.test");
    EXPECT_EQ(careless, "TLSv1.3||b.test|");
    std::string nameless = co_await told(good.local(), w.trusting(), "");
    EXPECT_THAT(nameless, HasSubstr("'' is no host name"));

    tls_identity expired =
        w.ca.issue("old", {.names = "DNS:a.test", .from_seconds = -7200, .to_seconds = -60});
    listener old = serve(server_of({.identities = {expired}}), &tell);
    std::string too_old = co_await told(old.local(), w.trusting(), "a.test");
    EXPECT_THAT(too_old, HasSubstr("expired"));

    tls_identity bad = w.ca.issue("bad", {.names = "DNS:a.test"});
    listener revoked = serve(server_of({.identities = {bad}}), &tell);
    tls_client_options with_list = w.trusting();
    with_list.crl_file = w.ca.revocations(false);
    std::string not_yet = co_await told(revoked.local(), with_list, "a.test");
    EXPECT_EQ(not_yet, "TLSv1.3||a.test|");
    with_list.crl_file = w.ca.revocations(true);
    std::string now_it_is = co_await told(revoked.local(), with_list, "a.test");
    EXPECT_THAT(now_it_is, HasSubstr("revoked"));
  });
}

TEST(tls, asks_clients_for_certificates) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    authority other("other");
    tls_server_options options{.identities = {w.a}, .clients = client_certificates::required};
    options.client_ca_file = w.ca.ca_file();
    listener strict = serve(server_of(options), &tell);
    tls_client_options alice = w.trusting();
    alice.identity = w.ca.issue("alice");
    std::string known = co_await told(strict.local(), alice, "a.test");
    EXPECT_EQ(known, "TLSv1.3||a.test|CN=alice");
    std::string nobody = co_await told(strict.local(), w.trusting(), "a.test");
    EXPECT_EQ(nobody, "<TLS was broken off>");
    tls_client_options stranger = w.trusting();
    stranger.identity = other.issue("stranger");
    std::string unknown = co_await told(strict.local(), stranger, "a.test");
    EXPECT_EQ(unknown, "<TLS was broken off>");
    co_await until_failed(&strict, 2);

    options.clients = client_certificates::optional;
    w.ca.issue("mallory");
    tls_client_options mallory = w.trusting();
    mallory.identity = w.ca.issue("mallory");
    options.client_crl_file = w.ca.revocations(true);
    listener lenient = serve(server_of(options), &tell);
    std::string without = co_await told(lenient.local(), w.trusting(), "a.test");
    EXPECT_EQ(without, "TLSv1.3||a.test|");
    std::string with = co_await told(lenient.local(), alice, "a.test");
    EXPECT_EQ(with, "TLSv1.3||a.test|CN=alice");
    std::string revoked = co_await told(lenient.local(), mallory, "a.test");
    EXPECT_EQ(revoked, "<TLS was broken off>");
  });
}

TEST(tls, reloads_without_touching_connections) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    authority before("before"), after("after");
    tls_identity own = before.issue("own", {.names = "DNS:a.test"});
    tls_identity next = after.issue("own", {.names = "DNS:a.test"});
    tls_server tls = server_of({.identities = {own}});
    listener l = serve(tls, &echo);
    connected old = co_await dial(l.local(), trusting_only(before), "a.test");
    EXPECT_TRUE(old);
    std::filesystem::copy_file(next.certificate_file, own.certificate_file,
                               std::filesystem::copy_options::overwrite_existing);
    std::expected<void, std::string> half = tls.reload();
    EXPECT_THAT(half.error(), HasSubstr("the key does not fit"));
    connected still = co_await dial(l.local(), trusting_only(before), "a.test");
    EXPECT_TRUE(still) << "a failed reload changes nothing";
    std::filesystem::copy_file(next.key_file, own.key_file,
                               std::filesystem::copy_options::overwrite_existing);
    std::expected<void, std::string> whole = tls.reload();
    EXPECT_TRUE(whole) << whole.error();
    connected fresh = co_await dial(l.local(), trusting_only(after), "a.test");
    EXPECT_TRUE(fresh) << fresh.error().text;
    connected outdated = co_await dial(l.local(), trusting_only(before), "a.test");
    EXPECT_FALSE(outdated);
    co_await old->write_all("as before", 20s);
    std::string back = co_await read_all(&*old, 9);
    EXPECT_EQ(back, "as before");
  });
}

TEST(tls, names_the_file_that_is_wrong_and_the_remedy) {
  world& w = the_world();
  tls_identity b = w.ca.issue("b", {.names = "DNS:b.test"});
  auto error_of = [](tls_server_options o) {
    std::expected<tls_server, std::string> made = tls_server::make(std::move(o));
    return made ? std::string("none") : made.error();
  };
  EXPECT_THAT(error_of({}), HasSubstr("tls_server_options::identities"));
  EXPECT_THAT(error_of({.identities = {{"/no/such.crt", b.key_file}}}),
              AllOf(HasSubstr("certificate file '/no/such.crt'"), HasSubstr("check the path")));
  EXPECT_THAT(error_of({.identities = {{b.certificate_file, "/no/such.key"}}}),
              HasSubstr("key file '/no/such.key'"));
  EXPECT_THAT(error_of({.identities = {{b.certificate_file, w.a.key_file}}}),
              AllOf(HasSubstr(w.a.key_file), HasSubstr("does not fit"), HasSubstr(b.certificate_file)));
  EXPECT_THAT(error_of({.identities = {{b.key_file, b.key_file}}}), HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_THAT(error_of({.identities = {{b.certificate_file, b.certificate_file}}}),
              HasSubstr("BEGIN PRIVATE KEY"));
  std::string locked = w.ca.folder().file("locked.key");
  ran locking =
      run_command("openssl pkey -in " + b.key_file + " -aes128 -passout pass:secret -out " + locked);
  ASSERT_EQ(locking.status, 0) << locking.output;
  EXPECT_THAT(error_of({.identities = {{b.certificate_file, locked}}}),
              HasSubstr("is encrypted; store it decrypted"));
  std::string damaged =
      w.ca.folder().write("damaged.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(error_of({.identities = {{damaged, b.key_file}}}), HasSubstr("malformed"));
  EXPECT_THAT(error_of({.identities = {b}, .clients = client_certificates::required}),
              HasSubstr("client_ca_file"));
  EXPECT_THAT(error_of({.identities = {b}, .alpn = {""}}), HasSubstr("1 to 255"));
}

TEST(tls, breaks_off_handshakes_that_stall_or_are_none) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    tls_server_options options{.identities = {w.a}};
    options.handshake_timeout = 50ms;
    listener l = serve(server_of(options), &tell);
    std::expected<tcp_socket, std::error_code> silent = co_await connect(l.local(), 20s);
    std::string end = co_await read_until_end(&*silent);
    EXPECT_EQ(end, "");
    std::expected<tcp_socket, std::error_code> slow = co_await connect(l.local(), 20s);
    co_await slow->write_all(std::string_view("\x16\x03\x01\x02\x00\x01\x00", 7));
    std::string half = co_await read_until_end(&*slow);
    EXPECT_EQ(half, "");
    std::expected<tcp_socket, std::error_code> plain = co_await connect(l.local(), 20s);
    co_await plain->write_all("GET / HTTP/1.1\r\n\r\n");
    co_await read_until_end(&*plain);
    co_await until_failed(&l, 3);

    socket_pair mute = co_await make_pair();
    std::expected<tls_client, std::string> client = tls_client::make(w.trusting());
    connected none = co_await tls_connect(std::move(mute.near), *client, "a.test", 20ms);
    EXPECT_EQ(none.error().code, std::errc::timed_out);
  });
}

/// Both sides' bindings, and what the client found where the two are the same.
task<> tell_bindings(self, stream s) {
  std::string text;
  for (const tls_binding& b : s.channel_bindings()) text += b.type + "=" + b.data + "\n";
  co_await s.write_all(text, 20s);
  s.close();
}

TEST(tls, both_sides_have_the_same_channel_bindings) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    listener l = serve(server_of({.identities = {w.a}}), &tell_bindings);
    std::string before;
    for (int i = 0; i < 2; ++i) {
      connected s = co_await dial(l.local(), w.trusting(), "a.test");
      EXPECT_TRUE(s) << s.error().text;
      std::string ours;
      std::vector<std::string> types;
      for (const tls_binding& b : s->channel_bindings()) {
        ours += b.type + "=" + b.data + "\n";
        types.push_back(b.type);
      }
      const std::vector<std::string> expected{"tls-exporter", "tls-server-end-point"};
      EXPECT_EQ(types, expected);
      std::string theirs = co_await read_all(&*s);
      EXPECT_TRUE(theirs == ours);
      EXPECT_TRUE(ours != before) << "another connection has another";
      before = ours;
    }
    EXPECT_TRUE(stream().channel_bindings().empty());
  });
}

TEST(tls, tells_an_end_from_a_cut) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    connection_handler cut = [](self, stream) -> task<> { co_return; };
    listener l = serve(server_of({.identities = {w.a}}), std::move(cut));
    connected s = co_await dial(l.local(), w.trusting(), "a.test");
    char buffer[16];
    io_result n2 = co_await s->read_some(buffer, 20s);
    EXPECT_FALSE(n2);
    EXPECT_TRUE(n2.error() == tls_errc::truncated || n2.error() == std::errc::connection_reset) << n2.error();
    io_result after = co_await s->write_all("more", 20s);
    EXPECT_FALSE(after);
  });
}

task<> wake_on_readable(self me, stream s) {
  std::string all;
  while (all.size() < 40'000) {
    s.arm_readable();
    readable r = co_await me.receive<readable>();
    if (r.socket != s.id()) continue;
    char buffer[1000]; // smaller than a record: the rest has left the socket when it is asked for
    io_result n = s.try_read(buffer);
    if (n) all.append(buffer, *n);
    if (!n && n.error() != std::errc::operation_would_block) co_return;
  }
  co_await s.write_all("heard " + std::to_string(all.size()), 20s);
  s.close();
}

TEST(tls, a_message_says_so_when_there_is_something_to_read) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    listener l = serve(server_of({.identities = {w.a}}), &wake_on_readable);
    connected s = co_await dial(l.local(), w.trusting(), "a.test");
    std::string text(40'000, 'z');
    co_await s->write_all(text, 20s);
    std::string answer = co_await read_all(&*s);
    EXPECT_EQ(answer, "heard 40000");
  });
}

// --- other programs as peers ---

TEST(tls_with_openssl, serves_s_client_in_both_versions_and_refuses_older) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    listener l = serve(server_of({.identities = {w.a}, .alpn = {"http/1.1"}}), &tell);
    std::string s_client =
        "openssl s_client -quiet -verify_return_error -verify_hostname a.test -servername a.test "
        "-alpn h2,http/1.1 -CAfile " +
        w.ca.ca_file() + " -connect " + l.local().to_string();
    ran newest = co_await run(s_client);
    EXPECT_THAT(newest.output, HasSubstr("TLSv1.3|http/1.1|a.test|"));
    ran older = co_await run(s_client + " -tls1_2");
    EXPECT_THAT(older.output, HasSubstr("TLSv1.2|http/1.1|a.test|"));
    ran oldest = co_await run(s_client + " -tls1_1 -cipher DEFAULT@SECLEVEL=0");
    EXPECT_NE(oldest.status, 0);
    EXPECT_THAT(oldest.output, ::testing::Not(HasSubstr("TLSv1")));
    ran weak = co_await run(s_client + " -tls1_2 -cipher AES128-SHA");
    EXPECT_NE(weak.status, 0) << "neither forward secrecy nor AEAD";
  });
}

TEST(tls_with_openssl, resumes_by_tickets_until_the_next_reload) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    tls_server tls = server_of({.identities = {w.a}});
    listener l = serve(tls, &tell);
    for (const char* version : {" -tls1_2", " -tls1_3"}) {
      std::string ticket = w.ca.folder().file("ticket");
      std::string s_client = "openssl s_client -ign_eof -servername a.test -CAfile " + w.ca.ca_file() +
                             version + " -connect " + l.local().to_string();
      ran first = co_await run(s_client + " -sess_out " + ticket);
      EXPECT_THAT(first.output, HasSubstr("New, "));
      ran again = co_await run(s_client + " -sess_in " + ticket);
      EXPECT_THAT(again.output, HasSubstr("Reused, "));
      EXPECT_TRUE(tls.reload());
      ran later = co_await run(s_client + " -sess_in " + ticket);
      EXPECT_THAT(later.output, AllOf(HasSubstr("New, "), HasSubstr("TLSv1")));
    }
  });
}

TEST(tls_with_openssl, renegotiates_never_and_updates_keys) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    listener l = serve(server_of({.identities = {w.a}}), &echo);
    std::vector<std::string> s_client{"openssl",      "s_client", "-CAfile",
                                      w.ca.ca_file(), "-connect", l.local().to_string()};
    peer_program updates(s_client);
    updates.say("before\n");
    co_await updates.heard("before");
    updates.say("K\n");
    std::string updated = co_await updates.heard("KEYUPDATE");
    EXPECT_EQ(updated, "\n");
    updates.say("after\n");
    std::string after = co_await updates.heard("after");
    EXPECT_EQ(after, "\n");
    s_client.push_back("-tls1_2");
    peer_program again(s_client);
    again.say("before\n");
    co_await again.heard("before");
    again.say("R\n");
    std::string refused = co_await again.heard("no renegotiation");
    EXPECT_NE(refused, "");
  });
}

TEST(tls_with_openssl, is_a_client_of_s_server) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    world& w = the_world();
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      std::vector<std::string> arguments{
          "openssl", "s_server",   "-accept", "127.0.0.1:0", "-cert", w.a.certificate_file,
          "-key",    w.a.key_file, "-rev",    version};
      peer_program s_server(std::move(arguments));
      std::string at = co_await s_server.heard("ACCEPT ");
      std::expected<endpoint, std::string> to = endpoint::parse(at.substr(0, at.find('\n')));
      EXPECT_TRUE(to) << at;
      if (!to) co_return;
      connected s = co_await dial(*to, w.trusting(), "a.test");
      EXPECT_TRUE(s) << s.error().text;
      co_await s->write_all("drawer\n", 20s);
      std::string back = co_await read_all(&*s, 7);
      EXPECT_EQ(back, "reward\n");
      s->close();
      connected wrong = co_await dial(*to, w.trusting(), "b.test");
      EXPECT_FALSE(wrong);
    }
  });
}

} // namespace
} // namespace coppice::net
