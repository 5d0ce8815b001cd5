// Any request for room for a file: what is accepted can stand in a URL and in a header.
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/upload.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace coppice;
  constexpr std::uint64_t most = 1000;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto sound = [](std::string_view t) {
    return std::ranges::none_of(t, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == '/'; });
  };
  const std::string name = xmpp::upload_name(text);
  if (name.empty() || name == "." || name == ".." || name.size() > 120 || !sound(name)) std::abort();
  const auto iq = xml::parse_element(text);
  if (!iq) return 0;
  const auto asked = xmpp::parse_upload_request(*iq, most);
  if (!asked) return 0;
  if (asked->size == 0 || asked->size > most || asked->name != xmpp::upload_name(asked->name)) std::abort();
  if (!asked->type.empty() && xmpp::media_type(asked->type) != asked->type) std::abort();
  return 0;
}
