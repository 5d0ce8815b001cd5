#include "coppice/runtime/detail/run_queue.hpp"

#include <algorithm>

namespace coppice::detail {

process_block* run_queue::take_next() noexcept {
  constexpr std::array<std::size_t, 4> urgent{0, pinned_lists, 1, pinned_lists + 1};
  for (std::size_t l : urgent) {
    if (process_block* p = lists_[l].take()) {
      change(urgent_, -std::size_t{1});
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
  std::array<process_block*, steal_max> loot;
  std::array<std::size_t, priorities> taken{};
  std::size_t count = 0;
  {
    std::lock_guard guard(victim.lock_);
    for (std::size_t l = 0; l < priorities; ++l) {
      list& from = victim.lists_[l];
      taken[l] = std::min({(from.size() + 1) / 2, from.in_ring(), steal_max - count});
      if (is_urgent(l)) change(victim.urgent_, -taken[l]);
      from.take(loot.data() + count, taken[l]);
      count += taken[l];
    }
    victim.count_taken(count);
  }
  if (count == 0) return nullptr;
  process_block* run_now = loot[0];
  std::lock_guard guard(lock_);
  std::size_t at = 0;
  for (std::size_t l = 0; l < priorities; ++l) {
    for (std::size_t end = at + taken[l]; at < end; ++at) {
      if (at == 0) continue;
      lists_[l].append(*loot[at]);
      if (is_urgent(l)) change(urgent_, 1);
    }
  }
  change(length_, count - 1);
  return run_now;
}

} // namespace coppice::detail
