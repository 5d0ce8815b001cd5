// Any bytes into the inflater, into the negotiation and into a session that compresses: no crash, bounded
// output, the same result however they are cut; and what one side compresses the other side reads.
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

std::string events_of(std::string_view stream, std::size_t step) {
  websocket_session session = websocket_session::server({300, 500, 3});
  session.compress({});
  std::string log;
  for (std::size_t i = 0; i < stream.size(); i += step) {
    for (const websocket_event& e : session.feed(stream.substr(i, step))) {
      require(e.data.size() <= 500);
      log +=
          std::to_string(static_cast<int>(e.kind)) + std::to_string(static_cast<int>(e.code)) + e.data + "\n";
    }
  }
  return log + session.take_output();
}

void check_inflater(std::string_view bytes, std::size_t step) {
  websocket_deflater whole{deflate_agreement()};
  websocket_deflater cut{deflate_agreement()};
  std::string a;
  std::string b;
  auto first = whole.inflate(bytes, a, 10'000);
  auto second = websocket_deflater::outcome::ok;
  for (std::size_t i = 0; i < bytes.size() && second == websocket_deflater::outcome::ok; i += step) {
    second = cut.inflate(bytes.substr(i, step), b, 10'000);
  }
  require(first == second && a.size() <= 10'000 && b.size() <= 10'000);
  if (first == websocket_deflater::outcome::ok) require(a == b);
}

void check_negotiation(std::string_view field) {
  headers fields;
  fields.add("Sec-WebSocket-Extensions", field);
  (void)deflate_answer(fields, {});
  auto accepted = accept_deflate(fields, {});
  if (!accepted) return;
  require(accepted->agreement.own_window_bits >= 9 && accepted->agreement.own_window_bits <= 15);
}

void check_round_trip(std::string_view payload, const deflate_agreement& agreement) {
  deflate_agreement theirs = agreement;
  std::swap(theirs.own_context, theirs.peer_context);
  websocket_session from = websocket_session::client([] { return frame_mask{1, 2, 3, 4}; });
  websocket_session to = websocket_session::server();
  from.compress(agreement);
  to.compress(theirs);
  for (int i = 0; i < 2; ++i) {
    require(from.binary(payload).has_value());
    const auto events = to.feed(from.take_output());
    require(events.size() == 1 && events[0].data == payload);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t step = std::size_t{data[1]} + 1;
  check_inflater(stream, step);
  check_negotiation(stream);
  require(events_of(stream, stream.size() + 1) == events_of(stream, step));
  check_round_trip(stream, {(data[0] & 1) != 0, (data[0] & 2) != 0, 9 + (data[0] >> 2) % 7});
  return 0;
}
