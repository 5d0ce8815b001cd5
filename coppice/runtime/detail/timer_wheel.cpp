#include "coppice/runtime/detail/timer_wheel.hpp"

#include <algorithm>
#include <cstddef>
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

} // namespace

void timer_wheel::place(timer_node& node, end where) noexcept {
  std::uint64_t tick = std::max(ceil_tick(node.due_ns), now_tick_);
  unsigned l = 0;
  while (l + 1 < levels && position(tick, l) - position(now_tick_, l) >= slots) ++l;
  // Beyond the outermost wheel: its furthest slot.
  std::uint64_t at = std::min(position(tick, l), position(now_tick_, l) + slots - 1);
  std::size_t slot = at & (slots - 1);
  level& wheel = levels_[l];
  bool empty = wheel.heads[slot] == nullptr;
  node.link = empty || where == end::front ? &wheel.heads[slot] : wheel.tails[slot];
  node.next = *node.link;
  *node.link = &node;
  (node.next != nullptr ? node.next->link : wheel.tails[slot]) = &node.next;
  node.level = static_cast<std::uint8_t>(l);
  node.slot = static_cast<std::uint16_t>(slot);
  wheel.occupied[slot / 64] |= std::uint64_t{1} << (slot % 64);
  auto wake = static_cast<std::int64_t>(at << (window_bits * l + tick_shift));
  if (wake < hint_ns_.load(std::memory_order_relaxed)) hint_ns_.store(wake, std::memory_order_relaxed);
}

void timer_wheel::unlink(timer_node& node) noexcept {
  *node.link = node.next;
  level& wheel = levels_[node.level];
  (node.next != nullptr ? node.next->link : wheel.tails[node.slot]) = node.link;
  if (wheel.heads[node.slot] == nullptr) {
    wheel.occupied[node.slot / 64] &= ~(std::uint64_t{1} << (node.slot % 64));
  }
  node.link = nullptr;
  node.next = nullptr;
}

/// Moves the newest node of an outer wheel's slot inwards; false if there is none.
bool timer_wheel::move_inwards(unsigned from_level, std::uint64_t from) noexcept {
  level& wheel = levels_[from_level];
  std::size_t slot = from & (slots - 1);
  if (wheel.heads[slot] == nullptr) return false;
  static_assert(offsetof(timer_node, next) == 0);
  auto* newest = reinterpret_cast<timer_node*>(wheel.tails[slot]); // whose `next` it is
  unlink(*newest);
  place(*newest, end::front);
  return true;
}

/// Where a slot of an outer wheel begins with this tick, what is left in it moves inwards now.
void timer_wheel::begin_windows() noexcept {
  for (unsigned l = levels - 1; l >= 1; --l) {
    if (position(now_tick_, l) << (window_bits * l) != now_tick_) continue;
    while (move_inwards(l, position(now_tick_, l))) {
    }
  }
}

/// Moves some of what the next slots of the outer wheels hold inwards, before their time.
void timer_wheel::move_ahead() noexcept {
  constexpr unsigned at_once = 128;
  unsigned moved = 0;
  for (unsigned l = 1; l < levels; ++l) {
    while (moved < at_once && move_inwards(l, position(now_tick_, l) + 1)) ++moved;
  }
}

/// Puts the nodes of the current tick in the order of their times; those of one time stay as they are.
void timer_wheel::sort_slot() noexcept {
  if (std::exchange(sorted_tick_, now_tick_) == now_tick_) return;
  std::size_t slot = now_tick_ & (slots - 1);
  level& wheel = levels_[0];
  // A merge sort from the bottom up: `runs[i]` holds 2^i nodes in order, or none.
  std::array<timer_node*, 40> runs{};
  auto merge = [](timer_node* older, timer_node* newer) {
    timer_node* merged = nullptr;
    timer_node** last = &merged;
    while (older != nullptr && newer != nullptr) {
      timer_node*& first = newer->due_ns < older->due_ns ? newer : older;
      *last = first;
      last = &first->next;
      first = first->next;
    }
    *last = older != nullptr ? older : newer;
    return merged;
  };
  for (timer_node* node = wheel.heads[slot]; node != nullptr;) {
    timer_node* run = std::exchange(node, node->next);
    run->next = nullptr;
    std::size_t i = 0;
    for (; runs[i] != nullptr; ++i) run = merge(std::exchange(runs[i], nullptr), run);
    runs[i] = run;
  }
  timer_node* sorted = nullptr;
  for (timer_node* run : runs) {
    if (run != nullptr) sorted = merge(run, sorted);
  }
  wheel.heads[slot] = sorted;
  timer_node** link = &wheel.heads[slot];
  for (; *link != nullptr; link = &(*link)->next) (*link)->link = link;
  wheel.tails[slot] = link;
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

timer_node* timer_wheel::pop_due(time_point now) noexcept {
  std::uint64_t target = floor_tick(ns(now));
  for (;;) {
    if (levels_[0].heads[now_tick_ & (slots - 1)] != nullptr && now_tick_ <= target) {
      sort_slot();
      timer_node* node = levels_[0].heads[now_tick_ & (slots - 1)];
      unlink(*node);
      --size_;
      return node;
    }
    if (now_tick_ >= target) break;
    std::optional<std::uint64_t> next = next_tick();
    if (!next || *next > target) {
      now_tick_ = target; // nothing is due up to there, nor does an occupied slot of an outer wheel begin
      break;
    }
    now_tick_ = std::max(*next, now_tick_ + 1);
    begin_windows();
  }
  move_ahead();
  set_hint();
  return nullptr;
}

void timer_wheel::set_hint() noexcept {
  std::optional<std::uint64_t> next = next_tick();
  hint_ns_.store(next ? static_cast<std::int64_t>(*next << tick_shift) : INT64_MAX,
                 std::memory_order_relaxed);
}

std::optional<time_point> timer_wheel::next_due() noexcept {
  std::lock_guard guard(lock_);
  set_hint();
  std::int64_t hint = hint_ns_.load(std::memory_order_relaxed);
  if (hint == INT64_MAX) return std::nullopt;
  return time_point(std::chrono::nanoseconds(hint));
}

} // namespace coppice::detail
