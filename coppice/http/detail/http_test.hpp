// What tests of the server share: a client by hand, which sees every byte.
#pragma once

#include "coppice/http/server.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace coppice::http::testing {

inline node_options with_sockets() {
  node_options options;
  options.cores = 2;
  options.make_poller = net::make_poller();
  return options;
}

inline net::listener serve(routes table, server_options options = {}) {
  std::expected<net::listener, std::string> started = start_server(std::move(table), std::move(options));
  EXPECT_TRUE(started) << started.error();
  return std::move(*started);
}

inline task<net::tcp_socket> dial(const net::listener l) {
  std::expected<net::tcp_socket, std::error_code> s =
      co_await net::connect(l.local(), std::chrono::seconds(20));
  EXPECT_TRUE(s);
  co_return std::move(*s);
}

/// Reads until the server closes, or that text has come.
inline task<std::string> read_until(net::tcp_socket* from, std::string end = "") {
  std::string all;
  char buffer[4096];
  for (;;) {
    if (!end.empty() && all.ends_with(end)) break;
    net::io_result n = co_await from->read_some(buffer, std::chrono::seconds(20));
    EXPECT_TRUE(n) << n.error().message() << " after: " << all;
    if (!n || *n == 0) break;
    all.append(buffer, *n);
  }
  co_return std::move(all);
}

/// Sends the bytes on a connection of its own; all that comes back until the server closes.
inline task<std::string> exchange(net::listener l, std::string bytes) {
  net::tcp_socket s = co_await dial(l);
  co_await s.write_all(bytes);
  std::string answer = co_await read_until(&s);
  co_return std::move(answer);
}

/// The status of an answer, and its body.
inline std::string status_of(const std::string& answer) {
  return answer.substr(0, std::min<std::size_t>(12, answer.size()));
}
inline std::string body_of(const std::string& answer) {
  std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}
inline bool has(const std::string& answer, std::string_view what) {
  return answer.find(what) != std::string::npos;
}

inline std::string get(std::string target, std::string more = "") {
  return "GET " + std::move(target) + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n" + std::move(more) +
         "\r\n";
}

} // namespace coppice::http::testing
