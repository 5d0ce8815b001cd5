#include "coppice/runtime/detail/core.hpp"

#include "coppice/runtime/detail/kernel.hpp"
#include "coppice/runtime/detail/machine.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace coppice::detail {

void core::run_later(process_block& p) noexcept {
  if (in_order_ || !may_overtake(p)) {
    queue.push(p);
    machine_.wake_one(*this);
    return;
  }
  // The older one has waited longer, so it goes to the queue, where an idle core may find it. But a pair that
  // wakes each other while nobody else waits stays together.
  bool alone = run_next_ == nullptr && queue.length() == 0;
  process_block* queued = run_next_ == nullptr ? &p : std::exchange(run_next_, &p);
  queue.push(*queued);
  if (!alone) machine_.wake_one(*this);
}

process_block* core::next_queued() noexcept {
  constexpr std::uint8_t high = 1;
  if (run_next_ != nullptr) { // something urgent waits
    if (run_next_->priority.load(std::memory_order_relaxed) <= high) {
      ++streak_;
      return std::exchange(run_next_, nullptr);
    }
    queue.push(*std::exchange(run_next_, nullptr));
  }
  streak_ = 0;
  return queue.pop();
}

void core::inject(process_block& p, std::size_t backlog) noexcept {
  bool pinned = p.pinned.load(std::memory_order_relaxed) >= 0;
  queue.push(p);
  if (!wake_if_asleep(true) && !pinned && queue.length() > backlog) machine_.wake_one(*this);
}

bool core::wake_if_asleep(bool from_nap) noexcept {
  rest now = rest_.load(std::memory_order_seq_cst);
  if (now == rest::none || (now == rest::nap && !from_nap) ||
      !rest_.compare_exchange_strong(now, rest::none, std::memory_order_seq_cst)) {
    return false;
  }
  machine_.count_awake(now == rest::nap);
  sleeper->wake();
  return true;
}

void core::sleep() noexcept {
  bool others_work = machine_.idle_cores.fetch_add(1, std::memory_order_seq_cst) + 1 < machine_.cores.size();
  bool nap = others_work && machine_.begin_nap();
  rest_.store(nap ? rest::nap : rest::sleep, std::memory_order_seq_cst);
  // Whoever queued before it could see this core at rest is found now; whoever queues later wakes it. What
  // others will get to themselves is left to whoever naps.
  bool work = others_work ? machine_.any_overloaded() : machine_.work_anywhere();
  if (queue.empty_for_sure() && !work && !machine_.stopping.load(std::memory_order_seq_cst)) {
    std::optional<time_point> until = wheel.next_due();
    if (nap) {
      time_point end = machine_.time->now() + nap_;
      until = until ? std::min(*until, end) : end;
      nap_ = std::min(nap_ * 2, nap_max);
    }
    sleeper->wait(until);
  }
  rest before = rest_.exchange(rest::none, std::memory_order_seq_cst);
  if (before != rest::none) machine_.count_awake(nap);
  napped_ = nap && before != rest::none;
  overdue_.store(false, std::memory_order_relaxed);
  ticks_ = 0;
  time_point now = machine_.time->now();
  last_poll_ = last_housekeeping_ = now;
  sleeper->poll();
  if (wheel.maybe_due(now)) fire_timers(now);
  if (napped_ && has_work()) machine_.wake_one_for_what_waits(); // it has better to do now than to look
}

void core::housekeep_now() noexcept {
  overdue_.store(false, std::memory_order_relaxed);
  time_point now = machine_.time->now();
  auto mean = static_cast<std::uint64_t>((now - last_housekeeping_).count()) / std::exchange(ticks_, 0);
  auto before = slice_ns_.load(std::memory_order_relaxed);
  slice_ns_.store(static_cast<std::uint32_t>(std::min<std::uint64_t>((3ULL * before + mean) / 4, UINT32_MAX)),
                  std::memory_order_relaxed);
  last_housekeeping_ = now;
  if (wheel.maybe_due(now)) fire_timers(now);
  if (now - last_poll_ >= std::chrono::microseconds(100)) {
    last_poll_ = now;
    sleeper->poll();
  }
}

void core::fire_timers(time_point now) noexcept {
  constexpr std::size_t batch = 64;
  constexpr std::size_t patience = 1024; // then others get their turn
  for (std::size_t fired = 0; fired < patience || !has_work();) {
    if (!wheel.ready()) {
      wheel.lock().lock();
      timer_wheel::progress made = wheel.advance(now);
      wheel.lock().unlock();
      if (made == timer_wheel::progress::idle) return;
      if (made == timer_wheel::progress::due) wheel.arrange();
      continue;
    }
    std::array<due_timer, batch> due;
    std::size_t count = 0;
    {
      std::lock_guard guard(wheel.lock());
      for (; count < batch && wheel.ready(); ++count) {
        due[count] = machine_.timers.expire(*this, wheel.take_ready(), now);
      }
    }
    in_order_ = true;
    for (std::size_t i = 0; i < count; ++i) fire(due[i]);
    in_order_ = false;
    fired += count;
  }
  remind(); // there is more
}

void core::fire(due_timer& due) noexcept {
  if (due.message != nullptr) {
    pid to{due.message->to};
    deliver(machine_.owner, to, std::move(due.message));
  } else if (due.process != nullptr) {
    due.process->timer_fired.store(true, std::memory_order_seq_cst);
    envelope* expected = inbox_idle;
    if (due.process->inbox.compare_exchange_strong(expected, nullptr, std::memory_order_seq_cst))
      machine_.make_runnable(*due.process);
  }
}

} // namespace coppice::detail
