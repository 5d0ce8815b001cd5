#include "coppice/runtime/detail/allocate.hpp"

#include "coppice/runtime/detail/spin_lock.hpp"

#include <algorithm>
#include <mutex>

namespace coppice::detail {

#ifdef COPPICE_SANITIZED

void give_back_memory() noexcept {}
kept_blocks::kept_blocks() noexcept = default;
kept_blocks::~kept_blocks() = default;

#else

namespace {

constexpr std::size_t chain_bytes = std::size_t{16} << 10U;
constexpr unsigned depot_chains = 32; ///< of a size: half a megabyte

void free_chain(block_cache::chain c) noexcept {
  while (c.first != nullptr) mi_free(std::exchange(c.first, c.first->next));
}

/// Where threads pass on full chains of one size.
class depot {
public:
  bool put(const block_cache::chain& full) noexcept {
    if (count_.load(std::memory_order_relaxed) >= depot_chains) return false;
    std::lock_guard guard(lock_);
    full.first->next_chain = std::exchange(first_, full.first);
    ++count_;
    return true;
  }
  block_cache::free_block* take() noexcept {
    if (count_.load(std::memory_order_relaxed) == 0) return nullptr;
    std::lock_guard guard(lock_);
    if (first_ == nullptr) return nullptr;
    --count_;
    return std::exchange(first_, first_->next_chain);
  }

private:
  spin_lock lock_;
  std::atomic<unsigned> count_{0};
  block_cache::free_block* first_ = nullptr;
};

constinit std::array<depot, block_cache::largest / block_cache::granule> depots;

} // namespace

constexpr std::uint32_t block_cache::limit_of(std::size_t i) noexcept {
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(chain_bytes / ((i + 1) * granule), 32, 256));
}

bool block_cache::refill(shelf& s, std::size_t size) noexcept {
  if (s.other.first != nullptr) {
    std::swap(s.current, s.other);
    return true;
  }
  if (s.limit == 0) return false;
  free_block* full = depots[index(size)].take();
  if (full == nullptr) return false;
  s.current = {full, s.limit};
  return true;
}

bool block_cache::make_room(shelf& s, std::size_t size) noexcept {
  if (s.limit == 0) return false;
  if (s.other.count >= s.limit && !depots[index(size)].put(s.other)) return false;
  s.other = std::exchange(s.current, chain{});
  return true;
}

void block_cache::open() noexcept {
  if (users_++ != 0) return;
  for (std::size_t i = 0; i < sizes; ++i) shelves_[i].limit = limit_of(i);
}

void block_cache::close() noexcept {
  if (--users_ != 0) return;
  for (shelf& s : shelves_) {
    s.limit = 0;
    free_chain(std::exchange(s.current, chain{}));
    free_chain(std::exchange(s.other, chain{}));
  }
}

kept_blocks::kept_blocks() noexcept { this_threads_blocks.open(); }
kept_blocks::~kept_blocks() { this_threads_blocks.close(); }

void give_back_memory() noexcept {
  for (std::size_t i = 0; i < depots.size(); ++i) {
    while (block_cache::free_block* first = depots[i].take()) {
      free_chain({first, 0});
    }
  }
  mi_collect(false);
}

#endif

} // namespace coppice::detail
