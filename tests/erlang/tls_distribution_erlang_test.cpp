// The distribution within TLS, with real nodes on the other side (`-proto_dist inet_tls`).
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "coppice/net/detail/tls_test.hpp"
#include "tests/erlang/cluster.hpp"
#include "tests/erlang/heard_process.hpp"

namespace coppice::dist {
namespace {

using net::testing::authority;
using net::testing::certificate_wish;

const certificate_wish for_here{.names = "IP:127.0.0.1,DNS:127.0.0.1"};

/// A node of ours that lets in who has a certificate of the authority, and shows one of its own.
options secured(authority& ca, const std::string& crl = {}) {
  const net::tls_identity own = ca.issue("cpp", for_here);
  auto server = net::tls_server::make({.identities = {own},
                                       .clients = net::client_certificates::required,
                                       .client_ca_file = ca.ca_file(),
                                       .client_crl_file = crl});
  auto client = net::tls_client::make({.ca_file = ca.ca_file(), .identity = own});
  options how;
  how.tls.emplace(tls_sides{*server, *client});
  return how;
}

/// The flags of a real node with a certificate, which trusts `trusted`.
std::vector<std::string> with_tls(const net::tls_identity& own, const authority& trusted) {
  std::vector<std::string> all{"-proto_dist", "inet_tls"};
  for (const std::string side : {"server", "client"}) {
    all.insert(all.end(),
               {"-ssl_dist_opt", side + "_certfile", own.certificate_file, side + "_keyfile", own.key_file,
                side + "_cacertfile", trusted.ca_file(), side + "_verify", "verify_peer"});
  }
  all.insert(all.end(), {"-ssl_dist_opt", "server_fail_if_no_peer_cert", "true"});
  return all;
}

const std::string ping = "io:format(\"~p\",[net_adm:ping('cpp@127.0.0.1')])";

TEST(tls_distribution, both_sides_prove_who_they_are) {
  authority ca;
  cluster c(secured(ca));
  const net::tls_identity theirs = ca.issue("erl", for_here);
  EXPECT_EQ(c.erl(ping, with_tls(theirs, ca)), "pong");
  EXPECT_EQ(c.erl("B=binary:copy(<<7>>,100000000),"
                  "io:format(\"~p\",[(catch gen_server:call({echo,'cpp@127.0.0.1'},B,30000))=:=B])",
                  with_tls(theirs, ca)),
            "true");
}

TEST(tls_distribution, ours_connects_to_a_real_node) {
  authority ca;
  cluster c(secured(ca));
  const net::tls_identity theirs = ca.issue("erl", for_here);
  // The real node asks by a message that it sends later, when it has cut the connection: ours dials.
  const std::string said =
      c.erl("{echo,'cpp@127.0.0.1'}!{self(),first,x},receive {first,x}->ok end,"
            "erlang:disconnect_node('cpp@127.0.0.1'),register(me,self()),"
            "receive {again,M}->io:format(\"~p\",[M]) after 10000->io:format(\"lost\") end",
            with_tls(theirs, ca), "c", [&c] {
              c.home().run([](self me) -> task<> {
                co_await monitor_nodes(true);
                co_await me.receive<nodeup>();
                co_await me.receive<nodedown>();
                for (int i = 0; i < 100; ++i) {
                  send(remote_name{atom("me"), atom("t@127.0.0.1")}, term::tuple(atom("again"), i));
                  co_await idle_for(std::chrono::milliseconds(20));
                }
              });
            });
  EXPECT_NE(said, "lost");
}

TEST(tls_distribution, who_is_signed_by_another_authority_is_refused) {
  authority ca;
  authority other("other");
  cluster c(secured(ca));
  EXPECT_EQ(c.erl(ping, with_tls(other.issue("erl", for_here), ca)), "pang");
  EXPECT_EQ(c.erl(ping, with_tls(ca.issue("erl", for_here), ca)), "pong");
}

TEST(tls_distribution, who_has_been_revoked_is_refused) {
  authority ca;
  const net::tls_identity theirs = ca.issue("erl", for_here);
  const std::string crl = ca.revocations(true);
  cluster c(secured(ca, crl));
  EXPECT_EQ(c.erl(ping, with_tls(theirs, ca)), "pang");
}

/// Whether ours reaches a real node with these flags.
bool reaches(cluster& c, std::vector<std::string> flags) {
  flags.insert(flags.end(), {"-name", "t@127.0.0.1"});
  erlang_node theirs(c.epmd_port, "c", "ok", std::move(flags));
  EXPECT_TRUE(theirs.up());
  return c.home().run([](self) -> task<bool> {
    const bool up = co_await dist::ping(atom("t@127.0.0.1"));
    co_return up;
  });
}

TEST(tls_distribution, ours_does_not_talk_to_whom_another_authority_has_signed) {
  authority ca;
  authority other("other");
  cluster c(secured(ca));
  EXPECT_FALSE(reaches(c, with_tls(other.issue("erl", for_here), ca)));
  EXPECT_FALSE(reaches(c, {}));
  EXPECT_TRUE(reaches(c, with_tls(ca.issue("erl", for_here), ca)));
}

TEST(tls_distribution, a_plain_node_is_refused) {
  authority ca;
  cluster c(secured(ca));
  EXPECT_EQ(c.erl(ping), "pang");
  EXPECT_EQ(c.erl(ping, with_tls(ca.issue("erl", for_here), ca)), "pong");
}

} // namespace
} // namespace coppice::dist
