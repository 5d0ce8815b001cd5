// What may be sent to another process: values that share nothing mutable with their sender.
#pragma once

#include <array>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "coppice/term/describe.hpp"

namespace coppice {

/// The last word on whether a type may be sent: specialise it with `static constexpr bool value` for a class
/// whose inside cannot be seen (a handle of shared state: false; an immutable view: true).
template <class T>
struct enable_sendable;

namespace detail {

enum class unsendable { no, reference, pointer, view, shared, immovable, refused };

template <class T>
concept sendable_by_word = requires {
  { enable_sendable<T>::value } -> std::convertible_to<bool>;
};

template <class T, class... Outer>
constexpr unsendable why_unsendable();

template <class T>
inline constexpr bool is_view = false;
template <class C, class Tr>
inline constexpr bool is_view<std::basic_string_view<C, Tr>> = true;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;
template <class T>
inline constexpr bool is_view<std::reference_wrapper<T>> = true;

template <class T>
struct shared_pointee {
  using type = void;
};
template <class T>
struct shared_pointee<std::shared_ptr<T>> {
  using type = T;
};
template <class T>
struct shared_pointee<std::weak_ptr<T>> {
  using type = T;
};

template <class T>
inline constexpr bool holds_arguments = is_variant<T> || is_row<T> || is_optional<T>;

template <class... Part>
struct parts_of {
  template <class... Outer>
  static constexpr unsendable why() {
    unsendable found = unsendable::no;
    ((found = found != unsendable::no ? found : why_unsendable<std::remove_cv_t<Part>, Outer...>()), ...);
    return found;
  }
};
template <class T>
struct arguments_of;
template <template <class...> class C, class... Args>
struct arguments_of<C<Args...>> : parts_of<Args...> {};
template <class T>
struct fields_as_parts;
template <class... F>
struct fields_as_parts<types<F...>> : parts_of<F...> {};

template <class T>
concept holds_elements = requires(T& t) {
  typename T::value_type;
  t.begin();
  t.end();
};

template <class T, class... Outer>
constexpr unsendable why_unsendable() {
  if constexpr ((std::same_as<T, Outer> || ...))
    return unsendable::no; // within itself, looked at already
  else if constexpr (sendable_by_word<T>)
    return enable_sendable<T>::value ? unsendable::no : unsendable::refused;
  else if constexpr (std::is_reference_v<T>)
    return unsendable::reference;
  else if constexpr (std::is_pointer_v<T>)
    return std::is_function_v<std::remove_pointer_t<T>> ? unsendable::no : unsendable::pointer;
  else if constexpr (is_view<T>)
    return unsendable::view;
  else if constexpr (!std::is_void_v<typename shared_pointee<T>::type>) {
    using pointee = typename shared_pointee<T>::type;
    if constexpr (!std::is_const_v<pointee>)
      return unsendable::shared;
    else
      return why_unsendable<std::remove_cv_t<pointee>, T, Outer...>();
  } else if constexpr (!std::is_move_constructible_v<T>)
    return unsendable::immovable;
  else if constexpr (is_unique_ptr<T>)
    return why_unsendable<typename T::element_type, T, Outer...>();
  else if constexpr (holds_arguments<T>)
    return arguments_of<T>::template why<T, Outer...>();
  else if constexpr (holds_elements<T> && std::is_class_v<T>)
    return parts_of<typename T::value_type>::template why<T, Outer...>();
  else if constexpr (aggregate<T> && !described<T>)
    return fields_as_parts<typename row_types<T>::type>::template why<T, Outer...>();
  else
    return unsendable::no;
}

} // namespace detail

/// Whether a value of `T` may be a message: it can be moved and holds no reference, raw pointer, view or
/// `shared_ptr` to something mutable, at any depth of aggregates, containers, optional, variant, pair, tuple
/// and unique_ptr. A class with private members is taken at its word.
template <class T>
concept sendable = detail::why_unsendable<std::remove_cv_t<T>>() == detail::unsendable::no;

/// Fails to compile, with the reason, if `T` may not be sent.
template <class T>
consteval void require_sendable() {
  using detail::unsendable;
  constexpr unsendable why = detail::why_unsendable<std::remove_cv_t<T>>();
  static_assert(why != unsendable::reference, "a message holds a reference: send the value itself");
  static_assert(why != unsendable::pointer,
                "a message holds a raw pointer: send the value, or a unique_ptr that gives it away");
  static_assert(why != unsendable::view,
                "a message holds a view of something it does not own: send a string or a vector");
  static_assert(why != unsendable::shared,
                "a message shares something mutable: send a copy, or a shared_ptr<const T>");
  static_assert(why != unsendable::immovable, "a message holds something that cannot be moved");
  static_assert(why != unsendable::refused, "a message holds a type whose enable_sendable says no");
}

} // namespace coppice
