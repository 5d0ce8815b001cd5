// to_term and from_term: see describe.hpp for the rules.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <expected>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "coppice/term/describe.hpp"
#include "coppice/term/detail/shape.hpp"

namespace coppice::detail {

// Bounds what a peer can make the reading of a recursive type use of the stack.
inline constexpr unsigned max_decode_depth = 200;

// Not templates, so that each message type adds little code.
decode_error integer_mismatch(std::int64_t least, std::uint64_t most, const term& got);
decode_error names_mismatch(std::span<const std::string_view> names, const term& got);
decode_error fields_mismatch(std::string_view tag, std::span<const std::string_view> fields, const term& got);
decode_error below(std::string_view step, decode_error inner);   // `.text`
decode_error below_index(std::size_t index, decode_error inner); // `[3]`
decode_error below_key(const term& key, decode_error inner);     // `[Key]`
decode_error at_top(std::string_view type, decode_error inner);  // the path starts with the type's name
[[noreturn]] void no_enumerator(std::string_view type, std::int64_t value);
std::optional<double> number_for_double(const term& source); // an integer only if a double holds it exactly
const std::string& expectation_of_text();

template <class T>
const atom& tag_atom() {
  static const atom tag{type_name<T>()};
  return tag;
}

template <class E>
const auto& enum_atoms() {
  static const auto atoms = [] {
    std::array<atom, enumerators<E>().size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = atom(enumerators<E>()[i].name);
    return all;
  }();
  return atoms;
}

template <class T>
const auto& field_atoms() {
  static const auto atoms = [] {
    std::array<atom, field_count<T>> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = atom(field_names<T>()[i]);
    return all;
  }();
  return atoms;
}

template <class T>
constexpr void check_type() {
  static_assert(
      shape_of<T>() != shape::none,
      "this type has no form as a term: make it an aggregate, or specialise coppice::describe for it");
  if constexpr (is_optional<T> || is_unique_ptr<T>) {
    static_assert(
        !may_read<std::monostate, inner_t<T>>(),
        "the value of this optional could itself be `undefined`: wrap it in a struct, or use a variant");
  }
}

template <class... A>
constexpr void check_alternatives(const std::variant<A...>* /*type*/) {
  static_assert(
      told_apart<A...>(),
      "alternatives of this variant cannot be told apart as terms: an earlier one reads what a later "
      "one writes; reorder them, or wrap one in a struct");
}

// --- writing ---

template <class T>
term encode(const T& value);

template <class E>
term encode_enum(E value) {
  for (std::size_t i = 0; i < enumerators<E>().size(); ++i) {
    if (enumerators<E>()[i].value == value) return enum_atoms<E>()[i];
  }
  no_enumerator(type_name<E>(), static_cast<std::int64_t>(value));
}

template <class T>
term encode_aggregate(const T& value) {
  return with_fields(value, [](const auto&... fields) {
    if constexpr (as_map<T>) {
      std::vector<std::pair<term, term>> entries;
      entries.reserve(sizeof...(fields));
      (entries.emplace_back(field_atoms<T>()[entries.size()], encode(fields)), ...);
      return term::map_from(std::move(entries));
    } else if constexpr (sizeof...(fields) == 0) {
      return term(tag_atom<T>());
    } else {
      return term::tuple(tag_atom<T>(), encode(fields)...);
    }
  });
}

template <class T>
term encode_range(const T& values) {
  std::vector<term> all;
  if constexpr (requires { values.size(); }) all.reserve(values.size());
  for (const auto& value : values) all.push_back(encode<typename T::value_type>(value));
  return term::list_from(std::move(all));
}

template <class T>
term encode_map(const T& values) {
  std::vector<std::pair<term, term>> all;
  all.reserve(values.size());
  for (const auto& [key, value] : values) all.emplace_back(encode(key), encode(value));
  return term::map_from(std::move(all));
}

template <class T>
term encode(const T& value) {
  check_type<T>();
  constexpr shape s = shape_of<T>();
  if constexpr (s == shape::described) {
    return describe<T>::to(value);
  } else if constexpr (s == shape::undefined) {
    return "undefined"_atom;
  } else if constexpr (s == shape::enumeration) {
    return encode_enum(value);
  } else if constexpr (s == shape::bytes) {
    return term::binary({reinterpret_cast<const char*>(value.data()), value.size()});
  } else if constexpr (s == shape::duration) {
    return term(value.count());
  } else if constexpr (s == shape::nullable) {
    return value ? encode(*value) : term("undefined"_atom);
  } else if constexpr (s == shape::choice) {
    check_alternatives(&value);
    return std::visit([](const auto& one) { return encode(one); }, value);
  } else if constexpr (s == shape::row) {
    return std::apply([](const auto&... one) { return term::tuple(encode(one)...); }, value);
  } else if constexpr (s == shape::list || s == shape::array) {
    return encode_range(value);
  } else if constexpr (s == shape::map) {
    return encode_map(value);
  } else if constexpr (s == shape::bare || s == shape::tagged || s == shape::record) {
    return encode_aggregate(value);
  } else {
    return term(value);
  }
}

// --- reading ---

template <class T>
std::expected<T, decode_error> decode(const term& source, unsigned depth);

template <class T>
std::expected<T, decode_error> decode_integer(const term& source) {
  using limits = std::numeric_limits<T>;
  if (const auto small = source.as_int64()) {
    if (std::in_range<decltype(+T{})>(*small) && *small >= static_cast<std::int64_t>(limits::min()) &&
        (*small < 0 || static_cast<std::uint64_t>(*small) <= static_cast<std::uint64_t>(limits::max()))) {
      return static_cast<T>(*small);
    }
  } else if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) {
    std::uint64_t room = 0;
    const auto big = source.as_integer(room);
    if (big && !big->negative && big->limbs.size() == 1) return static_cast<T>(big->limbs[0]);
  }
  return std::unexpected(integer_mismatch(static_cast<std::int64_t>(limits::min()),
                                          static_cast<std::uint64_t>(limits::max()), source));
}

template <class T>
std::expected<T, decode_error> decode_float(const term& source) {
  const auto number = number_for_double(source);
  if (!number) return std::unexpected(mismatch("number that fits a float", source));
  if constexpr (sizeof(T) < sizeof(double)) {
    if (*number > std::numeric_limits<T>::max() || *number < std::numeric_limits<T>::lowest()) {
      return std::unexpected(mismatch("number that fits a 32-bit float", source));
    }
  }
  return static_cast<T>(*number);
}

template <class E>
std::expected<E, decode_error> decode_enum(const term& source) {
  for (std::size_t i = 0; i < enumerators<E>().size(); ++i) {
    if (source.is_atom(enum_atoms<E>()[i])) return enumerators<E>()[i].value;
  }
  return std::unexpected(names_mismatch(atom_names<E>(), source));
}

// Reads one field in place; after a failure the rest is skipped.
struct field_reader {
  std::optional<decode_error>* error;
  unsigned depth;

  template <class F>
  void read(F& field, const term& source, std::string_view name) const {
    if (*error) return;
    auto value = decode<F>(source, depth);
    if (value) {
      field = std::move(*value);
    } else {
      *error = below(name, std::move(value.error()));
    }
  }
  template <class F>
  void read_key(F& field, const term& map, const atom& key) const {
    if (*error) return;
    if (const term* const value = map.find(key)) {
      read(field, *value, key.name());
    } else if constexpr (shape_of<F>() != shape::nullable) {
      *error = below(key.name(), decode_error{"", "a key of that name", "none"});
    }
  }
};

template <class T>
std::expected<T, decode_error> decode_aggregate(const term& source, unsigned depth) {
  static_assert(std::is_default_constructible_v<T>,
                "an aggregate to be read needs fields that can be made before they are known");
  T out{};
  std::optional<decode_error> error;
  const field_reader reader{&error, depth};
  constexpr std::size_t n = field_count<T>;
  if constexpr (as_map<T>) {
    if (!source.is_map()) return std::unexpected(mismatch("map", source));
    std::size_t i = 0;
    with_fields(out, [&](auto&... fields) { (reader.read_key(fields, source, field_atoms<T>()[i++]), ...); });
  } else if constexpr (n == 0) {
    if (!source.is_atom(tag_atom<T>())) return std::unexpected(mismatch(std::string(type_name<T>()), source));
  } else {
    static constexpr auto names = field_names<T>();
    if (!source.is_tagged(tag_atom<T>(), n + 1)) {
      return std::unexpected(fields_mismatch(type_name<T>(), names, source));
    }
    const auto elements = source.elements();
    std::size_t i = 0;
    with_fields(out, [&](auto&... fields) { ((++i, reader.read(fields, elements[i], names[i - 1])), ...); });
  }
  if (error) return std::unexpected(std::move(*error));
  return out;
}

template <class T, class... E, std::size_t... I>
std::expected<T, decode_error> decode_row(const term& source, unsigned depth, types<E...> /*types*/,
                                          std::index_sequence<I...> /*indices*/) {
  if (!source.is_tuple(sizeof...(E))) {
    return std::unexpected(mismatch("tuple of " + std::to_string(sizeof...(E)), source));
  }
  std::tuple<std::expected<E, decode_error>...> parts{decode<E>(source.elements()[I], depth)...};
  std::optional<decode_error> error;
  const auto look = [&error](std::size_t i, auto& part) {
    if (!error && !part) error = below_index(i, std::move(part.error()));
  };
  (look(I, std::get<I>(parts)), ...);
  if (error) return std::unexpected(std::move(*error));
  return T{std::move(*std::get<I>(parts))...};
}

template <class T>
std::expected<T, decode_error> decode_list(const term& source, unsigned depth) {
  const auto length = source.length();
  if (!length) return std::unexpected(mismatch("list", source));
  T out{};
  if constexpr (requires { out.reserve(*length); }) out.reserve(*length);
  std::size_t i = 0;
  for (const term& element : source.items()) {
    auto value = decode<typename T::value_type>(element, depth);
    if (!value) return std::unexpected(below_index(i, std::move(value.error())));
    if constexpr (set_like<T>) {
      out.insert(std::move(*value));
    } else {
      out.push_back(std::move(*value));
    }
    ++i;
  }
  return out;
}

template <class T>
std::expected<T, decode_error> decode_array(const term& source, unsigned depth) {
  constexpr std::size_t n = std::tuple_size_v<T>;
  if (source.length() != n) return std::unexpected(mismatch("list of " + std::to_string(n), source));
  T out{};
  std::size_t i = 0;
  for (const term& element : source.items()) {
    auto value = decode<typename T::value_type>(element, depth);
    if (!value) return std::unexpected(below_index(i, std::move(value.error())));
    out[i++] = std::move(*value);
  }
  return out;
}

template <class T>
std::expected<T, decode_error> decode_map(const term& source, unsigned depth) {
  if (!source.is_map()) return std::unexpected(mismatch("map", source));
  T out{};
  for (std::size_t i = 0; i < source.size(); ++i) {
    const term& key_term = source.map_keys()[i];
    auto key = decode<typename T::key_type>(key_term, depth);
    if (!key) return std::unexpected(below_key(key_term, std::move(key.error())));
    auto value = decode<typename T::mapped_type>(source.map_values()[i], depth);
    if (!value) return std::unexpected(below_key(key_term, std::move(value.error())));
    out.insert_or_assign(std::move(*key), std::move(*value));
  }
  return out;
}

// The first alternative that fits. If none does, the error of the one that got furthest, else all of them.
template <class... A>
std::expected<std::variant<A...>, decode_error> decode_choice(const term& source, unsigned depth,
                                                              const std::variant<A...>* type) {
  check_alternatives(type);
  std::optional<std::variant<A...>> found;
  decode_error furthest;
  std::string expected;
  const auto attempt = [&]<std::size_t I, class T>(std::integral_constant<std::size_t, I>,
                                                   std::type_identity<T>) {
    if (found) return;
    auto value = decode<T>(source, depth);
    if (value) {
      found.emplace(std::in_place_index<I>, std::move(*value));
      return;
    }
    if (!expected.empty()) expected += " or ";
    expected += value.error().expected;
    if (value.error().path.size() > furthest.path.size()) furthest = std::move(value.error());
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (attempt(std::integral_constant<std::size_t, I>(), std::type_identity<A>()), ...);
  }(std::index_sequence_for<A...>());
  if (found) return std::move(*found);
  if (!furthest.path.empty()) return std::unexpected(std::move(furthest));
  return std::unexpected(mismatch(std::move(expected), source));
}

// GCC 12 takes the end of a type that holds itself for a delete of the local it began at.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wfree-nonheap-object"
#endif
template <class T>
std::expected<T, decode_error> decode_nullable(const term& source, unsigned depth) {
  if (source.is_atom("undefined"_atom)) return T{};
  auto value = decode<inner_t<T>>(source, depth);
  if (!value) {
    if (value.error().path.empty()) value.error().expected += " or undefined";
    return std::unexpected(std::move(value.error()));
  }
  if constexpr (is_optional<T>) {
    return T(std::move(*value));
  } else {
    return std::make_unique<inner_t<T>>(std::move(*value));
  }
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class T, class Got>
std::expected<T, decode_error> or_mismatch(std::optional<Got>&& got, const char* expected,
                                           const term& source) {
  if (!got) return std::unexpected(mismatch(expected, source));
  return T(std::move(*got));
}

template <class T>
std::expected<T, decode_error> decode_scalar(const term& source) {
  constexpr shape s = shape_of<T>();
  if constexpr (s == shape::any) {
    return source;
  } else if constexpr (s == shape::atom) {
    return or_mismatch<T>(source.as_atom(), "atom", source);
  } else if constexpr (s == shape::pid) {
    return or_mismatch<T>(source.as_pid(), "pid", source);
  } else if constexpr (s == shape::reference) {
    return or_mismatch<T>(source.as_reference(), "reference", source);
  } else if constexpr (s == shape::port) {
    return or_mismatch<T>(source.as_port(), "port", source);
  } else if constexpr (s == shape::boolean) {
    return or_mismatch<T>(source.as_bool(), "true or false", source);
  } else if constexpr (s == shape::undefined) {
    if (!source.is_atom("undefined"_atom)) return std::unexpected(mismatch("undefined", source));
    return T{};
  } else if constexpr (s == shape::text) {
    static_assert(!std::same_as<T, std::string_view>, "a view cannot own what is read: use std::string");
    return or_mismatch<T>(source.as_text(), "binary or charlist", source);
  } else {
    static_assert(s == shape::bytes);
    const auto bytes = source.as_binary();
    if (!bytes) return std::unexpected(mismatch("binary", source));
    const auto* const first = reinterpret_cast<const std::byte*>(bytes->data());
    return T(first, first + bytes->size());
  }
}

template <class T>
std::expected<T, decode_error> decode(const term& source, unsigned depth) {
  check_type<T>();
  constexpr shape s = shape_of<T>();
  if (depth == 0) return std::unexpected(mismatch("no more than 200 levels", source));
  --depth;
  if constexpr (s == shape::described) {
    return describe<T>::from(source);
  } else if constexpr (s == shape::integer) {
    return decode_integer<T>(source);
  } else if constexpr (s == shape::floating) {
    return decode_float<T>(source);
  } else if constexpr (s == shape::enumeration) {
    return decode_enum<T>(source);
  } else if constexpr (s == shape::duration) {
    auto count = decode<typename T::rep>(source, depth);
    if (!count) return std::unexpected(std::move(count.error()));
    return T(*count);
  } else if constexpr (s == shape::nullable) {
    return decode_nullable<T>(source, depth);
  } else if constexpr (s == shape::choice) {
    return decode_choice(source, depth, static_cast<const T*>(nullptr));
  } else if constexpr (s == shape::row) {
    return decode_row<T>(source, depth, typename row_types<T>::type(),
                         std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (s == shape::array) {
    return decode_array<T>(source, depth);
  } else if constexpr (s == shape::list) {
    return decode_list<T>(source, depth);
  } else if constexpr (s == shape::map) {
    return decode_map<T>(source, depth);
  } else if constexpr (s == shape::bare || s == shape::tagged || s == shape::record) {
    return decode_aggregate<T>(source, depth);
  } else {
    return decode_scalar<T>(source);
  }
}

} // namespace coppice::detail

namespace coppice {

template <class T>
term to_term(const T& value) {
  return detail::encode(value);
}

template <class T>
std::expected<T, decode_error> from_term(const term& source) {
  auto value = detail::decode<T>(source, detail::max_decode_depth);
  if (!value) value = std::unexpected(detail::at_top(type_name<T>(), std::move(value.error())));
  return value;
}

} // namespace coppice
