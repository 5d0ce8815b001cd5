// A hierarchical timer wheel: insert, cancel and fire in constant time. One a core; any thread may use it.
//
// Ticks are 2^18 ns (0.26 ms). A slot of an outer wheel is 256 of the next inner one; each wheel has twice
// that many slots, so that the slot of an outer wheel that comes next can move inwards bit by bit, not all at
// once. Four wheels reach 26 days; what is further away waits in the outermost slot and is put in again when
// it comes up. A timer never fires early. What is due at the same time fires in the order of insertion, what
// is due in one tick in the order of its time.
#pragma once

#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/detail/atomic.hpp"
#include "coppice/runtime/detail/spin_lock.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <mutex>
#include <optional>

namespace coppice::detail {

/// What a timer owner embeds. Touched only under the lock of the wheel it is in.
struct timer_node {
  timer_node* next = nullptr;
  timer_node** link = nullptr; ///< what points at this node; null when it is in no wheel
  std::int64_t due_ns = 0;     ///< since the clock's epoch
  std::uint16_t slot = 0;
  std::uint8_t level = 0;
  bool embedded = false; ///< belongs to a process block, not to a send_after
};

class timer_wheel {
public:
  static constexpr unsigned tick_shift = 18;
  static constexpr unsigned window_bits = 8; ///< slots of a wheel that make one slot of the next
  static constexpr unsigned levels = 4;
  static constexpr std::size_t slots = std::size_t{2} << window_bits;

  explicit timer_wheel(time_point start) noexcept : now_tick_(floor_tick(ns(start))) {}
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;

  spin_lock& lock() noexcept { return lock_; }

  /// Puts the node in, due at `due_ns`. The lock is held; the node is in no wheel. True if whoever sleeps
  /// until `next_due()` has to look again.
  bool insert(timer_node& node, std::int64_t due_ns) noexcept {
    std::int64_t before = hint_ns_.load(std::memory_order_relaxed);
    node.due_ns = due_ns;
    place(node, end::back);
    ++size_;
    return hint_ns_.load(std::memory_order_relaxed) < before;
  }

  /// Takes the node out; false if it was not in. The lock is held.
  bool remove(timer_node& node) noexcept {
    if (node.link == nullptr) return false;
    unlink(node);
    --size_;
    return true;
  }

  /// Takes one node that is due at `now` out, or nullptr when there is none left. The lock is held.
  timer_node* pop_due(time_point now) noexcept;

  /// When to look again: never later than the earliest timer, sometimes earlier. Takes the lock.
  [[nodiscard]] std::optional<time_point> next_due() noexcept;

  /// A cheap test, without the lock, whether `pop_due(now)` may have something.
  [[nodiscard]] bool maybe_due(time_point now) const noexcept {
    return hint_ns_.load(std::memory_order_relaxed) <= ns(now);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
  static std::int64_t ns(time_point t) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count();
  }
  static std::uint64_t floor_tick(std::int64_t t) noexcept {
    return static_cast<std::uint64_t>(t) >> tick_shift;
  }
  static std::uint64_t ceil_tick(std::int64_t t) noexcept {
    return (static_cast<std::uint64_t>(t) + (std::uint64_t{1} << tick_shift) - 1) >> tick_shift;
  }

  struct level {
    std::array<timer_node*, slots> heads{};
    std::array<timer_node**, slots> tails{}; ///< the last node's `next`; null while the slot is empty
    std::array<std::uint64_t, slots / 64> occupied{};
  };

  /// A node that comes down from an outer wheel is older than what is in its new slot: it goes to the front.
  enum class end : std::uint8_t { front, back };

  /// The tick in slots of the wheel, counted from the clock's epoch.
  static std::uint64_t position(std::uint64_t tick, unsigned l) noexcept { return tick >> (window_bits * l); }

  void place(timer_node& node, end where) noexcept;
  void unlink(timer_node& node) noexcept;
  bool move_inwards(unsigned from_level, std::uint64_t position) noexcept;
  void begin_windows() noexcept;
  void move_ahead() noexcept;
  [[nodiscard]] std::optional<std::uint64_t> next_tick() const noexcept;
  void set_hint() noexcept;
  void sort_slot() noexcept;

  spin_lock lock_;
  std::uint64_t now_tick_;        ///< every tick before this one has been fired
  std::uint64_t sorted_tick_ = 0; ///< whose slot has been put in order of time
  std::size_t size_ = 0;
  atomic<std::int64_t> hint_ns_{INT64_MAX};
  std::array<level, levels> levels_;
};

} // namespace coppice::detail
