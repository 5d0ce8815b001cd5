// The worker threads of a node and the monitor thread that takes cores from stuck ones.
#pragma once

#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/detail/allocate.hpp"
#include "coppice/runtime/detail/context.hpp"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace coppice {
class schedule_source;
struct core_statistics;
} // namespace coppice

namespace coppice::detail {

class machine;

class worker_pool {
public:
  explicit worker_pool(machine& m) noexcept;
  ~worker_pool();
  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;

  /// One worker a core, and the monitor.
  void start();
  /// Ends them; false if some are still in user code at the deadline: those are detached.
  bool stop(time_point deadline);

  /// Does the work of a stepped node on the calling thread until nothing is runnable: that of core 0, or of
  /// all cores as the node's schedule has it. False if there is still something after that many slices.
  bool run_until_idle(std::uint64_t slices_max = UINT64_MAX);
  /// What a worker does with its core until that is taken from it or the node stops. It is bound to this
  /// thread.
  void run_core(worker& w);
  /// Fills in `busy` of each core that has a thread.
  void add_processor_times(std::vector<core_statistics>& by_core);
  [[nodiscard]] worker& stepper() noexcept { return stepper_; }
  /// Destroys the messages of a node with a schedule that have not arrived.
  void drop_under_way() noexcept;

  // --- what the monitor does about a worker that is stuck ---

  /// A core and the process that the worker keeps.
  struct taken {
    core* freed = nullptr; ///< null: the worker was inside the runtime, and keeps its core
    pid hog;
  };
  /// Takes the core if the worker is in user code.
  static taken take_core_of(worker& stuck);
  /// A stuck process that has been sent an exit signal is announced dead, so that nobody waits for it.
  static void end_zombie_of(worker& stuck);

private:
  struct hired {
    worker state;
    std::thread thread;
    std::uint64_t seen_slices = 0;        ///< by the monitor
    unsigned stuck_for = 0;               ///< monitor ticks in the same slice
    bool ended = false;                   ///< under mutex_
    std::shared_ptr<machine> left_behind; ///< under mutex_: outlives the node; then the thread owns this, too
  };

  bool run_scheduled(schedule_source& source, std::uint64_t slices_max);
  process_block* scheduled_work(schedule_source& source);
  void hire(core& c); ///< under mutex_
  void serve(hired& me);
  process_block* find_work(worker& w) noexcept;
  process_block* search(core& c) noexcept;
  void watch();
  void watch_once();
  bool take_core(hired& stuck);
  void collect_retired();
  void staff_cores() noexcept; ///< under mutex_

  machine& machine_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<hired>> workers_;
  std::vector<core*> vacant_; ///< taken from stuck workers, not yet given to others
  std::thread monitor_;
  bool stopping_ = false;
  worker stepper_;
  std::unique_ptr<transit> under_way_; ///< of a node with a schedule
};

/// Binds the thread to a worker of the node while it lives.
class bound_thread {
public:
  bound_thread(machine& m, worker& w) noexcept;
  ~bound_thread();
  bound_thread(const bound_thread&) = delete;
  bound_thread& operator=(const bound_thread&) = delete;

private:
  kept_blocks blocks_;
  context before_;
};

} // namespace coppice::detail
