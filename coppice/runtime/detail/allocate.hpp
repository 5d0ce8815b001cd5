// The one allocator of envelopes, coroutine frames and bodies.
// mimalloc frees from any thread without a lock; under a sanitizer the system's allocator is used, so that
// the sanitizer sees every block.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

#ifndef COPPICE_SANITIZED
#include <mimalloc.h>
#endif

namespace coppice::detail {

inline void* allocate(std::size_t size) {
#ifdef COPPICE_SANITIZED
  return ::operator new(size);
#else
  void* block = mi_malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
#endif
}

inline void deallocate(void* block) noexcept {
#ifdef COPPICE_SANITIZED
  ::operator delete(block);
#else
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

/// Gives this thread's free blocks back to the system.
inline void give_back_memory() noexcept {
#ifndef COPPICE_SANITIZED
  mi_collect(false);
#endif
}

/// A base that makes `new`/`delete` of derived types use the allocator above.
struct pooled {
  static void* operator new(std::size_t size) { return allocate(size); }
  static void operator delete(void* block) noexcept { deallocate(block); }
};

} // namespace coppice::detail
