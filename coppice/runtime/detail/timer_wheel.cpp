#include "coppice/runtime/detail/timer_wheel.hpp"

#include "coppice/runtime/detail/allocate.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace coppice::detail {
namespace {

/// The first set bit at or after `from`, cyclically; `slots` if none is set. Distance, not position.
std::size_t distance_to_occupied(const std::array<std::uint64_t, timer_wheel::slots / 64>& bits,
                                 std::size_t from) noexcept {
  constexpr std::size_t words = timer_wheel::slots / 64;
  std::size_t word = from / 64;
  std::uint64_t current = bits[word] & (~std::uint64_t{0} << (from % 64));
  for (std::size_t step = 0; step <= words; ++step) {
    if (current != 0) {
      std::size_t at = word * 64 + static_cast<std::size_t>(std::countr_zero(current));
      return (at + timer_wheel::slots - from) % timer_wheel::slots;
    }
    word = (word + 1) % words;
    current = bits[word];
  }
  return timer_wheel::slots;
}

void free_chunk(timer_chunk* chunk) noexcept { deallocate(chunk, sizeof(timer_chunk)); }

void free_chain(timer_chunk* chain) noexcept {
  while (chain != nullptr) free_chunk(std::exchange(chain, chain->next));
}

/// More than this is not moved under the lock at once.
constexpr std::size_t moved_at_once = 256;

} // namespace

timer_wheel::~timer_wheel() {
  free_chain(taken_);
  free_chain(sweeping_.chain);
  for (level& wheel : levels_) {
    for (slot& s : wheel.slots_of) free_chain(s.chain);
  }
}

void timer_wheel::place(timer_entry entry) {
  std::uint64_t tick = std::max(ceil_tick(entry.due_ns), now_tick_);
  unsigned l = 0;
  while (l + 1 < levels && position(tick, l) - position(now_tick_, l) >= slots) ++l;
  // Beyond the outermost wheel: its furthest slot.
  std::uint64_t at = std::min(position(tick, l), position(now_tick_, l) + slots - 1);
  std::size_t index = at & (slots - 1);
  slot& s = levels_[l].slots_of[index];
  if (s.chain == nullptr || s.count == timer_chunk::capacity) {
    auto* fresh = static_cast<timer_chunk*>(allocate(sizeof(timer_chunk)));
    if (s.chain != nullptr) s.chain->count = timer_chunk::capacity;
    fresh->next = s.chain;
    s = {fresh, 0};
    levels_[l].occupied[index / 64] |= std::uint64_t{1} << (index % 64);
  }
  s.chain->entries[s.count++] = entry;
  auto wake = static_cast<std::int64_t>(at << (window_bits * l + tick_shift));
  if (wake < hint_ns()) hint_ns_.store(wake, std::memory_order_relaxed);
}

/// Takes the first chunk off; null if there is none.
timer_chunk* timer_wheel::pop(slot& from) noexcept {
  timer_chunk* chunk = from.chain;
  if (chunk == nullptr) return nullptr;
  chunk->count = static_cast<std::uint32_t>(from.count);
  from = {chunk->next, timer_chunk::capacity};
  return chunk;
}

bool timer_wheel::occupied(unsigned l, std::uint64_t position) const noexcept {
  std::size_t index = position & (slots - 1);
  return (levels_[l].occupied[index / 64] >> (index % 64) & 1) != 0;
}

/// The slot has lost a chunk: perhaps it is empty now.
void timer_wheel::note_empty(std::size_t number) noexcept {
  if (slot_at(number).chain != nullptr || (sweeping_.chain != nullptr && sweep_at_ == number)) return;
  std::size_t index = number % slots;
  levels_[number / slots].occupied[index / 64] &= ~(std::uint64_t{1} << (index % 64));
}

/// Takes a chunk out of a slot, what the sweep holds of it last; null if there is none.
timer_chunk* timer_wheel::take_chunk(unsigned l, std::uint64_t position) noexcept {
  std::size_t number = l * slots + (position & (slots - 1));
  timer_chunk* chunk = pop(slot_at(number));
  if (chunk == nullptr && sweep_at_ == number) chunk = pop(sweeping_);
  if (chunk != nullptr) note_empty(number);
  return chunk;
}

/// Moves a chunk of an outer wheel's slot inwards: how many entries.
std::size_t timer_wheel::move_inwards(unsigned l, std::uint64_t position) noexcept {
  timer_chunk* chunk = take_chunk(l, position);
  if (chunk == nullptr) return 0;
  for (std::uint32_t i = 0; i < chunk->count; ++i) place(chunk->entries[i]);
  std::size_t moved = chunk->count;
  free_chunk(chunk);
  return moved;
}

/// Where slots of the outer wheels begin with this tick, what is left in them moves inwards now. False if
/// that is too much for one time.
bool timer_wheel::begin_windows(std::size_t& moved) noexcept {
  for (unsigned l = levels - 1; l >= 1; --l) {
    while (occupied(l, position(now_tick_, l))) {
      if (moved >= moved_at_once) return false;
      moved += move_inwards(l, position(now_tick_, l));
    }
  }
  return true;
}

/// Moves some of what the next slots of the outer wheels hold inwards, before their time.
void timer_wheel::move_ahead() noexcept {
  std::size_t moved = 0;
  for (unsigned l = 1; l < levels; ++l) {
    while (moved < moved_at_once / 2 && occupied(l, position(now_tick_, l) + 1)) {
      moved += move_inwards(l, position(now_tick_, l) + 1);
    }
  }
}

std::optional<std::uint64_t> timer_wheel::next_tick() const noexcept {
  std::optional<std::uint64_t> best;
  for (unsigned l = 0; l < levels; ++l) {
    std::uint64_t from = position(now_tick_, l);
    std::size_t distance = distance_to_occupied(levels_[l].occupied, from & (slots - 1));
    if (distance == slots) continue;
    std::uint64_t tick = (from + distance) << (window_bits * l);
    if (!best || tick < *best) best = tick;
  }
  return best;
}

timer_wheel::progress timer_wheel::advance(time_point now) noexcept {
  std::uint64_t target = floor_tick(ns(now));
  std::size_t moved = 0;
  for (;;) {
    if (!begin_windows(moved)) return progress::more;
    if (now_tick_ <= target && occupied(0, now_tick_)) {
      while (timer_chunk* chunk = take_chunk(0, now_tick_)) {
        chunk->next = taken_;
        taken_ = chunk;
      }
      return progress::due;
    }
    if (now_tick_ >= target) break;
    std::optional<std::uint64_t> next = next_tick();
    if (!next || *next > target) {
      now_tick_ = target; // nothing is due up to there, nor does an occupied slot of an outer wheel begin
      break;
    }
    now_tick_ = std::max(*next, now_tick_ + 1);
  }
  move_ahead();
  set_hint();
  return progress::idle;
}

void timer_wheel::arrange() noexcept {
  constexpr std::size_t kept = 1024; // of the memory that a crowded tick has needed
  ready_.clear();
  next_ready_ = 0;
  if (ready_.capacity() > kept) ready_.shrink_to_fit();
  for (const timer_chunk* chunk = taken_; chunk != nullptr; chunk = chunk->next) {
    ready_.insert(ready_.end(), chunk->entries.begin(), chunk->entries.begin() + chunk->count);
  }
  free_chain(std::exchange(taken_, nullptr));
  if (!std::ranges::is_sorted(ready_)) std::ranges::sort(ready_);
}

/// The next chunk that the sweep has to see; null at the end of the last wheel.
timer_chunk* timer_wheel::next_to_sweep() noexcept {
  while (sweeping_.chain == nullptr) {
    if (sweep_at_ == levels * slots) {
      sweep_at_ = 0;
      return nullptr;
    }
    sweeping_ = std::exchange(slot_at(sweep_at_), {}); // which stays occupied until all of it has been seen
    if (sweeping_.chain == nullptr) ++sweep_at_;
  }
  timer_chunk* chunk = pop(sweeping_);
  note_empty(sweep_at_);
  if (sweeping_.chain == nullptr) ++sweep_at_; // what is put back there is not looked at again
  return chunk;
}

void timer_wheel::sweep(const timer_judge& judge, std::size_t at_most) noexcept {
  for (std::size_t seen = 0; seen < at_most;) {
    timer_chunk* chunk = next_to_sweep();
    if (chunk == nullptr) return;
    __builtin_prefetch(sweeping_.chain);
    std::size_t kept = judge.keep(std::span(chunk->entries.data(), chunk->count));
    for (std::size_t i = 0; i < kept; ++i) place(chunk->entries[i]);
    auto dropped = static_cast<std::int64_t>(chunk->count - kept);
    drop(dropped, dropped);
    seen += chunk->count;
    free_chunk(chunk);
  }
}

void timer_wheel::set_hint() noexcept {
  std::optional<std::uint64_t> next = next_tick();
  hint_ns_.store(next ? static_cast<std::int64_t>(*next << tick_shift) : INT64_MAX,
                 std::memory_order_relaxed);
}

std::optional<time_point> timer_wheel::next_due() noexcept {
  std::lock_guard guard(lock_);
  if (ready()) return time_point(std::chrono::nanoseconds(ready_[next_ready_].due_ns));
  set_hint();
  if (hint_ns() == INT64_MAX) return std::nullopt;
  return time_point(std::chrono::nanoseconds(hint_ns()));
}

} // namespace coppice::detail
