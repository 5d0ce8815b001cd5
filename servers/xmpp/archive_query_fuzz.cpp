// Any element as a question to an archive and as preferences: what is taken keeps within its bounds.
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/archive_query.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace coppice;
  const auto e = xml::parse_element(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!e) return 0;
  const auto query = xmpp::parse_archive_query(*e, {.ids = 5, .id_bytes = 10});
  if (query && (query->ids.size() > 5 || query->id.size() > 10 || query->page.size(50) > 50)) std::abort();
  const auto preferences = xmpp::parse_archive_preferences(*e, 5);
  if (!preferences) return 0;
  if (preferences->always.size() > 5 || preferences->never.size() > 5) std::abort();
  const auto again = xmpp::parse_archive_preferences(xmpp::to_element(*preferences));
  if (!again || *again != *preferences) std::abort();
  return 0;
}
