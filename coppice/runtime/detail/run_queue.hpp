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
    change(length_, 1);
    if (is_urgent(l)) change(urgent_, 1);
  }

  process_block* pop() noexcept {
    if (length_.load(std::memory_order_relaxed) == 0) return nullptr;
    std::lock_guard guard(lock_);
    process_block* p = take_next();
    if (p != nullptr) count_taken(1);
    return p;
  }

  /// What stood in the queue at one moment.
  struct mark {
    std::size_t taken = 0;
    std::size_t length = 0;
  };
  [[nodiscard]] mark look() const noexcept {
    return {taken_.load(std::memory_order_relaxed), length_.load(std::memory_order_relaxed)};
  }
  /// Whether some of what stood in it then still does.
  [[nodiscard]] bool still_waits(const mark& then) const noexcept {
    return taken_.load(std::memory_order_relaxed) - then.taken < then.length;
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
    for (std::size_t l = pinned_lists; l < lists_.size(); ++l) pinned += lists_[l].size();
    return length_.load(std::memory_order_relaxed) > pinned;
  }
  /// Whether a process of priority max or high waits here.
  [[nodiscard]] bool has_urgent() const noexcept { return urgent_.load(std::memory_order_relaxed) != 0; }
  [[nodiscard]] std::size_t length() const noexcept { return length_.load(std::memory_order_relaxed); }

private:
  static constexpr std::size_t priorities = 4;
  static constexpr std::size_t pinned_lists = priorities; ///< the same again for pinned processes
  static constexpr bool is_urgent(std::size_t l) noexcept { return l % priorities < 2; }

  /// First in, first out. The oldest stand in a ring of pointers, so that others can be told whose turn comes
  /// next, and thieves can take some, without touching a block; the rest hang on each other.
  class list {
  public:
    [[nodiscard]] std::size_t size() const noexcept { return in_ring() + hanging_; }
    [[nodiscard]] std::size_t in_ring() const noexcept { return tail_ - head_; }
    void append(process_block& p) noexcept {
      if (hanging_ == 0 && in_ring() < capacity) {
        ring_[tail_++ % capacity] = &p;
        return;
      }
      p.run_next = nullptr;
      (hanging_ == 0 ? first_ : last_->run_next) = &p;
      last_ = &p;
      ++hanging_;
    }
    process_block* take() noexcept {
      if (head_ == tail_) return nullptr;
      process_block* p = ring_[head_++ % capacity];
      if (hanging_ != 0) pull_in();
      fetch_ahead();
      return p;
    }
    /// Takes so many of those in the ring.
    void take(process_block** to, std::size_t count) noexcept {
      for (std::size_t i = 0; i < count; ++i) to[i] = ring_[head_++ % capacity];
      if (hanging_ != 0) pull_in();
    }

  private:
    static constexpr std::uint32_t capacity = 256;

    /// Two for one, so that the ring fills up again while nobody has to wait for it.
    void pull_in() noexcept {
      for (int i = 0; i < 2 && hanging_ != 0 && in_ring() < capacity; ++i, --hanging_) {
        ring_[tail_++ % capacity] = first_;
        first_ = first_->run_next;
      }
      if (hanging_ != 0) __builtin_prefetch(first_);
    }
    /// Has the memory on its way to the cache that the next turns need.
    void fetch_ahead() const noexcept {
      constexpr std::size_t line = 64;
      if (in_ring() >= 1) {
        const process_block& next = *ring_[head_ % capacity];
        const void* frame = next.resume ? next.resume.address() : next.waiting;
        __builtin_prefetch(frame);
      }
      if (in_ring() >= 2) {
        auto* after_next = reinterpret_cast<char*>(ring_[(head_ + 1) % capacity]);
        for (std::size_t i = 0; i < 3; ++i) __builtin_prefetch(after_next + i * line, 1);
      }
    }

    std::array<process_block*, capacity> ring_;
    std::uint32_t head_ = 0;
    std::uint32_t tail_ = 0;
    process_block* first_ = nullptr; ///< of those that hang on each other: younger than all in the ring
    process_block* last_ = nullptr;
    std::size_t hanging_ = 0;
  };

  static std::size_t index(const process_block& p) noexcept {
    std::size_t l = p.priority.load(std::memory_order_relaxed);
    return p.pinned.load(std::memory_order_relaxed) >= 0 ? pinned_lists + l : l;
  }
  process_block* take_next() noexcept;
  void count_taken(std::size_t n) noexcept { ///< under the lock
    change(length_, -n);
    change(taken_, n);
  }
  /// A count that changes under the lock alone.
  static void change(atomic<std::size_t>& count, std::size_t by) noexcept {
    count.store(count.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  spin_lock lock_;
  atomic<std::size_t> length_{0};
  atomic<std::size_t> taken_{0}; ///< how many have ever been popped or stolen
  atomic<std::size_t> urgent_{0};
  unsigned turn_ = 0;
  std::array<list, 2 * priorities> lists_;
};

} // namespace coppice::detail
