// Where the timers of send_after that were started on one core are kept: found by their slot.
#pragma once

#include "coppice/runtime/detail/envelope.hpp"
#include "coppice/runtime/detail/timer_wheel.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice::detail {

class process_table;

/// Under the lock of the core's wheel.
class timer_shelf final : public timer_judge {
public:
  struct record {
    std::uint64_t unique; ///< of the timer's reference; 0: free
    envelope* message;    ///< knows its addressee
    std::int64_t due_ns;  ///< of a free record: the next free one
    std::uint64_t key;    ///< of the entry in the wheel
  };

  static constexpr unsigned slot_bits = 26;
  static constexpr std::uint32_t of_process = 1U << slot_bits; ///< in an entry's owner: it is no record's

  explicit timer_shelf(const process_table& processes) noexcept : processes_(processes) {}
  ~timer_shelf();
  timer_shelf(const timer_shelf&) = delete;
  timer_shelf& operator=(const timer_shelf&) = delete;

  /// The slot that the next `put` uses. May throw std::bad_alloc.
  std::uint32_t next_free() {
    if (first_free_ == used_ && used_ == chunks_.size() * chunk_size) grow();
    return static_cast<std::uint32_t>(first_free_);
  }
  /// A record from `next_free`'s slot. Each field by itself: one copied as a whole would wait for its parts.
  void put(std::uint64_t unique, envelope* message, std::int64_t due_ns, std::uint64_t key) noexcept;
  /// Frees a timer's record: its message.
  envelope_ptr release(record& r) noexcept;
  /// The record in a slot, or null if there was never one.
  [[nodiscard]] record* at(std::size_t slot) const noexcept {
    return slot < used_ ? &chunks_[slot / chunk_size][slot % chunk_size] : nullptr;
  }

  [[nodiscard]] bool counts(const timer_entry& entry) const noexcept;
  std::size_t keep(std::span<timer_entry> entries) const noexcept override;
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
  /// 2 MiB each: what the system has large pages for. Memory is in use as far as it was touched.
  static constexpr std::size_t chunk_size = (std::size_t{2} << 20U) / sizeof(record);

  [[nodiscard]] bool taken(std::size_t slot) const noexcept {
    return (taken_[slot / 64] >> (slot % 64) & 1) != 0;
  }
  void grow();
  void shrink(std::size_t chunks) noexcept;

  const process_table& processes_;
  std::vector<record*> chunks_;
  std::vector<std::uint64_t>
      taken_;                  ///< a bit a record: small enough to stay in the cache while all are swept
  std::size_t used_ = 0;       ///< records that were ever taken
  std::size_t first_free_ = 0; ///< a list of those that are free again, which ends at `used_`
  std::size_t size_ = 0;
};

} // namespace coppice::detail
