#include "coppice/runtime/detail/timer_shelf.hpp"

#include "coppice/runtime/detail/process_table.hpp"

#include <new>
#include <sys/mman.h>
#include <utility>

namespace coppice::detail {

timer_shelf::~timer_shelf() {
  for (std::size_t slot = 0; slot < used_; ++slot) {
    if (taken(slot)) envelope_ptr undelivered(at(slot)->message);
  }
  shrink(0);
}

void timer_shelf::grow() {
  constexpr std::size_t bytes = chunk_size * sizeof(record);
  if (used_ >= of_process) throw std::bad_alloc(); // a reference has no room for more
  chunks_.reserve(chunks_.size() + 1);
  taken_.resize((chunks_.size() + 1) * chunk_size / 64);
  // Twice as much, to cut a piece out of it that begins where a large page may.
  void* memory =
      mmap(nullptr, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  const std::size_t before = (bytes - reinterpret_cast<std::uintptr_t>(memory) % bytes) % bytes;
  char* aligned = static_cast<char*>(memory) + before;
  if (before != 0) munmap(memory, before);
  munmap(aligned + bytes, bytes - before);
  // The first chunk is all that most nodes need, and they need little of it: its pages stay small.
  if (!chunks_.empty()) madvise(aligned, bytes, MADV_HUGEPAGE);
  chunks_.push_back(reinterpret_cast<record*>(aligned));
}

void timer_shelf::shrink(std::size_t chunks) noexcept {
  for (; chunks_.size() > chunks; chunks_.pop_back()) munmap(chunks_.back(), chunk_size * sizeof(record));
  taken_.resize(chunks * chunk_size / 64);
  taken_.shrink_to_fit();
}

void timer_shelf::put(std::uint64_t unique, envelope* message, std::int64_t due_ns,
                      std::uint64_t key) noexcept {
  ++size_;
  std::size_t slot = first_free_;
  first_free_ = slot == used_ ? ++used_ : static_cast<std::size_t>(at(slot)->due_ns);
  taken_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  record& r = *at(slot);
  r.unique = unique;
  r.message = message;
  r.due_ns = due_ns;
  r.key = key;
}

envelope_ptr timer_shelf::release(record& r) noexcept {
  envelope_ptr message(std::exchange(r.message, nullptr));
  std::size_t slot = r.key & (of_process - 1);
  r.unique = 0;
  r.due_ns = static_cast<std::int64_t>(std::exchange(first_free_, slot));
  taken_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  if (--size_ == 0 && chunks_.size() > 1) { // the burst is over
    shrink(1);
    used_ = first_free_ = 0;
  }
  return message;
}

bool timer_shelf::counts(const timer_entry& entry) const noexcept {
  std::uint32_t slot = entry.owner() & (of_process - 1);
  if ((entry.owner() & of_process) != 0) {
    return processes_.at(slot)->armed_ns.load(std::memory_order_relaxed) == entry.due_ns;
  }
  return slot < used_ && taken(slot) && at(slot)->key == entry.key;
}

std::size_t timer_shelf::keep(std::span<timer_entry> entries) const noexcept {
  std::size_t kept = 0;
  for (const timer_entry& entry : entries) {
    if (counts(entry)) entries[kept++] = entry;
  }
  return kept;
}

} // namespace coppice::detail
