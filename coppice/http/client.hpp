// The HTTP/1.1 client: connections kept and shared by origin, deadlines on everything, bodies as streams.
#pragma once

#include "coppice/http/http1_parser.hpp"
#include "coppice/http/message.hpp"
#include "coppice/http/url.hpp"
#include "coppice/net/stream.hpp"
#include "coppice/runtime/process.hpp"
#include "coppice/runtime/task.hpp"

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::http {

class client;
namespace detail {
class client_exchange;
struct client_settings;
} // namespace detail

/// What can go wrong for a client.
enum class client_errc : std::uint8_t {
  bad_request, ///< the URL or a field cannot be sent
  stopped,     ///< the client's process has ended
  no_address,  ///< the host's name was not found
  connect,     ///< nobody there, or TLS failed: the text says why
  timed_out,   ///< one of the deadlines
  broken,      ///< the connection ended too early
  malformed,   ///< the peer does not speak HTTP/1.1 strictly
  too_large,   ///< the response's body is beyond the limit
  refused,     ///< it does not switch to the protocol asked for
  redirects,   ///< too many, or to nowhere, or from https to http
};

/// What went wrong: for programs, and for people.
struct client_error {
  client_errc code = client_errc::broken; ///< what to act on
  std::string text;                       ///< what to log; names the URL or origin where there is one
};
/// A T, or what went wrong.
template <class T = void>
using client_result = std::expected<T, client_error>;

/// Limits and deadlines of a client.
struct client_options {
  std::size_t connections_per_origin = 16;          ///< at once; more requests wait for their turn
  std::size_t idle_connections = 64;                ///< kept over all origins
  duration idle_timeout = std::chrono::seconds(30); ///< a connection that nobody uses for longer is closed
  duration connect_timeout =
      std::chrono::seconds(10); ///< waiting for a turn, name, connection, TLS: all together
  duration head_timeout = std::chrono::seconds(30); ///< from the request's last byte to the response's head
  duration timeout = std::chrono::seconds(60);      ///< the whole, body included
  std::uint64_t body_limit = 8 << 20;               ///< bytes of a response's body
  http1_limits limits;                              ///< of its head; `limits.body` is `body_limit`
  /// For https; without it one that trusts the system's authorities.
  std::optional<net::tls_client> tls = std::nullopt;
};

/// What to ask. Framing fields, Host and Connection are the client's own.
class client_request {
public:
  /// Method and URL; nothing is checked before `client::open`.
  client_request(std::string m, std::string u) : method(std::move(m)), url(std::move(u)) {}
  /// Without a body.
  static client_request get(std::string url) { return client_request("GET", std::move(url)); }
  /// With a body at hand, which makes its Content-Length known.
  static client_request post(std::string url, std::string_view content_type, std::string body);

  /// Adds a line, beside others of that name; one that may not be sent is an error of `client::open`.
  client_request& header(std::string_view name, std::string_view value);

  std::string method;    ///< in the spelling that is sent; any token but CONNECT
  std::string url;       ///< absolute, see `parse_url`
  http::headers headers; ///< beside the client's own
  std::string body;      ///< the whole of it, unless `streams_body`
  /// With it the body is written by pieces (`client_exchange::write`) after `client::open`.
  bool streams_body = false;
  /// Of a body by pieces: its bytes, or nothing for chunked.
  std::optional<std::uint64_t> body_size = std::nullopt;
  unsigned redirects = 0;                         ///< how many `fetch` follows
  std::optional<duration> timeout = std::nullopt; ///< instead of the client's
};

/// A response as a value.
struct fetched {
  response_head head; ///< the last one's, after redirects
  std::string body;   ///< without framing; content codings (gzip) are left as they came
  std::string url;    ///< after redirects

  /// As a number: 404.
  [[nodiscard]] unsigned status() const noexcept { return to_int(head.status); }
};

/// A connection after 101 (Switching Protocols): the other protocol's, with what has come of it already.
struct switched {
  net::stream connection; ///< the receiver's to close; the client counts it no longer
  std::string received;   ///< bytes after the response's head, before whatever is read next
};

/// A request under way: `write` ..., `response`, `body_piece` ... . Lives in one process. When the response
/// has been read to its end, the connection goes back to the client; dropped before, it is closed.
class client_exchange {
public:
  /// @{
  /// What is moved from can only be destroyed or assigned to; what is assigned over is dropped.
  client_exchange(client_exchange&& other) noexcept;
  client_exchange& operator=(client_exchange&& other) noexcept;
  /// @}
  ~client_exchange();

  /// Sends a piece of the body; waits while the peer is slow. If the peer has answered and closed already,
  /// this still says so: go on with `response`.
  task<client_result<>> write(std::string_view piece);
  /// Ends the request's body and waits for the response's head, which lives as long as this. Interim
  /// responses are skipped.
  task<client_result<const response_head*>> response();
  /// The next piece of the response's body, empty at its end: valid until the next call.
  task<client_result<std::string_view>> body_piece();
  /// All of it.
  task<client_result<std::string>> body();

  /// After a response of 101 the connection is the caller's.
  switched take_connection();

private:
  friend class client;
  explicit client_exchange(std::unique_ptr<detail::client_exchange> state) noexcept;
  std::unique_ptr<detail::client_exchange> state_;
};

/// A handle to a client's process: may be copied and sent; usable from every process of the node.
class client {
public:
  /// Sends the request, or its head if `streams_body`.
  ///
  /// A request that is idempotent (RFC 9110 section 9.2.2) and has its body at hand is sent once more, on a
  /// new connection, if a kept one turns out to have ended before it answered anything.
  task<client_result<client_exchange>> open(client_request request) const;
  /// The whole: request, redirects if wished, response with its body. Credentials (Authorization, Cookie) do
  /// not follow a redirect to another origin.
  task<client_result<fetched>> fetch(client_request request) const;

  /// The process that keeps the connections; linked to whoever started it.
  [[nodiscard]] pid process() const noexcept { return pool_; }

private:
  friend task<std::expected<client, std::string>> start_client(client_options options);
  client(pid pool, std::shared_ptr<const detail::client_settings> settings) noexcept
      : pool_(pool), settings_(std::move(settings)) {}
  task<client_result<fetched>> fetch_once(const client_request* request) const;

  pid pool_;
  std::shared_ptr<const detail::client_settings> settings_;
};

/// Starts a client linked to the caller. The error is a text: the system's authorities could not be read,
/// say.
task<std::expected<client, std::string>> start_client(client_options options = {});

} // namespace coppice::http
