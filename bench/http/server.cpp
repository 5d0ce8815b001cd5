// Our side of `./dev bench http`: what bench/peers/http has nginx serve, too.
//
//   http_bench_server CERTIFICATE KEY ROOT    prints the http and the https address; ends when standard input
//   does
#include "coppice/http/server.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/node.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <unistd.h>
#include <utility>

using namespace coppice;
using namespace std::chrono_literals;

namespace {

http::response hello(http::request&) { return http::response::text("hello, world\n"); }

/// Takes a body by pieces and says how long it was.
task<http::response> upload(http::request& request) {
  std::uint64_t size = 0;
  for (;;) {
    std::string_view piece = co_await request.body_piece();
    if (piece.empty()) break;
    size += piece.size();
  }
  co_return http::response::text(std::to_string(size));
}

task<> echo(http::request&, http::websocket& socket) {
  for (;;) {
    auto next = co_await socket.receive<>();
    auto* message = std::get_if<http::websocket_message>(&next);
    if (message == nullptr) co_return;
    co_await socket.send_text(message->data);
  }
}

http::routes routes(const std::string& root) {
  http::routes table;
  table.get("/hello", hello);
  table.post("/upload", upload);
  table.files("/files/[...]", {.root = root});
  http::websocket_options patient;
  patient.ping_interval = 1h; // the idle ones are to be idle
  table.websocket("/ws", echo, std::move(patient));
  return table;
}

void wait_for_end_of_input() {
  char some[256];
  while (read(STDIN_FILENO, some, sizeof some) > 0) continue;
}

task<int> serve(self, net::tls_server tls, std::string root) {
  http::server_options plain;
  plain.idle_timeout = 1h;
  http::server_options secure = plain;
  secure.listener.tls = std::move(tls);
  auto on_http = http::start_server(routes(root), std::move(plain));
  auto on_https = http::start_server(routes(root), std::move(secure));
  if (!on_http || !on_https) co_return 1;
  std::printf("%s %s\n", on_http->local().to_string().c_str(), on_https->local().to_string().c_str());
  std::fflush(stdout);
  co_await blocking(wait_for_end_of_input);
  co_return 0;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: http_bench_server CERTIFICATE KEY ROOT\n");
    return 2;
  }
  auto tls = net::tls_server::make({.identities = {{argv[1], argv[2]}}, .alpn = {"http/1.1"}});
  if (!tls) {
    std::fprintf(stderr, "http_bench_server: %s\n", tls.error().c_str());
    return 1;
  }
  node_options options;
  options.make_poller = net::make_poller();
  options.report_from = severity::critical;
  node home(std::move(options));
  return home.run(&serve, std::move(*tls), std::string(argv[3]));
}
