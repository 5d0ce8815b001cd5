// Whatever can be read can be written, and reads as the same term; nothing takes more memory than it may.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "coppice/term/external.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static coppice::node_names nodes(coppice::atom("cpp@127.0.0.1"), 7);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const coppice::external_limits limits{.depth = 10'000, .memory = 1 << 24, .inflated = 1 << 20};
  const auto value = coppice::binary_to_term(bytes, nodes, limits);
  if (!value) {
    if (value.error().offset > limits.inflated || value.error().what.empty()) std::abort();
    return 0;
  }
  const std::string written = coppice::term_to_binary(*value, nodes);
  const auto again = coppice::binary_to_term(written, nodes);
  if (!again || *again != *value || again->hash() != value->hash()) std::abort();
  if (coppice::term_to_binary(*again, nodes) != written) std::abort();
  const auto packed = coppice::binary_to_term(coppice::term_to_compressed_binary(*value, nodes), nodes);
  if (!packed || *packed != *value) std::abort();
  return 0;
}
