// Start lines and heads: the part of the HTTP/1.1 parser that differs between requests and responses.
#include <algorithm>

#include "coppice/http/detail/chars.hpp"
#include "coppice/http/fields.hpp"
#include "coppice/http/http1_parser.hpp"

namespace coppice::http {

namespace {

/// Only HTTP/1.0 and HTTP/1.1 are read. `bad_request` for what is not a version at all.
status read_version(std::string_view text, version& into) noexcept {
  const bool shaped = text.size() == 8 && text.starts_with("HTTP/") && detail::is_digit(text[5]) &&
                      text[6] == '.' && detail::is_digit(text[7]);
  if (!shaped) return status::bad_request;
  if (text[5] != '1' || text[7] > '1') return status::http_version_not_supported;
  into = text[7] == '1' ? version::http_1_1 : version::http_1_0;
  return status::ok;
}

bool valid_path(std::string_view path) noexcept {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!detail::in(detail::path_chars, path[i])) return false;
    if (path[i] != '%') continue;
    if (i + 2 >= path.size() || detail::hex_value(path[i + 1]) < 0 || detail::hex_value(path[i + 2]) < 0) {
      return false;
    }
  }
  return true;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), detail::to_lower);
  return out;
}

/// Whether two authorities name the same place, a missing port being the scheme's own.
bool same_authority(const authority& a, const authority& b, std::string_view scheme) noexcept {
  const std::uint16_t own_port = scheme == "https" ? 443 : scheme == "http" ? 80 : 0;
  return a.host == b.host && a.port.value_or(own_port) == b.port.value_or(own_port);
}

bool persistent(const headers& fields, version v) noexcept {
  if (has_token(fields, "connection", "close")) return false;
  return v == version::http_1_1 || has_token(fields, "connection", "keep-alive");
}

} // namespace

void http1_request_parser::reset() {
  headers reused = std::move(head_.headers);
  reused.clear();
  head_ = request_head{};
  head_.headers = std::move(reused);
  reset_reader();
}

bool http1_request_parser::on_start_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  if (first == std::string_view::npos) return fail(status::bad_request, "the request line has no target");
  const std::size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return fail(status::bad_request, "the request line has no version");
  const std::string_view name = line.substr(0, first);
  if (!is_token(name)) return fail(status::bad_request, "the method is not a token");
  if (name.size() > limits().method) return fail(status::not_implemented, "no method is that long");
  const status known = read_version(line.substr(second + 1), head_.version);
  if (known == status::bad_request) return fail(known, "malformed HTTP version in the request line");
  if (known != status::ok) return fail(known, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  head_.method = method_from(name);
  head_.method_name = name;
  return read_target(line.substr(first + 1, second - first - 1));
}

/// RFC 9112 section 3.2.
bool http1_request_parser::read_target(std::string_view target) {
  if (target.empty()) return fail(status::bad_request, "the request target is empty");
  head_.target = target;
  head_.query_begin = target.size();
  if (head_.method == method::connect) {
    head_.form = target_form::authority;
    const auto place = parse_authority(target);
    if (!place || !place->port) return fail(status::bad_request, "CONNECT wants host:port");
    head_.authority = lower_case(target);
    return true;
  }
  if (target == "*") {
    head_.form = target_form::asterisk;
    head_.path_size = 1;
    return head_.method == method::options || fail(status::bad_request, "the target * is for OPTIONS only");
  }
  if (target.front() != '/') {
    const std::size_t colon = target.find("://");
    if (colon == std::string_view::npos) return fail(status::bad_request, "malformed request target");
    head_.form = target_form::absolute;
    head_.scheme = lower_case(target.substr(0, colon));
    if (head_.scheme != "http" && head_.scheme != "https") {
      return fail(status::bad_request, "the request target's scheme is neither http nor https");
    }
    const std::size_t begin = colon + 3;
    const std::size_t end = std::min(target.find_first_of("/?", begin), target.size());
    const std::string_view place = target.substr(begin, end - begin);
    if (!parse_authority(place)) return fail(status::bad_request, "malformed host in the request target");
    head_.authority = lower_case(place);
    head_.path_begin = end;
  }
  const std::size_t question = std::min(target.find('?', head_.path_begin), target.size());
  head_.path_size = question - head_.path_begin;
  head_.query_begin = std::min(question + 1, target.size());
  if (!valid_path(target.substr(head_.path_begin, head_.path_size))) {
    return fail(status::bad_request, "the path holds a character or escape that no path has");
  }
  return detail::all_in(detail::query_chars, head_.query()) ||
         fail(status::bad_request, "the query holds a character that no query has");
}

bool http1_request_parser::on_head(body_framing& framing, std::uint64_t& length) {
  framing = body_framing::none;
  if (!read_host() || !read_framing(head_.headers, head_.version, framing, length)) return false;
  const bool no_body = head_.method == method::connect || head_.method == method::trace;
  if (no_body && framing != body_framing::none) {
    return fail(status::bad_request, "CONNECT and TRACE have no body");
  }
  head_.framing = framing;
  head_.content_length = length;
  return read_connection();
}

/// RFC 9112 section 3.2: exactly one Host in HTTP/1.1, valid, and not at odds with the target.
bool http1_request_parser::read_host() {
  const std::size_t hosts = head_.headers.count("host");
  if (hosts > 1) return fail(status::bad_request, "more than one Host");
  if (hosts == 0) {
    return head_.version == version::http_1_0 || fail(status::bad_request, "HTTP/1.1 wants a Host");
  }
  const std::string_view text = head_.headers.only("host").value_or("");
  const auto host = parse_authority(text);
  if (!host) return fail(status::bad_request, "malformed Host");
  if (head_.authority.empty()) {
    head_.authority = lower_case(text);
    return true;
  }
  const auto target = parse_authority(head_.authority);
  return same_authority(*host, *target, head_.scheme) ||
         fail(status::bad_request, "Host and the request target name different places");
}

bool http1_request_parser::read_connection() {
  const headers& fields = head_.headers;
  head_.keep_alive = persistent(fields, head_.version);
  if (head_.version == version::http_1_0) return true;
  head_.upgrade = fields.contains("upgrade") && has_token(fields, "connection", "upgrade");
  if (!fields.contains("expect")) return true;
  if (!detail::iequals(fields.only("expect").value_or(""), "100-continue")) {
    return fail(status::expectation_failed, "the only expectation known is 100-continue");
  }
  head_.expects_continue = head_.framing == body_framing::chunked || head_.content_length > 0;
  return true;
}

void http1_response_parser::reset() {
  headers reused = std::move(head_.headers);
  reused.clear();
  head_ = response_head{};
  head_.headers = std::move(reused);
  reset_reader();
}

bool http1_response_parser::on_start_line(std::string_view line) {
  if (read_version(line.substr(0, 8), head_.version) != status::ok) {
    return fail(status::bad_gateway, "malformed or unknown HTTP version in the status line");
  }
  // RFC 9112 section 4 wants the space after the code even without a reason; senders forget it.
  const bool shaped = line.size() >= 12 && line[8] == ' ' && line[9] >= '1' && line[9] <= '9' &&
                      detail::is_digit(line[10]) && detail::is_digit(line[11]) &&
                      (line.size() == 12 || line[12] == ' ');
  if (!shaped) return fail(status::bad_gateway, "malformed status line");
  head_.status = static_cast<http::status>((line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0'));
  if (line.size() > 13) head_.reason = line.substr(13);
  return is_field_value(head_.reason) ||
         fail(status::bad_gateway, "the reason phrase holds a control character");
}

/// RFC 9112 section 6.3.
bool http1_response_parser::on_head(body_framing& framing, std::uint64_t& length) {
  framing = body_framing::until_close;
  if (!read_framing(head_.headers, head_.version, framing, length)) return false;
  const unsigned code = to_int(head_.status);
  const bool never_has_body = code < 200 || code == 204;
  if (never_has_body && (framing == body_framing::chunked || length > 0)) {
    return fail(status::bad_gateway, "a 1xx or 204 response announces a body");
  }
  const bool tunnel = request_method_ == method::connect && code >= 200 && code < 300;
  head_.content_length = length;
  if (never_has_body || tunnel || code == 304 || request_method_ == method::head) {
    framing = body_framing::none;
  }
  head_.framing = framing;
  head_.keep_alive = persistent(head_.headers, head_.version) && framing != body_framing::until_close;
  return true;
}

} // namespace coppice::http
