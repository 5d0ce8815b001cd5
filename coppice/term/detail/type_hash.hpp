// type_hash<T>(): see describe.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "coppice/term/describe.hpp"
#include "coppice/term/detail/shape.hpp"

namespace coppice::detail {

template <class T, class... Outer>
constexpr std::uint64_t hash_layout();

template <class... Outer, class... F>
constexpr std::uint64_t hash_types(std::uint64_t h, types<F...> /*fields*/) {
  ((h = mix(h * 31 + hash_layout<F, Outer...>())), ...);
  return h;
}

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

template <class T, class... Outer>
constexpr std::uint64_t hash_layout() {
  std::uint64_t h = hash_text(qualified_name<T>());
  if constexpr ((std::is_same_v<T, Outer> || ...) || !std::is_class_v<T>) {
    return h; // within itself a recursive type is its name
  } else {
    h = argument_hash<T>::template add<T, Outer...>(h);
    if constexpr (aggregate<T> && !is_array<T> && !described<T>) {
      for (const std::string_view name : field_names<T>()) h = mix(hash_text(name, h));
      h = hash_types<T, Outer...>(h, typename row_types<T>::type());
    }
    return h;
  }
}

// A variable, so that no compiler puts the reckoning into the program.
template <class T>
inline constexpr std::uint64_t stored_hash = mix(hash_layout<T>());

} // namespace coppice::detail

namespace coppice {
template <class T>
constexpr std::uint64_t type_hash() {
  return detail::stored_hash<T>;
}
} // namespace coppice
