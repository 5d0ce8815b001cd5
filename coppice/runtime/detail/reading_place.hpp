// Spreads threads over places to read from, so that readers do not meet.
#pragma once

#include "coppice/runtime/detail/context.hpp"

#include <cstddef>
#include <cstdint>

namespace coppice::detail {

/// This thread's place of so many. The number says nothing else.
inline std::size_t reading_place(std::size_t places) noexcept {
  auto address = reinterpret_cast<std::uintptr_t>(&this_context);
  return (address * 0x9e3779b97f4a7c15ULL >> 32U) % places;
}

} // namespace coppice::detail
