#include "coppice/dist/detail/shell_line.hpp"

#include "coppice/term/text.hpp"

#include <algorithm>
#include <fmt/core.h>
#include <optional>
#include <stdexcept>
#include <utility>

namespace coppice::dist::detail {
namespace {

bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool starts_variable(char c) noexcept { return (c >= 'A' && c <= 'Z') || c == '_'; }
bool in_name(char c) noexcept {
  return is_lower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '@';
}
bool is_space(char c) noexcept { return static_cast<unsigned char>(c) <= ' '; }

/// Behind what begins at `at` and hides what stands in it: a quoted text, a character, a comment; else `at`.
std::size_t behind_opaque(std::string_view text, std::size_t at) noexcept {
  const char c = text[at];
  if (c == '%') return std::min(text.find('\n', at), text.size());
  if (c == '$') return std::min(at + (text.substr(at + 1).starts_with('\\') ? 3 : 2), text.size());
  if (c != '\'' && c != '"') return at;
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == c) {
      return i + 1;
    }
  }
  return text.size() + 1; // it does not end
}

struct wrong {
  std::string what;
};

class line_parser {
public:
  explicit line_parser(std::string_view text) : text_(text) {}

  shell_line line() {
    shell_line parsed;
    skip_space();
    const std::size_t begin = at_;
    if (at_ < text_.size() && starts_variable(text_[at_])) {
      std::string name = take_name();
      skip_space();
      if (take('=')) {
        parsed.binds = std::move(name);
      } else {
        at_ = begin;
      }
    }
    parsed.asked = expression(0);
    skip_space();
    if (at_ != text_.size()) fail("the end of the line");
    return parsed;
  }

private:
  static constexpr int most_nested = 100;

  [[noreturn]] void fail(const char* expected) const {
    const std::string_view before = text_.substr(0, at_);
    const auto lines = std::ranges::count(before, '\n');
    const std::size_t column = at_ - (lines == 0 ? 0 : before.rfind('\n') + 1);
    const std::string got = at_ < text_.size() ? fmt::format("'{}'", text_[at_]) : "the end of the line";
    throw wrong{fmt::format("{}:{}: expected {}, got {}", lines + 1, column + 1, expected, got)};
  }
  void skip_space() noexcept {
    while (at_ < text_.size() && (is_space(text_[at_]) || text_[at_] == '%')) {
      at_ = text_[at_] == '%' ? behind_opaque(text_, at_) : at_ + 1;
    }
  }
  bool take(char c) noexcept {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string take_name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && in_name(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  /// An atom as the name of a module or function; nothing if none begins here.
  std::optional<atom> take_atom() {
    if (at_ >= text_.size()) return std::nullopt;
    const std::size_t begin = at_;
    if (text_[at_] == '\'') {
      at_ = std::min(behind_opaque(text_, at_), text_.size());
    } else if (is_lower(text_[at_])) {
      take_name();
    } else {
      return std::nullopt;
    }
    auto parsed = parse_term(text_.substr(begin, at_ - begin));
    return parsed ? parsed->as_atom() : std::nullopt;
  }
  /// `f(` or `m:f(`, read up to its arguments; otherwise nothing has been read.
  std::optional<mfa> take_head_of_call() {
    const std::size_t begin = at_;
    mfa named{};
    std::optional<atom> first = take_atom();
    skip_space();
    std::optional<atom> second;
    if (first && take(':')) {
      skip_space();
      second = take_atom();
      skip_space();
    }
    if (first && take('(')) {
      named.module = second ? *first : atom();
      named.function = second ? *second : *first;
      return named;
    }
    at_ = begin;
    return std::nullopt;
  }

  shell_expression expression(int depth) {
    if (depth > most_nested) fail("fewer calls within calls");
    skip_space();
    shell_expression made;
    if (std::optional<mfa> head = take_head_of_call()) {
      made.what = shell_expression::kind::call;
      made.function = *head;
      made.arguments = arguments(depth);
      made.function.arity = static_cast<std::uint32_t>(made.arguments.size());
    } else if (at_ < text_.size() && starts_variable(text_[at_])) {
      made.what = shell_expression::kind::variable;
      made.variable = take_name();
    } else {
      made.value = value();
    }
    return made;
  }
  /// Behind the opening parenthesis.
  std::vector<shell_expression> arguments(int depth) {
    std::vector<shell_expression> all;
    skip_space();
    if (take(')')) return all;
    do {
      if (all.size() == UINT8_MAX) fail("fewer arguments");
      all.push_back(expression(depth + 1));
      skip_space();
    } while (take(','));
    if (!take(')')) fail("',' or ')'");
    return all;
  }
  /// A term, up to the comma or parenthesis that ends it.
  term value() {
    const std::size_t begin = at_;
    int open = 0;
    while (at_ < text_.size()) {
      const std::size_t behind = behind_opaque(text_, at_);
      if (behind != at_) {
        at_ = std::min(behind, text_.size());
        continue;
      }
      const std::string_view rest = text_.substr(at_);
      if (open == 0 && (rest[0] == ',' || rest[0] == ')')) break;
      const bool opens = rest[0] == '(' || rest[0] == '[' || rest[0] == '{' || rest.starts_with("<<");
      const bool closes = rest[0] == ')' || rest[0] == ']' || rest[0] == '}' || rest.starts_with(">>");
      open += opens ? 1 : closes ? -1 : 0;
      at_ += rest.starts_with("<<") || rest.starts_with(">>") ? 2 : 1;
    }
    // With what stands before it as white space, so that an error says where it is in the line.
    std::string padded(text_.substr(0, at_));
    std::replace_if(
        padded.begin(), padded.begin() + static_cast<std::ptrdiff_t>(begin), [](char c) { return c != '\n'; },
        ' ');
    auto parsed = parse_term(padded);
    if (!parsed) throw wrong{parsed.error().message()};
    return std::move(*parsed);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

} // namespace

bool is_whole_shell_line(std::string_view text) {
  bool stops = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t behind = behind_opaque(text, at);
    if (behind > text.size()) return false;
    if (behind != at) {
      if (text[at] != '%') stops = false;
      at = behind;
      continue;
    }
    if (!is_space(text[at])) stops = text[at] == '.';
    ++at;
  }
  return stops;
}

std::expected<shell_line, std::string> parse_shell_line(std::string_view text) {
  // The full stop is the last character that is neither white space nor in a comment.
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t behind = std::min(std::max(behind_opaque(text, at), at + 1), text.size());
    if (text[at] != '%' && !is_space(text[at])) end = behind;
    at = behind;
  }
  if (end != 0 && text[end - 1] == '.') --end;
  try {
    return line_parser(text.substr(0, end)).line();
  } catch (const wrong& e) {
    return std::unexpected(e.what);
  }
}

} // namespace coppice::dist::detail
