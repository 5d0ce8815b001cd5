// Any bytes: no crash, bounded work, and the same events however the stream is cut.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "coppice/http/detail/transcript.hpp"
#include "coppice/http/http1_parser.hpp"
#include "coppice/http/http1_writer.hpp"

namespace {

using namespace coppice::http;

void require(bool ok) {
  if (!ok) std::abort();
}

template <class Parser>
void check_cuts(const Parser& parser, std::string_view stream, std::size_t step) {
  const std::string whole = detail::transcript(parser, stream, stream.size() + 1);
  require(whole == detail::transcript(parser, stream, 1));
  require(whole == detail::transcript(parser, stream, step));
}

/// What was read as one request, written again, must be read as the same one request.
void check_rewrite(std::string_view stream) {
  http1_request_parser parser;
  std::string_view input = stream;
  if (parser.next(input).kind != http1_event_kind::head) return;
  const request_head& head = parser.head();
  if (head.method == method::connect || head.authority.empty()) return;
  request_to_send again;
  again.method = head.method_name;
  again.target = head.target;
  again.authority = head.authority;
  again.keep_alive = head.keep_alive;
  again.body_size = 0;
  std::string out;
  http1_request_writer writer;
  require(writer.head(out, again).has_value() && writer.finish(out).has_value());
  http1_request_parser second;
  std::string_view rest = out;
  require(second.next(rest).kind == http1_event_kind::head);
  require(second.head().target == head.target && second.head().authority == head.authority);
  require(second.next(rest).kind == http1_event_kind::complete && rest.empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  http1_limits limits;
  if ((data[0] & 1) != 0) {
    limits.request_line = 64;
    limits.header_line = 48;
    limits.head_bytes = 160;
    limits.header_count = 4;
    limits.chunk_line = 24;
    limits.chunk_extensions = 40;
    limits.trailer_bytes = 64;
    limits.trailer_count = 2;
    limits.body = 100;
  }
  const std::size_t step = std::size_t{data[1]} + 2;
  if ((data[0] & 2) != 0) {
    http1_response_parser parser(limits);
    if ((data[0] & 4) != 0) parser.expect(method::head);
    if ((data[0] & 8) != 0) parser.expect(method::connect);
    check_cuts(parser, stream, step);
  } else {
    check_cuts(http1_request_parser(limits), stream, step);
    check_rewrite(stream);
  }
  return 0;
}
