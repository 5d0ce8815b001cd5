// A core: run queue, run-next slot, timer wheel, poller, free slots. A worker thread owns it for a while.
#pragma once

#include "coppice/runtime/detail/atomic.hpp"
#include "coppice/runtime/detail/context.hpp"
#include "coppice/runtime/detail/process_table.hpp"
#include "coppice/runtime/detail/run_queue.hpp"
#include "coppice/runtime/detail/timer_shelf.hpp"
#include "coppice/runtime/detail/timer_wheel.hpp"
#include "coppice/runtime/poller.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace coppice::detail {

class machine;
struct due_timer;

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
  core(machine& m, const process_table& processes, unsigned number, time_point start,
       std::unique_ptr<poller> p)
      : wheel(start), shelf(processes), sleeper(std::move(p)), index(number), machine_(m) {}
  core(const core&) = delete;
  core& operator=(const core&) = delete;

  // --- by the owner, in a section ---

  /// Runs next what has just been woken: sender and receiver share a cache. Bounded, so that a pair that
  /// keeps waking each other does not starve the queue.
  void run_soon(process_block& p) noexcept {
    if (run_next_ == nullptr && streak_ < streak_max && !in_order_ && may_overtake(p)) [[likely]] {
      run_next_ = &p;
    } else {
      run_later(p);
    }
  }
  /// The next process to run, or null.
  process_block* next() noexcept {
    if (run_next_ == nullptr || queue.has_urgent()) [[unlikely]]
      return next_queued();
    ++streak_;
    return std::exchange(run_next_, nullptr);
  }
  [[nodiscard]] bool has_work() const noexcept { return run_next_ != nullptr || queue.length() > 0; }
  /// Sleeps until there may be something to do. While others work one of those that rest only naps: it looks
  /// again by itself whether something waits for too long, so that they need not wake anybody for every
  /// trifle.
  void sleep() noexcept;
  /// Whether it comes from a nap that nobody ended; true once.
  [[nodiscard]] bool comes_from_nap() noexcept { return std::exchange(napped_, false); }
  /// It has found something that waited: its next nap is a short one.
  void keep_light_sleep() noexcept { nap_ = nap_min; }
  /// Now and then: timers and sockets. `long_slice` tells that time has certainly passed.
  void housekeep(bool long_slice) noexcept {
    if (++ticks_ >= housekeep_every || long_slice || overdue_.load(std::memory_order_relaxed))
      housekeep_now();
  }
  /// Delivers every timer that is due; of very many some, if others wait for their turn.
  void fire_timers(time_point now) noexcept;

  // --- by any thread ---

  /// Queues from outside and sees to it that somebody runs it. With more than `backlog` others before it,
  /// another core is asked to help.
  void inject(process_block& p, std::size_t backlog) noexcept;
  void wake() noexcept { sleeper->wake(); }
  [[nodiscard]] bool napping() const noexcept { return rest_.load(std::memory_order_seq_cst) == rest::nap; }
  /// Whether its slices are so short that to move a process to another core's cache costs more than its
  /// slice.
  [[nodiscard]] bool short_slices() const noexcept {
    return slice_ns_.load(std::memory_order_relaxed) < move_ns;
  }
  /// Whether what waits in the queue waits so long that another core had better take some: where slices are
  /// short that saves no time, and is done only to keep everyone's wait within bounds.
  [[nodiscard]] bool overloaded() const noexcept {
    std::size_t slice = slice_ns_.load(std::memory_order_relaxed);
    return queue.length() * slice > (slice < move_ns ? worth_moving_short_ns : worth_moving_ns);
  }
  /// Tells the owner that time has passed, so that short but slow slices do not delay timers and sockets.
  void remind() noexcept { overdue_.store(true, std::memory_order_relaxed); }
  /// Wakes the core if it sleeps, or even if it only naps; false if it does neither.
  bool wake_if_asleep(bool from_nap) noexcept;

  run_queue queue;
  timer_wheel wheel;
  timer_shelf shelf;
  std::unique_ptr<poller> sleeper;
  free_slots free;
  const unsigned index;
  owned_counter spawned, ended, messages, reductions;
  std::vector<run_queue::mark> marks; ///< of the other cores' queues, when this one last looked for work

private:
  /// One of low priority takes its turn in the queue.
  static bool may_overtake(const process_block& p) noexcept {
    constexpr std::uint8_t low = 3;
    return p.priority.load(std::memory_order_relaxed) < low;
  }
  void run_later(process_block& p) noexcept;
  process_block* next_queued() noexcept;
  void housekeep_now() noexcept;
  void fire(due_timer& due) noexcept;

  static constexpr unsigned streak_max = 64;
  static constexpr unsigned housekeep_every = 16;
  static constexpr std::size_t move_ns = 300;
  static constexpr std::size_t worth_moving_ns = 20'000;
  static constexpr std::size_t worth_moving_short_ns = 500'000;
  static constexpr duration nap_min = std::chrono::microseconds(200);
  static constexpr duration nap_max = std::chrono::milliseconds(1);

  enum class rest : std::uint8_t { none, nap, sleep };

  machine& machine_;
  process_block* run_next_ = nullptr;
  unsigned streak_ = 0;
  bool in_order_ = false; ///< timers fire: what is woken first runs first
  unsigned ticks_ = 0;
  time_point last_poll_{};
  time_point last_housekeeping_{};
  duration nap_ = nap_min;
  bool napped_ = false;
  atomic<std::uint32_t> slice_ns_{1000}; ///< how long a slice takes here, on average of the last ones
  atomic<rest> rest_{rest::none};
  atomic<bool> overdue_{false};
};

} // namespace coppice::detail
