// What is typed at a shell of this node: calls of functions, terms, and names for their results. It is no
// Erlang: there is nothing that computes but the functions.
#pragma once

#include "coppice/term/term.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::dist::detail {

/// A term, a variable, or a call: `gen_server:call(Chat, {get_messages, <<"bob">>})`. Variables stand alone,
/// not within terms.
struct shell_expression {
  enum class kind : std::uint8_t { value, variable, call };
  kind what = kind::value;
  term value;                              ///< of `value`
  std::string variable;                    ///< of `variable`
  mfa function;                            ///< of `call`; the module is `''` where none is said
  std::vector<shell_expression> arguments; ///< of `call`
};

/// `Name = Expression`, or the expression alone.
struct shell_line {
  std::string binds; ///< the variable; '' if there is none
  shell_expression asked;
};

/// Whether the text ends with a full stop that ends a line: not in quotes, nor in a comment.
[[nodiscard]] bool is_whole_shell_line(std::string_view text);
/// Reads one, with its full stop. The error says where it is wrong: `1:7: expected a term, got ')'`. Calls
/// may be nested 100 deep.
[[nodiscard]] std::expected<shell_line, std::string> parse_shell_line(std::string_view text);

} // namespace coppice::dist::detail
