// Any answer as what a client can do: what is read and written again promises the same.
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/caps.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace coppice;
  const auto e = xml::parse_element(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!e) return 0;
  (void)xmpp::parse_caps(*e);
  const auto info = xmpp::parse_disco_info(*e);
  if (!info) return 0;
  const auto again = xmpp::parse_disco_info(xmpp::to_element(*info));
  if (!again || xmpp::verification_string(*again, "sha-1") != xmpp::verification_string(*info, "sha-1")) {
    std::abort();
  }
  return 0;
}
