#include "coppice/term/text.hpp"

#include <array>
#include <boost/container/small_vector.hpp>
#include <charconv>
#include <cmath>
#include <optional>

#include "coppice/term/detail/characters.hpp"
#include "coppice/term/detail/utf8.hpp"

namespace coppice {
namespace {

__extension__ using u128 = unsigned __int128;

// --- numbers ---

// Digits and exponent of the shortest decimal that reads back as `d` (which is not 0): 0.Digits * 10^point.
struct decimal {
  std::string digits;
  int point = 0;
};

decimal shortest(double d) {
  std::array<char, 32> room{};
  const auto [end, error] =
      std::to_chars(room.data(), room.data() + room.size(), d, std::chars_format::scientific);
  std::string_view s(room.data(), static_cast<std::size_t>(end - room.data()));
  decimal out;
  const std::size_t e = s.find('e');
  for (const char c : s.substr(0, e)) {
    if (c != '.') out.digits += c;
  }
  while (out.digits.size() > 1 && out.digits.back() == '0') out.digits.pop_back();
  s.remove_prefix(e + (s[e + 1] == '+' ? 2 : 1));
  std::from_chars(s.data(), s.data() + s.size(), out.point);
  ++out.point;
  return out;
}

// Erlang writes a float in full or with an exponent, whichever is shorter; in full when equal, but from 2^53
// on always with an exponent (float_to_list/2, `short`).
std::string float_text(double value) {
  std::string out = std::signbit(value) ? "-" : "";
  const double size = std::abs(value);
  if (size == 0) return out + "0.0";
  const decimal d = shortest(size);
  const int length = static_cast<int>(d.digits.size());
  const int scale = d.point - length; // value = digits * 10^scale
  const int exponent = d.point - 1;
  const int lower = length == 1 ? -4 : -(length + 2);
  const int upper = length == 1 || exponent >= 10 ? 2 : 1;
  if (scale < lower || scale > upper || size >= 0x1p53) {
    out += d.digits.substr(0, 1) + "." + (length == 1 ? "0" : d.digits.substr(1));
    return out + "e" + std::to_string(exponent);
  }
  if (scale >= 0) return out + d.digits + std::string(static_cast<std::size_t>(scale), '0') + ".0";
  if (d.point > 0) {
    const auto whole = static_cast<std::size_t>(d.point);
    return out + d.digits.substr(0, whole) + "." + d.digits.substr(whole);
  }
  return out + "0." + std::string(static_cast<std::size_t>(-d.point), '0') + d.digits;
}

std::string decimal_text(const integer_parts& number) {
  constexpr std::uint64_t chunk = 10'000'000'000'000'000'000U; // 10^19
  std::vector<std::uint64_t> limbs(number.limbs.begin(), number.limbs.end());
  std::vector<std::uint64_t> chunks;
  while (!limbs.empty()) {
    std::uint64_t rest = 0;
    for (std::size_t i = limbs.size(); i-- > 0;) {
      const u128 part = (static_cast<u128>(rest) << 64) | limbs[i];
      limbs[i] = static_cast<std::uint64_t>(part / chunk);
      rest = static_cast<std::uint64_t>(part % chunk);
    }
    chunks.push_back(rest);
    while (!limbs.empty() && limbs.back() == 0) limbs.pop_back();
  }
  std::string out = number.negative ? "-" : "";
  for (std::size_t i = chunks.size(); i-- > 0;) {
    const std::string part = std::to_string(chunks[i]);
    if (i + 1 < chunks.size()) out.append(19 - part.size(), '0');
    out += part;
  }
  return out;
}

// The leading digits of an integer that is longer than `limit` in any case.
std::string cut_integer_text(const integer_parts& number, std::size_t limit) {
  std::string out = number.negative ? "-16#" : "16#";
  for (std::size_t i = number.limbs.size(); i-- > 0 && out.size() <= limit;) {
    std::array<char, 16> room{};
    const auto [end, error] = std::to_chars(room.data(), room.data() + room.size(), number.limbs[i], 16);
    const auto digits = static_cast<std::size_t>(end - room.data());
    if (i + 1 < number.limbs.size()) out.append(16 - digits, '0');
    for (std::size_t k = 0; k < digits; ++k) {
      out += static_cast<char>(room[k] >= 'a' ? room[k] - 'a' + 'A' : room[k]);
    }
  }
  return out;
}

// --- characters ---

bool is_printable(std::uint64_t c, bool unicode) noexcept {
  if ((c >= 0x20 && c <= 0x7e) || (c >= 0xa0 && c <= 0xff)) return true;
  if (c < 0x20) return c >= '\b' ? c <= '\r' || c == 0x1b : false;
  return unicode && c > 0xff && detail::is_scalar_value(c) && c != 0xfffe && c != 0xffff;
}

void append_character(std::string& out, char32_t c, char quote, bool unicode) {
  if (c == static_cast<unsigned char>(quote) || c == '\\') {
    out += '\\';
    out += static_cast<char>(c);
  } else if (c >= 0x20 && c <= 0x7e) {
    out += static_cast<char>(c);
  } else if (c >= 0xa0 && (c <= 0xff || unicode)) {
    detail::append_utf8(out, c);
  } else if (c > 0xff) {
    std::array<char, 8> room{};
    const auto [end, error] = std::to_chars(room.data(), room.data() + room.size(), std::uint32_t{c}, 16);
    out += "\\x{";
    for (const char* p = room.data(); p != end; ++p)
      out += static_cast<char>(*p >= 'a' ? *p - 'a' + 'A' : *p);
    out += '}';
  } else if (const char letter = detail::escape_letter(c)) {
    out += '\\';
    out += letter;
  } else {
    out += '\\';
    for (const unsigned shift : {6u, 3u, 0u}) out += static_cast<char>('0' + ((c >> shift) & 7));
  }
}

void append_atom(std::string& out, std::string_view name, bool unicode) {
  std::string_view rest = name;
  bool plain = !name.empty() && !detail::is_reserved_word(name);
  for (bool first = true; plain && !rest.empty(); first = false) {
    const char32_t c = *detail::take_utf8(rest);
    plain = first ? detail::is_lower(c) : detail::is_name(c);
  }
  if (plain) {
    out += name;
    return;
  }
  out += '\'';
  while (!name.empty()) append_character(out, *detail::take_utf8(name), '\'', unicode);
  out += '\'';
}

// --- terms ---

// Prints with a stack of its own: a term of any depth is safe.
class printer {
public:
  explicit printer(const text_options& options) : options_(options) {}

  std::string run(const term& value) {
    visit(value);
    while (!open_.empty() && !full()) step(open_.back());
    if (full()) cut();
    return std::move(out_);
  }

private:
  // A tuple, map or list of which a part is still to be printed.
  struct open_term {
    enum class what : std::uint8_t { tuple, map, list, tail } kind;
    std::span<const term> keys;
    std::span<const term> values;
    std::size_t next = 0; // of a map, the count of keys and values done
    list_range::iterator cell;
  };
  using what = open_term::what;

  [[nodiscard]] bool full() const noexcept { return options_.limit != 0 && out_.size() > options_.limit; }
  // How many elements need be looked at before the limit is certainly reached.
  [[nodiscard]] std::size_t enough() const noexcept {
    return options_.limit == 0 ? SIZE_MAX : options_.limit + 1 - std::min(out_.size(), options_.limit);
  }

  void cut() {
    constexpr std::string_view dots = "...";
    std::size_t keep = options_.limit > dots.size() ? options_.limit - dots.size() : 0;
    while (keep > 0 && (static_cast<unsigned char>(out_[keep]) & 0xc0) == 0x80) --keep;
    out_.resize(keep);
    out_ += dots.substr(0, options_.limit);
  }

  void step(open_term& top) {
    switch (top.kind) {
    case what::tuple:
      if (top.next == top.keys.size()) return close("}");
      if (top.next > 0) out_ += ",";
      return visit(top.keys[top.next++]);
    case what::map: {
      if (top.next == 2 * top.keys.size()) return close("}");
      const std::size_t i = top.next++;
      if (i % 2 == 1) {
        out_ += " => ";
        return visit(top.values[i / 2]);
      }
      if (i > 0) out_ += ",";
      return visit(top.keys[i / 2]);
    }
    case what::tail: return close("]");
    case what::list: return step_list(top);
    }
  }

  void step_list(open_term& top) {
    if (top.cell != list_range::iterator()) {
      if (top.next++ > 0) out_ += ",";
      return visit(*top.cell++);
    }
    const term& tail = top.cell.last_tail();
    if (tail.is_nil()) return close("]");
    out_ += "|";
    top.kind = what::tail;
    visit(tail);
  }

  void close(std::string_view bracket) {
    out_ += bracket;
    open_.pop_back();
  }

  void visit(const term& t) {
    switch (t.kind()) {
    case term_kind::integer: return integer(t);
    case term_kind::floating: out_ += float_text(*t.as_double()); return;
    case term_kind::atom: return append_atom(out_, t.as_atom()->name(), options_.unicode);
    case term_kind::binary:
    case term_kind::bitstring: return bits(t);
    case term_kind::nil: out_ += "[]"; return;
    case term_kind::list:
      if (string(t)) return;
      out_ += "[";
      open_.push_back({what::list, {}, {}, 0, t.items().begin()});
      return;
    case term_kind::tuple:
      out_ += "{";
      open_.push_back({what::tuple, t.elements(), {}, 0, {}});
      return;
    case term_kind::map:
      out_ += "#{";
      open_.push_back({what::map, t.map_keys(), t.map_values(), 0, {}});
      return;
    default: return identity(t);
    }
  }

  void integer(const term& t) {
    if (const auto small = t.as_int64()) {
      out_ += std::to_string(*small);
      return;
    }
    std::uint64_t room = 0;
    const integer_parts parts = *t.as_integer(room);
    const bool too_long = options_.limit != 0 && (parts.limbs.size() - 1) * 16 > options_.limit;
    out_ += too_long ? cut_integer_text(parts, options_.limit) : decimal_text(parts);
  }

  // Prints a list as a string if all of it is printable.
  bool string(const term& t) {
    const std::size_t most = enough();
    std::size_t n = 0;
    auto at = t.items().begin();
    for (; at != list_range::iterator() && n < most; ++at, ++n) {
      const auto c = at->as_int64();
      if (!c || *c < 0 || !is_printable(static_cast<std::uint64_t>(*c), options_.unicode)) return false;
    }
    if (at == list_range::iterator() && !at.last_tail().is_nil()) return false;
    out_ += '"';
    at = t.items().begin();
    for (std::size_t i = 0; i < n; ++i, ++at) {
      append_character(out_, static_cast<char32_t>(*at->as_int64()), '"', options_.unicode);
    }
    out_ += '"';
    return true;
  }

  void bits(const term& t) {
    const std::string_view bytes = t.bytes().substr(0, enough());
    out_ += "<<";
    if (t.is_binary() && !bytes.empty()) {
      if (options_.unicode && utf8_string(bytes, bytes.size() < t.bytes().size())) return;
      if (latin1_string(bytes)) return;
    }
    const std::size_t odd = t.bit_size() % 8;
    for (std::size_t i = 0; i < bytes.size() && !full(); ++i) {
      if (i > 0) out_ += ",";
      const auto byte = static_cast<unsigned char>(bytes[i]);
      if (odd != 0 && i + 1 == t.bytes().size()) {
        out_ += std::to_string(byte >> (8 - odd)) + ":" + std::to_string(odd);
      } else {
        out_ += std::to_string(byte);
      }
    }
    out_ += ">>";
  }

  bool latin1_string(std::string_view bytes) {
    for (const char c : bytes) {
      if (!is_printable(static_cast<unsigned char>(c), false)) return false;
    }
    out_ += '"';
    for (const char c : bytes) append_character(out_, static_cast<unsigned char>(c), '"', false);
    out_ += "\">>";
    return true;
  }

  bool utf8_string(std::string_view bytes, bool cut_short) {
    bool ascii = true;
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const auto c = detail::take_utf8(rest);
      if (!c && cut_short && rest.size() < 4) break;
      if (!c || !is_printable(*c, true)) return false;
      ascii = ascii && *c < 0x80;
    }
    if (ascii) return false;
    out_ += '"';
    bytes.remove_suffix(rest.size());
    while (!bytes.empty()) append_character(out_, *detail::take_utf8(bytes), '"', true);
    out_ += "\"/utf8>>";
    return true;
  }

  void numbers(std::string_view head, std::initializer_list<std::uint64_t> parts) {
    out_ += head;
    for (const std::uint64_t part : parts) {
      if (out_.back() != '<') out_ += ".";
      out_ += std::to_string(part);
    }
    out_ += ">";
  }

  void identity(const term& t) {
    if (const auto p = t.as_pid()) return numbers("<", {p->node, p->slot(), p->generation()});
    if (const auto p = t.as_port()) return numbers("#Port<", {p->node, p->id});
    if (const auto r = t.as_reference()) {
      out_ += "#Ref<" + std::to_string(r->node);
      for (std::size_t i = std::min<std::size_t>(r->len, r->words.size()); i-- > 0;) {
        out_ += "." + std::to_string(r->words[i]);
      }
      out_ += ">";
    } else if (const auto f = t.as_export()) {
      out_ += "fun ";
      append_atom(out_, f->module.name(), options_.unicode);
      out_ += ":";
      append_atom(out_, f->function.name(), options_.unicode);
      out_ += "/" + std::to_string(f->arity);
    } else if (const auto g = t.as_fun()) {
      out_ += "#Fun<";
      append_atom(out_, g->module.name(), options_.unicode);
      out_ += "." + std::to_string(g->index) + "." + std::to_string(g->uniq) + ">";
    }
  }

  text_options options_;
  std::string out_;
  boost::container::small_vector<open_term, 16> open_;
};

} // namespace

std::string to_string(const term& value, const text_options& options) { return printer(options).run(value); }

} // namespace coppice
