#include "coppice/runtime/detail/run_queue.hpp"

#include <algorithm>

namespace coppice::detail {

process_block* run_queue::take_next() noexcept {
  ++turn_;
  if (process_block* p = lists_[0].take()) return p;
  if (process_block* p = lists_[1].take()) return p;
  // Normal, pinned and low share what is left: pinned processes alternate with normal ones, low ones get one
  // turn in eight, and nobody waits while the others have nothing.
  std::array<std::size_t, 3> order{2, pinned_list, 3};
  if (turn_ % 8 == 0) {
    order = {3, 2, pinned_list};
  } else if (turn_ % 2 == 0) {
    order = {pinned_list, 2, 3};
  }
  for (std::size_t l : order) {
    if (process_block* p = lists_[l].take()) return p;
  }
  return nullptr;
}

process_block* run_queue::steal_from(run_queue& victim) noexcept {
  constexpr std::size_t steal_max = 128;
  if (victim.length_.load(std::memory_order_relaxed) == 0) return nullptr;
  list loot[priorities];
  std::size_t taken = 0;
  {
    std::lock_guard guard(victim.lock_);
    for (std::size_t l = 0; l < priorities && taken < steal_max; ++l) {
      std::size_t want = std::min((victim.lists_[l].size + 1) / 2, steal_max - taken);
      for (std::size_t i = 0; i < want; ++i, ++taken) loot[l].append(*victim.lists_[l].take());
    }
    victim.length_.fetch_sub(taken, std::memory_order_relaxed);
  }
  if (taken == 0) return nullptr;
  process_block* run_now = nullptr;
  std::lock_guard guard(lock_);
  for (std::size_t l = 0; l < priorities; ++l) {
    while (process_block* p = loot[l].take()) {
      if (run_now == nullptr) {
        run_now = p;
      } else {
        lists_[l].append(*p);
        length_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }
  return run_now;
}

} // namespace coppice::detail
