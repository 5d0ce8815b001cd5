#include "coppice/http/http1_parser.hpp"

#include <algorithm>
#include <limits>

#include "coppice/http/detail/chars.hpp"
#include "coppice/http/fields.hpp"

namespace coppice::http::detail {

namespace {

void skip_ows(std::string_view& text) noexcept {
  while (!text.empty() && is_ows(text.front())) text.remove_prefix(1);
}

bool take_token(std::string_view& text) noexcept {
  std::size_t n = 0;
  while (n < text.size() && in(token_chars, text[n])) ++n;
  text.remove_prefix(n);
  return n > 0;
}

bool take_quoted(std::string_view& text) noexcept {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\') ++i;
    if (i < text.size() && !is_field_char(text[i])) return false;
  }
  return false;
}

/// *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] ), RFC 9112 section 7.1.1.
bool valid_chunk_extensions(std::string_view text) noexcept {
  while (!text.empty()) {
    skip_ows(text);
    if (!text.starts_with(';')) return false;
    text.remove_prefix(1);
    skip_ows(text);
    if (!take_token(text)) return false;
    std::string_view after = text;
    skip_ows(after);
    if (!after.starts_with('=')) continue;
    text = after.substr(1);
    skip_ows(text);
    if (!(text.starts_with('"') ? take_quoted(text) : take_token(text))) return false;
  }
  return true;
}

enum class coding : std::uint8_t { chunked, not_implemented, bad };

/// The transfer codings of all lines together: only the one element `chunked` can be read.
coding transfer_coding(const headers& fields) noexcept {
  std::size_t elements = 0;
  std::size_t chunked = 0;
  bool last_is_chunked = false;
  for (const headers::field f : fields) {
    if (!iequals(f.name, "transfer-encoding")) continue;
    std::string_view rest = f.value;
    std::string_view element;
    while (next_element(rest, element)) {
      if (element.empty()) return coding::bad;
      last_is_chunked = iequals(element, "chunked");
      chunked += last_is_chunked ? 1 : 0;
      ++elements;
    }
  }
  if (chunked != 1 || !last_is_chunked) return coding::bad;
  return elements == 1 ? coding::chunked : coding::not_implemented;
}

} // namespace

http1_reader::http1_reader(const http1_limits& limits) : limits_(limits), body_limit_(limits.body) {
  // No limit may lie above what `headers` can hold.
  limits_.head_bytes = std::min(limits_.head_bytes, headers::max_bytes);
  limits_.trailer_bytes = std::min(limits_.trailer_bytes, headers::max_bytes);
  limits_.header_count = std::min(limits_.header_count, headers::max_count);
  limits_.trailer_count = std::min(limits_.trailer_count, headers::max_count);
}

bool http1_reader::fail(status answer, std::string_view reason) noexcept {
  if (state_ == state::error) return false;
  state_ = state::error;
  const bool said = reading_request() || answer == status::content_too_large;
  error_status_ = said ? answer : status::bad_gateway;
  reason_ = reason;
  return false;
}

http1_event http1_reader::give_error() const noexcept {
  return {http1_event_kind::error, {}, error_status_, reason_};
}

void http1_reader::reset_reader() noexcept {
  state_ = state::start_line;
  body_limit_ = limits_.body;
  partial_.clear();
  trailers_.clear();
  remaining_ = body_bytes_ = 0;
  section_bytes_ = extension_bytes_ = empty_lines_ = 0;
  framing_ = body_framing::none;
  started_ = line_in_partial_ = chunk_cr_seen_ = false;
}

http1_event http1_reader::next(std::string_view& input) {
  http1_event event;
  for (;;) {
    switch (state_) {
    case state::error: return give_error();
    case state::complete: return {http1_event_kind::complete, {}, {}, {}};
    case state::head_done:
      if (!begin_body()) return give_error();
      break;
    case state::body_length:
    case state::body_until_close:
    case state::chunk_data:
      if (read_body(input, event)) return event;
      break;
    case state::chunk_end:
      if (!read_chunk_end(input)) return state_ == state::error ? give_error() : http1_event{};
      break;
    case state::start_line:
    case state::header_lines:
    case state::chunk_size:
    case state::trailer_lines: {
      std::string_view line;
      if (!next_line(input, line)) return state_ == state::error ? give_error() : http1_event{};
      if (on_line(line, event)) return event;
      break;
    }
    }
  }
}

http1_event http1_reader::finish() {
  std::string_view nothing;
  const http1_event pending = next(nothing);
  if (pending.kind != http1_event_kind::need_more) return pending;
  if (state_ == state::body_until_close) {
    state_ = state::complete;
    return {http1_event_kind::complete, {}, {}, {}};
  }
  if (state_ == state::start_line && !started_) return {};
  fail(status::bad_request, "the connection was closed in the middle of a message");
  return give_error();
}

std::size_t http1_reader::line_limit() const noexcept {
  const auto left = [&](std::size_t total) {
    return total > section_bytes_ + 2 ? total - section_bytes_ - 2 : std::size_t{0};
  };
  switch (state_) {
  case state::start_line: return std::min(limits_.request_line, left(limits_.head_bytes));
  case state::header_lines: return std::min(limits_.header_line, left(limits_.head_bytes));
  case state::trailer_lines: return std::min(limits_.header_line, left(limits_.trailer_bytes));
  default: return limits_.chunk_line;
  }
}

bool http1_reader::fail_long_line() noexcept {
  switch (state_) {
  case state::start_line: return fail(status::uri_too_long, "the request line is too long");
  case state::header_lines: return fail(status::header_fields_too_large, "the header fields are too large");
  case state::trailer_lines: return fail(status::header_fields_too_large, "the trailer fields are too large");
  default: return fail(status::bad_request, "a chunk-size line is too long");
  }
}

/// True: `line` is the next line without its CR LF, valid until the next call. False: the input is used up,
/// or the state is `error`. Whether a line is too long, or ends wrongly, depends only on the stream, never on
/// how it was cut.
bool http1_reader::next_line(std::string_view& input, std::string_view& line) {
  if (line_in_partial_) {
    partial_.clear();
    line_in_partial_ = false;
  }
  if (input.empty()) return false;
  if (state_ == state::start_line && partial_.empty() && input.front() != '\r' && input.front() != '\n') {
    // Tells a TLS hello or other foreign protocol at its first byte instead of at a deadline.
    if (!in(token_chars, input.front())) return fail(status::bad_request, "this is not HTTP/1");
    started_ = true;
  }
  const std::size_t limit = line_limit();
  const std::size_t lf = input.find('\n');
  const std::size_t take = std::min(lf, input.size());
  if (partial_.size() + take > limit + 1) return fail_long_line();
  if (lf == std::string_view::npos) {
    partial_.append(input);
    input = {};
    return false;
  }
  if (partial_.empty()) {
    line = input.substr(0, lf);
  } else {
    partial_.append(input.substr(0, lf));
    line = partial_;
    line_in_partial_ = true;
  }
  input.remove_prefix(lf + 1);
  const bool has_cr = line.ends_with('\r');
  if (has_cr) line.remove_suffix(1);
  if (line.size() > limit) return fail_long_line();
  if (!has_cr) return fail(status::bad_request, "a line ends in a bare LF");
  if (line.find('\r') != std::string_view::npos) return fail(status::bad_request, "bare CR in a line");
  section_bytes_ += line.size() + 2;
  return true;
}

/// True: `event` is to be given.
bool http1_reader::on_line(std::string_view line, http1_event& event) {
  bool ok = true;
  switch (state_) {
  case state::start_line: ok = on_first_line(line); break;
  case state::header_lines:
    if (line.empty()) return on_head_end(event);
    ok = on_header_line(line, head_fields(), limits_.header_count);
    break;
  case state::trailer_lines:
    if (line.empty()) return on_trailer_end(event);
    ok = on_header_line(line, trailers_, limits_.trailer_count);
    break;
  default: ok = on_chunk_size(line); break;
  }
  if (!ok) event = give_error();
  return !ok;
}

bool http1_reader::on_first_line(std::string_view line) {
  if (line.empty()) {
    section_bytes_ = 0;
    if (!reading_request()) return fail(status::bad_request, "an empty line instead of a status line");
    return ++empty_lines_ <= limits_.empty_lines ||
           fail(status::bad_request, "too many empty lines before the request line");
  }
  if (!on_start_line(line)) return false;
  state_ = state::header_lines;
  return true;
}

bool http1_reader::on_header_line(std::string_view line, headers& into, std::size_t max_count) {
  if (into.size() >= max_count) return fail(status::header_fields_too_large, "too many header fields");
  if (is_ows(line.front())) {
    return fail(status::bad_request, "a header line is folded or begins with white space");
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return fail(status::bad_request, "a header line has no colon");
  const std::string_view name = line.substr(0, colon);
  if (!name.empty() && is_ows(name.back())) {
    return fail(status::bad_request, "white space between header name and colon");
  }
  if (!is_token(name)) return fail(status::bad_request, "a header name is not a token");
  const std::string_view value = trim_ows(line.substr(colon + 1));
  if (!is_field_text(value)) return fail(status::bad_request, "a header value holds a control character");
  if (state_ == state::trailer_lines && !allowed_in_trailer(name)) {
    return fail(status::bad_request, "a field that must not stand in trailers");
  }
  into.add(name, value);
  return true;
}

bool http1_reader::on_head_end(http1_event& event) {
  remaining_ = 0;
  if (!on_head(framing_, remaining_)) {
    event = give_error();
    return true;
  }
  state_ = state::head_done;
  event.kind = http1_event_kind::head;
  return true;
}

bool http1_reader::read_framing(const headers& fields, version v, body_framing& framing,
                                std::uint64_t& length) {
  const std::size_t lengths = fields.count("content-length");
  if (fields.contains("transfer-encoding")) {
    if (v == version::http_1_0) return fail(status::bad_request, "Transfer-Encoding in HTTP/1.0");
    if (lengths > 0) return fail(status::bad_request, "both Transfer-Encoding and Content-Length");
    switch (transfer_coding(fields)) {
    case coding::chunked: framing = body_framing::chunked; return true;
    case coding::not_implemented:
      return fail(status::not_implemented, "no transfer coding but chunked is implemented");
    case coding::bad: return fail(status::bad_request, "Transfer-Encoding does not end in chunked, once");
    }
  }
  if (lengths == 0) return true;
  const auto only_length = fields.only("content-length");
  if (!only_length) return fail(status::bad_request, "more than one Content-Length");
  const std::string_view digits = *only_length;
  if (digits.empty() || !std::all_of(digits.begin(), digits.end(), is_digit)) {
    return fail(status::bad_request, "Content-Length is not a number");
  }
  constexpr auto max = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (max - digit) / 10)
      return fail(status::content_too_large, "Content-Length overflows 64 bits");
    value = value * 10 + digit;
  }
  framing = body_framing::length;
  length = value;
  return true;
}

bool http1_reader::begin_body() {
  switch (framing_) {
  case body_framing::none: state_ = state::complete; break;
  case body_framing::length:
    if (remaining_ > body_limit_) return fail(status::content_too_large, "the body is too large");
    state_ = state::body_length;
    break;
  case body_framing::chunked: state_ = state::chunk_size; break;
  case body_framing::until_close: state_ = state::body_until_close; break;
  }
  return true;
}

/// True: `event` is to be given. False: the state has moved on.
bool http1_reader::read_body(std::string_view& input, http1_event& event) {
  if (state_ == state::body_until_close) {
    remaining_ = body_limit_ > body_bytes_ ? body_limit_ - body_bytes_ : 0;
  } else if (remaining_ == 0) {
    state_ = state_ == state::chunk_data ? state::chunk_end : state::complete;
    return false;
  }
  if (input.empty()) return true;
  if (remaining_ == 0) return fail(status::content_too_large, "the body is too large");
  const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size()));
  event.kind = http1_event_kind::body;
  event.body = input.substr(0, n);
  input.remove_prefix(n);
  remaining_ -= n;
  body_bytes_ += n;
  return true;
}

/// The CR LF after a chunk's data. False: the input is used up, or the state is `error`.
bool http1_reader::read_chunk_end(std::string_view& input) {
  while (!input.empty()) {
    if (input.front() != (chunk_cr_seen_ ? '\n' : '\r')) {
      return fail(status::bad_request, "a chunk's data is not followed by CR LF");
    }
    input.remove_prefix(1);
    if (chunk_cr_seen_) {
      chunk_cr_seen_ = false;
      state_ = state::chunk_size;
      return true;
    }
    chunk_cr_seen_ = true;
  }
  return false;
}

bool http1_reader::on_chunk_size(std::string_view line) {
  constexpr std::size_t max_digits = 16; // what 64 bits hold
  std::size_t digits = 0;
  std::uint64_t size = 0;
  while (digits < line.size() && hex_value(line[digits]) >= 0) {
    if (digits == max_digits) return fail(status::bad_request, "a chunk size has more than 16 digits");
    size = size * 16 + static_cast<std::uint64_t>(hex_value(line[digits++]));
  }
  if (digits == 0) return fail(status::bad_request, "a chunk size is not a hexadecimal number");
  const std::string_view extensions = line.substr(digits);
  extension_bytes_ += extensions.size();
  if (!valid_chunk_extensions(extensions)) return fail(status::bad_request, "malformed chunk extensions");
  if (extension_bytes_ > limits_.chunk_extensions) {
    return fail(status::bad_request, "the chunk extensions are too large");
  }
  if (body_bytes_ > body_limit_ || size > body_limit_ - body_bytes_) {
    return fail(status::content_too_large, "the body is too large");
  }
  remaining_ = size;
  section_bytes_ = 0;
  state_ = size == 0 ? state::trailer_lines : state::chunk_data;
  return true;
}

bool http1_reader::on_trailer_end(http1_event& event) {
  state_ = state::complete;
  event.kind = trailers_.empty() ? http1_event_kind::complete : http1_event_kind::trailers;
  return true;
}

} // namespace coppice::http::detail
