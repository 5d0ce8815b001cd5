// Bytes of a connection from a peer: signals or a fault, in bounded memory. What was read is written and read
// again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "coppice/dist/frames.hpp"

namespace dist = coppice::dist;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static coppice::node_names nodes(coppice::atom("cpp@127.0.0.1"), 7);
  if (size == 0) return 0;
  const dist::capabilities common = (data[0] & 1) != 0 ? dist::offered : dist::mandatory_25;
  const dist::frame_limits limits{.frame = 1 << 16,
                                  .unfinished = 16,
                                  .unfinished_bytes = 1 << 18,
                                  .terms = {.depth = 1000, .memory = 1 << 22, .inflated = 0}};
  dist::frame_reader reader(common, nodes, limits);
  const dist::frame_writer writer(common, nodes);
  reader.feed({reinterpret_cast<const char*>(data) + 1, size - 1});
  for (auto next = reader.next(); next && *next; next = reader.next()) {
    const dist::signal& s = **next;
    const dist::encoded_signal e = writer.encode(s.what, s.message ? &*s.message : nullptr);
    std::string bytes;
    for (std::uint64_t i = 0; i < writer.frames(e); ++i) writer.append(bytes, e, i, 1);
    dist::frame_reader again(common, nodes);
    again.feed(bytes);
    const auto read = again.next();
    if (!read || !*read || (*read)->what != s.what || (*read)->message != s.message) std::abort();
  }
  if (reader.unfinished_bytes() > limits.unfinished_bytes) std::abort();
  return 0;
}
