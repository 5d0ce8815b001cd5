#include "coppice/runtime/detail/run_queue.hpp"

#include <algorithm>

namespace coppice::detail {

process_block* run_queue::take_next() noexcept {
  constexpr std::array<std::size_t, 4> urgent{0, pinned_lists, 1, pinned_lists + 1};
  for (std::size_t l : urgent) {
    if (process_block* p = lists_[l].take()) {
      urgent_.fetch_sub(1, std::memory_order_relaxed);
      return p;
    }
  }
  // Normal and low share what is left: pinned processes alternate with the others, low ones get one turn in
  // eight, and nobody waits while the others have nothing. Urgent turns do not count: they must not take away
  // the very turns that were meant for somebody.
  ++turn_;
  bool low_first = turn_ % 8 == 0;
  bool pinned_first = (low_first ? turn_ / 8 : turn_) % 2 == 0;
  std::size_t first = pinned_first ? pinned_lists : 0;
  std::size_t second = pinned_lists - first;
  std::array<std::size_t, 4> order{first + 2, second + 2, first + 3, second + 3};
  if (low_first) order = {first + 3, second + 3, first + 2, second + 2};
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
      if (is_urgent(l)) victim.urgent_.fetch_sub(want, std::memory_order_relaxed);
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
        if (is_urgent(l)) urgent_.fetch_add(1, std::memory_order_relaxed);
        length_.fetch_add(1, std::memory_order_relaxed);
      }
    }
  }
  return run_now;
}

} // namespace coppice::detail
