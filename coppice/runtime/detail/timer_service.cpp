#include "coppice/runtime/detail/timer_service.hpp"

#include "coppice/runtime/detail/kernel.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/timer.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace coppice {
namespace detail {
namespace {

/// Few enough for a hold of the lock, and enough that stale entries cannot outrun the sweep.
constexpr std::size_t swept_at_once = 32;

std::int64_t now_ns(const machine& m) noexcept { return m.time->now().time_since_epoch().count(); }

/// This thread's core, or one for all threads that have none.
core& core_for_timers(machine& m, bool& own) noexcept {
  worker* thread = current().thread;
  own = thread != nullptr && thread->on != nullptr && current().home == &m.owner;
  return own ? *thread->on : *m.cores[0];
}

} // namespace

std::int64_t timer_service::due_after(std::int64_t now, duration after) noexcept {
  std::int64_t wait = std::max<std::int64_t>(after.count(), 0);
  return wait >= no_deadline - 1 - now ? no_deadline - 1 : now + wait;
}

reference timer_service::start(duration after, pid to, envelope_ptr message, reference* in_message) {
  std::int64_t now = now_ns(machine_);
  std::int64_t due = due_after(now, after);
  std::uint64_t unique = next_unique(machine_.owner);
  message->to = to.local() ? to.id : 0;
  bool own = false;
  core& at = core_for_timers(machine_, own);
  timer_shelf& shelf = at.shelf;
  reference ref;
  std::int64_t hint = 0;
  {
    std::lock_guard guard(at.wheel.lock());
    hint = at.wheel.hint_ns();
    std::uint32_t slot = shelf.next_free();
    std::uint64_t key = at.wheel.insert(due, slot);
    ref = reference::local(unique, at.index << timer_shelf::slot_bits | slot);
    if (in_message != nullptr) *in_message = ref;
    shelf.put(unique, message.release(), due, key);
    if (at.wheel.wants_sweep()) at.wheel.sweep(shelf, swept_at_once);
  }
  if (own) {
    if (hint <= now) at.remind(); // something else is due: the clock has been read anyway
  } else if (at.wheel.hint_ns() < hint) {
    at.wake();
  }
  return ref;
}

timer_shelf::record* timer_service::find(const reference& r, core*& at) {
  std::size_t index = r.words[2] >> timer_shelf::slot_bits;
  if (r.len != 3 || r.node != 0 || index >= machine_.cores.size()) return nullptr;
  at = machine_.cores[index].get();
  at->wheel.lock().lock();
  timer_shelf::record* found = at->shelf.at(r.words[2] & (timer_shelf::of_process - 1));
  if (found != nullptr && found->unique == r.unique() && found->unique != 0) return found;
  at->wheel.lock().unlock();
  return nullptr;
}

std::optional<duration> timer_service::cancel(const reference& timer) {
  core* at = nullptr;
  timer_shelf::record* r = find(timer, at);
  if (r == nullptr) return std::nullopt;
  __builtin_prefetch(r->message); // its destructor comes last
  std::int64_t due = r->due_ns;
  timer_shelf& shelf = at->shelf;
  envelope_ptr dropped = shelf.release(*r); // destroyed after the lock: its destructor is user code
  at->wheel.forsake();
  if (at->wheel.wants_sweep()) at->wheel.sweep(shelf, swept_at_once);
  at->wheel.lock().unlock();
  return duration(std::max<std::int64_t>(due - now_ns(machine_), 0));
}

std::optional<duration> timer_service::read(const reference& timer) {
  core* at = nullptr;
  timer_shelf::record* r = find(timer, at);
  if (r == nullptr) return std::nullopt;
  std::int64_t due = r->due_ns;
  at->wheel.lock().unlock();
  return duration(std::max<std::int64_t>(due - now_ns(machine_), 0));
}

std::size_t timer_service::count() const noexcept {
  std::size_t all = 0;
  for (const std::unique_ptr<core>& c : machine_.cores) {
    std::lock_guard guard(c->wheel.lock());
    all += c->shelf.size();
  }
  return all;
}

// --- the waits of processes ---
//
// A process's `armed_ns` says when the one entry that counts for it comes up; whoever takes a time out of it
// has to do with that entry, whoever puts one in adds an entry. So the owner of the process and the core
// whose wheel has the entry agree without a lock.

void timer_service::arm(process_block& p, std::int64_t now, std::int64_t due) {
  std::int64_t before = p.armed_ns.exchange(due, std::memory_order_seq_cst);
  if (before == due) return; // it was put off to just then
  if (before != no_deadline) p.wheel->forsake_unlocked();
  bool own = false;
  core& at = core_for_timers(machine_, own);
  p.wheel = &at.wheel;
  std::int64_t hint = 0;
  try {
    std::lock_guard guard(at.wheel.lock());
    hint = at.wheel.hint_ns();
    at.wheel.insert(due, timer_shelf::of_process | p.self().slot());
    if (at.wheel.wants_sweep()) at.wheel.sweep(at.shelf, swept_at_once);
  } catch (const std::bad_alloc&) {
    p.armed_ns.store(no_deadline, std::memory_order_seq_cst);
    throw;
  }
  if (own) {
    if (hint <= now) at.remind();
  } else if (at.wheel.hint_ns() < hint) {
    at.wake();
  }
}

void timer_service::disarm(process_block& p) noexcept {
  p.deadline_ns.store(no_deadline, std::memory_order_seq_cst);
  p.timer_fired.store(false, std::memory_order_relaxed);
  if (p.armed_ns.exchange(no_deadline, std::memory_order_seq_cst) != no_deadline) {
    p.wheel->forsake_unlocked();
  }
}

due_timer timer_service::expire(core& at, const timer_entry& entry, time_point now) noexcept {
  if ((entry.owner() & timer_shelf::of_process) != 0) return {nullptr, expire_wait(at, entry, now)};
  timer_shelf& shelf = at.shelf;
  bool counted = shelf.counts(entry);
  at.wheel.retire(counted);
  return {counted ? shelf.release(*shelf.at(entry.owner())) : nullptr, nullptr};
}

/// The process whose wait is over, if it is.
process_block* timer_service::expire_wait(core& at, const timer_entry& entry, time_point now) noexcept {
  process_block& p = *machine_.table.at(entry.owner() & ~timer_shelf::of_process);
  std::int64_t due = entry.due_ns;
  bool counted = p.armed_ns.compare_exchange_strong(due, no_deadline, std::memory_order_seq_cst);
  at.wheel.retire(counted);
  if (!counted) return nullptr;
  std::int64_t deadline = p.deadline_ns.load(std::memory_order_seq_cst);
  if (deadline == no_deadline) return nullptr;
  if (deadline <= now.time_since_epoch().count()) return &p;
  // It was put off meanwhile; its owner may just be arming it, too.
  due = no_deadline;
  if (p.armed_ns.compare_exchange_strong(due, deadline, std::memory_order_seq_cst))
    at.wheel.insert(deadline, entry.owner());
  return nullptr;
}

reference start_timer_envelope(coppice::node& home, duration after, pid to, envelope_ptr message) {
  runtime_section section;
  return home.internals().timers.start(after, to, std::move(message), nullptr);
}

} // namespace detail

reference start_timer(duration after, pid to, term message) {
  detail::runtime_section section;
  auto* envelope = new detail::typed_envelope<timeout_message>(timeout_message{{}, std::move(message)});
  return detail::running_node().internals().timers.start(after, to, detail::envelope_ptr(envelope),
                                                         &envelope->message.timer);
}

std::optional<duration> cancel_timer(const reference& timer) {
  detail::runtime_section section;
  return detail::running_node().internals().timers.cancel(timer);
}

std::optional<duration> read_timer(const reference& timer) {
  detail::runtime_section section;
  return detail::running_node().internals().timers.read(timer);
}

} // namespace coppice
