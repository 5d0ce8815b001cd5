// The one allocator of envelopes, coroutine frames and bodies.
// mimalloc frees from any thread without a lock. Before it stand the free blocks that a worker thread keeps
// for itself: most blocks live as long as a message, and die on the thread that will make the next ones.
// Under a sanitizer the system's allocator is used alone, so that the sanitizer sees every block.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#ifndef COPPICE_SANITIZED
#include <mimalloc.h>
#endif

namespace coppice::detail {

#ifndef COPPICE_SANITIZED

/// The free blocks of one thread, by size, in two chains a size: one in use and one full or empty. So a
/// thread that frees what another allocates passes on full chains, not single blocks. Empty, and taking
/// nothing, unless the thread runs processes.
class block_cache {
public:
  static constexpr std::size_t granule = 16;
  static constexpr std::size_t largest = 512;

  /// A block of at least that many bytes, up to `largest`; null if there is none.
  void* take(std::size_t size) noexcept {
    shelf& s = shelves_[index(size)];
    if (s.current.first == nullptr) [[unlikely]] {
      if (!refill(s, size)) return nullptr;
    }
    --s.current.count;
    return std::exchange(s.current.first, s.current.first->next);
  }
  /// False: the block is not taken.
  bool put(void* block, std::size_t size) noexcept {
    shelf& s = shelves_[index(size)];
    if (s.current.count >= s.limit) [[unlikely]] {
      if (!make_room(s, size)) return false;
    }
    s.current.first = new (block) free_block{s.current.first, nullptr};
    ++s.current.count;
    return true;
  }

  /// From here on this thread keeps blocks; nests.
  void open() noexcept;
  /// The last one gives all of them back.
  void close() noexcept;

  struct free_block {
    free_block* next;
    free_block* next_chain; ///< of the first of a chain in the depot
  };
  struct chain {
    free_block* first = nullptr;
    std::uint32_t count = 0;
  };

private:
  struct shelf {
    chain current;
    chain other;
    std::uint32_t limit = 0;
  };

  static constexpr std::size_t sizes = largest / granule;
  static constexpr std::size_t index(std::size_t size) noexcept { return (size - 1) / granule; }
  static constexpr std::uint32_t limit_of(std::size_t i) noexcept;
  bool refill(shelf& s, std::size_t size) noexcept;
  bool make_room(shelf& s, std::size_t size) noexcept;

  std::array<shelf, sizes> shelves_{};
  unsigned users_ = 0;
};

inline constinit thread_local block_cache this_threads_blocks;

#endif

inline void* allocate(std::size_t size) {
#ifdef COPPICE_SANITIZED
  return ::operator new(size);
#else
  if (size <= block_cache::largest) [[likely]] {
    if (void* kept = this_threads_blocks.take(size); kept != nullptr) return kept;
    size = (size + block_cache::granule - 1) / block_cache::granule * block_cache::granule;
  }
  void* block = mi_malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
#endif
}

/// `size` is what it was allocated with.
inline void deallocate(void* block, [[maybe_unused]] std::size_t size) noexcept {
#ifdef COPPICE_SANITIZED
  ::operator delete(block);
#else
  if (size <= block_cache::largest && this_threads_blocks.put(block, size)) [[likely]]
    return;
  mi_free(block);
#endif
}

/// How large the block of the allocator is that starts here; 0: it does not say.
inline std::size_t block_size([[maybe_unused]] const void* block) noexcept {
#ifdef COPPICE_SANITIZED
  return 0;
#else
  return mi_usable_size(block);
#endif
}

/// Gives the free blocks that no thread keeps for itself back to the system.
void give_back_memory() noexcept;

/// This thread keeps free blocks for itself while one of these lives.
class kept_blocks {
public:
  kept_blocks() noexcept;
  ~kept_blocks();
  kept_blocks(const kept_blocks&) = delete;
  kept_blocks& operator=(const kept_blocks&) = delete;
};

/// A base that makes `new`/`delete` of derived types use the allocator above.
struct pooled {
  static void* operator new(std::size_t size) { return allocate(size); }
  static void operator delete(void* block, std::size_t size) noexcept { deallocate(block, size); }
};

} // namespace coppice::detail
