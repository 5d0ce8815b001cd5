// Where this thread stands: which process it runs, on which core, and the sections inside the runtime.
#pragma once

#include "coppice/runtime/detail/process_block.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>

namespace coppice::detail {

class core;

/// A thread that runs processes. It owns a core, until the monitor thread takes the core away because the
/// thread has been in user code for too long; then it finishes its slice without one and retires.
struct worker {
  std::atomic<bool> inside{true};   ///< inside the runtime: its core may not be taken now
  std::atomic<bool> revoked{false}; ///< its core has been taken, or is about to be
  std::mutex handover;              ///< held to take the core, and by sections of a revoked worker
  core* on = nullptr;               ///< null once revoked
  process_block* running = nullptr;
  std::atomic<std::uint64_t> slices{0}; ///< counts slices, so that the monitor sees a stuck one
  int thread_id = 0;
};

struct context {
  process_block* process = nullptr;
  worker* thread = nullptr;
  coppice::node* home = nullptr;
  std::uint64_t unique_next = 0; ///< a block of numbers unique in the node
  std::uint64_t unique_end = 0;
  std::uint32_t budget = 0;    ///< reductions left in this slice
  std::uint32_t accounted = 0; ///< of those spent, how many the process's counter has
};

inline constinit thread_local context this_context;
inline context& current() noexcept { return this_context; }

/// The running process; throws std::logic_error outside of one.
process_block& running_process();

/// Marks the thread as inside the runtime while it lives; nests. After construction the worker's core cannot
/// be taken away, and what the process owns cannot be touched by the monitor thread.
class runtime_section {
public:
  runtime_section() noexcept : worker_(current().thread) {
    if (worker_ == nullptr || worker_->inside.load(std::memory_order_relaxed)) {
      worker_ = nullptr; // not a worker, or nested
      return;
    }
    enter();
  }
  ~runtime_section() {
    if (worker_ == nullptr) return;
    if (locked_) worker_->handover.unlock();
    worker_->inside.store(false, std::memory_order_release);
  }
  runtime_section(const runtime_section&) = delete;
  runtime_section& operator=(const runtime_section&) = delete;

private:
  void enter() noexcept {
#ifdef COPPICE_SANITIZED
    worker_->inside.store(true, std::memory_order_seq_cst);
    bool revoked = worker_->revoked.load(std::memory_order_seq_cst);
#else
    // The monitor's membarrier makes this pair sequentially consistent when it matters; here only the
    // compiler must keep the order.
    worker_->inside.store(true, std::memory_order_relaxed);
    asm volatile("" ::: "memory");
    bool revoked = worker_->revoked.load(std::memory_order_acquire);
#endif
    if (revoked) [[unlikely]]
      enter_revoked();
  }
  void enter_revoked() noexcept;

  worker* worker_;
  bool locked_ = false;
};

} // namespace coppice::detail
