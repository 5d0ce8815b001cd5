#include "coppice/runtime/detail/process_table.hpp"

#include <algorithm>
#include <new>
#include <sys/mman.h>

namespace coppice::detail {

process_table::process_table(std::uint32_t max_processes)
    : max_(std::min<std::uint32_t>(std::max<std::uint32_t>(max_processes, 16), slots_max)),
      segments_((max_ + segment_size - 1) / segment_size) {}

process_table::~process_table() {
  std::size_t slots = used();
  for (std::atomic<process_block*>& segment : segments_) {
    process_block* blocks = segment.load(std::memory_order_relaxed);
    if (blocks == nullptr) continue;
    std::size_t live = std::min(slots, segment_size);
    std::destroy_n(blocks, live);
    slots -= live;
    munmap(blocks, segment_size * sizeof(process_block));
  }
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
  for (std::size_t i = 0; i < count && used < max_; ++i, ++used) {
    std::atomic<process_block*>& segment = segments_[used >> segment_bits];
    process_block* blocks = segment.load(std::memory_order_relaxed);
    if (blocks == nullptr) {
      void* memory = mmap(nullptr, segment_size * sizeof(process_block), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED) throw std::bad_alloc();
      blocks = static_cast<process_block*>(memory);
    }
    process_block* p = new (blocks + (used & (segment_size - 1))) process_block;
    p->id.store((std::uint64_t{1} << pid::slot_bits) | used, std::memory_order_relaxed);
    append(into, *p);
    segment.store(blocks, std::memory_order_release);
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
