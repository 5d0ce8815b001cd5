// Atoms: names that compare in one instruction. The one global of the library is their table.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "coppice/term/id.hpp"

namespace coppice {

/// Why a peer's atom was refused.
enum class atom_error : std::uint8_t {
  too_long, ///< more than 255 characters
  bad_utf8, ///< the name is not well-formed UTF-8
  limit     ///< too many atoms made by peers are alive (`atom::set_peer_limit`)
};

/// An Erlang atom: a name of at most 255 characters, kept once in a table of the whole OS process.
///
/// Four bytes. Equality compares an index; order is that of the names (by code point, as in Erlang).
/// Atoms made by the program stay for ever. Atoms made by peers (`from_peer`) are counted and go with
/// their last copy, so that no peer can fill the table. All operations are thread-safe; `name()` takes
/// no lock. See the Erlang Reference Manual, "Data Types", and `atom/1` limits in "System Limits".
class atom {
public:
  static constexpr std::size_t max_characters = 255; ///< of a name: code points, not bytes; OTP's limit

  /// The empty atom, `''`.
  constexpr atom() noexcept = default;

  /// The atom of that name, permanent from now on. Throws `std::length_error` over 255 characters or when
  /// the table is full, `std::invalid_argument` if `utf8` is not well-formed UTF-8.
  explicit atom(std::string_view utf8);

  /// The atom of that name for data from outside: counted, and reclaimed with its last copy unless the
  /// program makes it permanent.
  static std::expected<atom, atom_error> from_peer(std::string_view utf8);

  /// The atom of that name if it is in the table, else nothing; never adds one (`binary_to_existing_atom`).
  static std::optional<atom> existing(std::string_view utf8);

  /// Bounds how many reclaimable atoms may live at once (default 1,048,576).
  static void set_peer_limit(std::size_t limit) noexcept;
  /// How many reclaimable atoms live now.
  static std::size_t peer_count() noexcept;

  /// @{
  /// A copy of a peer's atom adds to its count, any other costs nothing. What was moved from is some atom.
  constexpr atom(const atom& other) noexcept : bits_(other.bits_) {
    if (counted()) [[unlikely]]
      retain(bits_);
  }
  constexpr atom(atom&& other) noexcept : bits_(std::exchange(other.bits_, 0)) {}
  constexpr atom& operator=(const atom& other) noexcept {
    atom copy(other);
    std::swap(bits_, copy.bits_);
    return *this;
  }
  constexpr atom& operator=(atom&& other) noexcept {
    std::swap(bits_, other.bits_);
    return *this;
  }
  /// @}
  constexpr ~atom() {
    if (counted()) [[unlikely]]
      release(bits_);
  }

  /// The name in UTF-8; valid while this atom (or another copy) lives.
  [[nodiscard]] std::string_view name() const noexcept;

  /// The atom's place in the table: equal for equal atoms, reused after a counted atom has gone.
  [[nodiscard]] constexpr std::uint32_t index() const noexcept { return bits_ & ~counted_bit; }

  /// A hash of the name: the same in every run of the program.
  [[nodiscard]] std::size_t hash() const noexcept;

  /// Whether it is `''`.
  [[nodiscard]] constexpr bool empty() const noexcept { return index() == 0; }

  friend constexpr bool operator==(const atom& a, const atom& b) noexcept { return a.index() == b.index(); }
  friend std::strong_ordering operator<=>(const atom& a, const atom& b) noexcept {
    if (a == b) return std::strong_ordering::equal;
    return a.name() <=> b.name();
  }

private:
  friend class term; // keeps the bits inline, and the count by the functions below
  static constexpr std::uint32_t counted_bit = 0x8000'0000;
  struct raw {};
  constexpr atom(raw, std::uint32_t bits) noexcept : bits_(bits) {}

  [[nodiscard]] constexpr bool counted() const noexcept { return (bits_ & counted_bit) != 0; }
  static void retain(std::uint32_t bits) noexcept;
  static void release(std::uint32_t bits) noexcept;

  std::uint32_t bits_ = 0;
};

static_assert(sizeof(atom) == 4);

namespace detail {
template <std::size_t N>
struct fixed_string {
  char chars[N]{};
  // NOLINTNEXTLINE(google-explicit-constructor): a literal converts itself
  consteval fixed_string(const char (&text)[N]) { std::copy_n(text, N, chars); }
  [[nodiscard]] constexpr std::string_view view() const { return {chars, N - 1}; }
};
} // namespace detail

inline namespace literals {
/// `"ok"_atom`: looked up once in the program's life, then as cheap as reading a variable.
template <detail::fixed_string Name>
const atom& operator""_atom() {
  static const atom value{Name.view()};
  return value;
}
} // namespace literals

} // namespace coppice

template <>
struct std::hash<coppice::atom> {
  std::size_t operator()(const coppice::atom& a) const noexcept { return a.hash(); }
};
