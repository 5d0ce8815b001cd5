// All floors: a server is called by a handler, which is asked over a socket.
#include <coppice/coppice.hpp>
#include <coppice/http/server.hpp>
#include <coppice/net/asio_poller.hpp>

#include <array>
#include <chrono>
#include <string>
#include <string_view>

using namespace coppice;
using namespace std::chrono_literals;

struct increment {};

class counter : public gen_server {
public:
  using protocol = coppice::protocol<calls<increment, int>>;
  int handle_call(increment) { return ++n_; }

private:
  int n_ = 41;
};

task<http::response> count(http::request&) {
  int n = co_await call<increment>(server_ref<counter>("counter"));
  co_return http::response::text(std::to_string(n));
}

task<std::string> ask(net::endpoint at) {
  auto connected = co_await net::connect(at, 30s);
  net::tcp_socket socket = std::move(connected.value());
  std::string_view request = "GET /count HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";
  co_await socket.write_all(request);
  std::string answer;
  std::array<char, 4096> some{};
  for (;;) {
    net::io_result n = co_await socket.read_some(some);
    if (!n || *n == 0) co_return answer;
    answer.append(some.data(), *n);
  }
}

task<int> run(self) {
  auto server = co_await start_link<counter>(local("counter"));
  http::routes table;
  table.get("/count", count);
  auto listener = http::start_server(std::move(table));
  if (!server || !listener) co_return 1;
  std::string answer = co_await ask(listener->local());
  co_return answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n42") ? 0 : 1;
}

int main() {
  node_options options;
  options.make_poller = net::make_poller();
  node n(std::move(options));
  return n.run(run);
}
