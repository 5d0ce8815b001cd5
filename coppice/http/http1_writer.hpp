// The HTTP/1.1 writer (RFC 9112): heads and framed bodies as bytes. Pure: appends to a string, sends nothing.
//
// Nothing a handler passes can break the framing or inject a line: names, values, targets and reasons are
// checked, framing fields are the writer's own, and a body longer or shorter than announced is an error.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "coppice/http/message.hpp"

namespace coppice::http {

/// Why a message could not be written, a text that lives for ever. What was appended before the error in the
/// same call is taken back.
using write_result = std::expected<void, std::string_view>;

/// What a response depends on besides its head.
struct response_options {
  http::method request_method = method::get;         ///< HEAD: the body is dropped; CONNECT: none after a 2xx
  http::version request_version = version::http_1_1; ///< HTTP/1.0 knows no chunks
  /// The request's `keep_alive`, and not if the server is draining.
  bool keep_alive = true;
  /// Known size: Content-Length. Unknown: chunked, or for an HTTP/1.0 client until the connection closes.
  std::optional<std::uint64_t> body_size;
  /// @{
  /// Written as Date and Server unless empty or already in the head. A shell formats the date once a second.
  std::string_view date;
  std::string_view server;
  /// @}
};

/// Options that answer `request`, with the rest at their defaults.
response_options answering(const request_head& request);

namespace detail {

/// The body half of both writers.
class http1_body_writer {
public:
  /// Appends a piece of the body, framed. An empty piece writes nothing. Where the response has no body
  /// (HEAD, 304) the piece is dropped. An error if the body gets longer than announced.
  write_result body(std::string& out, std::string_view piece);

  /// For bodies sent from elsewhere (a file): appends what must precede the next `size` bytes, which the
  /// caller then sends itself, exactly. False if the body is not to be sent at all (HEAD, 304).
  std::expected<bool, std::string_view> announce(std::string& out, std::uint64_t size);

  /// Ends the body. Trailers only go with chunked framing and are otherwise dropped. An error if the body is
  /// shorter than announced: the connection must then be closed, so that the peer sees it is cut.
  write_result finish(std::string& out, const headers& trailers = {});

  [[nodiscard]] body_framing framing() const noexcept { return framing_; }
  /// After `finish`: whether another message may follow on this connection.
  [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_ && !open_; }

protected:
  http1_body_writer() = default;
  ~http1_body_writer() = default;
  http1_body_writer(const http1_body_writer&) = default;
  http1_body_writer& operator=(const http1_body_writer&) = default;

  void begin(body_framing framing, std::uint64_t size, bool dropped, bool keep_alive) noexcept;

private:
  std::uint64_t remaining_ = 0;
  body_framing framing_ = body_framing::none;
  bool dropped_ = false;
  bool keep_alive_ = true;
  bool open_ = false;
  bool chunk_open_ = false; // an announced chunk still lacks its CR LF
};

} // namespace detail

/// Writes responses: `head`, any number of `body`, `finish`; then the next. Interim responses (1xx but 101)
/// are a `head` alone.
class http1_response_writer final : public detail::http1_body_writer {
public:
  /// Errors: a name that is no token; a value or reason with control characters; Content-Length,
  /// Transfer-Encoding or Connection (other than `upgrade`) among the fields; a status below 100 or above
  /// 999; a body announced for a status that has none (1xx, 204, 205).
  write_result head(std::string& out, const response_head& response, const response_options& options);
};

/// A whole response at once: head, body, end. Returns whether the connection may be kept.
std::expected<bool, std::string_view> write_response(std::string& out, const response_head& response,
                                                     std::string_view body, response_options options);

/// What a client sends.
struct request_to_send {
  std::string method = "GET"; ///< any token, in the spelling that is sent
  std::string target = "/";   ///< origin-form, absolute-form, "*" or host:port, already encoded
  std::string authority;      ///< goes into Host
  http::headers headers;      ///< without Host, framing fields, and Connection (but `upgrade`)
  /// nullopt: chunked. 0: no body; Content-Length then only with POST, PUT and PATCH.
  std::optional<std::uint64_t> body_size = 0;
  bool keep_alive = true; ///< false: `Connection: close`
};

/// Writes requests: head, then body, then its end (RFC 9112).
class http1_request_writer final : public detail::http1_body_writer {
public:
  /// Errors as for responses; also a target with spaces or controls, a malformed authority, a Host among
  /// fields.
  write_result head(std::string& out, const request_to_send& request);
};

} // namespace coppice::http
