// For tests and fuzzers: what a parser said about a stream, as text, independent of how the stream was cut.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "coppice/http/http1_parser.hpp"

namespace coppice::http::detail {

inline void append_fields(std::string& log, const headers& fields) {
  for (const headers::field f : fields) log.append(f.name).append("=").append(f.value).append(";");
}

inline std::string describe(const request_head& head) {
  std::string log =
      fmt::format("{} {} path={} query={} authority={} {} framing={} length={}{}{}{} ", head.method_name,
                  head.target, head.path(), head.query(), head.authority, to_string(head.version),
                  static_cast<int>(head.framing), head.content_length, head.keep_alive ? " keep" : "",
                  head.expects_continue ? " expect" : "", head.upgrade ? " upgrade" : "");
  append_fields(log, head.headers);
  return log;
}

inline std::string describe(const response_head& head) {
  std::string log = fmt::format("{} {} {} framing={} length={}{} ", to_string(head.version),
                                to_int(head.status), head.reason, static_cast<int>(head.framing),
                                head.content_length, head.keep_alive ? " keep" : "");
  append_fields(log, head.headers);
  return log;
}

/// Feeds `stream` in pieces of at most `step` bytes, message after message, and ends with `finish`. Body
/// pieces are joined, for the cuts may differ.
template <class Parser>
std::string transcript(Parser parser, std::string_view stream, std::size_t step) {
  std::string log;
  std::string body;
  const auto record = [&](const http1_event& event) {
    if (event.kind == http1_event_kind::body) return body.append(event.body), true;
    if (!body.empty()) log.append("body ").append(body).append("\n");
    body.clear();
    switch (event.kind) {
    case http1_event_kind::head: log.append("head ").append(describe(parser.head())).append("\n"); break;
    case http1_event_kind::trailers:
      log.append("trailers ");
      append_fields(log, parser.trailers());
      log.append("\n");
      break;
    case http1_event_kind::complete:
      log.append("complete\n");
      parser.reset();
      break;
    case http1_event_kind::error:
      log.append(fmt::format("error {} {}\n", to_int(event.error_status), event.reason));
      return false;
    default: break;
    }
    return true;
  };
  while (!stream.empty()) {
    std::string_view input = stream.substr(0, step);
    const std::size_t given = input.size();
    http1_event event;
    do {
      event = parser.next(input);
      if (event.kind != http1_event_kind::need_more && !record(event)) return log;
      // After a complete message, go on only if there is more: an empty input has nothing to say.
    } while (event.kind != http1_event_kind::need_more);
    stream.remove_prefix(given - input.size());
  }
  http1_event end = parser.finish();
  while (end.kind != http1_event_kind::need_more && record(end)) end = parser.finish();
  return log;
}

} // namespace coppice::http::detail
