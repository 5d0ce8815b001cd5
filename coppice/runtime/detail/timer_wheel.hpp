// A hierarchical timer wheel: insert, cancel and fire in constant time. One a core; any thread may use it.
//
// Ticks are 2^16 ns (66 us). A slot of an outer wheel is 256 of the next inner one; each wheel has twice
// that many slots, so that the slot of an outer wheel that comes next can move inwards bit by bit, not all at
// once. Four wheels reach 6 days; what is further away waits in the outermost slot and is put in again when
// it comes up. A timer never fires early. What is due at the same time fires in the order of insertion, what
// is due in one tick in the order of its time.
//
// The wheel holds no timers but small entries that name them. A timer that is cancelled leaves its entry
// behind, which is recognised when it comes up; when there are three such stale entries to one that counts, a
// sweep takes them out, a few at a time.
#pragma once

#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/detail/atomic.hpp"
#include "coppice/runtime/detail/spin_lock.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace coppice::detail {

/// Says whose a timer is and when it goes off.
struct timer_entry {
  static constexpr unsigned owner_bits = 27;

  std::int64_t due_ns = 0; ///< since the clock's epoch
  std::uint64_t key = 0;   ///< what the wheel counts its entries with; in the low bits the owner

  [[nodiscard]] std::uint32_t owner() const noexcept {
    return static_cast<std::uint32_t>(key & ((std::uint64_t{1} << owner_bits) - 1));
  }
  friend auto operator<=>(const timer_entry&, const timer_entry&) = default;
};

/// Knows which entries are stale.
class timer_judge {
public:
  /// Moves those that count to the front: how many they are.
  virtual std::size_t keep(std::span<timer_entry> entries) const noexcept = 0;

protected:
  ~timer_judge() = default;
};

/// Some entries of one slot; a slot is a chain of them, so that it grows without moving what it has.
struct timer_chunk {
  static constexpr std::uint32_t capacity = 15;

  timer_chunk* next;
  std::uint32_t count; ///< unknown in the first of a slot's chain: the slot counts
  std::array<timer_entry, capacity> entries;
};

class timer_wheel {
public:
  static constexpr unsigned tick_shift = 16;
  static constexpr unsigned window_bits = 8; ///< slots of a wheel that make one slot of the next
  static constexpr unsigned levels = 4;
  static constexpr std::size_t slots = std::size_t{2} << window_bits;

  explicit timer_wheel(time_point start) noexcept : now_tick_(floor_tick(ns(start))) {}
  ~timer_wheel();
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;

  quiet_spin_lock& lock() noexcept { return lock_; }

  // --- by any thread that holds the lock ---

  /// Puts an entry in; its key. May throw std::bad_alloc, then nothing has changed.
  std::uint64_t insert(std::int64_t due_ns, std::uint32_t owner) {
    std::uint64_t key = next_key_ | owner;
    place({due_ns, key});
    next_key_ += std::uint64_t{1} << timer_entry::owner_bits;
    ++entries_;
    return key;
  }
  /// An entry that is in the wheel has become stale.
  void forsake() noexcept { ++stale_; }
  [[nodiscard]] bool wants_sweep() const noexcept {
    std::int64_t stale = stale_ + forsaken_.load(std::memory_order_relaxed);
    return stale > sweep_from && stale > entries_ / 4 * 3;
  }
  /// Takes stale entries out. Looks at no more than `at_most`, and goes on from there the next time.
  void sweep(const timer_judge& judge, std::size_t at_most) noexcept;

  // --- by the core's owner ---

  enum class progress : std::uint8_t {
    idle, ///< nothing more is due
    more, ///< there was much to move: to be called again, the lock released meanwhile
    due,  ///< a tick's entries are to be put in order, and then taken
  };
  /// Goes towards `now`, with the lock held for a bounded time. Nothing may be `ready`.
  progress advance(time_point now) noexcept;
  /// Puts what `advance` has found in the order of time. Without the lock.
  void arrange() noexcept;
  [[nodiscard]] bool ready() const noexcept { return next_ready_ < ready_.size(); }
  /// The next entry that is due, out of the wheel. With the lock; `retire` has to follow.
  [[nodiscard]] timer_entry take_ready() noexcept { return ready_[next_ready_++]; }
  /// An entry has been taken that counted, or was stale. With the lock.
  void retire(bool counted) noexcept { drop(1, counted ? 0 : 1); }

  // --- by any thread, without the lock ---

  /// As `forsake`, for those who need not see the wheel otherwise.
  void forsake_unlocked() noexcept { forsaken_.fetch_add(1, std::memory_order_relaxed); }
  /// When to look again: never later than the earliest timer, sometimes earlier. Takes the lock.
  [[nodiscard]] std::optional<time_point> next_due() noexcept;
  /// A cheap test whether `advance(now)` may find something.
  [[nodiscard]] bool maybe_due(time_point now) const noexcept { return ns(now) >= hint_ns(); }
  /// The same in nanoseconds: nothing is due before.
  [[nodiscard]] std::int64_t hint_ns() const noexcept { return hint_ns_.load(std::memory_order_relaxed); }

  /// How many entries count. With the lock, or with the wheel at rest.
  [[nodiscard]] std::size_t size() const noexcept {
    return static_cast<std::size_t>(entries_ - stale_ - forsaken_.load(std::memory_order_relaxed));
  }
  /// All entries, with those that are stale.
  [[nodiscard]] std::size_t entries() const noexcept { return static_cast<std::size_t>(entries_); }

private:
  static constexpr std::int64_t sweep_from = 1024; ///< fewer stale entries are not worth it

  static std::int64_t ns(time_point t) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(t.time_since_epoch()).count();
  }
  static std::uint64_t floor_tick(std::int64_t t) noexcept {
    return static_cast<std::uint64_t>(t) >> tick_shift;
  }
  static std::uint64_t ceil_tick(std::int64_t t) noexcept {
    return (static_cast<std::uint64_t>(t) + (std::uint64_t{1} << tick_shift) - 1) >> tick_shift;
  }

  /// Its newest chunk, and how many entries that has: to insert is to write, and waits for no memory.
  struct slot {
    timer_chunk* chain = nullptr;
    std::uint64_t count = 0;
  };
  struct level {
    std::array<slot, slots> slots_of{};
    std::array<std::uint64_t, slots / 64> occupied{};
  };

  /// The tick in slots of the wheel, counted from the clock's epoch.
  static std::uint64_t position(std::uint64_t tick, unsigned l) noexcept { return tick >> (window_bits * l); }

  void drop(std::int64_t taken, std::int64_t stale) noexcept {
    entries_ -= taken;
    stale_ -= stale;
    if (entries_ == 0) stale_ = -forsaken_.load(std::memory_order_relaxed);
  }
  void place(timer_entry entry);
  [[nodiscard]] slot& slot_at(std::size_t number) noexcept {
    return levels_[number / slots].slots_of[number % slots];
  }
  static timer_chunk* pop(slot& from) noexcept;
  [[nodiscard]] bool occupied(unsigned l, std::uint64_t position) const noexcept;
  void note_empty(std::size_t number) noexcept;
  timer_chunk* take_chunk(unsigned l, std::uint64_t position) noexcept;
  std::size_t move_inwards(unsigned l, std::uint64_t position) noexcept;
  bool begin_windows(std::size_t& moved) noexcept;
  void move_ahead() noexcept;
  timer_chunk* next_to_sweep() noexcept;
  [[nodiscard]] std::optional<std::uint64_t> next_tick() const noexcept;
  void set_hint() noexcept;

  quiet_spin_lock lock_;
  atomic<std::int64_t> hint_ns_{INT64_MAX};
  std::uint64_t now_tick_; ///< every tick before this one has been fired
  std::uint64_t next_key_ = 0;
  std::int64_t entries_ = 0;
  std::int64_t stale_ = 0;           ///< may be below zero, by as much as `forsaken_` is above
  atomic<std::int64_t> forsaken_{0}; ///< stale, too
  std::size_t sweep_at_ = 0;         ///< the slot, counted through all wheels, that is being swept
  slot sweeping_;                    ///< what has yet to be looked at there
  timer_chunk* taken_ = nullptr;   ///< the current tick's, oldest first; as the next by the core's owner only
  std::vector<timer_entry> ready_; ///< the same in order
  std::size_t next_ready_ = 0;
  std::array<level, levels> levels_;
};

} // namespace coppice::detail
