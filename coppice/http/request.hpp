// What a handler of the HTTP server works with: the request, its body, and the response.
#pragma once

#include "coppice/http/message.hpp"
#include "coppice/http/router.hpp"
#include "coppice/net/endpoint.hpp"
#include "coppice/net/tls.hpp"
#include "coppice/runtime/process.hpp"
#include "coppice/runtime/task.hpp"

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace coppice::http {

namespace detail {
class connection;
}

/// A response as a handler returns it. Content-Length or chunked framing, Date and Connection are the
/// server's.
class response {
public:
  /// Without fields and body.
  explicit response(http::status s = status::ok) noexcept : status(s) {}
  /// With a Content-Type as its only field.
  response(http::status s, std::string_view content_type, std::string content);

  /// @{
  /// `content` as it is, nothing checked or escaped; text and HTML are sent as UTF-8.
  static response text(std::string content, http::status s = status::ok);
  static response html(std::string content, http::status s = status::ok);
  static response json(std::string content, http::status s = status::ok);
  /// @}
  /// `location` already encoded; 303 by default, which turns any method into GET.
  static response redirect(std::string_view location, http::status s = status::see_other);
  /// What the server itself answers an error with: a line of plain text.
  static response plain_error(http::status s, std::string_view why = {});
  /// After `request::start`: everything has been sent by `write`.
  static response streamed() noexcept;

  /// Adds a line, beside others of that name. One that cannot be sent, or is the server's to set, makes the
  /// answer a 500 and is reported.
  response& header(std::string_view name, std::string_view value);

  http::status status;   ///< 200 to 999: interim responses are the server's
  http::headers headers; ///< see `header`
  std::string body;      ///< not sent for HEAD and for statuses without content (204, 205, 304)

private:
  friend class detail::connection;
  bool streamed_ = false;
};

/// Thrown by a handler, however deep, to answer with a status: no crash, and the connection lives on.
class error : public std::exception {
public:
  /// Answered as `response::plain_error`: the peer reads `why`.
  explicit error(http::status s, std::string why = {});
  /// @{
  /// As they were given.
  [[nodiscard]] http::status status() const noexcept { return status_; }
  [[nodiscard]] const std::string& why() const noexcept { return why_; }
  /// @}
  /// "404 Not Found: why".
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

private:
  http::status status_;
  std::string why_;
  std::string text_;
};

/// Thrown out of reads and writes when the peer is gone or too slow. Let it pass: there is nobody to answer.
class disconnected : public std::exception {
public:
  /// @{
  /// `what()` gives the text as it is.
  explicit disconnected(std::string why) : why_(std::move(why)) {}
  [[nodiscard]] const char* what() const noexcept override { return why_.c_str(); }
  /// @}

private:
  std::string why_;
};

/// A request being answered. Lives in its connection's process for the time of the handler.
class request {
public:
  request(const request&) = delete;
  request& operator=(const request&) = delete;

  /// What the parser read, with all fields. It and all views into it live as long as the request.
  [[nodiscard]] const request_head& head() const noexcept { return *head_; }
  /// `method::other` for unknown ones, which only routes of `routes::any` get.
  [[nodiscard]] http::method method() const noexcept { return head_->method; }
  /// As sent, percent-encoded.
  [[nodiscard]] std::string_view path() const noexcept { return head_->path(); }
  /// The first line of that name, without regard to case.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept {
    return head_->headers.get(name);
  }
  /// What `:name` in the route's pattern took, decoded.
  [[nodiscard]] std::optional<std::string_view> binding(std::string_view name) const noexcept {
    return bindings_.get(name);
  }
  /// What all `:name` parts took, those of the host's pattern first.
  [[nodiscard]] const route_bindings& bindings() const noexcept { return bindings_; }
  /// What `[...]` in the route's pattern took, decoded.
  [[nodiscard]] const std::vector<std::string>& path_info() const noexcept { return path_info_; }
  /// The decoded query; throws `error` 400 if it is malformed.
  [[nodiscard]] parameters query() const;
  /// The peer's address on this connection.
  [[nodiscard]] const net::endpoint& peer() const;
  /// What TLS agreed on, with the client's certificate if there is one; nothing on a plain connection.
  [[nodiscard]] std::optional<net::tls_info> tls() const;
  /// The process that runs the handler, the connection's own.
  [[nodiscard]] self process() const noexcept;

  /// The whole body, within the route's limit (`route_options::body_limit`). Throws `error` (413, 400, 408)
  /// to be answered, and `disconnected`.
  task<std::string> body();
  /// The next piece of the body, empty at its end: valid until the next `co_await` on this request. Throws as
  /// `body` does. Nothing is read ahead of the handler, so a slow handler slows its peer.
  task<std::string_view> body_piece();

  /// Sends the response's head, and goes on with `write`; the handler then returns `response::streamed()`.
  /// The body's size if known, else it is chunked. `response::body` is sent first. Throws `disconnected`, and
  /// std::logic_error if the head is malformed or one was sent already.
  task<> start(response head, std::optional<std::uint64_t> size = std::nullopt);
  /// Sends a piece; waits while the peer is slow. Throws `disconnected`; std::logic_error if it is more than
  /// announced.
  task<> write(std::string_view piece);

private:
  friend class detail::connection;
  request(detail::connection& c, const request_head& head) noexcept : connection_(c), head_(&head) {}

  detail::connection& connection_;
  const request_head* head_;
  route_bindings bindings_;
  std::vector<std::string> path_info_;
};

/// What answers requests: a function `response f(request&)` or a coroutine `task<response> f(request&)`.
/// Called in the connection's process, from many connections at the same time.
using handler = std::function<task<response>(request&)>;

} // namespace coppice::http
