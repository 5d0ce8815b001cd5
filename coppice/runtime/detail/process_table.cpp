#include "coppice/runtime/detail/process_table.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <new>
#include <sys/mman.h>

namespace coppice::detail {

namespace {

constexpr std::uint32_t slots_min = 16;

/// Has the system supply the memory of these at once: cheaper than a page fault each.
void populate(process_block* first, std::size_t count) noexcept {
#ifdef MADV_POPULATE_WRITE
  constexpr std::uintptr_t page = 4096;
  const std::size_t before = reinterpret_cast<std::uintptr_t>(first) % page; // advice is for whole pages
  madvise(reinterpret_cast<char*>(first) - before, before + count * sizeof(process_block),
          MADV_POPULATE_WRITE);
#else
  (void)first, (void)count;
#endif
}

} // namespace

process_table::process_table(std::uint32_t max_processes)
    : max_(std::min<std::uint32_t>(std::max(max_processes, slots_min), slots_max)) {
  void* memory = MAP_FAILED;
  for (;; max_ /= 2) {
    mapped_ = max_ * sizeof(process_block);
    memory =
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) break;
    if (max_ / 2 < slots_min) throw std::bad_alloc();
  }
  blocks_ = static_cast<process_block*>(memory);
}

process_table::~process_table() {
  std::destroy_n(blocks_, used());
  munmap(blocks_, mapped_);
}

void process_table::append(free_slots& list, process_block& p) noexcept {
  p.run_next = nullptr;
  (list.last == nullptr ? list.first : list.last->run_next) = &p;
  list.last = &p;
  ++list.size;
}

process_block* process_table::take(free_slots& list) noexcept {
  process_block* p = list.first;
  if (p == nullptr) return nullptr;
  list.first = p->run_next;
  if (list.first == nullptr) list.last = nullptr;
  --list.size;
  return p;
}

void process_table::add_fresh(free_slots& into, std::size_t count) {
  std::uint32_t used = used_.load(std::memory_order_relaxed);
  if (count >= batch) populate(blocks_ + used, std::min<std::size_t>(count, max_ - used));
  for (std::size_t i = 0; i < count && used < max_; ++i, ++used) {
    process_block* p = new (blocks_ + used) process_block;
    p->id.store((std::uint64_t{1} << pid::slot_bits) | used, std::memory_order_relaxed);
    append(into, *p);
    used_.store(used + 1, std::memory_order_release);
  }
}

void process_table::refill(free_slots& into, std::size_t count) {
  std::lock_guard guard(mutex_);
  // Slots never used come first while there are enough: so a slot rests as long as possible before its reuse.
  if (shared_.size < batch * 4) add_fresh(into, count);
  if (into.size > 0) return;
  // Where slots are scarce a core takes few, so that the others find some, too.
  bool scarce = used_.load(std::memory_order_relaxed) >= max_;
  std::size_t share = scarce ? std::min(count, shared_.size / 16 + 1) : count;
  while (into.size < share && shared_.size > 0) append(into, *take(shared_));
}

process_block* process_table::acquire(free_slots* cache) {
  free_slots one;
  free_slots& list = cache == nullptr ? one : *cache;
  if (list.size == 0) refill(list, cache == nullptr ? 1 : batch);
  return take(list);
}

void process_table::release(process_block& p, free_slots* cache) noexcept {
  if (cache == nullptr || used() >= max_) { // all are in use or were: none is kept from the others
    std::lock_guard guard(mutex_);
    append(shared_, p);
    return;
  }
  append(*cache, p);
  if (cache->size < 4 * batch) return;
  std::lock_guard guard(mutex_);
  for (std::size_t i = 0; i < batch; ++i) append(shared_, *take(*cache));
}

} // namespace coppice::detail
