#include "coppice/runtime/detail/timer_wheel.hpp"

#include <algorithm>
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
  std::uint64_t distance = tick - now_tick_;
  unsigned l = 0;
  while (l + 1 < levels && distance >= (std::uint64_t{1} << (slot_bits * (l + 1)))) ++l;
  if (distance >= (std::uint64_t{1} << (slot_bits * levels))) { // beyond the wheel: its furthest slot
    tick = now_tick_ + (std::uint64_t{1} << (slot_bits * levels)) - 1;
  }
  std::size_t slot = (tick >> (slot_bits * l)) & (slots - 1);
  level& wheel = levels_[l];
  bool empty = wheel.heads[slot] == nullptr;
  node.link = empty || where == end::front ? &wheel.heads[slot] : wheel.tails[slot];
  node.next = *node.link;
  *node.link = &node;
  (node.next != nullptr ? node.next->link : wheel.tails[slot]) = &node.next;
  node.level = static_cast<std::uint8_t>(l);
  node.slot = static_cast<std::uint8_t>(slot);
  wheel.occupied[slot / 64] |= std::uint64_t{1} << (slot % 64);
  auto wake = static_cast<std::int64_t>((tick >> (slot_bits * l)) << (slot_bits * l + tick_shift));
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

void timer_wheel::cascade(unsigned from_level) noexcept {
  std::size_t slot = (now_tick_ >> (slot_bits * from_level)) & (slots - 1);
  level& wheel = levels_[from_level];
  timer_node* node = std::exchange(wheel.heads[slot], nullptr);
  wheel.occupied[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  timer_node* newest_first = nullptr;
  while (node != nullptr) {
    timer_node* next = node->next;
    node->next = std::exchange(newest_first, node);
    node = next;
  }
  while (newest_first != nullptr) {
    timer_node* next = newest_first->next;
    place(*newest_first, end::front);
    newest_first = next;
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
    std::uint64_t position = now_tick_ >> (slot_bits * l);
    std::size_t from = position & (slots - 1);
    // On an outer level the current slot has been cascaded already, so what lies there is a whole turn away,
    // unless this very tick begins it.
    bool begins = (now_tick_ & ((std::uint64_t{1} << (slot_bits * l)) - 1)) == 0;
    std::size_t skip = begins ? 0 : 1;
    std::size_t distance = distance_to_occupied(levels_[l].occupied, (from + skip) & (slots - 1));
    if (distance == slots) continue;
    std::uint64_t tick = (position + skip + distance) << (slot_bits * l);
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
      // Nothing is due up to the target. Move there, but never past a slot that has yet to cascade.
      now_tick_ = target;
      break;
    }
    now_tick_ = std::max(*next, now_tick_ + 1);
    for (unsigned l = levels - 1; l >= 1; --l) {
      if ((now_tick_ & ((std::uint64_t{1} << (slot_bits * l)) - 1)) == 0) cascade(l);
    }
  }
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
