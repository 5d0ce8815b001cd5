#include "coppice/runtime/detail/timer_service.hpp"

#include "coppice/runtime/detail/kernel.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/timer.hpp"

#include <algorithm>

namespace coppice {
namespace detail {
namespace {

std::int64_t due_at(const machine& m, duration after) noexcept {
  std::int64_t now = m.time->now().time_since_epoch().count();
  std::int64_t wait = std::max<std::int64_t>(after.count(), 0);
  return wait > no_deadline - 1 - now ? no_deadline - 1 : now + wait;
}

} // namespace

reference timer_service::start(duration after, pid to, envelope_ptr message, reference* in_message) {
  std::uint64_t unique = next_unique(machine_.owner);
  worker* thread = current().thread;
  bool own = thread != nullptr && thread->on != nullptr && current().home == &machine_.owner;
  core& at = own ? *thread->on : *machine_.cores[0];
  shelf& place = shelves_[at.index];
  reference ref;
  bool earliest = false;
  {
    std::lock_guard guard(at.wheel.lock());
    std::uint32_t slot;
    if (place.free.empty()) {
      slot = static_cast<std::uint32_t>(place.timers.size());
      place.timers.emplace_back();
      place.timers.back().slot = slot;
      place.timers.back().shelf = at.index;
    } else {
      slot = place.free.back();
      place.free.pop_back();
    }
    timer& t = place.timers[slot];
    ref = reference::local(unique, at.index << slot_bits | slot);
    if (in_message != nullptr) *in_message = ref;
    t.unique = unique;
    t.to = to;
    t.message = std::move(message);
    earliest = at.wheel.insert(t, due_at(machine_, after));
  }
  if (!own && earliest) at.wake();
  return ref;
}

timer_service::timer* timer_service::find(const reference& r, timer_wheel*& wheel) {
  std::size_t index = r.words[2] >> slot_bits;
  if (r.len != 3 || r.node != 0 || index >= shelves_.size()) return nullptr;
  wheel = &machine_.cores[index]->wheel;
  wheel->lock().lock();
  shelf& place = shelves_[index];
  std::size_t slot = r.words[2] & ((1U << slot_bits) - 1);
  if (slot < place.timers.size() && place.timers[slot].unique == r.unique()) return &place.timers[slot];
  wheel->lock().unlock();
  return nullptr;
}

std::optional<duration> timer_service::cancel(const reference& timer_ref) {
  timer_wheel* wheel = nullptr;
  timer* t = find(timer_ref, wheel);
  if (t == nullptr) return std::nullopt;
  std::int64_t left = t->due_ns - machine_.time->now().time_since_epoch().count();
  wheel->remove(*t);
  due_message dropped = expire(*t); // destroyed after the lock: its destructor is user code
  wheel->lock().unlock();
  return duration(std::max<std::int64_t>(left, 0));
}

std::optional<duration> timer_service::read(const reference& timer_ref) {
  timer_wheel* wheel = nullptr;
  timer* t = find(timer_ref, wheel);
  if (t == nullptr) return std::nullopt;
  std::int64_t left = t->due_ns - machine_.time->now().time_since_epoch().count();
  wheel->lock().unlock();
  return duration(std::max<std::int64_t>(left, 0));
}

due_message timer_service::expire(timer_node& node) noexcept {
  auto& t = static_cast<timer&>(node);
  due_message out{t.to, std::move(t.message)};
  t.unique = 0;
  shelves_[t.shelf].free.push_back(t.slot);
  return out;
}

std::size_t timer_service::count() const noexcept {
  std::size_t all = 0;
  for (const std::unique_ptr<core>& c : machine_.cores) {
    std::lock_guard guard(c->wheel.lock());
    all += shelves_[c->index].timers.size() - shelves_[c->index].free.size();
  }
  return all;
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
