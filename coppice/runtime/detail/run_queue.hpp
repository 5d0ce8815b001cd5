// The runnable processes of a core: four priorities, first in first out, and the same
// again for those pinned to the core.
// Any thread may push; the core's worker pops; other workers steal half of what is not pinned.
#pragma once

#include "coppice/runtime/detail/atomic.hpp"
#include "coppice/runtime/detail/process_block.hpp"
#include "coppice/runtime/detail/spin_lock.hpp"

#include <array>
#include <cstddef>
#include <mutex>

namespace coppice::detail {

class run_queue {
public:
  void push(process_block& p) noexcept {
    std::lock_guard guard(lock_);
    std::size_t l = index(p);
    lists_[l].append(p);
    length_.fetch_add(1, std::memory_order_relaxed);
    if (is_urgent(l)) urgent_.fetch_add(1, std::memory_order_relaxed);
  }

  process_block* pop() noexcept {
    if (length_.load(std::memory_order_relaxed) == 0) return nullptr;
    std::lock_guard guard(lock_);
    process_block* p = take_next();
    if (p != nullptr) length_.fetch_sub(1, std::memory_order_relaxed);
    return p;
  }

  /// Moves up to half of the unpinned processes of `victim` here and returns one more of them to run.
  process_block* steal_from(run_queue& victim) noexcept;

  /// Looks under the lock: what was pushed before the lock was taken is seen.
  bool empty_for_sure() noexcept {
    std::lock_guard guard(lock_);
    return length_.load(std::memory_order_relaxed) == 0;
  }
  /// Whether there is something for any core. Under the lock.
  bool has_stealable() noexcept {
    std::lock_guard guard(lock_);
    std::size_t pinned = 0;
    for (std::size_t l = pinned_lists; l < lists_.size(); ++l) pinned += lists_[l].size;
    return length_.load(std::memory_order_relaxed) > pinned;
  }
  /// Whether a process of priority max or high waits here.
  [[nodiscard]] bool has_urgent() const noexcept { return urgent_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] std::size_t length() const noexcept { return length_.load(std::memory_order_relaxed); }

private:
  static constexpr std::size_t priorities = 4;
  static constexpr std::size_t pinned_lists = priorities; ///< the same again for pinned processes
  static constexpr bool is_urgent(std::size_t l) noexcept { return l % priorities < 2; }

  struct list {
    process_block* first = nullptr;
    process_block* last = nullptr;
    std::size_t size = 0;

    void append(process_block& p) noexcept {
      p.run_next = nullptr;
      (last == nullptr ? first : last->run_next) = &p;
      last = &p;
      ++size;
    }
    process_block* take() noexcept {
      process_block* p = first;
      if (p == nullptr) return nullptr;
      first = p->run_next;
      if (first == nullptr) last = nullptr;
      --size;
      return p;
    }
  };

  static std::size_t index(const process_block& p) noexcept {
    std::size_t l = p.priority.load(std::memory_order_relaxed);
    return p.pinned.load(std::memory_order_relaxed) >= 0 ? pinned_lists + l : l;
  }
  process_block* take_next() noexcept;

  spin_lock lock_;
  atomic<std::size_t> length_{0};
  atomic<std::size_t> urgent_{0};
  unsigned turn_ = 0;
  std::array<list, 2 * priorities> lists_;
};

} // namespace coppice::detail
