// A running node and a peer that says anything: before the handshake, or after it as one that knows the
// cookie. The node lets go of it, and is there for the next.
#include "coppice/dist/detail/setup.hpp"
#include "coppice/dist/distribution.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/net/detail/test_port.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace {

using namespace coppice;
using namespace std::chrono_literals;

const char* const name = "cpp@127.0.0.1";

process keep(self, std::uint16_t port, std::unique_ptr<std::promise<bool>> started) {
  dist::options how{.name = name, .cookie = "c", .listen = net::endpoint::loopback(port)};
  how.epmd = dist::epmd_use::none;
  how.frames = {.frame = 1 << 16,
                .unfinished = 16,
                .unfinished_bytes = 1 << 18,
                .terms = {.depth = 1000, .memory = 1 << 22, .inflated = 1 << 20}};
  auto net = co_await dist::start(std::move(how));
  started->set_value(net.has_value());
  co_await idle_for(infinity);
}

/// Says it all, and waits until the node has ended the connection. False: it does not, or lets nobody in.
task<bool> say(self, std::uint16_t port, bool greets, std::string bytes) {
  auto socket = co_await net::connect(net::endpoint::loopback(port), 10s);
  if (!socket) co_return false;
  net::stream connection(std::move(*socket));
  if (greets) {
    dist::handshake_side mine{.self = {.name = "fuzz@127.0.0.1", .creation = 7, .can = dist::offered},
                              .cookie = "c",
                              .challenge = 5};
    std::function<bool()> connected = [] { return false; };
    const time_point until = coppice::now() + 10s;
    auto done = co_await dist::detail::greet(&connection, std::move(mine), name, std::move(connected), until);
    if (!done) co_return false;
  }
  co_await connection.write_all(bytes, 10s);
  connection.shutdown_write();
  for (;;) {
    char buffer[4096];
    net::io_result n = co_await connection.read_some(buffer, 10s);
    if (!n && n.error() == std::errc::timed_out) co_return false;
    if (!n || *n == 0) co_return true;
  }
}

/// The node, and one outside it that the peers live on.
class pair {
public:
  pair() {
    auto started = std::make_unique<std::promise<bool>>();
    std::future<bool> up = started->get_future();
    inside_.spawn(&keep, port_, std::move(started));
    if (!up.get()) std::abort();
  }
  bool hears(bool greets, std::string bytes) { return outside_.run(&say, port_, greets, std::move(bytes)); }

private:
  static node_options settings() {
    node_options options;
    options.cores = 1;
    options.make_poller = net::make_poller();
    options.on_report = [](const report&) {};
    return options;
  }
  const std::uint16_t port_ = net::testing::unused_port();
  node inside_{settings()};
  node outside_{settings()};
};

} // namespace

/// What a node that runs holds, it holds in memory that is not searched for pointers.
extern "C" int __lsan_is_turned_off() { return 1; } // NOLINT: the sanitizer's name

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::unique_ptr<pair> both;
  if (size == 0) return 0;
  const bool greets = (data[0] & 7U) != 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (both != nullptr && both->hears(greets, bytes)) return 0;
  // An earlier peer, knowing the cookie, may have ended the node. A fresh one must bear these bytes.
  both = std::make_unique<pair>();
  if (!both->hears(greets, bytes)) std::abort();
  return 0;
}
