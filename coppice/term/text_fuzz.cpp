// Whatever parses prints, and what was printed parses to the same term.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "coppice/term/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = coppice::parse_term(text);
  if (!value) return 0;
  for (const bool unicode : {false, true}) {
    const std::string printed = coppice::to_string(*value, {.unicode = unicode});
    const auto again = coppice::parse_term(printed);
    if (!again || *again != *value || again->hash() != value->hash()) std::abort();
    if (coppice::to_string(*value, {.limit = 20, .unicode = unicode}).size() > 20) std::abort();
  }
  return 0;
}
