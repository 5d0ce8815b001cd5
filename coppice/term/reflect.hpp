// Reflection without macros: the fields of aggregates and the enumerators of enums.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include "coppice/term/detail/bindings.hpp"
#include "coppice/term/type_name.hpp"

namespace coppice {

/// An aggregate class: what can be a message with no declaration of its own. Its fields are its own (no base
/// classes with fields) and none is a C array.
template <class T>
concept aggregate = std::is_class_v<T> && std::is_aggregate_v<T>;

namespace detail {

// What follows is asked about and never made, so nothing of it is defined. Compilers remark on that for types
// that are local to a file.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif

template <class Whole>
struct any_field {
  template <class F>
    requires(!std::same_as<F, Whole>)
  operator F() const noexcept; // NOLINT(google-explicit-constructor)
};

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return requires { T{((void)I, any_field<T>())...}; };
}

// The greatest number of initialisers: upwards, for most types take any number up to theirs.
template <class T, std::size_t N = 0, bool Before = false>
constexpr std::size_t count_fields() {
  if constexpr (std::is_empty_v<T>) {
    return 0;
  } else {
    constexpr bool now = takes<T>(std::make_index_sequence<N>());
    if constexpr (Before && !now) {
      return N - 1;
    } else {
      static_assert(N <= 65,
                    "cannot count the fields of this aggregate: specialise coppice::describe for it");
      return count_fields<T, N + 1, now>();
    }
  }
}

template <class T>
inline constexpr std::size_t fields_of = count_fields<T>();

// An object that is never made, whose fields' addresses have names. Of a type in an unnamed namespace it is
// never defined on purpose.
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-internal"
#endif
template <class T>
struct never_made {
  T value;
  static const never_made here;
};
#ifdef __clang__
#pragma clang diagnostic pop
#endif

#if defined(__clang__)
#pragma clang diagnostic pop
#endif

template <class F>
struct field_address {
  const F* address;
};
template <class F>
field_address(const F*) -> field_address<F>;

template <field_address Field>
constexpr std::string_view pretty_field() {
  std::string_view s = __PRETTY_FUNCTION__; // ...{&here.value.text}] or ...{(& here.value.type::text)}]
  if (const std::size_t more = s.rfind("; std::string_view"); more != std::string_view::npos)
    s = s.substr(0, more);
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  while (!letter(s.back())) s.remove_suffix(1);
  std::size_t begin = s.size();
  while (begin > 0 && letter(s[begin - 1])) --begin;
  return s.substr(begin);
}

template <std::size_t I>
struct nth_address {
  template <class... F>
  constexpr auto operator()(F&... fields) const {
    return pick<0>(fields...);
  }
  template <std::size_t At, class F, class... Rest>
  static constexpr auto pick(F& first, Rest&... rest) {
    if constexpr (At == I) {
      return field_address<std::remove_const_t<F>>{&first};
    } else {
      return pick<At + 1>(rest...);
    }
  }
};

} // namespace detail

/// The number of fields of an aggregate.
template <aggregate T>
inline constexpr std::size_t field_count = detail::fields_of<T>;

/// Calls `f` with all fields of `value` as lvalues, in order of declaration.
template <class T, class F>
  requires aggregate<std::remove_const_t<T>>
constexpr decltype(auto) with_fields(T& value, F&& f) {
  return detail::bind_fields<detail::fields_of<std::remove_const_t<T>>>(value, std::forward<F>(f));
}

/// The name of the `I`th field of an aggregate.
template <aggregate T, std::size_t I>
constexpr std::string_view field_name() {
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wundefined-var-template"
#endif
  return detail::pretty_field<with_fields(detail::never_made<T>::here.value, detail::nth_address<I>())>();
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
}

/// The names of all fields of an aggregate.
template <aggregate T>
constexpr auto field_names() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::array<std::string_view, sizeof...(I)>{field_name<T, I>()...};
  }(std::make_index_sequence<detail::fields_of<T>>());
}

/// The values in which enumerators of `E` are looked for; specialise it for an enum with others. Each value
/// takes time to compile.
template <class E>
struct enum_range {
  static constexpr int min = -16; ///< the least value
  static constexpr int max = 127; ///< the greatest value
};

/// One enumerator, as `enumerators` lists it.
template <class E>
struct enumerator {
  E value{};             ///< what it stands for in the program
  std::string_view name; ///< as written in the source, without the enum's own; of static storage
};

namespace detail {

template <class E, E... V>
constexpr std::string_view pretty_values() {
  return __PRETTY_FUNCTION__;
}

template <class E>
concept fixed_enum = requires { E{0}; };

template <class E>
constexpr bool in_underlying(std::int64_t v) {
  using u = std::underlying_type_t<E>;
  if constexpr (std::same_as<u, bool>) {
    return v == 0 || v == 1;
  } else {
    return std::in_range<u>(v);
  }
}

// Calls f(name) for each of the values in pretty_values, which says `(E)5` where there is no enumerator.
template <class F>
constexpr void each_value_text(std::string_view s, F&& f) {
  const std::size_t at = s.rfind("V = <");
  s = at != std::string_view::npos ? s.substr(at + 5) : s.substr(s.rfind("V = {") + 5);
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (depth == 0 && (c == ',' || c == '>' || c == '}')) {
      std::string_view one = s.substr(begin, i - begin);
      while (one.starts_with(' ')) one.remove_prefix(1);
      f(one);
      if (c != ',') return;
      begin = i + 1;
    } else if (c == '(' || c == '<' || c == '{') {
      ++depth;
    } else if (c == ')' || c == '>' || c == '}') {
      --depth;
    }
  }
}

// Values are looked at in blocks, each a constant of its own: compilers bound the work of one.
inline constexpr std::int64_t enum_block = 64;

// The enumerator of that value, or of 0 where E cannot have it.
template <class E>
constexpr E enum_at(std::int64_t value) {
  return static_cast<E>(in_underlying<E>(value) ? value : 0);
}

template <class E, std::size_t Capacity>
struct enumerators_found {
  std::array<enumerator<E>, Capacity> all{};
  std::size_t count = 0;
};

template <class E, std::int64_t First>
inline constexpr auto found_in_block =
    []<std::int64_t... I>(std::integer_sequence<std::int64_t, I...>) {
      enumerators_found<E, sizeof...(I)> out;
      std::int64_t value = First;
      each_value_text(pretty_values<E, enum_at<E>(First + I)...>(), [&](std::string_view text) {
        const std::string_view name = unqualified(text);
        if (in_underlying<E>(value) && name[0] != '(' && name[0] != '-' &&
            !(name[0] >= '0' && name[0] <= '9')) {
          out.all[out.count++] = {enum_at<E>(value), name};
        }
        ++value;
      });
      return out;
    }(std::make_integer_sequence<std::int64_t,
                                 std::min<std::int64_t>(enum_block, enum_range<E>::max - First + 1)>());

template <class E>
inline constexpr auto stored_enumerators = [] {
  static_assert(fixed_enum<E>, "write `enum class`, or give the enum a type: which values it has is unknown");
  constexpr std::int64_t values = std::int64_t{enum_range<E>::max} - enum_range<E>::min + 1;
  return []<std::int64_t... Block>(std::integer_sequence<std::int64_t, Block...>) {
    constexpr std::int64_t min = enum_range<E>::min;
    std::array<enumerator<E>, (found_in_block<E, min + Block * enum_block>.count + ...)> out{};
    std::size_t n = 0;
    const auto add = [&](const auto& found) {
      for (std::size_t i = 0; i < found.count; ++i) out[n++] = found.all[i];
    };
    (add(found_in_block<E, min + Block * enum_block>), ...);
    return out;
  }(std::make_integer_sequence<std::int64_t, (values + enum_block - 1) / enum_block>());
}();

} // namespace detail

/// The enumerators of `E` whose values lie in `enum_range<E>`, by value.
template <class E>
  requires std::is_enum_v<E>
constexpr const auto& enumerators() {
  return detail::stored_enumerators<E>;
}

} // namespace coppice
