// A server's routes and options, compiled once and shared by its connections.
#pragma once

#include "coppice/http/server.hpp"

#include <expected>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace coppice::http::detail {

/// What a path leads to.
struct route_target {
  std::vector<std::pair<method, handler>> methods;
  handler any;
  websocket_handler websocket;
  websocket_options websocket_settings;
  std::uint64_t body_limit = 0;

  /// The handler for a method, or null.
  [[nodiscard]] const handler* find(method m) const noexcept;
  /// For the Allow field.
  [[nodiscard]] std::string allowed() const;
};

class server {
public:
  static std::expected<std::shared_ptr<const server>, std::string> make(routes table, server_options options);

  [[nodiscard]] const server_options& options() const noexcept { return options_; }
  [[nodiscard]] const router<route_target>& paths() const noexcept { return *router_; }

private:
  server(server_options options, std::shared_ptr<const router<route_target>> r)
      : options_(std::move(options)), router_(std::move(r)) {}

  server_options options_;
  std::shared_ptr<const router<route_target>> router_;
};

} // namespace coppice::http::detail
