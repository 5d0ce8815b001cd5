// The slots in which processes live: one stretch of address space, which gets memory as the slots come into
// use. It is never unmapped, so a pid of any age can be looked up without a lock. Slots are reused first in,
// first out, and each use has a new generation.
#pragma once

#include "coppice/runtime/detail/process_block.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace coppice::detail {

/// The free slots that one core keeps for itself; touched by its owner only.
struct free_slots {
  process_block* first = nullptr;
  process_block* last = nullptr;
  std::size_t size = 0;
};

class process_table {
public:
  /// For so many at once; for fewer where the system does not grant the address space.
  explicit process_table(std::uint32_t max_processes);
  ~process_table();
  process_table(const process_table&) = delete;
  process_table& operator=(const process_table&) = delete;

  /// The block of a pid's slot, whoever lives there now; null if there never was such a slot.
  [[nodiscard]] process_block* find(std::uint64_t id) const noexcept {
    std::uint32_t slot = pid{id}.slot();
    return slot < used_.load(std::memory_order_acquire) ? blocks_ + slot : nullptr;
  }

  /// A free block, its id not yet in use. `cache` is the caller's core's, or null.
  process_block* acquire(free_slots* cache);
  /// Gives a block back; its id has been moved on.
  void release(process_block& p, free_slots* cache) noexcept;

  /// One past the highest slot ever used.
  [[nodiscard]] std::uint32_t used() const noexcept { return used_.load(std::memory_order_acquire); }
  [[nodiscard]] process_block* at(std::uint32_t slot) const noexcept { return find(slot); }

private:
  static constexpr std::size_t slots_max = std::size_t{1} << pid::slot_bits;
  static constexpr std::size_t batch = 256; ///< slots that a core takes or gives back at once

  void add_fresh(free_slots& into, std::size_t count);
  void refill(free_slots& into, std::size_t count);
  void append(free_slots& list, process_block& p) noexcept;
  process_block* take(free_slots& list) noexcept;

  std::uint32_t max_;
  std::size_t mapped_ = 0; ///< bytes
  process_block* blocks_ = nullptr;
  std::atomic<std::uint32_t> used_{0};
  mutex mutex_;
  free_slots shared_; ///< under mutex_
};

} // namespace coppice::detail
