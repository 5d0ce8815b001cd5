// Messages of a handshake from a peer that knows no cookie: whatever it says, it does not get in.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "coppice/dist/handshake.hpp"

namespace dist = coppice::dist;

namespace {

/// The next message: a byte of length, and so many bytes.
std::string_view next(std::string_view& bytes) {
  const std::size_t n = static_cast<std::uint8_t>(bytes[0]);
  const std::string_view taken = bytes.substr(1, n);
  bytes.remove_prefix(1 + taken.size());
  return taken;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const dist::handshake_side mine{.self = {.name = "b@h", .creation = 7, .can = dist::offered},
                                  .cookie = "a secret",
                                  .challenge = 0x12345678};
  dist::handshake_in in(mine);
  dist::handshake_out out(mine, "a@h", false);
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bool in_over = false;
  bool out_over = false;
  while (!bytes.empty()) {
    const std::string_view message = next(bytes);
    if (!in_over) in_over = in.step(message).failed.has_value();
    if (!in_over && in.asks())
      in_over = in.admit(static_cast<dist::admission>(message.size() % 5)).failed.has_value();
    if (!out_over) out_over = out.step(message).failed.has_value();
  }
  if (in.done() || out.done()) std::abort();
  return 0;
}
