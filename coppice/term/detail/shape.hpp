// Which kind of term a C++ type is, and whether the terms of two types can be told apart. All at compile
// time.
#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "coppice/term/describe.hpp"

namespace coppice::detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_unique_ptr = false;
template <class T>
inline constexpr bool is_unique_ptr<std::unique_ptr<T>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <class... T>
inline constexpr bool is_variant<std::variant<T...>> = true;
template <class T>
inline constexpr bool is_duration = false;
template <class R, class P>
inline constexpr bool is_duration<std::chrono::duration<R, P>> = true;
template <class T>
inline constexpr bool is_row = false; // pair and tuple
template <class... T>
inline constexpr bool is_row<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_row<std::pair<A, B>> = true;
template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;
template <class T>
inline constexpr bool is_bytes = false;
template <class A>
inline constexpr bool is_bytes<std::vector<std::byte, A>> = true;

template <class T>
concept map_like = requires(T& t) {
  typename T::key_type;
  typename T::mapped_type;
  t.begin();
  t.insert_or_assign(std::declval<typename T::key_type>(), std::declval<typename T::mapped_type>());
};
template <class T>
concept set_like = !requires { typename T::mapped_type; } && requires(T& t) {
  typename T::key_type;
  t.begin();
  t.insert(std::declval<typename T::key_type>());
};
template <class T>
concept sequence_like = requires(T& t) {
  typename T::value_type;
  t.begin();
  t.push_back(std::declval<typename T::value_type>());
};

enum class shape {
  none, // no term form
  described,
  any, // term itself
  atom,
  boolean,
  enumeration,
  undefined, // std::monostate
  integer,
  floating,
  text,
  bytes,
  pid,
  reference,
  port,
  duration,
  nullable, // optional, unique_ptr
  choice,   // variant
  row,      // pair, tuple
  array,
  list,
  map,
  bare,   // an empty aggregate
  tagged, // an aggregate
  record  // an aggregate as a map
};

template <class T>
constexpr shape shape_of() {
  if constexpr (described<T>)
    return shape::described;
  else if constexpr (std::same_as<T, term>)
    return shape::any;
  else if constexpr (std::same_as<T, atom>)
    return shape::atom;
  else if constexpr (std::same_as<T, pid>)
    return shape::pid;
  else if constexpr (std::same_as<T, reference>)
    return shape::reference;
  else if constexpr (std::same_as<T, port>)
    return shape::port;
  else if constexpr (std::same_as<T, bool>)
    return shape::boolean;
  else if constexpr (std::same_as<T, std::monostate>)
    return shape::undefined;
  else if constexpr (std::integral<T>)
    return shape::integer;
  else if constexpr (std::floating_point<T>)
    return shape::floating;
  else if constexpr (std::is_enum_v<T>)
    return shape::enumeration;
  else if constexpr (std::same_as<T, std::string> || std::same_as<T, std::string_view>)
    return shape::text;
  else if constexpr (is_bytes<T>)
    return shape::bytes;
  else if constexpr (is_duration<T>)
    return shape::duration;
  else if constexpr (is_optional<T> || is_unique_ptr<T>)
    return shape::nullable;
  else if constexpr (is_variant<T>)
    return shape::choice;
  else if constexpr (is_row<T>)
    return shape::row;
  else if constexpr (is_array<T>)
    return shape::array;
  else if constexpr (map_like<T>)
    return shape::map;
  else if constexpr (set_like<T> || sequence_like<T>)
    return shape::list;
  else if constexpr (!aggregate<T>)
    return shape::none;
  else if constexpr (as_map<T>)
    return shape::record;
  else if constexpr (field_count<T> == 0)
    return shape::bare;
  else
    return shape::tagged;
}

template <class... T>
struct types {};

// The types of an aggregate's fields, or of a pair's or tuple's elements.
struct pack_types {
  template <class... F>
  auto operator()(F&... /*fields*/) const -> types<std::remove_cv_t<F>...> {
    return {};
  }
};
template <class T>
struct row_types {
  using type = decltype(with_fields(std::declval<T&>(), pack_types()));
};
template <class... T>
struct row_types<std::tuple<T...>> {
  using type = types<T...>;
};
template <class A, class B>
struct row_types<std::pair<A, B>> {
  using type = types<A, B>;
};

template <class T>
struct inner; // what an optional or unique_ptr holds
template <class T>
struct inner<std::optional<T>> {
  using type = T;
};
template <class T>
struct inner<std::unique_ptr<T>> {
  using type = T;
};
template <class T>
using inner_t = typename inner<T>::type;

// The names that a type with finitely many atoms may be.
template <class T>
constexpr auto atom_names() {
  constexpr shape s = shape_of<T>();
  if constexpr (s == shape::boolean) {
    return std::array<std::string_view, 2>{"true", "false"};
  } else if constexpr (s == shape::undefined) {
    return std::array<std::string_view, 1>{"undefined"};
  } else if constexpr (s == shape::bare) {
    return std::array<std::string_view, 1>{type_name<T>()};
  } else {
    std::array<std::string_view, enumerators<T>().size()> names{};
    for (std::size_t i = 0; i < names.size(); ++i) names[i] = enumerators<T>()[i].name;
    return names;
  }
}

constexpr bool is_few_atoms(shape s) {
  return s == shape::boolean || s == shape::undefined || s == shape::bare || s == shape::enumeration;
}

template <class A, class B>
constexpr bool share_a_name() {
  for (const std::string_view a : atom_names<A>()) {
    for (const std::string_view b : atom_names<B>()) {
      if (a == b) return true;
    }
  }
  return false;
}

template <class Reads, class Writes>
constexpr bool may_read();

template <class... A, class... B>
constexpr bool rows_may_read(types<A...> /*reads*/, types<B...> /*writes*/) {
  if constexpr (sizeof...(A) != sizeof...(B)) {
    return false;
  } else {
    return (may_read<A, B>() && ...);
  }
}

// Tuples on the wire: a tag counts as an element.
template <class A, class B>
constexpr bool tuples_may_read() {
  constexpr bool tagged_a = shape_of<A>() == shape::tagged;
  constexpr bool tagged_b = shape_of<B>() == shape::tagged;
  using fields_a = typename row_types<A>::type;
  using fields_b = typename row_types<B>::type;
  if constexpr (tagged_a && tagged_b) {
    return type_name<A>() == type_name<B>() && rows_may_read(fields_a(), fields_b());
  } else if constexpr (tagged_a || tagged_b) {
    return true; // an untagged tuple beside a tagged one: not worth a finer answer
  } else {
    return rows_may_read(fields_a(), fields_b());
  }
}

template <class V, class B>
struct choice_may_read;
template <class... A, class B>
struct choice_may_read<std::variant<A...>, B> {
  static constexpr bool value = (may_read<A, B>() || ...);
};
template <class A, class V>
struct may_read_choice;
template <class A, class... B>
struct may_read_choice<A, std::variant<B...>> {
  static constexpr bool value = (may_read<A, B>() || ...);
};

template <class T>
concept has_wire = requires { typename describe<T>::wire; };

// What is left when choices, nullables and descriptions are resolved.
template <class A, class B>
constexpr bool plain_may_read() {
  constexpr shape a = shape_of<A>();
  constexpr shape b = shape_of<B>();
  constexpr auto is_tuple = [](shape s) { return s == shape::tagged || s == shape::row; };
  constexpr auto is_list = [](shape s) { return s == shape::list || s == shape::array; };
  constexpr auto is_map = [](shape s) { return s == shape::map || s == shape::record; };
  if constexpr (a == shape::any || b == shape::any)
    return true;
  else if constexpr (is_few_atoms(a) && is_few_atoms(b))
    return share_a_name<A, B>();
  else if constexpr (a == shape::atom)
    return b == shape::atom || is_few_atoms(b);
  else if constexpr (b == shape::atom)
    return is_few_atoms(a);
  else if constexpr (a == shape::floating)
    return b == shape::floating || b == shape::integer;
  else if constexpr (a == shape::text)
    return b == shape::text || b == shape::bytes || is_list(b);
  else if constexpr (a == shape::bytes)
    return b == shape::text || b == shape::bytes;
  else if constexpr (is_list(a))
    return is_list(b);
  else if constexpr (is_map(a))
    return is_map(b);
  else if constexpr (is_tuple(a) && is_tuple(b))
    return tuples_may_read<A, B>();
  else
    return a == b;
}

/// Whether a term written for `Writes` may be read as a `Reads`.
template <class Reads, class Writes>
constexpr bool may_read() {
  constexpr shape a = shape_of<Reads>();
  constexpr shape b = shape_of<Writes>();
  if constexpr (has_wire<Reads>)
    return may_read<typename describe<Reads>::wire, Writes>();
  else if constexpr (has_wire<Writes>)
    return may_read<Reads, typename describe<Writes>::wire>();
  else if constexpr (a == shape::described || b == shape::described)
    return true;
  else if constexpr (a == shape::choice)
    return choice_may_read<Reads, Writes>::value;
  else if constexpr (b == shape::choice)
    return may_read_choice<Reads, Writes>::value;
  else if constexpr (a == shape::nullable)
    return may_read<std::monostate, Writes>() || may_read<inner_t<Reads>, Writes>();
  else if constexpr (b == shape::nullable)
    return may_read<Reads, std::monostate>() || may_read<Reads, inner_t<Writes>>();
  else if constexpr (a == shape::duration)
    return may_read<typename Reads::rep, Writes>();
  else if constexpr (b == shape::duration)
    return may_read<Reads, typename Writes::rep>();
  else
    return plain_may_read<Reads, Writes>();
}

// Reading takes the first alternative that fits: no earlier one may take what a later one wrote.
template <class First, class... Rest>
constexpr bool told_apart() {
  if constexpr (sizeof...(Rest) == 0) {
    return true;
  } else {
    return !(may_read<First, Rest>() || ...) && told_apart<Rest...>();
  }
}

} // namespace coppice::detail
