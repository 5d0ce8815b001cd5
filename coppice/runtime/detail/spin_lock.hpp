// A lock for critical sections of a few instructions (run queues, timer wheels).
#pragma once

#include "coppice/runtime/detail/atomic.hpp"
#include <thread>

namespace coppice::detail {

/// Unlocking is a sequentially consistent exchange: what was queued under the lock is visible before the
/// next load of the set of idle cores, so that no wake-up is lost (see core.cpp).
class spin_lock {
public:
  void lock() noexcept {
    while (locked_.exchange(true, std::memory_order_seq_cst)) {
      for (int spin = 0; locked_.load(std::memory_order_relaxed); ++spin) {
        if (spin < 64) {
          pause();
        } else {
          std::this_thread::yield(); // the holder may have been preempted
        }
      }
    }
  }
  bool try_lock() noexcept { return !locked_.exchange(true, std::memory_order_seq_cst); }
  void unlock() noexcept { locked_.exchange(false, std::memory_order_seq_cst); }

  /// Tells the processor that the thread spins.
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

private:
  atomic<bool> locked_{false};
};

} // namespace coppice::detail
