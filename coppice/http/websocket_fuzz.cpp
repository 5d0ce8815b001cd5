// Any bytes into a session: no crash, bounded buffers, the same events and output however the stream is cut;
// and whatever one side sends the other side takes.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "coppice/http/websocket.hpp"

namespace {

using namespace coppice::http;

void require(bool ok) {
  if (!ok) std::abort();
}

websocket_session make(bool client, const websocket_limits& limits) {
  if (!client) return websocket_session::server(limits);
  return websocket_session::client([] { return frame_mask{1, 2, 3, 4}; }, limits);
}

void describe(std::string& log, const std::vector<websocket_event>& events) {
  for (const websocket_event& e : events) {
    log.push_back(static_cast<char>('a' + static_cast<int>(e.kind)));
    log.append(std::to_string(static_cast<int>(e.code)))
        .append(e.clean ? "+" : "-")
        .append(e.data)
        .append("\n");
  }
}

std::string run(bool client, bool closes, const websocket_limits& limits, std::string_view stream,
                std::size_t step) {
  websocket_session session = make(client, limits);
  std::string log;
  if (closes) require(session.close(close_code::going_away, "bye").has_value());
  for (std::size_t i = 0; i < stream.size(); i += step) describe(log, session.feed(stream.substr(i, step)));
  if (const auto end = session.finish()) describe(log, {*end});
  require(session.done());
  return log + session.take_output();
}

/// A message of these bytes arrives as it was sent, and what a session says in answer is never refused.
void check_round_trip(std::string_view payload, bool client) {
  websocket_session from = make(client, {});
  websocket_session to = make(!client, {});
  const bool as_text = from.text(payload).has_value();
  require(as_text || from.binary(payload).has_value());
  const auto events = to.feed(from.take_output());
  require(events.size() == 1 && events[0].data == payload);
  require(events[0].kind == (as_text ? websocket_event_kind::text : websocket_event_kind::binary));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  const bool client = (data[0] & 1) != 0;
  const bool closes = (data[0] & 4) != 0;
  websocket_limits limits;
  if ((data[0] & 2) != 0) limits = {130, 200, 3};
  const std::size_t step = std::size_t{data[1]} + 2;
  const std::string whole = run(client, closes, limits, stream, stream.size() + 1);
  require(whole == run(client, closes, limits, stream, 1));
  require(whole == run(client, closes, limits, stream, step));
  check_round_trip(stream, client);
  return 0;
}
