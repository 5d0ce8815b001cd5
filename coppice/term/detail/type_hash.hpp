// type_hash<T>(): see describe.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "coppice/term/describe.hpp"

namespace coppice::detail {

template <class T, class... Outer>
constexpr std::uint64_t hash_layout();

template <class... Outer>
struct field_hasher {
  std::uint64_t* hash;
  template <class... F>
  constexpr void operator()(F&... /*unused*/) const {
    ((*hash = mix(*hash ^ hash_layout<std::remove_cv_t<F>, Outer...>())), ...);
  }
};

// The fields' types alone: nothing of T is made, so T need not be a literal type.
template <class T, class... Outer, class... F>
constexpr std::uint64_t hash_types(std::uint64_t h, void (*)(F...)) {
  ((h = mix(h * 31 + hash_layout<F, Outer...>())), ...);
  return h;
}

struct list_types {
  template <class... F>
  auto operator()(F&...) const -> void (*)(std::remove_cv_t<F>...);
};

template <class T>
struct argument_hash {
  template <class... Outer>
  static constexpr std::uint64_t add(std::uint64_t h) {
    return h;
  }
};
template <template <class...> class C, class... Args>
struct argument_hash<C<Args...>> {
  template <class... Outer>
  static constexpr std::uint64_t add(std::uint64_t h) {
    ((h = default_argument<Args> ? h : mix(h * 31 + hash_argument<Args, Outer...>())), ...);
    return h;
  }
  template <class A, class... Outer>
  static constexpr std::uint64_t hash_argument() {
    if constexpr (default_argument<A> || std::is_void_v<A> || std::is_function_v<A>) {
      return 0;
    } else {
      return hash_layout<A, Outer...>();
    }
  }
};
template <class T, std::size_t N>
struct argument_hash<std::array<T, N>> {
  template <class... Outer>
  static constexpr std::uint64_t add(std::uint64_t h) {
    return mix(h * 31 + hash_layout<T, Outer...>());
  }
};

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t N>
inline constexpr bool is_std_array<std::array<T, N>> = true;

template <class T, class... Outer>
constexpr std::uint64_t hash_layout() {
  std::uint64_t h = hash_text(qualified_name<T>());
  if constexpr ((std::is_same_v<T, Outer> || ...) || !std::is_class_v<T>) {
    return h; // within itself a recursive type is its name
  } else {
    h = argument_hash<T>::template add<T, Outer...>(h);
    if constexpr (aggregate<T> && !is_std_array<T> && !described<T>) {
      for (const std::string_view name : field_names<T>()) h = hash_text(name, h);
      using types = decltype(with_fields(std::declval<T&>(), list_types()));
      h = hash_types<T, T, Outer...>(h, types(nullptr));
    }
    return h;
  }
}

} // namespace coppice::detail

namespace coppice {
template <class T>
constexpr std::uint64_t type_hash() {
  return detail::mix(detail::hash_layout<T>());
}
} // namespace coppice
