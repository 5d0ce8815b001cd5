// Who may talk to the pages of this node: the checks of Host and Origin, and the headers of every answer.
// Pure.
//
// A page elsewhere can make a browser send requests here, and can let its own name point to 127.0.0.1 (DNS
// rebinding); so both fields are compared with what this node serves, on loopback too.
#pragma once

#include "coppice/http/message.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::web {

/// Why a request is turned away; the answer's body is `{"error":{"code":...,"text":...}}`.
struct refusal {
  http::status status;
  std::string code;
  std::string text;
};

/// The body of such an answer.
std::string to_json(const refusal& why);

/// Whether a listener does TLS.
enum class served_scheme : std::uint8_t { http, https };

/// The hosts that a node serves: `127.0.0.1:PORT`, `localhost:PORT`, `[::1]:PORT` and those that were
/// configured. The port is known only once the node listens. Thread-safe.
class served_hosts {
public:
  /// `more`: hosts in lower case; those without a port get the one that the node listens on. One with port
  /// 443 stands for a proxy before the node that does TLS: its pages are `https://`. Ports 80 and 443 may be
  /// left out of a request, as browsers do.
  /// `scheme`: what the node itself speaks there; with https the pages of all are `https://`.
  explicit served_hosts(std::vector<std::string> more = {}, served_scheme scheme = served_scheme::http);

  /// Before this nothing is served.
  void listens_on(std::uint16_t port) noexcept { port_.store(port, std::memory_order_release); }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_.load(std::memory_order_acquire); }

  /// `403 bad_host` unless the request is for one of them, exactly.
  [[nodiscard]] std::optional<refusal> check_host(const http::request_head& request) const;
  /// `403 bad_origin` unless Origin is the request's own Host after `http://`, or `https://` where TLS is.
  /// One that is missing is let pass where it is not `required`: for requests that change nothing.
  [[nodiscard]] std::optional<refusal> check_origin(const http::request_head& request, bool required) const;

  /// Whether the node, or a proxy, does TLS for who asks for that host.
  [[nodiscard]] bool is_behind_tls(std::string_view authority) const;

private:
  [[nodiscard]] std::vector<std::string> hosts() const;

  std::vector<std::string> more_;
  served_scheme scheme_;
  std::atomic<std::uint16_t> port_{0};
};

/// Sets what every answer carries: the content policy and its like. `cache_control` is `no-cache`, or
/// `no-store` for what must not be kept.
void secure(http::headers& fields, std::string_view cache_control = "no-cache");

/// Whether both are equal, in a time that depends on their sizes alone.
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

} // namespace coppice::web
