#include "coppice/http/http1_writer.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "coppice/http/detail/chars.hpp"
#include "coppice/http/fields.hpp"

namespace coppice::http {

namespace {

std::unexpected<std::string_view> refuse(std::string_view why) { return std::unexpected(why); }

/// Takes back what was appended unless told that all went well.
class rollback {
public:
  explicit rollback(std::string& out) noexcept : out_(out), size_(out.size()) {}
  rollback(const rollback&) = delete;
  rollback& operator=(const rollback&) = delete;
  ~rollback() {
    if (!kept_) out_.resize(size_);
  }
  void keep() noexcept { kept_ = true; }

private:
  std::string& out_;
  std::size_t size_;
  bool kept_ = false;
};

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

/// The handler's own fields; those that frame the message are the writer's alone.
write_result append_fields(std::string& out, const headers& fields) {
  for (const headers::field f : fields) {
    if (!is_token(f.name)) return refuse("a header name is not a token");
    if (!is_field_value(f.value)) return refuse("a header value holds a control character");
    if (detail::iequals(f.name, "content-length") || detail::iequals(f.name, "transfer-encoding")) {
      return refuse("Content-Length and Transfer-Encoding are set by the writer; give body_size instead");
    }
    if (detail::iequals(f.name, "connection") && !detail::iequals(f.value, "upgrade")) {
      return refuse("Connection is set by the writer; set keep_alive to false to close");
    }
    append_field(out, f.name, f.value);
  }
  return {};
}

void append_framing(std::string& out, body_framing framing, std::uint64_t size) {
  if (framing == body_framing::chunked) append_field(out, "transfer-encoding", "chunked");
  if (framing == body_framing::length) append_field(out, "content-length", fmt::format_int(size).c_str());
}

bool bodyless(unsigned code) noexcept { return code < 200 || code == 204 || code == 304; }

/// How the body, or what a GET would have had, is framed.
body_framing choose_framing(unsigned code, const response_options& options) noexcept {
  if (bodyless(code)) return body_framing::none;
  if (options.request_method == method::connect && code < 300) return body_framing::none;
  if (options.body_size || code == 205) return body_framing::length;
  return options.request_version == version::http_1_1 ? body_framing::chunked : body_framing::until_close;
}

} // namespace

response_options answering(const request_head& request) {
  response_options options;
  options.request_method = request.method;
  options.request_version = request.version;
  options.keep_alive = request.keep_alive;
  return options;
}

namespace detail {

void http1_body_writer::begin(body_framing framing, std::uint64_t size, bool dropped,
                              bool keep_alive) noexcept {
  framing_ = framing;
  remaining_ = size;
  dropped_ = dropped || framing == body_framing::none;
  keep_alive_ = keep_alive && framing != body_framing::until_close;
  open_ = true;
  chunk_open_ = false;
}

std::expected<bool, std::string_view> http1_body_writer::announce(std::string& out, std::uint64_t size) {
  if (!open_) return refuse("no message has been begun");
  if (dropped_) return false;
  if (framing_ == body_framing::length) {
    if (size > remaining_) return refuse("the body is longer than its Content-Length");
    remaining_ -= size;
    return true;
  }
  if (framing_ == body_framing::chunked && size > 0) {
    fmt::format_to(std::back_inserter(out), "{}{:x}\r\n", chunk_open_ ? "\r\n" : "", size);
    chunk_open_ = true;
  }
  return true;
}

write_result http1_body_writer::body(std::string& out, std::string_view piece) {
  const auto sent = announce(out, piece.size());
  if (!sent) return refuse(sent.error());
  if (!*sent || piece.empty()) return {};
  out.append(piece);
  if (framing_ == body_framing::chunked) {
    out.append("\r\n");
    chunk_open_ = false;
  }
  return {};
}

write_result http1_body_writer::finish(std::string& out, const headers& trailers) {
  if (!open_) return refuse("no message has been begun");
  if (!dropped_ && framing_ == body_framing::length && remaining_ > 0) {
    return refuse("the body is shorter than its Content-Length");
  }
  if (!dropped_ && framing_ == body_framing::chunked) {
    rollback changes(out);
    out.append(chunk_open_ ? "\r\n0\r\n" : "0\r\n");
    for (const headers::field f : trailers) {
      if (!is_token(f.name) || !is_field_value(f.value)) return refuse("malformed trailer field");
      if (!allowed_in_trailer(f.name)) return refuse("a field that must not stand in trailers");
      append_field(out, f.name, f.value);
    }
    out.append("\r\n");
    changes.keep();
  }
  open_ = chunk_open_ = false;
  return {};
}

} // namespace detail

write_result http1_response_writer::head(std::string& out, const response_head& response,
                                         const response_options& options) {
  const unsigned code = to_int(response.status);
  if (code < 100 || code > 999) return refuse("a status has three digits");
  if (!is_field_value(response.reason)) return refuse("the reason phrase holds a control character");
  const std::uint64_t size = options.body_size.value_or(0);
  if (size > 0 && (code < 200 || code == 204 || code == 205)) return refuse("this status has no body");
  rollback changes(out);
  const std::string_view reason = response.reason.empty() ? reason_phrase(response.status) : response.reason;
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", code, reason);
  if (const auto fields = append_fields(out, response.headers); !fields) return fields;
  const bool interim = code < 200 && response.status != status::switching_protocols;
  const body_framing framing = choose_framing(code, options);
  const bool keep = options.keep_alive && response.keep_alive && framing != body_framing::until_close;
  append_framing(out, framing, size);
  if (code >= 200 && !keep) {
    append_field(out, "connection", "close");
  } else if (code >= 200 && options.request_version == version::http_1_0) {
    append_field(out, "connection", "keep-alive");
  }
  if (!interim && !options.date.empty() && !response.headers.contains("date")) {
    if (!is_field_value(options.date)) return refuse("the date holds a control character");
    append_field(out, "date", options.date);
  }
  if (!interim && !options.server.empty() && !response.headers.contains("server")) {
    if (!is_field_value(options.server)) return refuse("the server's name holds a control character");
    append_field(out, "server", options.server);
  }
  out.append("\r\n");
  changes.keep();
  if (!interim) begin(framing, size, options.request_method == method::head, keep);
  return {};
}

std::expected<bool, std::string_view> write_response(std::string& out, const response_head& response,
                                                     std::string_view body, response_options options) {
  options.body_size = body.size();
  http1_response_writer writer;
  rollback changes(out);
  if (const auto head = writer.head(out, response, options); !head) return refuse(head.error());
  if (const auto piece = writer.body(out, body); !piece) return refuse(piece.error());
  if (const auto end = writer.finish(out); !end) return refuse(end.error());
  changes.keep();
  return writer.keep_alive();
}

write_result http1_request_writer::head(std::string& out, const request_to_send& request) {
  if (!is_token(request.method)) return refuse("the method is not a token");
  const bool visible =
      std::all_of(request.target.begin(), request.target.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (request.target.empty() || !visible) return refuse("the target is empty or not percent-encoded");
  if (!parse_authority(request.authority)) return refuse("malformed authority");
  if (request.headers.contains("host")) return refuse("Host is set by the writer; give authority instead");
  rollback changes(out);
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  append_field(out, "host", request.authority);
  if (const auto fields = append_fields(out, request.headers); !fields) return fields;
  const bool wants_length = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  body_framing framing = body_framing::chunked;
  if (request.body_size) {
    framing = *request.body_size > 0 || wants_length ? body_framing::length : body_framing::none;
  }
  append_framing(out, framing, request.body_size.value_or(0));
  if (!request.keep_alive) append_field(out, "connection", "close");
  out.append("\r\n");
  changes.keep();
  begin(framing, request.body_size.value_or(0), false, request.keep_alive);
  return {};
}

} // namespace coppice::http
