// The one source of chance in a simulation: everything in a run is a function of its seed.
#pragma once

#include <cstdint>

namespace coppice::sim {

/// SplitMix64 (Steele, Lea and Flood, 2014): small, fast and the same on every machine, which the
/// distributions of the standard library are not.
class random {
public:
  explicit constexpr random(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31U);
  }
  /// From 0 to below `bound`, which is at least 1. Small bounds: the bias of the remainder is nothing here.
  constexpr std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
  /// From `low` to `high`, both within.
  constexpr int between(int low, int high) noexcept {
    return low + static_cast<int>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  /// True `in_thousand` times of 1,000.
  constexpr bool chance(unsigned in_thousand) noexcept { return below(1000) < in_thousand; }

private:
  std::uint64_t state_;
};

} // namespace coppice::sim
