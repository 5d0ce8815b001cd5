// The HTTP/1.1 server: routes to handlers, one process a connection.
#pragma once

#include "coppice/http/http1_parser.hpp"
#include "coppice/http/request.hpp"
#include "coppice/http/router.hpp"
#include "coppice/http/static_files.hpp"
#include "coppice/http/websocket_connection.hpp"
#include "coppice/net/listener.hpp"

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace coppice::http {

namespace detail {
class server;
}

/// What may be said of a route besides its path.
struct route_options {
  std::string host;                          ///< pattern; empty: any
  std::vector<route_constraint> constraints; ///< on bindings of the path and the host
  std::uint64_t body_limit = 1 << 20;        ///< bytes of a request's body; beyond it 413
};

/// A table of routes under construction; patterns as in `router.hpp`. A path takes several methods by several
/// calls; others are answered 405 with Allow.
class routes {
public:
  /// GET, and HEAD, for which the body is left out.
  template <class F>
  routes& get(std::string path, F f, route_options o = {}) {
    return add(method::get, std::move(path), as_handler(std::move(f)), std::move(o));
  }
  /// @{
  /// That method alone. Of two calls with the same method and path the first counts; of their `body_limit`s,
  /// and those of the path's other methods, the largest.
  template <class F>
  routes& post(std::string path, F f, route_options o = {}) {
    return add(method::post, std::move(path), as_handler(std::move(f)), std::move(o));
  }
  template <class F>
  routes& put(std::string path, F f, route_options o = {}) {
    return add(method::put, std::move(path), as_handler(std::move(f)), std::move(o));
  }
  template <class F>
  routes& patch(std::string path, F f, route_options o = {}) {
    return add(method::patch, std::move(path), as_handler(std::move(f)), std::move(o));
  }
  template <class F>
  routes& del(std::string path, F f, route_options o = {}) {
    return add(method::delete_, std::move(path), as_handler(std::move(f)), std::move(o));
  }
  /// @}
  /// Every method, also unknown ones: the handler looks itself.
  template <class F>
  routes& any(std::string path, F f, route_options o = {}) {
    return add(std::nullopt, std::move(path), as_handler(std::move(f)), std::move(o));
  }
  /// WebSockets; a request that is no upgrade is answered 426.
  routes& websocket(std::string path, websocket_handler f, websocket_options w = {}, route_options o = {});
  /// The files below a directory: `files("/static/[...]", {.root = "web"})`.
  routes& files(std::string path, static_files f, route_options o = {});

  /// Plain functions and coroutines alike as a handler.
  template <class F>
  static handler as_handler(F f) {
    using result = std::invoke_result_t<const F&, request&>;
    if constexpr (std::is_same_v<result, response>) {
      return [f = std::move(f)](request& r) { return ready(f(r)); };
    } else {
      static_assert(std::is_same_v<result, task<response>>,
                    "a handler is `response f(request&)` or `task<response> f(request&)`");
      return handler(std::move(f));
    }
  }

private:
  friend class detail::server;
  struct entry {
    std::optional<http::method> method;
    std::string path;
    http::handler handler;
    route_options options;
    websocket_handler websocket;
    websocket_options websocket_settings;
  };
  routes& add(std::optional<http::method> m, std::string path, handler h, route_options o);
  static task<response> ready(response r);

  std::vector<entry> entries_;
};

/// Limits and deadlines of a server; the defaults are for the open internet.
struct server_options {
  net::listener_options listener; ///< with `tls`: https and wss; its `alpn` is best {"http/1.1"}
  http1_limits limits;            ///< `limits.body` is set by each route
  /// From a connection's start, or a request's first byte, to the end of its head; 408 beyond.
  duration head_timeout = std::chrono::seconds(10);
  /// Between requests.
  duration idle_timeout = std::chrono::seconds(60);
  /// @{
  /// Bodies, ours and the peer's, may take `transfer_grace` and a second for each `minimum_rate` bytes.
  duration transfer_grace = std::chrono::seconds(10);
  std::uint64_t minimum_rate = 1024;
  /// @}
  std::string server_name; ///< the Server field; empty: none
  /// Asked for each request before its route is looked for: an answer instead, or nothing to go on. Called
  /// from any core.
  std::function<std::optional<response>(const request_head&)> admit;
  /// Fields of every answer that has none of that name.
  http::headers headers;
};

/// Starts a server as a listener linked to the caller; a port 0 is resolved in `listener::local()`. The error
/// is a text: which route is wrong and where, or why the port could not be opened.
///
/// Each connection is a process in which its requests are handled one after the other, in the order of their
/// arrival (pipelining). An exception that leaves a handler is reported, answered 500 if no head was sent
/// yet, and ends the connection: what the handler left behind (messages, links) goes with its process.
/// `http::error` is an answer, no crash. When the server drains, connections finish the request under way and
/// close.
std::expected<net::listener, std::string> start_server(routes table, server_options options = {});

} // namespace coppice::http
