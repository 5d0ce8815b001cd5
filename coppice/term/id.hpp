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
/// 16 bytes. An address is never reused within a node's life. A default-constructed pid names no process. One
/// of another node with the creation 0, which no process has, stands for whoever has a name there.
struct pid {
  std::uint64_t id = 0;       ///< the slot in the low bits, the generation above it
  std::uint32_t node = 0;     ///< an index into the node's table of peers; 0: this node
  std::uint32_t creation = 0; ///< tells incarnations of one node apart

  static constexpr unsigned slot_bits = 26; ///< how many of the bits of `id` are the slot

  /// Its place in the node's process table, which the next process may take when it has ended.
  [[nodiscard]] constexpr std::uint32_t slot() const noexcept {
    return static_cast<std::uint32_t>(id & ((std::uint64_t{1} << slot_bits) - 1));
  }
  /// Tells the processes apart that have had the same slot.
  [[nodiscard]] constexpr std::uint64_t generation() const noexcept { return id >> slot_bits; }
  /// Whether it is of this node; so is the pid that names no process.
  [[nodiscard]] constexpr bool local() const noexcept { return node == 0; }
  /// Whether it stands for a registered name on another node: what `remote_name` is resolved to.
  [[nodiscard]] constexpr bool by_name() const noexcept { return node != 0 && creation == 0; }
  /// Whether it names a process, dead or alive.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return id != 0 || node != 0; }

  friend constexpr auto operator<=>(const pid&, const pid&) = default;
};

/// A value unique in the node's life (Erlang: `reference()`, `make_ref/0`). Names monitors, timers, calls.
struct reference {
  std::array<std::uint32_t, 5> words{}; ///< what makes it unique, least significant word first
  std::uint32_t len = 0;                ///< how many words count: 3 here, 5 for an alias; 0: no reference
  std::uint32_t node = 0;               ///< as in `pid`
  std::uint32_t creation = 0;           ///< as in `pid`

  /// Makes a local reference from a number unique in the node.
  static constexpr reference local(std::uint64_t unique, std::uint32_t tag = 0) noexcept {
    return {
        {static_cast<std::uint32_t>(unique), static_cast<std::uint32_t>(unique >> 32), tag, 0, 0}, 3, 0, 0};
  }
  /// The number a local reference was made from.
  [[nodiscard]] constexpr std::uint64_t unique() const noexcept {
    return words[0] | (std::uint64_t{words[1]} << 32);
  }
  /// Whether it is a reference at all; a default-constructed one is none.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return len != 0; }

  friend constexpr auto operator<=>(const reference&, const reference&) = default;
};

/// An Erlang port identifier. Coppice makes none; it carries those of its peers.
struct port {
  std::uint64_t id = 0;       ///< its number within its node
  std::uint32_t node = 0;     ///< as in `pid`
  std::uint32_t creation = 0; ///< as in `pid`

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
