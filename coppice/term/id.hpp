// Identities that are both terms and the runtime's addresses: pid, reference, port.
// Plain values, trivially copyable, ordered and hashed by value (never by an address in memory).
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace coppice {

/// The address of a process (Erlang: `pid()`).
///
/// 16 bytes. `id` holds a 26-bit slot (low bits) and a 38-bit generation, so an address is never reused
/// within a node's life. `node` is an index into the node's table of peers, 0 for the local node;
/// `creation` tells incarnations of one node apart. A default-constructed pid names no process.
struct pid {
  std::uint64_t id = 0;
  std::uint32_t node = 0;
  std::uint32_t creation = 0;

  static constexpr unsigned slot_bits = 26;

  [[nodiscard]] constexpr std::uint32_t slot() const noexcept {
    return static_cast<std::uint32_t>(id & ((std::uint64_t{1} << slot_bits) - 1));
  }
  [[nodiscard]] constexpr std::uint64_t generation() const noexcept { return id >> slot_bits; }
  [[nodiscard]] constexpr bool local() const noexcept { return node == 0; }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return id != 0 || node != 0; }

  friend constexpr auto operator<=>(const pid&, const pid&) = default;
};

/// A value unique in the node's life (Erlang: `reference()`, `make_ref/0`). Names monitors, timers, calls.
/// `words[0]` is the least significant; `len` of them count (3 for a local reference).
struct reference {
  std::array<std::uint32_t, 5> words{};
  std::uint32_t len = 0;
  std::uint32_t node = 0;
  std::uint32_t creation = 0;

  /// Makes a local reference from a number unique in the node.
  static constexpr reference local(std::uint64_t unique, std::uint32_t tag = 0) noexcept {
    return {
        {static_cast<std::uint32_t>(unique), static_cast<std::uint32_t>(unique >> 32), tag, 0, 0}, 3, 0, 0};
  }
  /// The number a local reference was made from.
  [[nodiscard]] constexpr std::uint64_t unique() const noexcept {
    return words[0] | (std::uint64_t{words[1]} << 32);
  }
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return len != 0; }

  friend constexpr auto operator<=>(const reference&, const reference&) = default;
};

/// An Erlang port identifier. Coppice makes none; it carries those of its peers.
struct port {
  std::uint64_t id = 0;
  std::uint32_t node = 0;
  std::uint32_t creation = 0;

  friend constexpr auto operator<=>(const port&, const port&) = default;
};

namespace detail {
constexpr std::uint64_t mix(std::uint64_t x) noexcept { // the finaliser of splitmix64
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9ULL;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}
} // namespace detail

} // namespace coppice

template <>
struct std::hash<coppice::pid> {
  std::size_t operator()(const coppice::pid& p) const noexcept {
    return coppice::detail::mix(p.id ^ (std::uint64_t{p.node} << 32) ^ p.creation);
  }
};
template <>
struct std::hash<coppice::reference> {
  std::size_t operator()(const coppice::reference& r) const noexcept {
    return coppice::detail::mix(r.unique() ^ (std::uint64_t{r.words[2]} << 17) ^
                                (std::uint64_t{r.node} << 40));
  }
};
template <>
struct std::hash<coppice::port> {
  std::size_t operator()(const coppice::port& p) const noexcept {
    return coppice::detail::mix(p.id ^ (std::uint64_t{p.node} << 32));
  }
};
