// The side of ours that the conformance suites speak to.
//
//   conformance_peer serve                    prints where it listens: echoes bodies, and messages at /ws
//   conformance_peer connect URL COUNT JOBS   opens that many WebSockets, JOBS at a time, and echoes
//
// Ends when its standard input does.
#include "coppice/http/server.hpp"
#include "coppice/http/websocket_client.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/node.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

using namespace coppice;
using namespace std::chrono_literals;

namespace {

http::websocket_options for_any_message() {
  http::websocket_options options;
  options.limits = {.frame = 32 << 20, .message = 32 << 20, .fragments = 1 << 20};
  options.deflate = http::websocket_deflate{};
  return options;
}

task<> echo_messages(http::websocket* socket) {
  for (;;) {
    auto next = co_await socket->receive<>();
    auto* message = std::get_if<http::websocket_message>(&next);
    if (message == nullptr) co_return;
    if (message->is_text) {
      co_await socket->send_text(message->data);
    } else {
      co_await socket->send_binary(message->data);
    }
  }
}

task<> echo_upgraded(http::request&, http::websocket& socket) { co_await echo_messages(&socket); }

task<http::response> echo_body(http::request& request) {
  std::string body = co_await request.body();
  co_return http::response::text(std::move(body));
}

void wait_for_end_of_input() {
  char some[256];
  while (read(STDIN_FILENO, some, sizeof some) > 0) continue;
}

task<int> serve(self) {
  http::routes table;
  table.websocket("/ws", echo_upgraded, for_any_message());
  table.any("/[...]", echo_body);
  auto listener = http::start_server(std::move(table));
  if (!listener) co_return 1;
  std::printf("%s\n", listener->local().to_string().c_str());
  std::fflush(stdout);
  co_await blocking(wait_for_end_of_input);
  co_return 0;
}

/// Whether a case was served well is the suite's to say.
process connect_in_turn(self me, std::string url, int count) {
  std::expected<http::client, std::string> web = co_await http::start_client();
  for (int i = 0; web && i < count; ++i) {
    http::client_request opening = http::client_request::get(url);
    http::websocket_options options = for_any_message();
    auto socket = co_await http::open_websocket(me, *web, std::move(opening), std::move(options));
    if (!socket) {
      std::fprintf(stderr, "conformance_peer: %s\n", socket.error().text.c_str());
      continue;
    }
    co_await echo_messages(socket->get());
    co_await (*socket)->finish();
  }
}

task<int> connect(self, std::string url, int count, int jobs) {
  for (int i = 0; i < jobs; ++i) {
    int share = count / jobs + (i < count % jobs ? 1 : 0);
    spawn(&connect_in_turn, url, share);
  }
  co_await blocking(wait_for_end_of_input);
  co_return 0;
}

} // namespace

int main(int argc, char** argv) {
  node_options options;
  options.make_poller = net::make_poller();
  node home(std::move(options));
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "serve" && argc == 2) return home.run(&serve);
  if (what == "connect" && argc == 5) {
    return home.run(&connect, std::string(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]));
  }
  std::fprintf(stderr, "usage: conformance_peer serve | connect URL COUNT JOBS\n");
  return 2;
}
