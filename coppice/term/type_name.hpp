// The names of types, enumerators and fields, read from __PRETTY_FUNCTION__ and made alike on every compiler.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace coppice {
namespace detail {

template <class T>
constexpr std::string_view pretty_type() {
  std::string_view s = __PRETTY_FUNCTION__;
  s.remove_prefix(s.find("T = ") + 4);
  int depth = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (depth == 0 && (c == ';' || c == ']')) return s.substr(0, i); // GCC goes on after a semicolon
    if (c == '<' || c == '(' || c == '[' || c == '{') ++depth;
    if (c == '>' || c == ')' || c == ']' || c == '}') --depth;
  }
  return s;
}

// Text put together at compile time.
struct name_text {
  static constexpr std::size_t capacity = 1024;
  char chars[capacity]{};
  std::size_t size = 0;

  constexpr void add(std::string_view s) {
    for (const char c : s) chars[size++] = c; // too long a name fails to compile here
  }
  [[nodiscard]] constexpr std::string_view view() const { return {chars, size}; }
};

// Adds a name as compilers spell it, without what they spell differently: anonymous namespaces, inline
// namespaces of the library, parameters of functions that a type is local to.
constexpr void add_normalised(name_text& out, std::string_view s) {
  const auto skip = [&](std::string_view what) {
    if (!s.starts_with(what)) return false;
    s.remove_prefix(what.size());
    return true;
  };
  while (!s.empty()) {
    if (skip("(anonymous namespace)") || skip("{anonymous}")) {
      out.add("anonymous");
    } else if (skip("__cxx11::") || skip(" ")) {
      continue;
    } else if (s[0] == '(') {
      int depth = 0;
      do {
        depth += s[0] == '(' ? 1 : s[0] == ')' ? -1 : 0;
        s.remove_prefix(1);
      } while (depth != 0 && !s.empty());
      out.add("()");
    } else {
      out.add(s.substr(0, 1));
      s.remove_prefix(1);
    }
  }
}

// What follows the last `::` that stands outside brackets.
constexpr std::string_view unqualified(std::string_view s) {
  int depth = 0;
  for (std::size_t i = s.size(); i-- > 1;) {
    const char c = s[i];
    if (c == '>' || c == ')' || c == '}') ++depth;
    if (c == '<' || c == '(' || c == '{') --depth;
    if (depth == 0 && c == ':' && s[i - 1] == ':') return s.substr(i + 1);
  }
  return s;
}

// Without the function that a type is local to: Clang does not name it.
constexpr std::string_view globally(std::string_view s) {
  for (std::size_t i = s.size(); (i = s.rfind(")::", i)) != std::string_view::npos && i > 0; --i) {
    if (!s.substr(0, i).ends_with("(anonymous namespace")) return s.substr(i + 3);
  }
  return s;
}

template <class T>
inline constexpr bool default_argument = false; // a template argument that users never write
template <class T>
inline constexpr bool default_argument<std::allocator<T>> = true;
template <class T>
inline constexpr bool default_argument<std::less<T>> = true;
template <class T>
inline constexpr bool default_argument<std::hash<T>> = true;
template <class T>
inline constexpr bool default_argument<std::equal_to<T>> = true;
template <class T>
inline constexpr bool default_argument<std::default_delete<T>> = true;

template <class T, bool Qualified>
constexpr void add_type(name_text& out);

template <class T, bool Qualified>
struct type_speller {
  static constexpr void add(name_text& out) {
    const std::string_view s = pretty_type<T>();
    add_normalised(out, Qualified ? globally(s) : unqualified(s));
  }
};

// A template's own name: the arguments are the last bracketed part.
template <class T, bool Qualified>
constexpr void add_template(name_text& out) {
  std::string_view s = pretty_type<T>();
  int depth = 0;
  std::size_t cut = s.size();
  while (cut-- > 0) {
    if (s[cut] == '>') ++depth;
    if (s[cut] == '<' && --depth == 0) break;
  }
  s = s.substr(0, cut);
  add_normalised(out, Qualified ? globally(s) : unqualified(s));
}

template <template <class...> class C, class... Args, bool Qualified>
struct type_speller<C<Args...>, Qualified> {
  static constexpr void add(name_text& out) {
    add_template<C<Args...>, Qualified>(out);
    bool first = true;
    out.add("<");
    (add_argument<Args>(out, first), ...);
    out.add(">");
  }
  template <class A>
  static constexpr void add_argument(name_text& out, bool& first) {
    if constexpr (!default_argument<A>) {
      if (!first) out.add(",");
      first = false;
      add_type<A, Qualified>(out);
    }
  }
};

template <template <class, std::size_t> class C, class A, std::size_t N, bool Qualified>
struct type_speller<C<A, N>, Qualified> {
  static constexpr void add(name_text& out) {
    add_template<C<A, N>, Qualified>(out);
    out.add("<");
    add_type<A, Qualified>(out);
    out.add(",");
    char digits[20]{};
    std::size_t at = sizeof(digits);
    std::size_t rest = N;
    do {
      digits[--at] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    out.add({digits + at, sizeof(digits) - at});
    out.add(">");
  }
};

template <std::integral T>
constexpr std::string_view integral_name() {
  if constexpr (std::same_as<T, bool>) return "bool";
  if constexpr (std::same_as<T, char>) return "char";
  constexpr std::size_t size = sizeof(T);
  if constexpr (std::is_signed_v<T>) {
    return size == 1 ? "int8" : size == 2 ? "int16" : size == 4 ? "int32" : size == 8 ? "int64" : "int128";
  } else {
    return size == 1   ? "uint8"
           : size == 2 ? "uint16"
           : size == 4 ? "uint32"
           : size == 8 ? "uint64"
                       : "uint128";
  }
}

template <class T, bool Qualified>
constexpr void add_type(name_text& out) {
  if constexpr (std::is_const_v<T>) {
    out.add("const ");
    add_type<std::remove_const_t<T>, Qualified>(out);
  } else if constexpr (std::is_pointer_v<T>) {
    add_type<std::remove_pointer_t<T>, Qualified>(out);
    out.add("*");
  } else if constexpr (std::is_lvalue_reference_v<T>) {
    add_type<std::remove_reference_t<T>, Qualified>(out);
    out.add("&");
  } else if constexpr (std::integral<T>) {
    out.add(integral_name<T>());
  } else if constexpr (std::same_as<T, std::string>) {
    out.add(Qualified ? "std::string" : "string");
  } else if constexpr (std::same_as<T, std::string_view>) {
    out.add(Qualified ? "std::string_view" : "string_view");
  } else {
    type_speller<T, Qualified>::add(out);
  }
}

template <class T, bool Qualified>
constexpr name_text spell_type() {
  name_text out;
  add_type<T, Qualified>(out);
  return out;
}

template <std::size_t Size>
struct exact_text {
  char chars[Size + 1]{};
};

template <class T, bool Qualified>
inline constexpr auto stored_name = [] {
  constexpr name_text text = spell_type<T, Qualified>();
  exact_text<text.size> out;
  for (std::size_t i = 0; i < text.size; ++i) out.chars[i] = text.chars[i];
  return out;
}();

template <class T>
constexpr std::string_view qualified_name() {
  return {stored_name<T, true>.chars, sizeof(stored_name<T, true>.chars) - 1};
}

constexpr std::uint64_t hash_text(std::string_view s, std::uint64_t h = 0xcbf29ce484222325ULL) { // FNV-1a
  for (const char c : s) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h;
}

} // namespace detail

/// The name of `T` without its namespaces: `send_message`, `page<user>`; integers by their size (`int32`).
/// The same for every compiler.
template <class T>
constexpr std::string_view type_name() {
  using detail::stored_name;
  return {stored_name<T, false>.chars, sizeof(stored_name<T, false>.chars) - 1};
}

} // namespace coppice
