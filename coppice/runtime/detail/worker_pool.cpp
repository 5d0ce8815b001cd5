#include "coppice/runtime/detail/worker_pool.hpp"

#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/detail/signals.hpp"
#include "coppice/runtime/detail/slice.hpp"
#include "coppice/runtime/detail/transit.hpp"

#include <algorithm>
#include <ctime>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>

namespace coppice::detail {
namespace {

/// Makes the stores of every running thread of this process visible, and their later loads new.
void barrier_everywhere() noexcept {
#ifndef COPPICE_SANITIZED
  syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
#endif
}

/// Whether the kernel lets us; without it no core can be taken safely.
bool register_barrier() noexcept {
#ifndef COPPICE_SANITIZED
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
#else
  return true;
#endif
}

constexpr auto monitor_period = std::chrono::milliseconds(2);
constexpr int stuck_niceness = 15;
constexpr int looks_before_sleep = 60;
constexpr int looks_between_marks = 20;

/// Half a microsecond that keeps the processor: where others want it, yielding it would cost a slice of
/// theirs.
void relax() noexcept {
#ifndef COPPICE_SIM_ATOMICS
  auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(500);
  while (std::chrono::steady_clock::now() < end) spin_lock::pause();
#endif
}

} // namespace

bound_thread::bound_thread(machine& m, worker& w) noexcept : before_(current()) {
  current() = context{};
  current().thread = &w;
  current().home = &m.owner;
}
bound_thread::~bound_thread() { current() = before_; }

worker_pool::worker_pool(machine& m) noexcept : machine_(m) {}
worker_pool::~worker_pool() = default;

void worker_pool::start() {
  bool may_revoke = machine_.options.hog_after != infinity && register_barrier();
  std::lock_guard guard(mutex_);
  for (const std::unique_ptr<core>& c : machine_.cores) hire(*c);
  if (may_revoke) monitor_ = std::thread([this] { watch(); });
}

void worker_pool::hire(core& c) {
  workers_.push_back(std::make_unique<hired>());
  hired& h = *workers_.back();
  h.state.on = &c;
  h.state.first_core = c.index;
  try {
    h.thread = std::thread([this, &h] { serve(h); });
  } catch (...) { // catch-all: whatever the reason, there is no such worker
    workers_.pop_back();
    throw;
  }
}

/// Finds threads for the cores that were taken. Where the system refuses a thread, the next tick tries again.
void worker_pool::staff_cores() noexcept {
  while (!vacant_.empty()) {
    try {
      hire(*vacant_.back());
    } catch (const std::system_error&) {
      return;
    }
    vacant_.pop_back();
  }
}

void worker_pool::serve(hired& me) {
  me.state.thread_id = static_cast<int>(syscall(SYS_gettid));
  {
    bound_thread bound(machine_, me.state);
    run_core(me.state);
  }
  std::unique_ptr<hired> myself;
  std::shared_ptr<machine> inside; // its last owner may be this thread: goes after the lock
  std::lock_guard guard(mutex_);
  me.ended = true;
  changed_.notify_all();
  if (me.left_behind != nullptr) {
    myself.reset(&me);
    inside = std::move(me.left_behind);
  }
}

void worker_pool::run_core(worker& w) {
  while (!lost_core(w) && !machine_.stopping.load(std::memory_order_relaxed)) {
    core& c = *w.on;
    process_block* p = find_work(w);
    if (p == nullptr) {
      c.sleep();
      continue;
    }
    std::uint32_t spent = run_slice(w, *p);
    if (lost_core(w)) return;
    c.reductions.add(spent);
    c.housekeep(spent > slice_reductions / 4);
  }
}

process_block* worker_pool::find_work(worker& w) noexcept {
  core& c = *w.on;
  if (process_block* p = c.next()) return p;
  if (machine_.cores.size() == 1) return nullptr;
  machine_.searching.fetch_add(1, std::memory_order_seq_cst);
  process_block* found = search(c);
  machine_.searching.fetch_sub(1, std::memory_order_seq_cst);
  // While we searched nobody else was woken: if there is more than we took, now is the time.
  if (found != nullptr) machine_.wake_one_for_what_waits();
  return found;
}

/// Looks about for a while. What another core will get to soon is left to it: work comes here from a core
/// that has more than it can do, or where something has waited since an earlier look. Where slices are short
/// that is the look before the last nap. While all others rest the world outside is asked at each look: its
/// answer comes soon, or there is nothing to do, and a processor that was put to sleep wakes slowly.
process_block* worker_pool::search(core& c) noexcept {
  std::size_t count = machine_.cores.size();
  const int looks = c.comes_from_nap() ? 1 : looks_before_sleep;
  for (int look = 0; look < looks; ++look) {
    for (std::size_t i = 1; i < count; ++i) {
      std::size_t at = (c.index + i) % count;
      core& victim = *machine_.cores[at];
      bool compare = look == 0 || (look % looks_between_marks == 0 && !victim.short_slices());
      bool take = victim.overloaded() || (compare && victim.queue.still_waits(c.marks[at]));
      process_block* p = take ? c.queue.steal_from(victim.queue) : nullptr;
      if (p != nullptr) {
        c.keep_light_sleep();
        return p;
      }
      if (compare) c.marks[at] = victim.queue.look();
    }
    if (machine_.idle_cores.load(std::memory_order_relaxed) + 1 >= count) c.sleeper->poll();
    if (process_block* p = c.next()) return p;
    relax();
  }
  return nullptr;
}

bool worker_pool::run_until_idle(std::uint64_t slices_max) {
  if (machine_.options.schedule != nullptr) return run_scheduled(*machine_.options.schedule, slices_max);
  stepper_.on = machine_.cores[0].get();
  bound_thread bound(machine_, stepper_);
  core& c = *stepper_.on;
  while (slices_max > 0) {
    process_block* p = c.next();
    if (p == nullptr) {
      c.fire_timers(machine_.time->now());
      p = c.next();
    }
    if (p == nullptr) return true;
    run_slice(stepper_, *p);
    --slices_max;
  }
  return false;
}

void worker_pool::drop_under_way() noexcept {
  if (under_way_ != nullptr) under_way_->drop_all();
}

bool worker_pool::run_scheduled(schedule_source& source, std::uint64_t slices_max) {
  if (under_way_ == nullptr) under_way_ = std::make_unique<transit>(source);
  stepper_.on = machine_.cores[0].get();
  bound_thread bound(machine_, stepper_);
  current().under_way = under_way_.get();
  for (; slices_max > 0; --slices_max) {
    source.between_slices();
    under_way_->let_arrive(false);
    process_block* p = scheduled_work(source);
    if (p == nullptr) {
      if (under_way_->empty() || (machine_.next_due() && source.time_passes_first())) return true;
      under_way_->let_arrive(true);
      continue;
    }
    std::uint32_t reductions = std::min(source.reductions(stepper_.on->index, p->self()), slice_reductions);
    if (reductions == 0) {
      stepper_.on->queue.push(*p);
    } else {
      run_slice(stepper_, *p, reductions);
    }
  }
  return false;
}

/// What the core whose turn it is would run, or the first after it that finds something; it is the stepper's.
process_block* worker_pool::scheduled_work(schedule_source& source) {
  std::size_t count = machine_.cores.size();
  std::size_t first = source.next_core(static_cast<unsigned>(count)) % count;
  for (bool all_look : {false, true}) {
    for (std::size_t i = 0; i < count; ++i) {
      core& c = *machine_.cores[(first + i) % count];
      stepper_.on = &c;
      if (all_look || source.looks_at_timers(c.index)) c.fire_timers(machine_.time->now());
      process_block* p = c.next();
      if (p == nullptr) p = machine_.steal(c);
      if (p != nullptr) return p;
    }
  }
  return nullptr;
}

// --- the monitor ---

void worker_pool::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    // With every core asleep there is nothing to watch; a sleeping monitor costs an idle node nothing much.
    bool all_idle = machine_.idle_cores.load(std::memory_order_relaxed) == machine_.cores.size();
    changed_.wait_for(lock, all_idle ? monitor_period * 10 : monitor_period);
    if (stopping_) return;
    for (const std::unique_ptr<core>& c : machine_.cores) c->remind();
    watch_once();
    staff_cores();
    collect_retired();
  }
}

void worker_pool::watch_once() {
  auto ticks_allowed =
      static_cast<unsigned>(std::max<std::int64_t>(1, machine_.options.hog_after / monitor_period));
  for (std::size_t i = 0; i < workers_.size(); ++i) { // by index: taking a core hires
    hired& h = *workers_[i];
    if (h.ended) continue;
    std::uint64_t slices = h.state.slices.load(std::memory_order_relaxed);
    bool outside = !h.state.inside.load(std::memory_order_acquire);
    if (!outside || slices != h.seen_slices) {
      h.seen_slices = slices;
      h.stuck_for = 0;
      continue;
    }
    if (h.state.revoked.load(std::memory_order_relaxed)) {
      end_zombie_of(h.state);
    } else if (++h.stuck_for >= ticks_allowed && take_core(h)) {
      h.stuck_for = 0;
    }
  }
}

worker_pool::taken worker_pool::take_core_of(worker& stuck) {
  std::lock_guard guard(stuck.handover);
  stuck.revoked.store(true, std::memory_order_seq_cst);
  barrier_everywhere();
  if (stuck.inside.load(std::memory_order_seq_cst)) {
    stuck.revoked.store(false, std::memory_order_seq_cst);
    return {};
  }
  taken t{std::exchange(stuck.on, nullptr), pid()};
  if (stuck.running != nullptr) t.hog = stuck.running->self();
  return t;
}

/// The core goes to a new thread.
bool worker_pool::take_core(hired& stuck) {
  const taken t = take_core_of(stuck.state);
  if (t.freed == nullptr) return false;
  auto thread = static_cast<id_t>(stuck.state.thread_id);
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + stuck_niceness);
  machine_.hogs.fetch_add(1, std::memory_order_relaxed);
  vacant_.push_back(t.freed);
  staff_cores();
  machine_.owner.report(report{severity::debug, "long_schedule", t.hog, {}, exit_reason()});
  return true;
}

void worker_pool::end_zombie_of(worker& stuck) {
  std::lock_guard guard(stuck.handover);
  if (stuck.inside.load(std::memory_order_seq_cst) || stuck.running == nullptr) return;
  process_block& p = *stuck.running;
  if (p.zombie) return;
  drain(p);
  if (p.dying) announce(p);
}

void worker_pool::collect_retired() {
  std::erase_if(workers_, [](const std::unique_ptr<hired>& h) {
    if (!h->ended) return false;
    h->thread.join(); // it has nothing left to do
    return true;
  });
}

void worker_pool::add_processor_times(std::vector<core_statistics>& by_core) {
  std::lock_guard guard(mutex_);
  for (const std::unique_ptr<hired>& h : workers_) {
    if (h->ended || h->state.revoked.load(std::memory_order_relaxed)) continue;
    clockid_t clock{};
    timespec used{};
    if (pthread_getcpuclockid(h->thread.native_handle(), &clock) != 0 || clock_gettime(clock, &used) != 0)
      continue;
    by_core[h->state.first_core].busy =
        std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
  }
}

bool worker_pool::stop(time_point deadline) {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (monitor_.joinable()) monitor_.join();
  for (const std::unique_ptr<core>& c : machine_.cores) c->wake();
  std::unique_lock lock(mutex_);
  auto all_ended = [this] { return std::ranges::all_of(workers_, [](const auto& h) { return h->ended; }); };
  bool in_time = true;
  while (!all_ended()) {
    auto left = deadline - machine_.time->now();
    if (left <= duration::zero()) {
      in_time = false;
      break;
    }
    changed_.wait_for(lock, std::min<duration>(left, std::chrono::milliseconds(20)));
  }
  for (std::unique_ptr<hired>& h : workers_) {
    if (h->ended) {
      h->thread.join();
    } else {
      h->thread.detach();
      h->left_behind = machine_.shared_from_this();
      (void)h.release(); // its thread owns it now
    }
  }
  workers_.clear();
  return in_time;
}

} // namespace coppice::detail
