// Whether a type can be a term at all: asked before to_term and from_term, which insist on it.
#pragma once

#include "coppice/term/sendable.hpp"

namespace coppice {

namespace detail {

template <class... T>
struct forms_of {
  template <class... Outer>
  static constexpr bool all();
};
template <class T>
struct form_arguments : forms_of<> {};
template <template <class...> class C, class... A>
struct form_arguments<C<A...>> : forms_of<A...> {};

template <class T, class... Outer>
constexpr bool term_form() {
  if constexpr ((std::same_as<T, Outer> || ...)) {
    return true; // within itself, looked at already
  } else {
    constexpr shape s = shape_of<T>();
    if constexpr (s == shape::none) {
      return false;
    } else if constexpr (s == shape::nullable && is_unique_ptr<T>) {
      return term_form<typename T::element_type, T, Outer...>();
    } else if constexpr (s == shape::nullable || s == shape::choice || s == shape::row) {
      return form_arguments<T>::template all<T, Outer...>();
    } else if constexpr (s == shape::map) {
      return term_form<typename T::key_type, T, Outer...>() &&
             term_form<typename T::mapped_type, T, Outer...>();
    } else if constexpr (s == shape::list || s == shape::array) {
      return term_form<typename T::value_type, T, Outer...>();
    } else if constexpr (s == shape::tagged || s == shape::record) {
      return form_arguments<typename row_types<T>::type>::template all<T, Outer...>();
    } else {
      return true;
    }
  }
}

template <class... T>
template <class... Outer>
constexpr bool forms_of<T...>::all() {
  return (term_form<std::remove_cv_t<T>, Outer...>() && ...);
}

} // namespace detail

/// Whether `T`, and all that it holds, has a form as a term.
template <class T>
concept has_term_form = detail::term_form<std::remove_cv_t<T>>();

} // namespace coppice
