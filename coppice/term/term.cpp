#include "coppice/term/term.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <stdexcept>

#include "coppice/term/detail/utf8.hpp"

namespace coppice {
namespace {

using detail::term_node;

term_node* allocate(term_node::kind_t kind, std::uint64_t size, std::size_t payload_bytes) {
  return ::new (::operator new(sizeof(term_node) + payload_bytes)) term_node(kind, size);
}

// A node of `count` terms that the caller fills by moving each into place (which cannot fail).
term_node* allocate_terms(term_node::kind_t kind, std::uint64_t size, std::size_t count) {
  if (count > UINT32_MAX) throw std::length_error("a term has at most 2^32-1 elements");
  return allocate(kind, size, count * sizeof(term));
}

std::size_t term_count(const term_node& n) noexcept {
  switch (n.kind()) {
  case term_node::tuple: return n.size();
  case term_node::list: return n.size() + 1;
  case term_node::map: return n.size() * 2;
  case term_node::export_fun: return 3;
  case term_node::fun: return 5;
  case term_node::bits:
  case term_node::big:
  case term_node::ref: return 0;
  }
  return 0;
}

// Whether the caller held the last count. Alone, it need not be written.
bool drop(term_node& n) noexcept {
  return n.refs.load(std::memory_order_acquire) == 1 || n.refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

} // namespace

// --- sharing ---

void term::release() noexcept {
  if (tag() < first_node) {
    atom::release(static_cast<std::uint32_t>(bits_));
  } else if (drop(*node_)) {
    destroy(node_);
  }
}

// The dead are chained through their own headers, so neither depth nor length needs a stack.
void term::destroy(term_node* dead) noexcept {
  dead->next_dead = nullptr;
  while (dead != nullptr) {
    term_node* const mine = dead;
    dead = mine->next_dead;
    term* const children = mine->payload<term>();
    for (std::size_t i = 0, n = term_count(*mine); i < n; ++i) {
      const term& child = children[i];
      if (child.tag() < first_counted) continue;
      if (child.tag() < first_node) {
        atom::release(static_cast<std::uint32_t>(child.bits_));
      } else if (drop(*child.node_)) {
        child.node_->next_dead = dead;
        dead = child.node_;
      }
    }
    ::operator delete(mine);
  }
}

// --- making ---

term term::from_bool(bool value) { return value ? term("true"_atom) : term("false"_atom); }

term term::from_uint64(std::uint64_t value) { return integer(false, std::span(&value, 1)); }

term term::from_double(double value) {
  if (!std::isfinite(value)) throw std::domain_error("Erlang has no float for infinity or NaN");
  return {raw{}, tag_float, std::bit_cast<std::uint64_t>(value)};
}

term::term(const pid& value) : term(raw{}, tag_pid, value.id, value.creation, value.node) {
  if (value.node >> 24 != 0) throw std::length_error("a pid's node index must be below 2^24");
}

term::term(const port& value) : term(raw{}, tag_port, value.id, value.creation, value.node) {
  if (value.node >> 24 != 0) throw std::length_error("a port's node index must be below 2^24");
}

term::term(const reference& value) : term(tag_reference, allocate(term_node::ref, 0, sizeof(reference))) {
  ::new (node_->payload<reference>()) reference(value);
}

term term::binary(std::string_view bytes) { return bitstring(bytes, bytes.size() * 8); }

term term::bitstring(std::string_view bytes, std::uint64_t bit_count) {
  const std::uint64_t byte_count = (bit_count + 7) / 8;
  if (byte_count > bytes.size()) throw std::length_error("a bitstring has more bits than its bytes");
  if (bit_count == 0) return {raw{}, tag_empty_binary, 0};
  term_node* const made = allocate(term_node::bits, bit_count, byte_count);
  char* const data = made->payload<char>();
  std::memcpy(data, bytes.data(), byte_count);
  if (bit_count % 8 != 0) {
    data[byte_count - 1] = static_cast<char>(data[byte_count - 1] & (0xff00 >> (bit_count % 8)));
  }
  return {tag_bits, made};
}

term term::tuple_from(std::span<term> elements, consume) {
  if (elements.empty()) return {raw{}, tag_empty_tuple, 0};
  term_node* const made = allocate_terms(term_node::tuple, elements.size(), elements.size());
  std::uninitialized_move(elements.begin(), elements.end(), made->payload<term>());
  return {tag_tuple, made};
}

term term::tuple_from(std::span<const term> elements) {
  if (elements.empty()) return {raw{}, tag_empty_tuple, 0};
  term_node* const made = allocate_terms(term_node::tuple, elements.size(), elements.size());
  std::uninitialized_copy(elements.begin(), elements.end(), made->payload<term>());
  return {tag_tuple, made};
}

term term::tuple_from(std::vector<term>&& elements) {
  return tuple_from(std::span<term>(elements), consume{});
}

term term::list_from(std::span<term> elements, term tail, consume) {
  if (elements.empty()) return tail;
  term_node* const made = allocate_terms(term_node::list, elements.size(), elements.size() + 1);
  term* const payload = made->payload<term>();
  ::new (payload) term(std::move(tail));
  std::uninitialized_move(elements.begin(), elements.end(), payload + 1);
  return {tag_list, made};
}

term term::list_from(std::span<const term> elements, term tail) {
  if (elements.empty()) return tail;
  term_node* const made = allocate_terms(term_node::list, elements.size(), elements.size() + 1);
  term* const payload = made->payload<term>();
  ::new (payload) term(std::move(tail));
  std::uninitialized_copy(elements.begin(), elements.end(), payload + 1);
  return {tag_list, made};
}

term term::list_from(std::vector<term>&& elements, term tail) {
  return list_from(std::span<term>(elements), std::move(tail), consume{});
}

term term::cons(term head, term tail) {
  return list_from(std::span<term>(&head, 1), std::move(tail), consume{});
}

term term::charlist(std::string_view utf8) {
  std::vector<term> characters;
  characters.reserve(utf8.size());
  while (!utf8.empty()) {
    const auto c = detail::take_utf8(utf8);
    if (!c) throw std::invalid_argument("a charlist is made of UTF-8");
    characters.emplace_back(static_cast<std::int64_t>(*c));
  }
  return list_from(std::move(characters));
}

term term::map(std::initializer_list<std::pair<term, term>> entries) {
  return map_from(std::vector<std::pair<term, term>>(entries));
}

term term::map_from(std::vector<std::pair<term, term>>&& entries) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const int c = compare_terms(entries[a].first, entries[b].first, true);
    return c != 0 ? c < 0 : a < b;
  });
  std::size_t n = 0; // of equal keys the last one stays
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i + 1 < order.size() && entries[order[i]].first == entries[order[i + 1]].first) continue;
    order[n++] = order[i];
  }
  if (n == 0) return {raw{}, tag_empty_map, 0};
  term_node* const made = allocate_terms(term_node::map, n, n * 2);
  term* const keys = made->payload<term>();
  for (std::size_t i = 0; i < n; ++i) {
    ::new (keys + i) term(std::move(entries[order[i]].first));
    ::new (keys + n + i) term(std::move(entries[order[i]].second));
  }
  return {tag_map, made};
}

term term::integer(bool negative, std::span<const std::uint64_t> limbs) {
  while (!limbs.empty() && limbs.back() == 0) limbs = limbs.first(limbs.size() - 1);
  if (limbs.size() > max_integer_limbs) throw std::length_error("an integer has at most 4194304 bits");
  constexpr std::uint64_t least = std::uint64_t{1} << 63;
  if (limbs.empty()) return {0};
  if (limbs.size() == 1 && (limbs[0] < least || (negative && limbs[0] == least))) {
    return {raw{}, tag_integer, negative ? 0 - limbs[0] : limbs[0]};
  }
  term_node* const made = allocate(term_node::big, limbs.size(), limbs.size_bytes());
  std::memcpy(made->payload<char>(), limbs.data(), limbs.size_bytes());
  return {tag_big, made, negative ? 1u : 0u};
}

term term::export_fun(const mfa& function) {
  term parts[] = {function.module, function.function, function.arity};
  term_node* const made = allocate_terms(term_node::export_fun, 0, std::size(parts));
  std::uninitialized_move(std::begin(parts), std::end(parts), made->payload<term>());
  return {tag_export, made};
}

term term::fun(const fun_info& info) {
  term parts[] = {info.module, info.index, info.uniq, info.arity, binary(info.bytes)};
  term_node* const made = allocate_terms(term_node::fun, 0, std::size(parts));
  std::uninitialized_move(std::begin(parts), std::end(parts), made->payload<term>());
  return {tag_fun, made};
}

// --- looking ---

term_kind term::kind() const noexcept {
  switch (tag()) {
  case tag_nil: return term_kind::nil;
  case tag_integer:
  case tag_big: return term_kind::integer;
  case tag_float: return term_kind::floating;
  case tag_atom:
  case tag_counted_atom: return term_kind::atom;
  case tag_pid: return term_kind::pid;
  case tag_port: return term_kind::port;
  case tag_empty_tuple:
  case tag_tuple: return term_kind::tuple;
  case tag_empty_map:
  case tag_map: return term_kind::map;
  case tag_empty_binary:
  case tag_bits: return is_binary() ? term_kind::binary : term_kind::bitstring;
  case tag_reference: return term_kind::reference;
  case tag_list: return term_kind::list;
  case tag_export: return term_kind::export_fun;
  case tag_fun: return term_kind::fun;
  }
  return term_kind::nil;
}

std::optional<integer_parts> term::as_integer(std::uint64_t& small) const noexcept {
  if (tag() == tag_big) return integer_parts{aux_ != 0, {node_->payload<std::uint64_t>(), node_->size()}};
  if (tag() != tag_integer) return {};
  const bool negative = static_cast<std::int64_t>(bits_) < 0;
  small = negative ? 0 - bits_ : bits_;
  return integer_parts{negative, {&small, small != 0 ? 1u : 0u}};
}

std::optional<double> term::as_double() const noexcept {
  if (tag() != tag_float) return {};
  return std::bit_cast<double>(bits_);
}

std::optional<atom> term::as_atom() const noexcept {
  if (tag() == tag_counted_atom) atom::retain(static_cast<std::uint32_t>(bits_));
  if (!is_atom()) return {};
  return atom(atom::raw{}, static_cast<std::uint32_t>(bits_));
}

std::optional<bool> term::as_bool() const noexcept {
  if (is_atom("true"_atom)) return true;
  if (is_atom("false"_atom)) return false;
  return {};
}

std::optional<pid> term::as_pid() const noexcept {
  if (tag() != tag_pid) return {};
  return pid{bits_, meta_ >> 8, aux_};
}

std::optional<port> term::as_port() const noexcept {
  if (tag() != tag_port) return {};
  return port{bits_, meta_ >> 8, aux_};
}

std::optional<reference> term::as_reference() const noexcept {
  if (tag() != tag_reference) return {};
  return *node_->payload<reference>();
}

std::optional<std::string_view> term::as_binary() const noexcept {
  if (!is_binary()) return {};
  return bytes();
}

std::string_view term::bytes() const noexcept {
  if (tag() != tag_bits) return {};
  return {node_->payload<char>(), static_cast<std::size_t>((node_->size() + 7) / 8)};
}

std::optional<std::string> term::as_text() const {
  if (const auto binary = as_binary()) return std::string(*binary);
  if (!is_proper_list()) return {};
  std::string text;
  for (const term& element : items()) {
    const auto c = element.as_int64();
    if (!c || *c < 0 || !detail::is_scalar_value(static_cast<std::uint64_t>(*c))) return {};
    detail::append_utf8(text, static_cast<char32_t>(*c));
  }
  return text;
}

std::optional<mfa> term::as_export() const noexcept {
  if (tag() != tag_export) return {};
  const term* const parts = node_->payload<term>();
  return mfa{*parts[0].as_atom(), *parts[1].as_atom(), static_cast<std::uint32_t>(parts[2].bits_)};
}

std::optional<fun_info> term::as_fun() const noexcept {
  if (tag() != tag_fun) return {};
  const term* const parts = node_->payload<term>();
  return fun_info{*parts[0].as_atom(), *parts[1].as_int64(), *parts[2].as_int64(),
                  static_cast<std::uint32_t>(parts[3].bits_), parts[4].bytes()};
}

std::optional<std::size_t> term::length() const noexcept {
  std::size_t n = 0;
  const term* rest = this;
  for (; rest->tag() == tag_list; rest = rest->node_->payload<term>()) n += rest->node_->size() - rest->aux_;
  if (!rest->is_nil()) return {};
  return n;
}

const term& term::last_tail() const noexcept {
  const term* rest = this;
  while (rest->tag() == tag_list) rest = rest->node_->payload<term>();
  return *rest;
}

const term& term::head() const noexcept { return node_->payload<term>()[1 + aux_]; }

term term::tail() const noexcept {
  if (aux_ + 1 == node_->size()) return node_->payload<term>()[0];
  term rest(*this);
  ++rest.aux_;
  return rest;
}

const term* term::find(const term& key) const noexcept {
  const auto keys = map_keys();
  const auto found = std::lower_bound(keys.begin(), keys.end(), key, [](const term& a, const term& b) {
    return compare_terms(a, b, true) < 0;
  });
  if (found == keys.end() || *found != key) return nullptr;
  return &map_values()[static_cast<std::size_t>(found - keys.begin())];
}

term term::map_put(term key, term value) const {
  std::vector<std::pair<term, term>> entries;
  entries.reserve(size() + 1);
  for (std::size_t i = 0; i < map_keys().size(); ++i) entries.emplace_back(map_keys()[i], map_values()[i]);
  entries.emplace_back(std::move(key), std::move(value));
  return map_from(std::move(entries));
}

term term::map_remove(const term& key) const {
  std::vector<std::pair<term, term>> entries;
  for (std::size_t i = 0; i < map_keys().size(); ++i) {
    if (map_keys()[i] != key) entries.emplace_back(map_keys()[i], map_values()[i]);
  }
  return map_from(std::move(entries));
}

} // namespace coppice
