// A slice: one turn of a process on a worker.
#pragma once

#include "coppice/runtime/detail/context.hpp"

namespace coppice::detail {

/// Reductions a slice has: messages handled, receives, resumptions.
inline constexpr std::uint32_t slice_reductions = 1000;

/// Runs the process until it waits, ends, or its slice is over; then it is queued again where it belongs.
/// Returns the reductions spent of those given.
std::uint32_t run_slice(worker& w, process_block& p, std::uint32_t reductions = slice_reductions) noexcept;

/// Whether the worker's core has been taken away. Inside the runtime only.
inline bool lost_core(const worker& w) noexcept { return w.on == nullptr; }

} // namespace coppice::detail
