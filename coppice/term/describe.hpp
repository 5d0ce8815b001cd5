// What a C++ type is called, and what it is as a term.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "coppice/term/term.hpp"
#include "coppice/term/type_name.hpp"

namespace coppice {

/// Why a term is not a value of the type wanted: where in it, what was expected there and what stood there.
struct decode_error {
  std::string path;     ///< `send_message.text`
  std::string expected; ///< `binary or charlist`
  std::string got;      ///< the offending term, cut when long

  /// `send_message.text: expected binary or charlist, got 42`
  [[nodiscard]] std::string message() const;
};

/// A hash of the qualified name of `T` and, for an aggregate, of its fields' names and types, recursively.
/// The same for every compiler.
template <class T>
constexpr std::uint64_t type_hash() {
  return detail::mix(detail::hash_text(detail::qualified_name<T>()));
}

/// The term that `value` is on the wire.
template <class T>
term to_term(const T& value);

/// The value that `source` is on the wire.
template <class T>
std::expected<T, decode_error> from_term(const term& source);

} // namespace coppice
