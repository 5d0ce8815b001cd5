// Terms as text, both ways: as Erlang's shell and `io:format("~p")` write them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <expected>
#include <fmt/core.h>
#include <string>
#include <string_view>

#include "coppice/term/term.hpp"

namespace coppice {

/// How a term is written.
struct text_options {
  /// At most so many bytes, the last three being `...` if something was cut; 0 is no limit. The work is
  /// bounded by it too, however large the term.
  std::size_t limit = 0;
  /// Characters beyond Latin-1 are printable, as for `~tp` in a shell started with `+pc unicode`.
  bool unicode = false;
};

/// `value` as `io:format("~p")` prints it on one line of any length, in UTF-8. Maps print in the order of
/// their keys. A pid shows its slot and generation: `<0.Slot.Generation>`. An integer longer than the limit
/// is cut in base 16. Without a limit an integer of n digits takes O(n^2). fmt prints terms, atoms, pids,
/// references and ports the same way: `{}` all of it, `{:.200}` at most 200 bytes.
std::string to_string(const term& value, const text_options& options = {});

/// Where text is not a term, and what would have been one there.
struct parse_error {
  std::size_t line = 1;   ///< from 1
  std::size_t column = 1; ///< in characters, from 1
  std::string expected;   ///< `a term`
  std::string got;        ///< `'}'`

  /// `1:7: expected a term, got '}'`
  [[nodiscard]] std::string message() const;
};

/// Bounds for text from outside.
struct parse_limits {
  std::size_t size = std::size_t{16} << 20; ///< bytes of text
  std::size_t depth = 10'000;               ///< terms within terms
  std::size_t digits = 20'000;              ///< of one integer
};

/// Reads one term: all that `to_string` prints but local funs, and what Erlang's `erl_parse:parse_term` takes
/// beside it (integers of any base, `$c`, escapes, comments, white space, `<<"..."/utf8>>`, a final dot). The
/// atoms are a peer's: they go when unused.
std::expected<term, parse_error> parse_term(std::string_view text, const parse_limits& limits = {});

} // namespace coppice

template <>
struct fmt::formatter<coppice::term> {
  constexpr auto parse(format_parse_context& context) {
    const auto* at = context.begin();
    if (at != context.end() && *at == '.') {
      for (++at; at != context.end() && *at >= '0' && *at <= '9'; ++at) {
        limit_ = limit_ * 10 + static_cast<std::size_t>(*at - '0');
      }
    }
    return at;
  }
  template <class Context>
  auto format(const coppice::term& value, Context& context) const {
    return std::ranges::copy(coppice::to_string(value, {.limit = limit_}), context.out()).out;
  }

private:
  std::size_t limit_ = 0;
};

template <>
struct fmt::formatter<coppice::atom> : fmt::formatter<coppice::term> {};
template <>
struct fmt::formatter<coppice::pid> : fmt::formatter<coppice::term> {};
template <>
struct fmt::formatter<coppice::reference> : fmt::formatter<coppice::term> {};
template <>
struct fmt::formatter<coppice::port> : fmt::formatter<coppice::term> {};
