// The inside of a node: table, cores, worker threads, the monitor thread, names, pool of blocking threads.
#pragma once

#include "coppice/runtime/detail/blocking_pool.hpp"
#include "coppice/runtime/detail/core.hpp"
#include "coppice/runtime/detail/labels.hpp"
#include "coppice/runtime/detail/names.hpp"
#include "coppice/runtime/detail/process_table.hpp"
#include "coppice/runtime/detail/timer_service.hpp"
#include "coppice/runtime/detail/trace_table.hpp"
#include "coppice/runtime/detail/worker_pool.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/remote_channel.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace coppice::detail {

class machine : public std::enable_shared_from_this<machine> {
public:
  explicit machine(node_options options);
  ~machine();
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  void start();
  /// Ends all threads. What is in user code past the deadline is left behind: false.
  bool stop(time_point deadline);

  /// Makes a process runnable: on this thread's core, on the one it is pinned to, or on any.
  void make_runnable(process_block& p) noexcept {
    p.status.store(process_status::runnable, std::memory_order_relaxed);
    core* own = own_core();
    std::int16_t pinned = p.pinned.load(std::memory_order_relaxed);
    if (own != nullptr && (pinned < 0 || static_cast<unsigned>(pinned) == own->index)) [[likely]] {
      own->run_soon(p);
    } else {
      requeue(p);
    }
  }
  /// The core that this thread owns, if it is one of this machine's.
  [[nodiscard]] core* own_core() const noexcept {
    worker* w = current().thread;
    return w != nullptr && current().home == &owner ? w->on : nullptr;
  }
  /// Queues a process whose slice is over.
  void requeue(process_block& p) noexcept;
  /// A free block, or null when the table is full; gives one back.
  [[nodiscard]] process_block* acquire();
  void release(process_block& p) noexcept;
  /// Something has been queued at `busy`: wakes a core if one sleeps and nobody is looking for work already,
  /// or naps and will. If `busy` is overloaded it wakes even the one that naps.
  void wake_one(const core& busy) noexcept;
  /// The same after a look at all queues, without their locks.
  void wake_one_for_what_waits() noexcept;
  [[nodiscard]] process_block* steal(core& thief) noexcept;
  [[nodiscard]] bool work_anywhere() noexcept;
  [[nodiscard]] bool any_overloaded() const noexcept;
  /// Whether the core that goes to rest is the one to nap: one is enough.
  [[nodiscard]] bool begin_nap() noexcept {
    std::uint32_t nobody = 0;
    return napping_cores.compare_exchange_strong(nobody, 1, std::memory_order_seq_cst);
  }
  void count_awake(bool from_nap) noexcept {
    if (from_nap) napping_cores.fetch_sub(1, std::memory_order_seq_cst);
    idle_cores.fetch_sub(1, std::memory_order_seq_cst);
  }

  /// Of a stepped node: whether anything can run; when the next timer goes off.
  [[nodiscard]] bool work_waits() const noexcept;
  [[nodiscard]] std::optional<time_point> next_due() const noexcept;

  coppice::node owner; ///< the node as processes know it
  node_options options;
  std::shared_ptr<clock> time;
  process_table table;
  name_registry names;
  label_table labels;
  timer_service timers;
  trace_table traces;
  std::vector<std::unique_ptr<core>> cores;
  std::atomic<std::uint64_t> unique{1};
  atomic<std::uint32_t> idle_cores{0};     ///< how many sleep or nap
  atomic<std::uint32_t> napping_cores{0};  ///< how many of them nap: none or one
  atomic<std::uint32_t> searching{0};      ///< how many look for work to steal
  std::atomic<std::uint32_t> next_core{0}; ///< for work from outside
  atomic<bool> stopping{false};
  std::atomic<std::uint64_t> hogs{0};
  std::atomic<std::uint64_t> foreign_spawned{0}; ///< by threads that own no core
  std::atomic<std::uint64_t> foreign_ended{0};
  time_point started;

  std::atomic<remote_channel*> remote{nullptr}; ///< to other nodes, once there is one; one of the parts

  std::mutex parts_mutex;
  std::vector<std::pair<std::uint64_t, std::shared_ptr<void>>> parts; ///< of node::part, by the type's hash

  std::mutex sink_mutex;
  report_sink sink;
  std::atomic<int> report_from; ///< the least severity that the sink wants

  worker_pool workers;
  std::unique_ptr<blocking_pool> pool;

  std::mutex finished_mutex; ///< with `finished`: tells node::run and shutdown that a process has ended
  std::condition_variable finished;
  std::atomic<bool> shutting_down{false}; ///< then every end is told
  std::atomic<bool> stop_requested{false};
  std::atomic<int> stop_status{0};
  std::atomic<std::uint64_t> root{0};
  std::atomic<bool> shut_down{false};
  std::mutex shutdown_mutex;
  bool ended_cleanly = false; ///< under shutdown_mutex
};

inline machine& machine_of(process_block& p) noexcept { return p.home->internals(); }

} // namespace coppice::detail
