// G10: an over-aligned local in a coroutine. Sixty-four frames are alive at once, so that chance does not
// align all.
#include "tests/compiler/canary.hpp"
#include <cstdint>
#include <memory>
#include <vector>

struct alignas(64) line {
  int value = 0;
};

// The address goes through a volatile, or the optimiser would answer from what it assumes.
int misaligned(const line* local) {
  const line* volatile address = local;
  return reinterpret_cast<std::uintptr_t>(address) % 64 != 0 ? 1 : 0;
}

task<int> frame(int) {
#ifdef SAFE
  auto local = std::make_unique<line>();
  int result = misaligned(local.get());
#else
  line local;
  int result = misaligned(&local);
#endif
  co_return result;
}

int main() {
  std::vector<task<int>> frames;
  int found = 0;
  for (int n = 0; n < 64; ++n) {
    frames.push_back(frame(n));
    found += frames.back().run().value_or(1);
  }
  return found == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
