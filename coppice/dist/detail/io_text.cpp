#include "coppice/dist/detail/io_text.hpp"

#include "coppice/term/text.hpp"

#include <utility>
#include <vector>

namespace coppice::dist::detail {

bool append_text(const term& data, std::string& out) {
  constexpr std::size_t most = std::size_t{1} << 20;
  std::vector<term> left{data};
  while (!left.empty()) {
    const term next = std::move(left.back());
    left.pop_back();
    if (out.size() > most) return false;
    if (const auto bytes = next.as_binary()) {
      out += *bytes;
    } else if (next.is_nil()) {
      continue;
    } else if (const auto text = next.is_list() ? next.as_text() : std::nullopt) {
      out += *text;
    } else if (next.is_list()) {
      left.push_back(next.tail());
      left.push_back(next.head());
    } else if (next.is_integer()) {
      const auto text_of_one = term::list(next).as_text();
      if (!text_of_one) return false;
      out += *text_of_one;
    } else {
      return false;
    }
  }
  return true;
}

namespace {

/// One directive; false if its argument does not fit.
bool format_one(char directive, const term& argument, std::string& out) {
  switch (directive) {
  case 's':
    if (argument.is_atom()) {
      out += argument.as_atom()->name();
      return true;
    }
    return append_text(argument, out);
  case 'c': return argument.is_integer() && append_text(argument, out);
  case 'p':
  case 'P':
  case 'w':
  case 'W':
  case 'a':
  case 'b':
  case 'B':
  case 'f':
  case 'e':
  case 'g': out += to_string(argument); return true;
  case 'i': return true;
  default: return false;
  }
}

} // namespace

std::optional<std::string> io_format(std::string_view format, const term& arguments) {
  if (!arguments.is_proper_list()) return std::nullopt;
  std::string out;
  auto next = arguments.items().begin();
  const auto end = arguments.items().end();
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '~') {
      out.push_back(format[i]);
      continue;
    }
    // What stands before the directive: width, precision, padding, and how it is to be read.
    do ++i;
    while (i < format.size() &&
           std::string_view("0123456789.-*tlkK").find(format[i]) != std::string_view::npos);
    if (i == format.size()) return std::nullopt;
    if (format[i] == 'n') {
      out.push_back('\n');
    } else if (format[i] == '~') {
      out.push_back('~');
    } else {
      if (next == end || !format_one(format[i], *next, out)) return std::nullopt;
      ++next;
    }
  }
  if (next != end) return std::nullopt;
  return out;
}

} // namespace coppice::dist::detail
