#include "coppice/runtime/detail/owned_map.hpp"

namespace coppice::detail {

map_links::~map_links() {
  for (atomic<map_link*>& l : levels_) delete[] l.load(std::memory_order_relaxed);
}

// --- buckets ---

map_link* map_links::bucket_of(std::uint64_t order) noexcept {
  unsigned bits = bits_.load(std::memory_order_acquire);
  std::uint64_t bucket = bits == 0 ? 0 : order & (~std::uint64_t{0} << (64 - bits));
  if (bucket == 0) return &head_;
  // The lowest bit that is set tells with which growing the bucket came, and those above it, which it is.
  auto zeros = static_cast<unsigned>(std::countr_zero(bucket));
  map_link* level = levels_[64 - zeros].load(std::memory_order_acquire);
  return &level[zeros == 63 ? 0 : bucket >> (zeros + 1)];
}

void map_links::grow_if_full() {
  const unsigned bits = bits_.load(std::memory_order_relaxed);
  if (bits == most_bits || size() >> bits == 0) return;
  const std::size_t count = std::size_t{1} << bits; // each bucket gets a second half
  auto marks = std::make_unique<map_link[]>(count);
  map_link* previous = &head_;
  for (std::size_t i = 0; i < count; ++i) {
    marks[i].order = (std::uint64_t{2} * i + 1) << (63 - bits);
    for (map_link* next = after(*previous); next != nullptr && next->order < marks[i].order;
         next = after(*previous)) {
      previous = next;
    }
    put_behind(*previous, marks[i]);
    previous = &marks[i];
  }
  levels_[bits + 1].store(marks.release(), std::memory_order_release);
  bits_.store(bits + 1, std::memory_order_release);
}

// --- the writer ---

map_link* map_links::before(std::uint64_t order) noexcept {
  map_link* previous = bucket_of(order);
  for (map_link* next = after(*previous); next != nullptr && next->order < order; next = after(*previous)) {
    previous = next;
  }
  return previous;
}

void map_links::put_behind(map_link& previous, map_link& fresh) noexcept {
  fresh.next.store(previous.next.load(std::memory_order_relaxed), std::memory_order_relaxed);
  previous.next.store(word_of(&fresh), std::memory_order_seq_cst);
}

void map_links::put_in(map_link& previous, map_link& fresh) noexcept {
  put_behind(previous, fresh);
  size_.store(size() + 1, std::memory_order_relaxed);
}

void map_links::put_in_place(map_link& previous, map_link& old, map_link& fresh) {
  retired_.push_back(&old);
  std::uintptr_t next = old.next.load(std::memory_order_relaxed);
  fresh.next.store(next, std::memory_order_relaxed);
  // First out of the list, then marked as out: a reader who starts again because of the mark gets past it.
  previous.next.store(word_of(&fresh), std::memory_order_seq_cst);
  old.next.store(next | 1U, std::memory_order_seq_cst);
}

void map_links::take_out(map_link& previous, map_link& old) {
  retired_.push_back(&old);
  std::uintptr_t next = old.next.load(std::memory_order_relaxed);
  previous.next.store(next, std::memory_order_seq_cst);
  old.next.store(next | 1U, std::memory_order_seq_cst);
  size_.store(size() - 1, std::memory_order_relaxed);
}

// --- readers ---

bool map_links::walk::step(map_link*& at) {
  map_link& from = at_ == nullptr ? *start_ : *at_;
  const std::uintptr_t word = from.next.load(std::memory_order_seq_cst);
  map_link* next = link_of(word);
  const bool taken_out = (word & 1U) != 0;
  if (!taken_out && next != nullptr) {
    if (slot_ == nullptr) {
      slot_ = &all_.slots_.announce(next, place_);
      in_other_ = false;
    } else {
      in_other_ = !in_other_;
      (in_other_ ? slot_->other : slot_->one).exchange(next, std::memory_order_seq_cst);
    }
  }
  // Only what is still in the list after it has been announced is not being freed.
  if (taken_out || (next != nullptr && from.next.load(std::memory_order_seq_cst) != word)) {
    at_ = nullptr;
    return false;
  }
  at_ = at = next;
  return true;
}

void map_links::walk::leave() noexcept {
  if (slot_ == nullptr) return;
  slot_->other.store(nullptr, std::memory_order_release);
  slot_->one.store(nullptr, std::memory_order_release); // the place is another's now
}

} // namespace coppice::detail
