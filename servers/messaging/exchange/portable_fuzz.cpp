// Any bytes as a long document in pieces: what begins ends, and no credentials break the reader.
#include "servers/messaging/exchange/credentials.hpp"
#include "servers/xml/stream_parser.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace coppice;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  xml::stream_parser parser({}, [](const xml::element& e) { return e.name().size() == 1; });
  int open = 0;
  const auto take = [&open](const xml::stream_event& event) {
    if (std::holds_alternative<xml::stream_opened>(event)) ++open;
    if (std::holds_alternative<xml::container_opened>(event)) ++open;
    if (std::holds_alternative<xml::container_closed>(event) && --open < 1) std::abort();
    if (std::holds_alternative<xml::stream_closed>(event) && --open != 0) std::abort();
    if (const auto* e = std::get_if<xml::element>(&event)) {
      if (open < 1 || e->name().size() == 1) std::abort();
      (void)messaging::exchange::read_credentials(*e);
      (void)messaging::exchange::read_old_credentials(e->text());
    }
  };
  for (std::size_t at = 0; at < text.size(); at += 7) {
    const bool well = parser.feed(text.substr(at, 7)).has_value();
    while (auto event = parser.next()) take(*event);
    if (!well) break;
  }
  return 0;
}
