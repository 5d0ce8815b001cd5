#include "coppice/runtime/detail/core.hpp"

#include "coppice/runtime/detail/kernel.hpp"
#include "coppice/runtime/detail/machine.hpp"

#include <array>

namespace coppice::detail {

namespace {

constexpr std::uint8_t high_priority = 1, low_priority = 3;

std::uint8_t priority_of(const process_block& p) noexcept {
  return p.priority.load(std::memory_order_relaxed);
}

} // namespace

void core::run_soon(process_block& p) noexcept {
  if (priority_of(p) >= low_priority) { // it takes its turn in the queue
    queue.push(p);
    machine_.wake_one();
    return;
  }
  if (run_next_ == nullptr && streak_ < streak_max) {
    run_next_ = &p;
    return;
  }
  // The older one has waited longer, so it goes to the queue, where an idle core may find it. But a pair that
  // wakes each other while nobody else waits stays together.
  bool alone = run_next_ == nullptr && queue.length() == 0;
  process_block* queued = run_next_ == nullptr ? &p : std::exchange(run_next_, &p);
  queue.push(*queued);
  if (!alone) machine_.wake_one();
}

process_block* core::next() noexcept {
  if (run_next_ != nullptr && queue.has_urgent() && priority_of(*run_next_) > high_priority) {
    queue.push(*std::exchange(run_next_, nullptr));
  }
  if (run_next_ != nullptr) {
    ++streak_;
    return std::exchange(run_next_, nullptr);
  }
  streak_ = 0;
  return queue.pop();
}

void core::inject(process_block& p, std::size_t backlog) noexcept {
  bool pinned = p.pinned.load(std::memory_order_relaxed) >= 0;
  queue.push(p);
  if (!wake_if_asleep() && !pinned && queue.length() > backlog) machine_.wake_one();
}

bool core::wake_if_asleep() noexcept {
  bool expected = true;
  if (!asleep_.load(std::memory_order_seq_cst) ||
      !asleep_.compare_exchange_strong(expected, false, std::memory_order_seq_cst)) {
    return false;
  }
  machine_.idle_cores.fetch_sub(1, std::memory_order_seq_cst);
  sleeper->wake();
  return true;
}

void core::sleep() noexcept {
  machine_.idle_cores.fetch_add(1, std::memory_order_seq_cst);
  asleep_.store(true, std::memory_order_seq_cst);
  // Whoever queued before it could see this core asleep is found now; whoever queues later wakes it.
  if (queue.empty_for_sure() && !machine_.work_anywhere() &&
      !machine_.stopping.load(std::memory_order_seq_cst)) {
    sleeper->wait(wheel.next_due());
  }
  bool expected = true;
  if (asleep_.compare_exchange_strong(expected, false, std::memory_order_seq_cst)) {
    machine_.idle_cores.fetch_sub(1, std::memory_order_seq_cst);
  }
  overdue_.store(false, std::memory_order_relaxed);
  ticks_ = 0;
  time_point now = machine_.time->now();
  last_poll_ = now;
  sleeper->poll();
  if (wheel.maybe_due(now)) fire_timers(now);
}

void core::housekeep(bool long_slice) noexcept {
  if (++ticks_ < housekeep_every && !long_slice && !overdue_.load(std::memory_order_relaxed)) return;
  overdue_.store(false, std::memory_order_relaxed);
  ticks_ = 0;
  time_point now = machine_.time->now();
  if (wheel.maybe_due(now)) fire_timers(now);
  if (now - last_poll_ >= std::chrono::microseconds(100)) {
    last_poll_ = now;
    sleeper->poll();
  }
}

void core::fire_timers(time_point now) noexcept {
  constexpr std::size_t batch = 64;
  for (;;) {
    std::array<due_message, batch> due;
    std::size_t count = 0;
    bool more = true;
    {
      std::lock_guard guard(wheel.lock());
      for (std::size_t i = 0; i < batch; ++i) {
        timer_node* node = wheel.pop_due(now);
        if (node == nullptr) {
          more = false;
          break;
        }
        if (node->embedded) {
          fire_embedded(*node, now);
        } else {
          due[count++] = machine_.timers.expire(*node);
        }
      }
    }
    for (std::size_t i = 0; i < count; ++i) deliver(machine_.owner, due[i].to, std::move(due[i].message));
    if (!more) return;
  }
}

void core::fire_embedded(timer_node& node, time_point now) noexcept {
  auto& p = static_cast<process_block&>(node);
  p.armed_ns.store(no_deadline, std::memory_order_seq_cst);
  std::int64_t deadline = p.deadline_ns.load(std::memory_order_seq_cst);
  if (deadline == no_deadline) return;
  if (deadline > now.time_since_epoch().count()) { // it was put off meanwhile
    wheel.insert(node, deadline);
    p.armed_ns.store(deadline, std::memory_order_seq_cst);
    return;
  }
  p.timer_fired.store(true, std::memory_order_seq_cst);
  envelope* expected = inbox_idle;
  if (p.inbox.compare_exchange_strong(expected, nullptr, std::memory_order_seq_cst))
    machine_.make_runnable(p);
}

} // namespace coppice::detail
