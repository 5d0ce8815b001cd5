// Whatever is an address is itself when it is read again.
#include "servers/xmpp/jid.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using coppice::xmpp::jid;
  const auto one = jid::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!one) return 0;
  if (one->domain().empty() || one->text().size() > 3 * 1023 + 2) std::abort();
  const auto again = jid::parse(one->text());
  if (!again || *again != *one || again->local() != one->local() || again->resource() != one->resource()) {
    std::abort();
  }
  return 0;
}
