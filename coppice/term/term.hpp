// The Erlang term: the one value that every layer exchanges.
#pragma once

#include <atomic>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "coppice/term/atom.hpp"
#include "coppice/term/detail/term_node.hpp"
#include "coppice/term/id.hpp"
#include "coppice/term/term_parts.hpp"

namespace coppice {

class list_range;
namespace detail {
class external_reader;
}

/// An immutable Erlang term.
///
/// 16 bytes. Integers of 64 bits, floats, atoms, pids, ports and everything empty lie inside; the rest is a
/// node shared by an atomic count, so a copy never copies data and may be used by another thread. Depth and
/// length are limited by memory alone: nothing here recurses. The default term, and a moved-from one, is
/// `[]`. Lists are chains of runs: a list built at once is one block, `cons` adds a cell, `tail` is an
/// offset.
class term {
public:
  constexpr term() noexcept : bits_(0), meta_(tag_nil) {}

  /// An integer; a bool is the atom `true` or `false`.
  template <std::integral T>
  term(T value) : term(from_integral(value)) {} // NOLINT(google-explicit-constructor)
  /// A float. Throws `std::domain_error` for what Erlang has no float for: infinities and NaN.
  template <std::floating_point T>
  term(T value) : term(from_double(static_cast<double>(value))) {} // NOLINT(google-explicit-constructor)
  /// @{
  /// An atom; a peer's atom is counted by the terms that hold it too.
  term(const atom& value) noexcept : meta_(tag_atom) { set_atom(atom(value)); } // NOLINT
  term(atom&& value) noexcept : meta_(tag_atom) { set_atom(std::move(value)); } // NOLINT
  /// @}
  /// @{
  /// An identity. Throws `std::length_error` if the node index of a pid or port is 2^24 or more. A reference
  /// does not fit inside: one allocation.
  term(const pid& value);       // NOLINT(google-explicit-constructor)
  term(const port& value);      // NOLINT(google-explicit-constructor)
  term(const reference& value); // NOLINT(google-explicit-constructor)
  /// @}
  /// @{
  /// Text is a binary, as everywhere in Coppice; not checked to be UTF-8.
  term(const std::string& bytes) : term(binary(bytes)) {} // NOLINT(google-explicit-constructor)
  term(std::string_view bytes) : term(binary(bytes)) {}   // NOLINT(google-explicit-constructor)
  term(const char* text) : term(binary(text)) {}          // NOLINT(google-explicit-constructor)
  /// @}
  template <class T>
  term(T*) = delete;

  /// A copy of the bytes. Empty ones take no memory.
  static term binary(std::string_view bytes);
  /// The first `bit_count` bits of `bytes` (most significant first). Throws `std::length_error` if there are
  /// not that many.
  static term bitstring(std::string_view bytes, std::uint64_t bit_count);

  /// `{Elements...}`: `term::tuple("ok"_atom, 42)`. One allocation; `{}` takes none.
  template <class... T>
    requires(std::convertible_to<T, term> && ...)
  static term tuple(T&&... elements) {
    term all[sizeof...(T) + 1] = {term(std::forward<T>(elements))..., term()};
    return tuple_from(std::span<term>(all, sizeof...(T)), consume{});
  }
  /// @{
  /// A tuple of as many elements as there are, from a vector without copying them. Throws
  /// `std::length_error` over 2^32-1.
  static term tuple_from(std::span<const term> elements);
  static term tuple_from(std::vector<term>&& elements);
  /// @}

  /// `[Elements...]`, proper. One allocation.
  template <class... T>
    requires(std::convertible_to<T, term> && ...)
  static term list(T&&... elements) {
    term all[sizeof...(T) + 1] = {term(std::forward<T>(elements))..., term()};
    return list_from(std::span<term>(all, sizeof...(T)), term(), consume{});
  }
  /// @{
  /// `[Elements... | Tail]`; with no elements it is `tail` itself. One allocation; from a vector without
  /// copying the elements. Throws `std::length_error` over 2^32-2 of them.
  static term list_from(std::span<const term> elements, term tail = {});
  static term list_from(std::vector<term>&& elements, term tail = {});
  /// @}
  /// `[Head | Tail]`; O(1), the tail is shared.
  static term cons(term head, term tail);
  /// A list of code points, as Erlang has a string. Throws `std::invalid_argument` if it is no UTF-8.
  static term charlist(std::string_view utf8);

  /// @{
  /// A map; of equal keys the last one counts. O(n log n).
  static term map(std::initializer_list<std::pair<term, term>> entries);
  static term map_from(std::vector<std::pair<term, term>>&& entries);
  /// @}

  /// An integer of any size by sign and limbs (least significant first). Throws `std::length_error` over
  /// `max_integer_limbs`.
  static term integer(bool negative, std::span<const std::uint64_t> limbs);
  static constexpr std::size_t max_integer_limbs = 65536; ///< 4,194,304 bits: the limit of OTP

  /// `fun m:f/a`
  static term export_fun(const mfa& function);
  /// A peer's fun, whose external format is copied.
  static term fun(const fun_info& info);

  /// @{
  /// A copy shares what does not lie inside. O(1). What was moved from is `[]`.
  term(const term& other) noexcept : bits_(other.bits_), aux_(other.aux_), meta_(other.meta_) {
    if (tag() >= first_counted) retain();
  }
  term(term&& other) noexcept : bits_(other.bits_), aux_(other.aux_), meta_(other.meta_) { other.forget(); }
  term& operator=(const term& other) noexcept {
    term copy(other);
    swap(copy);
    return *this;
  }
  term& operator=(term&& other) noexcept {
    term taken(std::move(other));
    swap(taken);
    return *this;
  }
  /// @}
  ~term() {
    if (tag() >= first_counted) release();
  }
  /// Exchanges two terms without touching a count.
  void swap(term& other) noexcept {
    std::swap(bits_, other.bits_);
    std::swap(aux_, other.aux_);
    std::swap(meta_, other.meta_);
  }

  // --- what it is ---
  /// The kind, for a switch. O(1).
  [[nodiscard]] term_kind kind() const noexcept;
  /// @{
  /// Erlang's guards of the same names: a binary is a bitstring, an external fun a fun. O(1).
  [[nodiscard]] bool is_integer() const noexcept { return tag() == tag_integer || tag() == tag_big; }
  [[nodiscard]] bool is_float() const noexcept { return tag() == tag_float; }
  [[nodiscard]] bool is_number() const noexcept { return is_integer() || is_float(); }
  [[nodiscard]] bool is_atom() const noexcept { return tag() == tag_atom || tag() == tag_counted_atom; }
  [[nodiscard]] bool is_pid() const noexcept { return tag() == tag_pid; }
  [[nodiscard]] bool is_port() const noexcept { return tag() == tag_port; }
  [[nodiscard]] bool is_reference() const noexcept { return tag() == tag_reference; }
  [[nodiscard]] bool is_tuple() const noexcept { return tag() == tag_tuple || tag() == tag_empty_tuple; }
  [[nodiscard]] bool is_map() const noexcept { return tag() == tag_map || tag() == tag_empty_map; }
  [[nodiscard]] bool is_binary() const noexcept { return is_bitstring() && bit_size() % 8 == 0; }
  [[nodiscard]] bool is_bitstring() const noexcept { return tag() == tag_bits || tag() == tag_empty_binary; }
  [[nodiscard]] bool is_fun() const noexcept { return tag() == tag_fun || is_export(); }
  /// @}
  /// `[]` or a cons cell, proper or not (`is_list/1`).
  [[nodiscard]] bool is_list() const noexcept { return tag() == tag_list || tag() == tag_nil; }
  /// `[]`
  [[nodiscard]] bool is_nil() const noexcept { return tag() == tag_nil; }
  /// `fun m:f/a`
  [[nodiscard]] bool is_export() const noexcept { return tag() == tag_export; }
  /// That very atom.
  [[nodiscard]] bool is_atom(const atom& a) const noexcept { return is_atom() && atom_index() == a.index(); }
  /// A tuple of so many elements.
  [[nodiscard]] bool is_tuple(std::size_t arity) const noexcept { return is_tuple() && size() == arity; }
  /// A tuple `{Tag, ...}` of that arity, the tag included.
  [[nodiscard]] bool is_tagged(const atom& tag, std::size_t arity) const noexcept {
    return is_tuple(arity) && arity != 0 && elements()[0].is_atom(tag);
  }

  // --- what is in it: empty (or an empty view) if it is of another kind ---
  /// An integer that fits in 64 bits; not a greater one, nor a float.
  [[nodiscard]] std::optional<std::int64_t> as_int64() const noexcept {
    if (tag() != tag_integer) return {};
    return static_cast<std::int64_t>(bits_);
  }
  /// Sign and magnitude of any integer; `small` lends the room for one that fits 64 bits.
  [[nodiscard]] std::optional<integer_parts> as_integer(std::uint64_t& small) const noexcept;
  /// A float's value; integers are not converted.
  [[nodiscard]] std::optional<double> as_double() const noexcept;
  /// The atom; a peer's atom is counted once more.
  [[nodiscard]] std::optional<atom> as_atom() const noexcept;
  /// The atoms `true` and `false`.
  [[nodiscard]] std::optional<bool> as_bool() const noexcept;
  /// @{
  /// An identity.
  [[nodiscard]] std::optional<pid> as_pid() const noexcept;
  [[nodiscard]] std::optional<port> as_port() const noexcept;
  [[nodiscard]] std::optional<reference> as_reference() const noexcept;
  /// @}
  /// The bytes of a binary; valid while a copy of this term lives.
  [[nodiscard]] std::optional<std::string_view> as_binary() const noexcept;
  /// The bytes of a binary or bitstring, the last one padded with zero bits; `bit_size()` says how many
  /// count.
  [[nodiscard]] std::string_view bytes() const noexcept;
  /// The bits of a binary or bitstring (`bit_size/1`), else 0.
  [[nodiscard]] std::uint64_t bit_size() const noexcept { return tag() == tag_bits ? node_->size() : 0; }
  /// A charlist (`[0..1114111]`) or binary as UTF-8; a binary is taken as it is.
  [[nodiscard]] std::optional<std::string> as_text() const;
  /// What a `fun m:f/a` names.
  [[nodiscard]] std::optional<mfa> as_export() const noexcept;
  /// What is known of a peer's fun; of a `fun m:f/a` nothing.
  [[nodiscard]] std::optional<fun_info> as_fun() const noexcept;

  /// The elements of a tuple.
  [[nodiscard]] std::span<const term> elements() const noexcept {
    if (tag() != tag_tuple) return {};
    return {node_->payload<term>(), static_cast<std::size_t>(node_->size())};
  }
  /// Arity of a tuple or number of keys of a map, else 0.
  [[nodiscard]] std::size_t size() const noexcept {
    return tag() == tag_tuple || tag() == tag_map ? static_cast<std::size_t>(node_->size()) : 0;
  }

  /// The elements of a list, without the tail of an improper one; this term must outlive them. O(1); the
  /// iteration does not copy.
  [[nodiscard]] list_range items() const noexcept;
  /// The number of elements of a proper list, else nothing. O(number of cells added by `cons`).
  [[nodiscard]] std::optional<std::size_t> length() const noexcept;
  /// Whether it is a list that ends with `[]`. As long as `length` takes.
  [[nodiscard]] bool is_proper_list() const noexcept { return length().has_value(); }
  /// What ends a list: `[]`, or the last tail of an improper one.
  [[nodiscard]] const term& last_tail() const noexcept;
  /// @{
  /// `hd/1` and `tl/1`; the list must not be empty. O(1).
  [[nodiscard]] const term& head() const noexcept;
  [[nodiscard]] term tail() const noexcept;
  /// @}

  /// The value under `key` (matched exactly), or null. O(log n).
  [[nodiscard]] const term* find(const term& key) const noexcept;
  /// @{
  /// The keys of a map in Erlang's order, and their values in the same order.
  [[nodiscard]] std::span<const term> map_keys() const noexcept {
    return tag() == tag_map ? std::span(node_->payload<term>(), size()) : std::span<const term>();
  }
  [[nodiscard]] std::span<const term> map_values() const noexcept {
    return tag() == tag_map ? std::span(node_->payload<term>() + size(), size()) : std::span<const term>();
  }
  /// @}
  /// @{
  /// The map with `key` put in, or taken out. O(n log n): build big maps at once.
  [[nodiscard]] term map_put(term key, term value) const;
  [[nodiscard]] term map_remove(const term& key) const;
  /// @}

  /// Erlang's `=:=`: 1 and 1.0 differ.
  friend bool operator==(const term& a, const term& b) noexcept {
    if (a.tag() < first_counted && a.tag() != tag_float) return a.same_inline(b);
    return compare_terms(a, b, true) == 0;
  }
  friend std::weak_ordering compare(const term& a, const term& b);
  /// Equal for terms that are `==`; linear in the size of the term. Not that of Erlang's `phash2/1`.
  [[nodiscard]] std::size_t hash() const;

private:
  friend class list_range;
  friend class detail::external_reader; // moves what it has read into its place
  struct consume {};
  // Order matters: from first_counted on, a copy is counted; from first_node on, by a node.
  enum tag_t : std::uint8_t {
    tag_nil,
    tag_integer,
    tag_float,
    tag_atom,
    tag_pid,
    tag_port,
    tag_empty_binary,
    tag_empty_tuple,
    tag_empty_map,
    tag_counted_atom,
    tag_bits,
    tag_big,
    tag_reference,
    tag_tuple,
    tag_list,
    tag_map,
    tag_export,
    tag_fun
  };
  static constexpr tag_t first_counted = tag_counted_atom;
  static constexpr tag_t first_node = tag_bits;
  struct raw {};

  term(raw, tag_t tag, std::uint64_t bits, std::uint32_t aux = 0, std::uint32_t node_index = 0) noexcept
      : bits_(bits), aux_(aux), meta_(tag | node_index << 8) {}
  term(tag_t tag, detail::term_node* owned, std::uint32_t aux = 0) noexcept
      : node_(owned), aux_(aux), meta_(tag) {}

  template <std::integral T>
  static term from_integral(T value) {
    if constexpr (std::same_as<T, bool>) {
      return from_bool(value);
    } else {
      if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) {
        if (value > static_cast<T>(INT64_MAX)) return from_uint64(value);
      }
      return {raw{}, tag_integer, static_cast<std::uint64_t>(static_cast<std::int64_t>(value))};
    }
  }
  static term from_bool(bool value);
  static term from_uint64(std::uint64_t value);
  static term from_double(double value);
  static term tuple_from(std::span<term> elements, consume);
  static term list_from(std::span<term> elements, term tail, consume);
  static int compare_terms(const term& a, const term& b, bool exact);

  [[nodiscard]] constexpr tag_t tag() const noexcept { return static_cast<tag_t>(meta_ & 0xff); }
  void set_atom(atom&& a) noexcept {
    bits_ = std::exchange(a.bits_, 0);
    meta_ = (bits_ & atom::counted_bit) != 0 ? tag_counted_atom : tag_atom;
  }
  [[nodiscard]] std::uint32_t atom_index() const noexcept {
    return static_cast<std::uint32_t>(bits_) & ~atom::counted_bit;
  }
  [[nodiscard]] bool same_inline(const term& b) const noexcept {
    if (tag() == tag_atom) return b.is_atom(atom(atom::raw{}, static_cast<std::uint32_t>(bits_)));
    return bits_ == b.bits_ && aux_ == b.aux_ && meta_ == b.meta_;
  }
  void forget() noexcept {
    bits_ = 0;
    aux_ = 0;
    meta_ = tag_nil;
  }
  void retain() const noexcept {
    if (tag() >= first_node) {
      node_->refs.fetch_add(1, std::memory_order_relaxed);
    } else {
      atom::retain(static_cast<std::uint32_t>(bits_));
    }
  }
  void release() noexcept;
  static void destroy(detail::term_node* dead) noexcept;

  union {
    std::uint64_t bits_;
    detail::term_node* node_;
  };
  std::uint32_t aux_ = 0; // offset in a list's run, sign of a big integer, creation of a pid or port
  std::uint32_t meta_;    // the tag in 8 bits; above it the node index of a pid or port
};

static_assert(sizeof(term) == 16);

/// The elements of a list as a forward range of `const term&`.
class list_range {
public:
  /// Over the elements; the tail of an improper list is not one.
  class iterator {
  public:
    /// @{
    /// What a std::forward_iterator is asked for.
    using value_type = term;
    using reference = const term&;
    using pointer = const term*;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;
    /// @}

    iterator() noexcept = default; ///< the end of any list
    /// The first element of the list, which must outlive it; of anything else the end.
    explicit iterator(const term& list) noexcept { enter(list); }
    /// @{
    /// As of any forward iterator.
    const term& operator*() const noexcept { return *here_; }
    const term* operator->() const noexcept { return here_; }
    iterator& operator++() noexcept {
      if (++here_ == end_) enter(*tail_);
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    /// @}
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.here_ == b.here_; }
    /// At the end: what ends the list.
    [[nodiscard]] const term& last_tail() const noexcept { return *tail_; }

  private:
    void enter(const term& list) noexcept {
      if (list.tag() == term::tag_list) {
        const term* const payload = list.node_->payload<term>(); // the tail, then the elements
        tail_ = payload;
        here_ = payload + 1 + list.aux_;
        end_ = payload + 1 + list.node_->size();
      } else {
        tail_ = &list;
        here_ = end_ = nullptr;
      }
    }
    const term* here_ = nullptr;
    const term* end_ = nullptr;
    const term* tail_ = nullptr;
  };

  /// Of a list that outlives it; of anything else it is empty.
  explicit list_range(const term& list) noexcept : begin_(list) {}
  /// @{
  /// For `for (const term& element : list.items())`.
  [[nodiscard]] iterator begin() const noexcept { return begin_; }
  [[nodiscard]] iterator end() const noexcept { return {}; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == iterator(); }
  /// @}

private:
  iterator begin_;
};

inline list_range term::items() const noexcept { return list_range(*this); }

/// Erlang's order of all terms: number < atom < reference < fun < port < pid < tuple < map < nil < list <
/// bitstring. `equivalent` is Erlang's `==` (1 and 1.0 are), which is coarser than `==` on terms.
std::weak_ordering compare(const term& a, const term& b);

/// Sorts as Erlang's `<`; for ordered containers, where 1 and 1.0 are then one key.
struct term_less {
  /// Whether `a` comes before `b`.
  bool operator()(const term& a, const term& b) const { return compare(a, b) < 0; }
};

} // namespace coppice

template <>
struct std::hash<coppice::term> {
  std::size_t operator()(const coppice::term& t) const { return t.hash(); }
};
