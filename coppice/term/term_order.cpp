// Order, equality and hash of terms. None recurses: a term of any depth is safe.
#include <bit>
#include <boost/container/small_vector.hpp>
#include <cmath>
#include <cstring>

#include "coppice/term/term.hpp"

namespace coppice {
namespace {

template <class T>
int three_way(const T& a, const T& b) noexcept {
  return a < b ? -1 : b < a ? 1 : 0;
}

// The place of a kind in Erlang's order of all terms.
int rank(const term& t) noexcept {
  switch (t.kind()) {
  case term_kind::integer:
  case term_kind::floating: return 0;
  case term_kind::atom: return 1;
  case term_kind::reference: return 2;
  case term_kind::fun:
  case term_kind::export_fun: return 3;
  case term_kind::port: return 4;
  case term_kind::pid: return 5;
  case term_kind::tuple: return 6;
  case term_kind::map: return 7;
  case term_kind::nil: return 8;
  case term_kind::list: return 9;
  case term_kind::binary:
  case term_kind::bitstring: return 10;
  }
  return 11;
}

int compare_magnitudes(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) noexcept {
  if (a.size() != b.size()) return three_way(a.size(), b.size());
  for (std::size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return three_way(a[i], b[i]);
  }
  return 0;
}

int compare_integers(const term& a, const term& b) noexcept {
  const auto small_a = a.as_int64();
  const auto small_b = b.as_int64();
  if (small_a && small_b) return three_way(*small_a, *small_b);
  std::uint64_t room_a = 0;
  std::uint64_t room_b = 0;
  const integer_parts x = *a.as_integer(room_a);
  const integer_parts y = *b.as_integer(room_b);
  if (x.negative != y.negative) return x.negative ? -1 : 1;
  const int magnitude = compare_magnitudes(x.limbs, y.limbs);
  return x.negative ? -magnitude : magnitude;
}

// Exact, with no rounding of the integer to a float.
int compare_integer_to_float(const term& a, double d) noexcept {
  constexpr double two_63 = 0x1p63;
  if (const auto small = a.as_int64()) {
    if (d >= two_63) return -1;
    if (d < -two_63) return 1;
    const double whole = std::trunc(d);
    const int c = three_way(*small, static_cast<std::int64_t>(whole));
    return c != 0 ? c : three_way(whole, d);
  }
  std::uint64_t room = 0;
  const integer_parts x = *a.as_integer(room);
  if (x.negative != (d < 0)) return x.negative ? -1 : 1;
  if (std::abs(d) < two_63) return x.negative ? -1 : 1;
  int exponent = 0;
  const auto mantissa = static_cast<std::uint64_t>(std::ldexp(std::frexp(std::abs(d), &exponent), 64));
  const auto shift = static_cast<unsigned>(exponent - 64 + 64); // d = mantissa * 2^(exponent - 64)
  std::uint64_t limbs[18] = {};                                 // 1024 bits and one limb of slack
  const unsigned low = shift / 64; // limbs of 2^64 * |d|, the lowest dropped below
  limbs[low] = shift % 64 == 0 ? mantissa : mantissa << (shift % 64);
  limbs[low + 1] = shift % 64 == 0 ? 0 : mantissa >> (64 - shift % 64);
  std::span<const std::uint64_t> y(limbs + 1, 17);
  while (!y.empty() && y.back() == 0) y = y.first(y.size() - 1);
  const int magnitude = compare_magnitudes(x.limbs, y);
  return x.negative ? -magnitude : magnitude;
}

int compare_numbers(const term& a, const term& b, bool exact) noexcept {
  const auto x = a.as_double();
  const auto y = b.as_double();
  if (x && y) return three_way(*x, *y);
  if (!x && !y) return compare_integers(a, b);
  if (exact) return x ? 1 : -1;
  return y ? compare_integer_to_float(a, *y) : -compare_integer_to_float(b, *x);
}

int compare_references(const reference& a, const reference& b) noexcept {
  if (a.node != b.node) return three_way(a.node, b.node);
  if (a.creation != b.creation) return three_way(a.creation, b.creation);
  for (std::size_t i = a.words.size(); i-- > 0;) {
    if (a.words[i] != b.words[i]) return three_way(a.words[i], b.words[i]);
  }
  return three_way(a.len, b.len);
}

int compare_funs(const term& a, const term& b) {
  const auto x = a.as_export();
  const auto y = b.as_export();
  if (x.has_value() != y.has_value()) return x ? 1 : -1;
  if (x) {
    if (x->module != y->module) return three_way(x->module, y->module);
    if (x->function != y->function) return three_way(x->function, y->function);
    return three_way(x->arity, y->arity);
  }
  const fun_info f = *a.as_fun();
  const fun_info g = *b.as_fun();
  if (f.module != g.module) return three_way(f.module, g.module);
  if (f.index != g.index) return three_way(f.index, g.index);
  if (f.uniq != g.uniq) return three_way(f.uniq, g.uniq);
  if (f.arity != g.arity) return three_way(f.arity, g.arity);
  return three_way(f.bytes, g.bytes);
}

int compare_bits(const term& a, const term& b) noexcept {
  const std::string_view x = a.bytes();
  const std::string_view y = b.bytes();
  const std::size_t n = std::min(x.size(), y.size());
  const int c = n == 0 ? 0 : std::memcmp(x.data(), y.data(), n);
  if (c != 0) return c < 0 ? -1 : 1; // padding bits are zero, and then the shorter one is less
  return three_way(a.bit_size(), b.bit_size());
}

// What is still to be compared: two rows of terms, or two lists from here on.
struct pair_of_rows {
  const term* a = nullptr;
  const term* b = nullptr;
  std::size_t left = 0;
  list_range::iterator list_a;
  list_range::iterator list_b;
  bool lists = false;
  bool exact = false;
};

class comparison {
public:
  int run(const term& a, const term& b, bool exact) {
    int c = visit(a, b, exact);
    while (c == 0 && !rows_.empty()) c = rows_.back().lists ? step_lists() : step_rows();
    return c;
  }

private:
  // Compares two terms; of two alike compounds it leaves the elements for later.
  int visit(const term& a, const term& b, bool exact) {
    const int kind_a = rank(a);
    const int kind_b = rank(b);
    if (kind_a != kind_b) return three_way(kind_a, kind_b);
    switch (kind_a) {
    case 0: return compare_numbers(a, b, exact);
    case 1: return three_way(*a.as_atom(), *b.as_atom());
    case 2: return compare_references(*a.as_reference(), *b.as_reference());
    case 3: return compare_funs(a, b);
    case 4: return three_way(*a.as_port(), *b.as_port());
    case 5: return three_way(*a.as_pid(), *b.as_pid());
    case 6:
      if (a.size() != b.size()) return three_way(a.size(), b.size());
      push(a.elements(), b.elements(), exact);
      return 0;
    case 7: // all keys first, in an order where integers come before floats, then the values
      if (a.size() != b.size()) return three_way(a.size(), b.size());
      push(a.map_values(), b.map_values(), exact);
      push(a.map_keys(), b.map_keys(), true);
      return 0;
    case 9:
      rows_.push_back({nullptr, nullptr, 0, a.items().begin(), b.items().begin(), true, exact});
      return 0;
    case 10: return compare_bits(a, b);
    default: return 0;
    }
  }

  void push(std::span<const term> a, std::span<const term> b, bool exact) {
    if (a.data() != b.data()) rows_.push_back({a.data(), b.data(), a.size(), {}, {}, false, exact});
  }

  int step_rows() {
    pair_of_rows& row = rows_.back();
    if (row.left == 0) {
      rows_.pop_back();
      return 0;
    }
    --row.left;
    const term& a = *row.a++;
    const term& b = *row.b++;
    return visit(a, b, row.exact);
  }

  int step_lists() {
    pair_of_rows& row = rows_.back();
    const list_range::iterator end;
    const bool more_a = row.list_a != end;
    const bool more_b = row.list_b != end;
    if (more_a && more_b) {
      if (row.list_a == row.list_b) { // the same cell: so is all that follows
        rows_.pop_back();
        return 0;
      }
      return visit(*row.list_a++, *row.list_b++, row.exact);
    }
    constexpr int list_rank = 9;
    if (more_a) return three_way(list_rank, rank(row.list_b.last_tail()));
    if (more_b) return three_way(rank(row.list_a.last_tail()), list_rank);
    const term& a = row.list_a.last_tail();
    const term& b = row.list_b.last_tail();
    const bool exact = row.exact;
    rows_.pop_back();
    return visit(a, b, exact);
  }

  boost::container::small_vector<pair_of_rows, 8> rows_;
};

class hashing {
public:
  std::size_t run(const term& t) {
    visit(t);
    while (!rows_.empty()) {
      row& r = rows_.back();
      if (r.left != 0) {
        --r.left;
        visit(*r.next++);
      } else if (r.cell != list_range::iterator()) {
        visit(*r.cell++);
      } else {
        const term* const tail = r.list ? &r.cell.last_tail() : nullptr;
        rows_.pop_back();
        if (tail != nullptr) visit(*tail);
      }
    }
    return hash_;
  }

private:
  struct row {
    const term* next = nullptr;
    std::size_t left = 0;
    list_range::iterator cell;
    bool list = false;
  };

  void add(std::uint64_t x) noexcept { hash_ = detail::mix(hash_ * 0x9e3779b97f4a7c15ULL + x); }
  void add(std::string_view s) noexcept { add(std::hash<std::string_view>{}(s)); }
  void push(std::span<const term> terms) {
    if (!terms.empty()) rows_.push_back({terms.data(), terms.size(), {}, false});
  }

  void visit(const term& t) {
    add(static_cast<std::uint64_t>(t.kind()));
    switch (t.kind()) {
    case term_kind::integer: {
      std::uint64_t room = 0;
      const integer_parts parts = *t.as_integer(room);
      add(parts.negative ? 1 : 0);
      for (const std::uint64_t limb : parts.limbs) add(limb);
      break;
    }
    case term_kind::floating: add(std::bit_cast<std::uint64_t>(*t.as_double() + 0.0)); break; // -0.0 is 0.0
    case term_kind::atom: add(t.as_atom()->hash()); break;
    case term_kind::reference: add(std::hash<reference>{}(*t.as_reference())); break;
    case term_kind::port: add(std::hash<port>{}(*t.as_port())); break;
    case term_kind::pid: add(std::hash<pid>{}(*t.as_pid())); break;
    case term_kind::binary:
    case term_kind::bitstring:
      add(t.bit_size());
      add(t.bytes());
      break;
    case term_kind::export_fun: {
      const mfa f = *t.as_export();
      add(f.module.hash());
      add(f.function.hash());
      add(f.arity);
      break;
    }
    case term_kind::fun: {
      const fun_info f = *t.as_fun();
      add(f.module.hash());
      add(static_cast<std::uint64_t>(f.index));
      add(f.bytes);
      break;
    }
    case term_kind::tuple:
      add(t.size());
      push(t.elements());
      break;
    case term_kind::map:
      add(t.size());
      push(t.map_values());
      push(t.map_keys());
      break;
    case term_kind::list: rows_.push_back({nullptr, 0, t.items().begin(), true}); break;
    case term_kind::nil: break;
    }
  }

  std::uint64_t hash_ = 0;
  boost::container::small_vector<row, 8> rows_;
};

} // namespace

int term::compare_terms(const term& a, const term& b, bool exact) { return comparison().run(a, b, exact); }

std::weak_ordering compare(const term& a, const term& b) {
  const int c = term::compare_terms(a, b, false);
  return c < 0   ? std::weak_ordering::less
         : c > 0 ? std::weak_ordering::greater
                 : std::weak_ordering::equivalent;
}

std::size_t term::hash() const { return hashing().run(*this); }

} // namespace coppice
