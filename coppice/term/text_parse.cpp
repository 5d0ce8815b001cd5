// parse_term: Erlang's text to a term, with a stack of its own and bounded.
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "coppice/term/detail/characters.hpp"
#include "coppice/term/detail/utf8.hpp"
#include "coppice/term/text.hpp"

namespace coppice {

std::string parse_error::message() const {
  return std::to_string(line) + ":" + std::to_string(column) + ": expected " + expected + ", got " + got;
}

namespace {

__extension__ using u128 = unsigned __int128;

struct failure { // thrown inside the parser only
  std::size_t at;
  std::string expected;
  std::string got;
};

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return 99;
}

// The text, and how far it has been read.
class scanner {
public:
  scanner(std::string_view text, const parse_limits& limits) : text_(text), limits_(limits) {}

  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] bool done() const noexcept { return at_ == text_.size(); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] char32_t peek_character() const {
    std::string_view rest = text_.substr(at_);
    const auto c = detail::take_utf8(rest);
    return c.value_or(0xfffd);
  }
  char32_t take_character(const char* expected) {
    std::string_view rest = text_.substr(at_);
    const auto c = detail::take_utf8(rest);
    if (!c) fail(done() ? expected : "well-formed UTF-8");
    at_ = text_.size() - rest.size();
    return *c;
  }
  bool take(std::string_view what) noexcept {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }
  void need(std::string_view what, const char* expected) {
    if (!take(what)) fail(expected);
  }

  void skip_space() noexcept {
    for (; !done(); ++at_) {
      if (peek() == '%') {
        while (!done() && peek() != '\n') ++at_;
        if (done()) return;
      } else if (static_cast<unsigned char>(peek()) > ' ') {
        return;
      }
    }
  }

  [[noreturn]] void fail(std::string expected) const { fail_at(at_, std::move(expected)); }
  [[noreturn]] void fail_at(std::size_t at, std::string expected) const {
    throw failure{at, std::move(expected), describe_at(at)};
  }
  [[noreturn]] static void fail_at(std::size_t at, std::string expected, std::string got) {
    throw failure{at, std::move(expected), std::move(got)};
  }

  term number();
  term character();
  atom name();
  std::vector<char32_t> string_characters();
  std::uint64_t plain_number(const char* expected, std::uint64_t most);

private:
  [[nodiscard]] std::string describe_at(std::size_t at) const {
    if (at >= text_.size()) return "the end of the text";
    std::string_view rest = text_.substr(at);
    if (!detail::take_utf8(rest)) return "a byte that is not UTF-8";
    return "'" + std::string(text_.substr(at, text_.size() - rest.size() - at)) + "'";
  }
  char32_t escape();
  char32_t hex_escape();
  term digits(bool negative, unsigned base);
  term fraction(std::size_t begin, bool negative);

  std::string_view text_;
  parse_limits limits_;
  std::size_t at_ = 0;
};

// An integer's digits from here on; an underscore may stand between two.
term scanner::digits(bool negative, unsigned base) {
  const std::size_t begin = at_;
  std::vector<std::uint64_t> limbs;
  const auto add = [&limbs](std::uint64_t factor, std::uint64_t part) {
    for (std::uint64_t& limb : limbs) {
      const u128 next = static_cast<u128>(limb) * factor + part;
      limb = static_cast<std::uint64_t>(next);
      part = static_cast<std::uint64_t>(next >> 64);
    }
    if (part != 0) limbs.push_back(part);
  };
  std::uint64_t factor = 1;
  std::uint64_t part = 0;
  for (;; ++at_) {
    const auto value = static_cast<unsigned>(digit_value(peek()));
    if (value >= base) {
      const bool between = peek() == '_' && at_ > begin && static_cast<unsigned>(digit_value(peek(1))) < base;
      if (!between) break;
      continue;
    }
    if (at_ - begin >= limits_.digits) {
      fail_at(begin, "an integer of at most " + std::to_string(limits_.digits) + " digits", "a longer one");
    }
    part = part * base + value;
    factor *= base;
    if (factor > UINT64_MAX / 40 / base) {
      add(factor, part);
      factor = 1;
      part = 0;
    }
  }
  if (at_ == begin) fail("a digit");
  add(factor, part);
  return term::integer(negative, limbs);
}

term scanner::fraction(std::size_t begin, bool negative) {
  std::string number;
  const auto take_digits = [&] {
    if (!detail::is_digit(static_cast<unsigned char>(peek()))) fail("a digit");
    while (detail::is_digit(static_cast<unsigned char>(peek())) ||
           (peek() == '_' && detail::is_digit(static_cast<unsigned char>(peek(1))))) {
      if (peek() != '_') number += peek();
      ++at_;
      if (number.size() > limits_.digits) fail_at(begin, "a shorter float");
    }
  };
  take_digits();
  need(".", "'.'");
  number += '.';
  take_digits();
  if (peek() == 'e' || peek() == 'E') {
    ++at_;
    number += 'e';
    if (peek() == '-' || peek() == '+') {
      if (peek() == '-') number += '-';
      ++at_;
    }
    take_digits();
  }
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc()) fail_at(begin, "a float of 64 bits", "one out of its range");
  return {negative ? -value : value};
}

term scanner::number() {
  bool negative = false;
  while (peek() == '-' || peek() == '+') {
    negative = negative != (peek() == '-');
    ++at_;
    skip_space();
  }
  if (peek() == '$') {
    const std::int64_t c = *character().as_int64();
    return negative ? -c : c;
  }
  const std::size_t begin = at_;
  while (detail::is_digit(static_cast<unsigned char>(peek())) || peek() == '_') ++at_;
  const char after = peek();
  const bool real = after == '.' && detail::is_digit(static_cast<unsigned char>(peek(1)));
  const std::size_t end = at_;
  at_ = begin;
  if (real) return fraction(begin, negative);
  if (after != '#') return digits(negative, 10);
  unsigned base = 0;
  const auto whole = text_.substr(begin, end - begin);
  const auto [stop, error] = std::from_chars(whole.data(), whole.data() + whole.size(), base);
  if (stop != whole.data() + whole.size() || base < 2 || base > 36) {
    fail_at(begin, "a base from 2 to 36", std::string(whole.substr(0, 20)));
  }
  at_ = end + 1;
  return digits(negative, base);
}

term scanner::character() {
  ++at_; // the dollar
  if (done()) fail("a character");
  const char32_t c = peek() == '\\' ? escape() : take_character("a character");
  return {static_cast<std::int64_t>(c)};
}

char32_t scanner::hex_escape() {
  const bool braces = take("{");
  std::uint32_t value = 0;
  std::size_t count = 0;
  for (; digit_value(peek()) < 16 && (braces ? count < 8 : count < 2); ++count, ++at_) {
    value = value * 16 + static_cast<std::uint32_t>(digit_value(peek()));
  }
  if (count == 0 || (!braces && count != 2)) fail("a hexadecimal digit");
  if (braces) need("}", "'}'");
  if (!detail::is_scalar_value(value)) {
    fail_at(at_, "a character of Unicode", "\\x{" + std::to_string(value) + "}");
  }
  return static_cast<char32_t>(value);
}

char32_t scanner::escape() {
  ++at_; // the backslash
  if (done()) fail("an escape");
  const auto octal = [this] { return peek() >= '0' && peek() <= '7'; };
  if (octal()) {
    std::uint32_t value = 0;
    for (int i = 0; i < 3 && octal(); ++i, ++at_)
      value = value * 8 + static_cast<std::uint32_t>(peek() - '0');
    return static_cast<char32_t>(value);
  }
  const char32_t c = take_character("an escape");
  switch (c) {
  case 'n': return '\n';
  case 'r': return '\r';
  case 't': return '\t';
  case 'v': return '\v';
  case 'b': return '\b';
  case 'f': return '\f';
  case 'e': return 0x1b;
  case 's': return ' ';
  case 'd': return 0x7f;
  case 'x': return hex_escape();
  case '^': {
    const char32_t control = take_character("a control character");
    if (control < '@' || control > 'z') fail("a letter after ^");
    return control & 31;
  }
  default: return c;
  }
}

// The characters between quotes, the first of which is next.
std::vector<char32_t> scanner::string_characters() {
  std::vector<char32_t> out;
  const std::size_t begin = at_;
  const char quote = peek();
  ++at_;
  while (peek() != quote || done()) {
    if (done()) fail_at(begin, std::string("a closing ") + quote, "the end of the text");
    out.push_back(peek() == '\\' ? escape() : take_character("a character"));
  }
  ++at_;
  return out;
}

atom scanner::name() {
  const std::size_t begin = at_;
  std::string text;
  if (peek() == '\'') {
    for (const char32_t c : string_characters()) detail::append_utf8(text, c);
  } else {
    while (!done() && detail::is_name(peek_character())) detail::append_utf8(text, take_character("an atom"));
    if (detail::is_reserved_word(text))
      fail_at(begin, "a term", "the reserved word " + text + " (quote it: '" + text + "')");
  }
  auto made = atom::from_peer(text);
  if (!made) {
    const bool full = made.error() == atom_error::limit;
    fail_at(begin, full ? "an atom that exists" : "an atom of at most 255 characters",
            full ? text : "a longer one");
  }
  return std::move(*made);
}

std::uint64_t scanner::plain_number(const char* expected, std::uint64_t most) {
  const std::size_t begin = at_;
  while (detail::is_digit(static_cast<unsigned char>(peek()))) ++at_;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data() + begin, text_.data() + at_, value);
  if (error != std::errc() || end != text_.data() + at_ || value > most) {
    fail_at(begin, std::string(expected) + " of at most " + std::to_string(most));
  }
  return value;
}

// --- terms ---

class parser {
public:
  parser(std::string_view text, const parse_limits& limits) : in_(text, limits), limits_(limits) {}

  term run() {
    std::optional<term> value;
    for (;;) { // a value that is complete goes to what it stands in
      in_.skip_space();
      if (!value) {
        value = begin();
        continue;
      }
      if (open_.empty()) break;
      value = put(std::move(*value));
    }
    if (in_.take(".")) in_.skip_space();
    if (!in_.done()) in_.fail("the end of the term");
    return std::move(*value);
  }

private:
  struct open_term {
    enum class what : std::uint8_t { tuple, list, tail, key, value } kind;
    std::vector<term> items;
    std::vector<std::pair<term, term>> entries;
  };
  using what = open_term::what;

  void open(what kind) {
    if (open_.size() >= limits_.depth) {
      in_.fail("at most " + std::to_string(limits_.depth) + " levels");
    }
    open_.push_back({kind, {}, {}});
  }

  // Reads a whole term, or the beginning of one (then nothing is returned).
  std::optional<term> begin() {
    const char c = in_.peek();
    if (c == '{') return begin_compound(1, what::tuple, "}", term::tuple());
    if (c == '[') return begin_compound(1, what::list, "]", term());
    if (c == '#' && in_.peek(1) == '{') return begin_compound(2, what::key, "}", term::map({}));
    if (c == '<' && in_.peek(1) == '<') return bits();
    if (c == '<' || c == '#') return identity();
    if (c == '"') return string();
    if (c == '$') return in_.character();
    if (detail::is_digit(static_cast<unsigned char>(c)) || c == '-' || c == '+') return in_.number();
    if (c == '\'') return term(in_.name());
    if (in_.done()) in_.fail("a term");
    const char32_t letter = in_.peek_character();
    if (detail::is_upper(letter)) in_.fail("a term (an atom that begins so needs quotes)");
    if (!detail::is_lower(letter)) in_.fail("a term");
    if (const auto fun = export_fun()) return fun;
    return term(in_.name());
  }

  std::optional<term> begin_compound(std::size_t length, what kind, std::string_view close, term empty) {
    skip(length);
    in_.skip_space();
    if (in_.take(close)) return empty;
    open(kind);
    return {};
  }

  // Puts a term where it belongs; returns what that completes.
  std::optional<term> put(term value) {
    open_term& top = open_.back();
    switch (top.kind) {
    case what::tuple:
      top.items.push_back(std::move(value));
      if (in_.take(",")) return {};
      in_.need("}", "',' or '}'");
      return close(term::tuple_from(std::move(top.items)));
    case what::list:
      top.items.push_back(std::move(value));
      if (in_.take(",")) return {};
      if (in_.take("|")) {
        top.kind = what::tail;
        return {};
      }
      in_.need("]", "',', '|' or ']'");
      return close(term::list_from(std::move(top.items)));
    case what::tail:
      in_.need("]", "']'");
      return close(term::list_from(std::move(top.items), std::move(value)));
    case what::key:
      in_.need("=>", "'=>'");
      top.items.push_back(std::move(value));
      top.kind = what::value;
      return {};
    case what::value:
      top.entries.emplace_back(std::move(top.items.back()), std::move(value));
      top.items.clear();
      top.kind = what::key;
      if (in_.take(",")) return {};
      in_.need("}", "',' or '}'");
      return close(term::map_from(std::move(top.entries)));
    }
    return {};
  }

  term close(term made) {
    open_.pop_back();
    return made;
  }

  void skip(std::size_t characters) {
    for (; characters > 0; --characters) in_.take_character("a bracket");
  }

  term string() {
    std::vector<term> characters;
    while (in_.peek() == '"') { // strings side by side are one
      for (const char32_t c : in_.string_characters()) characters.emplace_back(static_cast<std::int64_t>(c));
      in_.skip_space();
    }
    return term::list_from(std::move(characters));
  }

  term bits();
  void segment(std::string& bytes, std::uint64_t& count);
  term identity();
  std::optional<term> export_fun();

  scanner in_;
  parse_limits limits_;
  std::vector<open_term> open_;
};

void append_bits(std::string& bytes, std::uint64_t& count, std::uint64_t value, unsigned size) {
  for (unsigned i = size; i-- > 0; ++count) {
    if (count % 8 == 0) bytes.push_back('\0');
    if (((value >> i) & 1) != 0) bytes.back() = static_cast<char>(bytes.back() | (0x80 >> (count % 8)));
  }
}

// One segment of a binary: "text", "text"/utf8, 7, 7:3
void parser::segment(std::string& bytes, std::uint64_t& count) {
  const std::size_t begin = in_.at();
  if (in_.peek() == '"') {
    const std::vector<char32_t> characters = in_.string_characters();
    const bool utf8 = in_.take("/utf8");
    for (const char32_t c : characters) {
      if (!utf8 && c > 0xff)
        scanner::fail_at(begin, "characters below 256, or /utf8 after the text", "others");
      std::string coded;
      if (utf8) {
        detail::append_utf8(coded, c);
      } else {
        coded.push_back(static_cast<char>(c));
      }
      for (const char byte : coded) append_bits(bytes, count, static_cast<unsigned char>(byte), 8);
    }
    return;
  }
  const char c = in_.peek();
  if (c != '$' && c != '-' && c != '+' && !detail::is_digit(static_cast<unsigned char>(c))) {
    in_.fail("an integer or a string");
  }
  const auto value = (c == '$' ? in_.character() : in_.number()).as_int64();
  if (!value) scanner::fail_at(begin, "an integer of 64 bits", "another number");
  const unsigned size = in_.take(":") ? static_cast<unsigned>(in_.plain_number("a size", 64)) : 8;
  append_bits(bytes, count, static_cast<std::uint64_t>(*value), size);
}

term parser::bits() {
  skip(2);
  std::string bytes;
  std::uint64_t count = 0;
  in_.skip_space();
  if (!in_.take(">>")) {
    do {
      in_.skip_space();
      segment(bytes, count);
      in_.skip_space();
    } while (in_.take(","));
    in_.need(">>", "',' or '>>'");
  }
  return term::bitstring(bytes, count);
}

term parser::identity() {
  const std::size_t begin = in_.at();
  constexpr std::uint64_t most_node = (1u << 24) - 1;
  const auto number = [this](const char* name, std::uint64_t most) { return in_.plain_number(name, most); };
  if (in_.take("#Ref<")) {
    reference r;
    r.node = static_cast<std::uint32_t>(number("a node", UINT32_MAX));
    while (r.len < r.words.size() && in_.take(".")) {
      r.words[r.len++] = static_cast<std::uint32_t>(number("a number", UINT32_MAX));
    }
    in_.need(">", "'>'");
    std::reverse(r.words.begin(), r.words.begin() + r.len);
    return {r};
  }
  if (in_.take("#Port<")) {
    port p;
    p.node = static_cast<std::uint32_t>(number("a node", most_node));
    in_.need(".", "'.'");
    p.id = number("a number", UINT64_MAX);
    in_.need(">", "'>'");
    return {p};
  }
  if (in_.take("#Fun<")) scanner::fail_at(begin, "a term", "a local fun, which cannot be read back");
  if (!in_.take("<")) in_.fail("a term");
  pid p;
  p.node = static_cast<std::uint32_t>(number("a node", most_node));
  in_.need(".", "'.'");
  const std::uint64_t slot = number("a slot", (1u << pid::slot_bits) - 1);
  in_.need(".", "'.'");
  p.id = number("a generation", (std::uint64_t{1} << (64 - pid::slot_bits)) - 1) << pid::slot_bits | slot;
  in_.need(">", "'>'");
  return {p};
}

// fun m:f/1
std::optional<term> parser::export_fun() {
  if (!in_.take("fun ")) return {};
  mfa f;
  const auto name = [this] {
    in_.skip_space();
    if (in_.peek() != '\'' && !detail::is_lower(in_.peek_character())) in_.fail("an atom");
    return in_.name();
  };
  f.module = name();
  in_.need(":", "':'");
  f.function = name();
  in_.need("/", "'/'");
  f.arity = static_cast<std::uint32_t>(in_.plain_number("an arity", 255));
  return term::export_fun(f);
}

} // namespace

std::expected<term, parse_error> parse_term(std::string_view text, const parse_limits& limits) {
  if (text.size() > limits.size) {
    return std::unexpected(
        parse_error{1, 1, "at most " + std::to_string(limits.size) + " bytes", std::to_string(text.size())});
  }
  try {
    return parser(text, limits).run();
  } catch (failure& f) {
    parse_error error{1, 1, std::move(f.expected), std::move(f.got)};
    for (const char c : text.substr(0, f.at)) {
      if (c == '\n') {
        ++error.line;
        error.column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
        ++error.column;
      }
    }
    return std::unexpected(std::move(error));
  }
}

} // namespace coppice
