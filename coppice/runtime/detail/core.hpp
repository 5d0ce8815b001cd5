// A core: run queue, run-next slot, timer wheel, poller, free slots. A worker thread owns it for a while.
#pragma once

#include "coppice/runtime/detail/atomic.hpp"
#include "coppice/runtime/detail/context.hpp"
#include "coppice/runtime/detail/process_table.hpp"
#include "coppice/runtime/detail/run_queue.hpp"
#include "coppice/runtime/detail/timer_wheel.hpp"
#include "coppice/runtime/poller.hpp"

#include <memory>

namespace coppice::detail {

class machine;

/// A counter that one thread writes and any may read.
class owned_counter {
public:
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }
  [[nodiscard]] std::uint64_t read() const noexcept { return value_.load(std::memory_order_acquire); }

private:
  atomic<std::uint64_t> value_{0};
};

class alignas(64) core {
public:
  core(machine& m, unsigned number, time_point start, std::unique_ptr<poller> p)
      : wheel(start), sleeper(std::move(p)), index(number), machine_(m) {}
  core(const core&) = delete;
  core& operator=(const core&) = delete;

  // --- by the owner, in a section ---

  /// Runs next what has just been woken: sender and receiver share a cache. Bounded, so that a pair that
  /// keeps waking each other does not starve the queue.
  void run_soon(process_block& p) noexcept;
  /// The next process to run, or null: own queue first, then stolen.
  process_block* next() noexcept;
  [[nodiscard]] bool has_work() const noexcept { return run_next_ != nullptr || queue.length() > 0; }
  /// Sleeps until there may be something to do.
  void sleep() noexcept;
  /// Now and then: timers and sockets. `long_slice` tells that time has certainly passed.
  void housekeep(bool long_slice) noexcept;
  /// Delivers every timer that is due.
  void fire_timers(time_point now) noexcept;

  // --- by any thread ---

  /// Queues from outside and sees to it that somebody runs it. With more than `backlog` others before it,
  /// another core is asked to help.
  void inject(process_block& p, std::size_t backlog) noexcept;
  void wake() noexcept { sleeper->wake(); }
  [[nodiscard]] bool asleep() const noexcept { return asleep_.load(std::memory_order_seq_cst); }
  /// Tells the owner that time has passed, so that short but slow slices do not delay timers and sockets.
  void remind() noexcept { overdue_.store(true, std::memory_order_relaxed); }
  /// Wakes the core if it sleeps; false if it does not.
  bool wake_if_asleep() noexcept;

  run_queue queue;
  timer_wheel wheel;
  std::unique_ptr<poller> sleeper;
  free_slots free;
  const unsigned index;
  owned_counter spawned, ended, messages, reductions;

private:
  void fire_embedded(timer_node& node, time_point now) noexcept;

  static constexpr unsigned streak_max = 64;
  static constexpr unsigned housekeep_every = 16;

  machine& machine_;
  process_block* run_next_ = nullptr;
  unsigned streak_ = 0;
  unsigned ticks_ = 0;
  time_point last_poll_{};
  atomic<bool> asleep_{false};
  atomic<bool> overdue_{false};
};

} // namespace coppice::detail
