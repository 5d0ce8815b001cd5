// Where this thread stands: which process it runs, on which core, and the sections inside the runtime.
#pragma once

#include "coppice/runtime/detail/atomic.hpp"
#include "coppice/runtime/detail/process_block.hpp"

#include <cstdint>
#include <mutex>

namespace coppice::detail {

class core;
class transit;

/// A thread that runs processes. It owns a core, until the monitor thread takes the core away because the
/// thread has been in user code for too long; then it finishes its slice without one and retires.
struct worker {
  atomic<bool> inside{true};   ///< inside the runtime: its core may not be taken now
  atomic<bool> revoked{false}; ///< its core has been taken, or is about to be
  mutex handover;              ///< held to take the core, and by sections of a revoked worker
  core* on = nullptr;          ///< null once revoked
  unsigned first_core = 0;     ///< the number of the core that it was hired for
  process_block* running = nullptr;
  atomic<std::uint64_t> slices{0}; ///< counts slices, so that the monitor sees a stuck one
  int thread_id = 0;
};

struct context {
  process_block* process = nullptr;
  worker* thread = nullptr;
  coppice::node* home = nullptr;
  transit* under_way = nullptr;  ///< of a node with a schedule: where messages may be held back
  std::uint64_t unique_next = 0; ///< a block of numbers unique in the node
  std::uint64_t unique_end = 0;
  std::uint32_t budget = 0;    ///< reductions left in this slice
  std::uint32_t accounted = 0; ///< of those spent, how many the process's counter has
};

inline constinit thread_local context this_context;
inline context& current() noexcept { return this_context; }

/// The running process; throws std::logic_error outside of one.
process_block& running_process();

/// Marks the worker as inside the runtime. True if its core has been taken, or may be about to: then the
/// caller has to wait for the decision under the worker's lock.
inline bool enter_runtime(worker& w) noexcept {
#ifdef COPPICE_SANITIZED
  w.inside.store(true, std::memory_order_seq_cst);
  return w.revoked.load(std::memory_order_seq_cst);
#else
  // The monitor's membarrier makes this pair sequentially consistent when it matters; here only the compiler
  // must keep the order.
  w.inside.store(true, std::memory_order_relaxed);
  asm volatile("" ::: "memory");
  return w.revoked.load(std::memory_order_acquire);
#endif
}

/// Marks the thread as inside the runtime while it lives; nests. After construction the worker's core cannot
/// be taken away, and what the process owns cannot be touched by the monitor thread.
class runtime_section {
public:
  runtime_section() noexcept : worker_(current().thread) {
    if (worker_ == nullptr || worker_->inside.load(std::memory_order_relaxed)) {
      worker_ = nullptr; // not a worker, or nested
      return;
    }
    if (enter_runtime(*worker_)) [[unlikely]]
      enter_revoked();
  }
  ~runtime_section() {
    if (worker_ == nullptr) return;
    if (locked_) worker_->handover.unlock();
    worker_->inside.store(false, std::memory_order_release);
  }
  runtime_section(const runtime_section&) = delete;
  runtime_section& operator=(const runtime_section&) = delete;

private:
  void enter_revoked() noexcept;

  worker* worker_;
  bool locked_ = false;
};

} // namespace coppice::detail
