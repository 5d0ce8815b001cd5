// What an HTTP message is: method, status, version, fields, heads. Values only; no bytes and no I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/http/uri.hpp"

namespace coppice::http {

/// RFC 9110 section 9. `other` is any token that is none of these; its spelling is in `request_head`.
enum class method : std::uint8_t { get, head, post, put, delete_, connect, options, trace, patch, other };

/// The method's spelling on the wire; empty for `method::other`.
std::string_view to_string(method m) noexcept;
/// Case-sensitive, as RFC 9110 section 9.1 wants.
method method_from(std::string_view name) noexcept;

/// The versions of HTTP that are spoken here.
enum class version : std::uint8_t { http_1_0, http_1_1 };
/// As it stands in a message: `HTTP/1.1`.
std::string_view to_string(version v) noexcept;

/// RFC 9110 section 15 and RFC 6585. Any value of 100 to 999 may be cast to it.
enum class status : std::uint16_t {
  continue_ = 100,
  switching_protocols = 101,
  early_hints = 103,
  ok = 200,
  created = 201,
  accepted = 202,
  no_content = 204,
  reset_content = 205,
  partial_content = 206,
  moved_permanently = 301,
  found = 302,
  see_other = 303,
  not_modified = 304,
  temporary_redirect = 307,
  permanent_redirect = 308,
  bad_request = 400,
  unauthorized = 401,
  forbidden = 403,
  not_found = 404,
  method_not_allowed = 405,
  not_acceptable = 406,
  request_timeout = 408,
  conflict = 409,
  gone = 410,
  length_required = 411,
  precondition_failed = 412,
  content_too_large = 413,
  uri_too_long = 414,
  unsupported_media_type = 415,
  range_not_satisfiable = 416,
  expectation_failed = 417,
  misdirected_request = 421,
  unprocessable_content = 422,
  upgrade_required = 426,
  precondition_required = 428,
  too_many_requests = 429,
  header_fields_too_large = 431,
  internal_server_error = 500,
  not_implemented = 501,
  bad_gateway = 502,
  service_unavailable = 503,
  gateway_timeout = 504,
  http_version_not_supported = 505,
};

/// The number of three digits.
constexpr unsigned to_int(status s) noexcept { return static_cast<unsigned>(s); }
/// "Not Found" for 404; for a code without a name, that of its class ("Client Error").
std::string_view reason_phrase(status s) noexcept;

/// Field lines in the order received; a name may occur more than once and is matched without regard to case.
///
/// All text lies in one buffer, so a head costs two allocations and views stay valid until the next change.
/// Look-up is linear: a head has a few dozen fields. Bounded: `add` throws `std::length_error` past
/// `max_count` fields or `max_bytes` of text (the parsers stop far below that).
class headers {
public:
  /// A name and a value, views into the headers.
  struct field {
    std::string_view name;  ///< in the spelling that came
    std::string_view value; ///< a parser gives it trimmed
  };

  static constexpr std::size_t max_count = 4096;                 ///< lines
  static constexpr std::size_t max_bytes = std::size_t{1} << 24; ///< names and values together

  headers() = default;
  /// As by `add`, one after the other.
  headers(std::initializer_list<field> fields);

  /// Appends a line. Neither text is checked here: parser and writer do that at the edge.
  void add(std::string_view name, std::string_view value);
  /// Replaces every line of that name by one.
  void set(std::string_view name, std::string_view value);
  /// Returns how many lines were removed.
  std::size_t remove(std::string_view name);
  /// Keeps the memory for what comes next.
  void clear() noexcept;

  /// The value of the first line of that name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
  /// The value if there is exactly one line of that name.
  [[nodiscard]] std::optional<std::string_view> only(std::string_view name) const noexcept;
  /// Also if its value is empty.
  [[nodiscard]] bool contains(std::string_view name) const noexcept { return get(name).has_value(); }
  /// How many lines have that name.
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  /// All values of that name joined by ", " (RFC 9110 section 5.3); not meaningful for Set-Cookie.
  [[nodiscard]] std::string combined(std::string_view name) const;

  /// @{
  /// Counts lines, not names.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// @}
  /// `i` must be below `size()`; constant time.
  [[nodiscard]] field operator[](std::size_t i) const noexcept;

  /// Over the fields, in the order in which they were added.
  class iterator {
  public:
    /// @{
    /// Of an input iterator: fields are made when asked for, so `*` gives a value. A change to the headers
    /// ends it.
    using value_type = field;
    using difference_type = std::ptrdiff_t;
    iterator() = default;
    iterator(const headers* owner, std::size_t at) noexcept : owner_(owner), at_(at) {}
    field operator*() const noexcept { return (*owner_)[at_]; }
    iterator& operator++() noexcept { return ++at_, *this; }
    iterator operator++(int) noexcept { return {owner_, at_++}; }
    friend bool operator==(const iterator&, const iterator&) = default;
    /// @}

  private:
    const headers* owner_ = nullptr;
    std::size_t at_ = 0;
  };
  /// @{
  /// The lines in their order.
  [[nodiscard]] iterator begin() const noexcept { return {this, 0}; }
  [[nodiscard]] iterator end() const noexcept { return {this, size()}; }
  /// @}

  /// Same lines in the same order; names without regard to case.
  friend bool operator==(const headers& a, const headers& b) noexcept;

private:
  struct entry {
    std::uint32_t offset;
    std::uint32_t name_size;
    std::uint32_t value_size;
  };
  std::string text_;
  std::vector<entry> entries_;
};

/// How the end of a message body is found (RFC 9112 section 6.3).
enum class body_framing : std::uint8_t {
  none,        ///< no body
  length,      ///< Content-Length bytes
  chunked,     ///< chunked transfer coding
  until_close, ///< responses only: the body ends with the connection
};

/// RFC 9112 section 3.2.
enum class target_form : std::uint8_t { origin, absolute, authority, asterisk };

/// A request's head as received, already checked by the parser.
struct request_head {
  http::method method = http::method::get; ///< `other` for what is none of the known ones
  /// The method as spelt on the wire (tells apart what `method::other` lumps together).
  std::string method_name;
  target_form form = target_form::origin; ///< what `target` looks like
  /// The request target as received.
  std::string target;
  /// "http" or "https" for the absolute form, else empty.
  std::string scheme;
  /// host[:port] the request is for, in lower case: from the target if it has one, else from Host; empty for
  /// HTTP/1.0 without either.
  std::string authority;
  http::version version = http::version::http_1_1; ///< other versions are refused with 505
  http::headers headers;                           ///< all lines, also those that the members here sum up
  /// Whether the connection may serve another request after this one (RFC 9112 section 9.3).
  bool keep_alive = true;
  /// The client waits for `100 Continue` before it sends the body (RFC 9110 section 10.1.1).
  bool expects_continue = false;
  /// `Connection: upgrade` with an Upgrade field, in HTTP/1.1 (RFC 9110 section 7.8).
  bool upgrade = false;
  body_framing framing = body_framing::none; ///< never `until_close`
  /// Meaningful for `body_framing::length`.
  std::uint64_t content_length = 0;

  /// Path as sent, percent-encoded, beginning with '/'; "*" for the asterisk form, empty for CONNECT.
  [[nodiscard]] std::string_view path() const noexcept {
    if (form == target_form::absolute && path_size == 0) return "/";
    return std::string_view(target).substr(path_begin, path_size);
  }
  /// What follows '?', undecoded, or empty.
  [[nodiscard]] std::string_view query() const noexcept {
    return std::string_view(target).substr(query_begin);
  }
  /// The decoded segments of `path()`; see `path_segments`.
  [[nodiscard]] std::expected<std::vector<std::string>, uri_error> segments() const {
    return path_segments(path());
  }

  std::size_t path_begin = 0;  ///< offset in `target`
  std::size_t path_size = 0;   ///< in bytes
  std::size_t query_begin = 0; ///< target.size() when there is no query
};

/// A response's head, received or to be sent.
struct response_head {
  http::version version = http::version::http_1_1; ///< the peer's; what is sent is always HTTP/1.1
  http::status status = http::status::ok;          ///< received: maybe one without a name
  /// Empty means the standard phrase.
  std::string reason;
  http::headers headers; ///< to be sent: without framing fields, and Connection (but `upgrade`)
  /// Received: whether the connection may be used again. To be sent: false asks for it to be closed.
  bool keep_alive = true;
  // What follows is filled by the parser and ignored by the writer.
  body_framing framing = body_framing::none; ///< `none` also after HEAD and of a 304, whatever they announce
  std::uint64_t content_length = 0;          ///< as announced, also where no body follows; else 0
};

} // namespace coppice::http
