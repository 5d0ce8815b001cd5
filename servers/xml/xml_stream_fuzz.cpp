// Any bytes as a stream, in pieces: what is read comes back from what is written of it.
#include "servers/xml/stream_parser.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  using namespace coppice::xml;
  const parser_limits limits{.stanza = 4096, .depth = 16, .attributes = 16, .parts = 100};
  std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  stream_parser parser(limits);
  const std::size_t piece = data[0] + 1U;
  for (bool goes_on = true; goes_on && !text.empty();) {
    goes_on = parser.feed(text.substr(0, piece)).has_value();
    text.remove_prefix(std::min(piece, text.size()));
    while (std::optional<stream_event> event = parser.next()) {
      const auto* stanza = std::get_if<element>(&*event);
      if (stanza == nullptr) continue;
      const auto again = parse_element(stanza->to_string());
      if (!again || *again != *stanza) std::abort();
    }
  }
  return 0;
}
