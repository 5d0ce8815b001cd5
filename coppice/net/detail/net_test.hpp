// What tests on sockets share: a node with threads and pollers, and hand-overs from processes to the test.
#pragma once

#include "coppice/net/asio_poller.hpp"
#include "coppice/net/listener.hpp"
#include "coppice/runtime/node.hpp"

#include <future>
#include <string>

namespace coppice::net::testing {

inline node_options with_sockets(unsigned cores = 2) {
  node_options options;
  options.cores = cores;
  options.make_poller = make_poller();
  return options;
}

/// The sockets of a fresh connection within the process: ours and the peer's.
struct socket_pair {
  tcp_socket near, far;
};
inline task<socket_pair> make_pair() {
  std::expected<listen_socket, std::error_code> door = listen_socket::open(endpoint());
  std::expected<tcp_socket, std::error_code> near =
      co_await connect(*door->local(), std::chrono::seconds(10));
  co_await door->wait_acceptable();
  std::expected<tcp_socket, std::error_code> far = door->try_accept();
  socket_pair both;
  both.near = std::move(*near);
  both.far = std::move(*far);
  co_return std::move(both);
}

/// Reads until the end of the stream, an error, or that many bytes.
inline task<std::string> read_until_end(tcp_socket* from, std::size_t limit = SIZE_MAX) {
  std::string all;
  char buffer[4096];
  while (all.size() < limit) {
    io_result n = co_await from->read_some(buffer, std::chrono::seconds(20));
    if (!n || *n == 0) break;
    all.append(buffer, *n);
  }
  co_return std::move(all);
}

} // namespace coppice::net::testing
