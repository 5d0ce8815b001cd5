// The runnable processes of a core: four priorities, first in first out, and those pinned to the core.
// Any thread may push; the core's worker pops; other workers steal half of what is not pinned.
#pragma once

#include "coppice/runtime/detail/process_block.hpp"
#include "coppice/runtime/detail/spin_lock.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>

namespace coppice::detail {

class run_queue {
public:
  void push(process_block& p) noexcept {
    std::lock_guard guard(lock_);
    lists_[index(p)].append(p);
    length_.fetch_add(1, std::memory_order_relaxed);
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
    return length_.load(std::memory_order_relaxed) > lists_[pinned_list].size;
  }
  [[nodiscard]] std::size_t length() const noexcept { return length_.load(std::memory_order_relaxed); }

private:
  static constexpr std::size_t priorities = 4;
  static constexpr std::size_t pinned_list = priorities;

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
    return p.pinned.load(std::memory_order_relaxed) >= 0 ? pinned_list
                                                         : p.priority.load(std::memory_order_relaxed);
  }
  process_block* take_next() noexcept;

  spin_lock lock_;
  std::atomic<std::size_t> length_{0};
  unsigned turn_ = 0;
  std::array<list, priorities + 1> lists_;
};

} // namespace coppice::detail
