// A lock for critical sections of a few instructions (run queues, timer wheels).
#pragma once

#include "coppice/runtime/detail/atomic.hpp"
#include <thread>

namespace coppice::detail {

/// No wake-up is lost between who queues something under it and a core that goes to sleep (see core.cpp): the
/// core tells that it sleeps and then looks under the lock. Either it finds what was queued, or its turn with
/// the lock was before, and then whoever queues sees that it sleeps.
class spin_lock {
public:
  void lock() noexcept {
    while (locked_.exchange(true, std::memory_order_acquire)) {
      for (int spin = 0; locked_.load(std::memory_order_relaxed); ++spin) {
        if (spin < 64) {
          pause();
        } else {
          std::this_thread::yield(); // the holder may have been preempted
        }
      }
    }
  }
  bool try_lock() noexcept { return !locked_.exchange(true, std::memory_order_acquire); }
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }

  /// Tells the processor that the thread spins.
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

protected:
  atomic<bool> locked_{false};
};

/// For what nobody's sleep depends on: unlocking waits for no earlier store of this thread.
class quiet_spin_lock : public spin_lock {
public:
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }
};

} // namespace coppice::detail
