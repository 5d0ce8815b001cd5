// The memory of terms that do not fit into one.
#pragma once

#include <atomic>
#include <cstdint>

namespace coppice::detail {

// What a term that does not fit in 16 bytes points to. The payload follows the header; `kind` says what it
// is. While a node waits to be destroyed its count makes room for the link to the next one.
struct term_node {
  enum kind_t : std::uint8_t { bits, big, ref, tuple, list, map, export_fun, fun };

  term_node(kind_t k, std::uint64_t n) noexcept : refs(1), size_and_kind(n << 8 | k) {}
  ~term_node() {}
  term_node(const term_node&) = delete;
  term_node& operator=(const term_node&) = delete;

  union {
    std::atomic<std::uint32_t> refs;
    term_node* next_dead;
  };
  std::uint64_t size_and_kind;

  [[nodiscard]] kind_t kind() const noexcept { return static_cast<kind_t>(size_and_kind & 0xff); }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_and_kind >> 8; }
  template <class T>
  [[nodiscard]] const T* payload() const noexcept {
    return reinterpret_cast<const T*>(this + 1);
  }
  template <class T>
  [[nodiscard]] T* payload() noexcept {
    return reinterpret_cast<T*>(this + 1);
  }
};
static_assert(sizeof(term_node) == 16);

} // namespace coppice::detail
