// coppice/net/README.md
#include "coppice/net/listener.hpp"
#include "coppice/net/stream.hpp"
#include "coppice/net/tls.hpp"

using namespace coppice;
using namespace std::chrono_literals;

task<> echo(self me, net::stream s) {
  char buffer[4096];
  for (;;) {
    net::io_result n = co_await s.read_some(buffer, 30s); // 0: the end; error timed_out: too slow
    if (!n || *n == 0) co_return;
    co_await s.write_all(std::string_view(buffer, *n), 30s);
  }
}

void plain() { auto l = net::start_listener({.endpoint = *net::endpoint::parse("127.0.0.1:0")}, &echo); }

void with_tls(net::endpoint at) {
  net::tls_server_options mine{.identities = {{"site.crt", "site.key"}}, .alpn = {"http/1.1"}};
  std::expected<net::tls_server, std::string> tls = net::tls_server::make(mine);
  auto l = net::start_listener({.endpoint = at, .tls = *tls}, &echo);
  bool reloaded = tls->reload().has_value(); // new handshakes take the new files
}
