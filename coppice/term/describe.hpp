// Struct <-> term: what a C++ value is on the wire, with no macro.
//
//   struct send_message { std::string user, text; };
//   to_term(send_message{"bob", "hi"})   // {send_message,<<"bob">>,<<"hi">>}
//   from_term<send_message>(t)           // or "send_message.text: expected binary or charlist, got 42"
//
// An aggregate is the tuple of its name and fields, an empty one a bare atom, one that asks for it a map.
// pair and tuple are tuples without a name. std::string is a binary (a charlist is taken too),
// vector<std::byte> a binary, other sequences and sets are lists, maps are maps. bool and enums are atoms,
// nullopt and monostate are `undefined`, a variant is its alternative. Integers must fit; a float takes
// integers that it can hold. A duration is the count of its own unit: std::chrono::milliseconds is
// milliseconds on the wire.
#pragma once

#include <concepts>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "coppice/term/reflect.hpp"
#include "coppice/term/term.hpp"
#include "coppice/term/type_name.hpp"

namespace coppice {

/// Why a term is not a value of the type wanted: where in it, what was expected there and what stood there.
struct decode_error {
  std::string path;     ///< `send_message.text`
  std::string expected; ///< `binary or charlist`
  std::string got;      ///< the offending term as text, cut when long

  /// `send_message.text: expected binary or charlist, got 42`
  [[nodiscard]] std::string message() const;
};

/// The error for a `describe<T>::from` that was given something else: `mismatch("colour", source)`.
decode_error mismatch(std::string expected, const term& got);

/// Says what a type is as a term where the rules above do not fit. Specialise it with
///
///   static term to(const T&);
///   static std::expected<T, decode_error> from(const term&);
///   using wire = X;   // optional: its terms look like those of X, so it may stand in variants and optionals
template <class T>
struct describe;

/// Whether an aggregate is a map of its field names instead of a tagged tuple. Ask for it in the type
/// (`using coppice_as_map = void;`) or by specialising this. Reading ignores keys it does not know.
template <class T>
inline constexpr bool as_map = requires { typename T::coppice_as_map; };

/// Whether `T` says itself what it is as a term.
template <class T>
concept described = requires(const T& value, const term& source) {
  { describe<T>::to(value) } -> std::convertible_to<term>;
  { describe<T>::from(source) } -> std::same_as<std::expected<T, decode_error>>;
};

/// The term that `value` is on the wire. Throws `std::domain_error` for an enum's value without a name and
/// for a float that Erlang lacks (infinity, NaN).
template <class T>
term to_term(const T& value);

/// The value that `source` is on the wire, or what is wrong with it.
template <class T>
std::expected<T, decode_error> from_term(const term& source);

/// A hash of the qualified name of `T`, of its template arguments and, for an aggregate, of its fields' names
/// and types, recursively. The same for every compiler; it changes when the layout does.
template <class T>
constexpr std::uint64_t type_hash();

} // namespace coppice

#include "coppice/term/detail/codec.hpp"
#include "coppice/term/detail/type_hash.hpp"
