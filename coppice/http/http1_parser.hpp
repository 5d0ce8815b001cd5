// The HTTP/1.1 reader (RFC 9112) as a pure state machine: bytes in, events out, no I/O and no clock.
//
// Strict: a message that two parsers could read differently is refused, also where the RFC would let a
// recipient repair it. Lines end in CR LF and nothing else; the README lists every refusal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "coppice/http/message.hpp"

namespace coppice::http {

/// All in bytes unless said. What exceeds a limit is an error event; memory held is bounded by `head_bytes`
/// and `trailer_bytes`, for bodies are never buffered.
struct http1_limits {
  std::size_t request_line = 8192;     ///< request or status line: 414
  std::size_t method = 32;             ///< method name: 501
  std::size_t header_line = 8192;      ///< one field line: 431
  std::size_t head_bytes = 32768;      ///< start line and all field lines together: 431
  std::size_t header_count = 100;      ///< number of field lines: 431
  std::size_t chunk_line = 256;        ///< chunk size with its extensions: 400
  std::size_t chunk_extensions = 4096; ///< extensions of all chunks of a message together: 400
  std::size_t trailer_bytes = 8192;    ///< all trailer lines together: 431
  std::size_t trailer_count = 32;      ///< number of trailer lines: 431
  std::size_t empty_lines = 2;         ///< number of empty lines before a request line: 400
  std::uint64_t body = 1 << 20;        ///< body without framing: 413
};

/// What a parser has found.
enum class http1_event_kind : std::uint8_t {
  need_more, ///< all input is consumed; feed more (or `finish` at end of stream)
  head,      ///< `head()` is complete
  body,      ///< `body` is the next piece of the body, a view into the input
  trailers,  ///< `trailers()` is complete; only for a chunked message that has some
  complete,  ///< the message ends here; what follows in the input belongs to the next one (or to the
             ///< protocol switched to): call `reset` before parsing on
  error,     ///< the stream cannot be read further: answer `error_status` and close
};

/// A step of a parser.
struct http1_event {
  http1_event_kind kind = http1_event_kind::need_more; ///< says which of the rest means something
  std::string_view body;                               ///< without framing; lives as long as the input
  /// For errors: the status to answer (requests; for responses it is `bad_gateway`, or `content_too_large`
  /// for a body beyond its limit) ...
  http::status error_status = status::bad_request;
  /// ... and why, a text that lives for ever.
  std::string_view reason;
};

namespace detail {

/// What requests and responses share: lines, field lines, bodies, trailers.
class http1_reader {
public:
  /// Consumes a prefix of `input` and gives the next event. Repeat until it says `need_more`. After
  /// `complete` or `error` it gives the same event again and consumes nothing. How the stream is cut into
  /// inputs changes nothing but how body pieces are cut. Linear in the input.
  http1_event next(std::string_view& input);

  /// The peer closed its side. Gives `complete` if that is what ends the body, `need_more` if no message has
  /// begun (a clean end), else `error`.
  http1_event finish();

  /// Bytes of a message have been seen, `complete` has not: what a deadline on slow peers needs to know.
  [[nodiscard]] bool in_message() const noexcept { return started_ && state_ != state::complete; }
  [[nodiscard]] const headers& trailers() const noexcept { return trailers_; }
  /// Body bytes of this message so far, without framing.
  [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }

  /// Changes `limits.body` for this message, from its head event on (a route may want more or less).
  void limit_body(std::uint64_t bytes) noexcept { body_limit_ = bytes; }

protected:
  explicit http1_reader(const http1_limits& limits);
  ~http1_reader() = default;
  http1_reader(const http1_reader&) = default;
  http1_reader(http1_reader&&) = default;
  http1_reader& operator=(const http1_reader&) = default;
  http1_reader& operator=(http1_reader&&) = default;

  void reset_reader() noexcept;
  [[nodiscard]] const http1_limits& limits() const noexcept { return limits_; }
  /// Remembers the first error; returns false so that callers can `return fail(...)`.
  bool fail(status answer, std::string_view reason) noexcept;
  /// Reads Content-Length and Transfer-Encoding (RFC 9112 section 6); false after `fail`.
  bool read_framing(const headers& fields, version v, body_framing& framing, std::uint64_t& length);

private:
  enum class state : std::uint8_t {
    start_line,
    header_lines,
    head_done,
    body_length,
    body_until_close,
    chunk_size,
    chunk_data,
    chunk_end,
    trailer_lines,
    complete,
    error,
  };

  virtual bool on_start_line(std::string_view line) = 0;
  virtual headers& head_fields() noexcept = 0;
  /// All lines of the head are read: check them, and say how the body is framed.
  virtual bool on_head(body_framing& framing, std::uint64_t& length) = 0;
  [[nodiscard]] virtual bool reading_request() const noexcept = 0;

  bool next_line(std::string_view& input, std::string_view& line);
  [[nodiscard]] std::size_t line_limit() const noexcept;
  bool fail_long_line() noexcept;
  bool on_line(std::string_view line, http1_event& event);
  bool on_first_line(std::string_view line);
  bool on_header_line(std::string_view line, headers& into, std::size_t max_count);
  bool on_head_end(http1_event& event);
  bool on_chunk_size(std::string_view line);
  bool on_trailer_end(http1_event& event);
  bool begin_body();
  bool read_body(std::string_view& input, http1_event& event);
  bool read_chunk_end(std::string_view& input);
  http1_event give_error() const noexcept;

  http1_limits limits_;
  std::uint64_t body_limit_;
  std::string partial_; // the beginning of a line whose end has not come yet
  headers trailers_;
  std::uint64_t remaining_ = 0; // of the body or chunk
  std::uint64_t body_bytes_ = 0;
  std::size_t section_bytes_ = 0; // of the head, or of the trailers
  std::size_t extension_bytes_ = 0;
  std::size_t empty_lines_ = 0;
  std::string_view reason_;
  status error_status_ = status::bad_request;
  state state_ = state::start_line;
  body_framing framing_ = body_framing::none;
  bool started_ = false;
  bool line_in_partial_ = false;
  bool chunk_cr_seen_ = false;
};

} // namespace detail

/// Reads requests, one after the other from one connection.
///
/// Use: `while (!input.empty())` call `next(input)`; after `complete`, `reset()` and go on with what is left
/// of the input (pipelining). Not thread-safe; copyable.
class http1_request_parser final : public detail::http1_reader {
public:
  /// Limits above what `headers` can hold are lowered to that.
  explicit http1_request_parser(const http1_limits& limits = {}) : http1_reader(limits) {}

  /// Complete from the `head` event until `reset`.
  [[nodiscard]] const request_head& head() const noexcept { return head_; }
  /// Gives the head away, so that a handler can own it; the parser needs it no more.
  [[nodiscard]] request_head take_head() noexcept { return std::move(head_); }
  /// Makes ready for the next message; what `limit_body` said is forgotten.
  void reset();

private:
  bool on_start_line(std::string_view line) override;
  headers& head_fields() noexcept override { return head_.headers; }
  bool on_head(body_framing& framing, std::uint64_t& length) override;
  [[nodiscard]] bool reading_request() const noexcept override { return true; }

  bool read_target(std::string_view target);
  bool read_host();
  bool read_connection();

  request_head head_;
};

/// Reads responses. Call `expect` with the method of the request before its response (RFC 9112 section 6.3:
/// a response to HEAD has no body). An interim response (1xx) is a message of its own: `complete`, `reset`.
class http1_response_parser final : public detail::http1_reader {
public:
  /// As of `http1_request_parser`.
  explicit http1_response_parser(const http1_limits& limits = {}) : http1_reader(limits) {}

  /// Holds for all responses until it is called again; a GET at first.
  void expect(method request_method) noexcept { request_method_ = request_method; }
  /// @{
  /// As of `http1_request_parser`.
  [[nodiscard]] const response_head& head() const noexcept { return head_; }
  [[nodiscard]] response_head take_head() noexcept { return std::move(head_); }
  /// @}
  /// Makes ready for the next message; keeps what `expect` said.
  void reset();

private:
  bool on_start_line(std::string_view line) override;
  headers& head_fields() noexcept override { return head_.headers; }
  bool on_head(body_framing& framing, std::uint64_t& length) override;
  [[nodiscard]] bool reading_request() const noexcept override { return false; }

  response_head head_;
  method request_method_ = method::get;
};

} // namespace coppice::http
