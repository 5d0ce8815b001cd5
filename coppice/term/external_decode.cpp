#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <concepts>
#include <fmt/core.h>
#include <optional>
#include <utility>
#include <vector>

#include "coppice/term/detail/external_tags.hpp"
#include "coppice/term/detail/utf8.hpp"
#include "coppice/term/external.hpp"

namespace coppice {
namespace detail {

/// Reads terms with a stack of its own: of values, and of what they are put into when it is complete.
class external_reader {
public:
  external_reader(std::string_view bytes, node_names& nodes, const external_limits& limits,
                  std::span<const atom> cache)
      : bytes_(bytes), nodes_(nodes), limits_(limits), cache_(cache) {}

  std::expected<term, external_error> read() {
    do {
      if (!value()) return std::unexpected(std::move(error_));
      while (!open_.empty() && open_.back().left == 0) {
        if (!close()) return std::unexpected(std::move(error_));
      }
    } while (!open_.empty());
    return std::move(values_.back());
  }
  [[nodiscard]] std::size_t position() const noexcept { return at_; }

private:
  enum class compound : std::uint8_t { tuple, list, map, fun };
  struct frame {
    compound what;
    std::uint8_t arity = 0; ///< of a fun
    std::uint64_t left = 0; ///< values that have yet to come
    std::size_t base = 0;   ///< of its values
    std::size_t start = 0;  ///< of a fun: where its bytes begin
    std::size_t end = 0;
  };

  bool fail(std::size_t offset, std::string what) {
    error_ = {offset, std::move(what)};
    return false;
  }

  // --- bytes ---
  [[nodiscard]] std::size_t left() const noexcept { return bytes_.size() - at_; }
  bool need(std::uint64_t n) {
    if (n <= left()) return true;
    return fail(at_, fmt::format("expected {} bytes, {} are left", n, left()));
  }
  /// Elements take a byte each at least: no room is made for more than that.
  bool need_elements(std::uint64_t n) {
    if (n <= left()) return true;
    return fail(at_, fmt::format("{} elements cannot be in the {} bytes that are left", n, left()));
  }
  /// The bytes must be there.
  template <std::unsigned_integral T>
  T number() noexcept {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      value = static_cast<T>((std::uint64_t{value} << 8) | static_cast<std::uint8_t>(bytes_[at_++]));
    }
    return value;
  }
  std::string_view take(std::size_t n) noexcept {
    const std::string_view taken = bytes_.substr(at_, n);
    at_ += n;
    return taken;
  }
  template <std::unsigned_integral T>
  bool read(T& value) {
    if (!need(sizeof(T))) return false;
    value = number<T>();
    return true;
  }
  bool charge(std::uint64_t bytes) {
    memory_ += bytes;
    return memory_ <= limits_.memory ||
           fail(at_, fmt::format("the term takes more than {} bytes of memory", limits_.memory));
  }

  // --- values ---
  bool push(term&& value) {
    values_.push_back(std::move(value));
    if (!open_.empty()) --open_.back().left;
    return true;
  }
  bool open(compound what, std::uint64_t elements) {
    if (open_.size() >= limits_.depth) {
      return fail(at_, fmt::format("terms lie more than {} deep in each other", limits_.depth));
    }
    open_.push_back({.what = what, .left = elements, .base = values_.size()});
    return true;
  }
  bool value();
  bool number_or_text(external_tag tag);
  bool identity(external_tag tag);
  bool tuple(std::uint64_t arity);
  bool list();
  bool string();
  bool map();
  bool bits(bool whole);
  bool big(std::uint64_t bytes);
  bool float_text();
  bool new_fun();
  bool export_fun();
  bool close();
  bool close_map(frame& f);
  bool close_fun(frame& f);

  // --- parts of values ---
  bool atom_name(external_tag tag, std::string_view& name);
  bool atom_name(std::string_view& name);
  bool intern(std::string_view name, std::size_t from, atom& made);
  bool an_atom(atom& value);
  bool small_int(std::int64_t& value);
  bool node(std::string_view& name);
  bool resolve(std::string_view name, std::uint32_t& creation, std::uint32_t& number);
  bool read_pid(bool old);
  bool read_port(external_tag tag);
  bool read_reference(external_tag tag);

  std::string_view bytes_;
  std::size_t at_ = 0;
  node_names& nodes_;
  const external_limits& limits_;
  std::span<const atom> cache_;
  std::uint64_t memory_ = 0;
  std::size_t funs_ = 0; ///< that are open
  std::vector<term> values_;
  std::vector<frame> open_;
  std::string latin1_; ///< a name that had to be put into UTF-8
  external_error error_;
};

bool external_reader::value() {
  std::uint8_t byte = 0;
  const std::size_t from = at_;
  if (!read(byte)) return false;
  const auto tag = static_cast<external_tag>(byte);
  switch (tag) {
  case external_tag::small_tuple: return need(1) && tuple(number<std::uint8_t>());
  case external_tag::large_tuple: return need(4) && tuple(number<std::uint32_t>());
  case external_tag::nil: return push(term());
  case external_tag::string: return string();
  case external_tag::list: return list();
  case external_tag::map: return map();
  case external_tag::binary: return bits(true);
  case external_tag::bit_binary: return bits(false);
  case external_tag::new_fun: return new_fun();
  case external_tag::export_fun: return export_fun();
  case external_tag::atom_cache_ref:
  case external_tag::latin1_atom:
  case external_tag::small_latin1_atom:
  case external_tag::utf8_atom:
  case external_tag::small_utf8_atom: {
    std::string_view name;
    atom made;
    return atom_name(tag, name) && intern(name, from, made) && push(std::move(made));
  }
  case external_tag::new_pid:
  case external_tag::old_pid:
  case external_tag::new_port:
  case external_tag::v4_port:
  case external_tag::old_port:
  case external_tag::newer_reference:
  case external_tag::new_reference:
  case external_tag::old_reference: return identity(tag);
  default: return number_or_text(tag);
  }
}

bool external_reader::number_or_text(external_tag tag) {
  switch (tag) {
  case external_tag::small_integer: return need(1) && push(number<std::uint8_t>());
  case external_tag::integer: return need(4) && push(static_cast<std::int32_t>(number<std::uint32_t>()));
  case external_tag::small_big: return need(1) && big(number<std::uint8_t>());
  case external_tag::large_big: return need(4) && big(number<std::uint32_t>());
  case external_tag::new_float: {
    if (!need(8)) return false;
    const auto read = std::bit_cast<double>(number<std::uint64_t>());
    return std::isfinite(read) ? push(read) : fail(at_ - 8, "expected a finite float");
  }
  case external_tag::float_text: return float_text();
  default:
    return fail(at_ - 1, fmt::format("expected a term, got the tag {}", static_cast<std::uint8_t>(tag)));
  }
}

bool external_reader::identity(external_tag tag) {
  switch (tag) {
  case external_tag::new_pid:
  case external_tag::old_pid: return read_pid(tag == external_tag::old_pid);
  case external_tag::new_port:
  case external_tag::v4_port:
  case external_tag::old_port: return read_port(tag);
  default: return read_reference(tag);
  }
}

// --- compounds ---

bool external_reader::tuple(std::uint64_t arity) {
  if (!need_elements(arity) || !charge(16 + arity * sizeof(term))) return false;
  if (arity == 0) return push(term::tuple());
  return open(compound::tuple, arity);
}

bool external_reader::list() {
  if (!need(4)) return false;
  const std::uint64_t n = number<std::uint32_t>();
  if (!need_elements(n + 1) || !charge(32 + n * sizeof(term))) return false;
  return open(compound::list, n + 1);
}

bool external_reader::string() {
  if (!need(2)) return false;
  const std::size_t n = number<std::uint16_t>();
  if (!need(n) || !charge(32 + n * sizeof(term))) return false;
  std::vector<term> bytes;
  bytes.reserve(n);
  for (const char c : take(n)) bytes.emplace_back(static_cast<std::uint8_t>(c));
  return push(term::list_from(std::move(bytes)));
}

bool external_reader::map() {
  if (!need(4)) return false;
  const std::uint64_t n = number<std::uint32_t>();
  if (!need_elements(2 * n) || !charge(16 + n * 2 * sizeof(term))) return false;
  if (n == 0) return push(term::map({}));
  return open(compound::map, 2 * n);
}

bool external_reader::close() {
  frame f = open_.back();
  open_.pop_back();
  const std::span<term> all = std::span(values_).subspan(f.base);
  term made;
  switch (f.what) {
  case compound::tuple: made = term::tuple_from(all, term::consume{}); break;
  case compound::list: {
    term tail = std::move(all.back());
    made = term::list_from(all.first(all.size() - 1), std::move(tail), term::consume{});
    break;
  }
  case compound::map: return close_map(f);
  case compound::fun: return close_fun(f);
  }
  values_.resize(f.base);
  return push(std::move(made));
}

bool external_reader::close_map(frame& f) {
  const std::span<term> all = std::span(values_).subspan(f.base);
  std::vector<std::pair<term, term>> entries;
  entries.reserve(all.size() / 2);
  for (std::size_t i = 0; i < all.size(); i += 2) {
    entries.emplace_back(std::move(all[i]), std::move(all[i + 1]));
  }
  const std::size_t n = entries.size();
  term made = term::map_from(std::move(entries));
  if (made.size() != n) return fail(at_, "a map has the same key twice");
  values_.resize(f.base);
  return push(std::move(made));
}

// A fun is carried as it came: we cannot call it, and its node wants every byte back. Its parts are read only
// to know that they are terms.
bool external_reader::new_fun() {
  const std::size_t start = at_ - 1;
  if (!need(29)) return false;
  const std::uint32_t size = number<std::uint32_t>(); // counts itself
  const std::uint8_t arity = number<std::uint8_t>();
  take(16);
  const std::uint32_t index = number<std::uint32_t>();
  const std::uint64_t free = number<std::uint32_t>();
  if (size < 29 || size > bytes_.size() - start - 1) {
    return fail(start + 1, fmt::format("a fun of {} bytes cannot be here", size));
  }
  atom module;
  std::int64_t old_index = 0;
  std::int64_t uniq = 0;
  if (!an_atom(module) || !small_int(old_index) || !small_int(uniq)) return false;
  if (!need_elements(free + 1) || !charge(192 + size) || !open(compound::fun, free + 1)) return false;
  ++funs_;
  frame& f = open_.back();
  f.arity = arity;
  f.start = start;
  f.end = start + 1 + size;
  values_.emplace_back(std::move(module));
  values_.emplace_back(index);
  values_.emplace_back(uniq);
  return true;
}

bool external_reader::close_fun(frame& f) {
  --funs_;
  if (at_ != f.end) return fail(f.start, "a fun is not as long as it says");
  if (!values_[f.base + 3].is_pid()) return fail(f.start, "a fun must name the process that made it");
  const fun_info info{.module = *values_[f.base].as_atom(),
                      .index = *values_[f.base + 1].as_int64(),
                      .uniq = *values_[f.base + 2].as_int64(),
                      .arity = f.arity,
                      .bytes = bytes_.substr(f.start, f.end - f.start)};
  term made = term::fun(info);
  values_.resize(f.base);
  return push(std::move(made));
}

bool external_reader::export_fun() {
  mfa f;
  if (!an_atom(f.module) || !an_atom(f.function) || !need(2)) return false;
  const auto tag = static_cast<external_tag>(number<std::uint8_t>());
  if (tag != external_tag::small_integer) return fail(at_ - 1, "expected the arity of a fun");
  f.arity = number<std::uint8_t>();
  return charge(64) && push(term::export_fun(f));
}

// --- leaves ---

bool external_reader::bits(bool whole) {
  if (!need(whole ? 4 : 5)) return false;
  const std::uint64_t n = number<std::uint32_t>();
  const std::uint64_t in_last = whole ? 8 : number<std::uint8_t>();
  if (!need(n) || !charge(16 + n)) return false;
  if (in_last > 8 || (in_last == 0) != (n == 0 && !whole)) {
    return fail(at_ - 1, fmt::format("the last of {} bytes cannot have {} bits", n, in_last));
  }
  const std::string_view bytes = take(n);
  return push(term::bitstring(bytes, n == 0 ? 0 : n * 8 - (8 - in_last)));
}

bool external_reader::big(std::uint64_t bytes) {
  if (!need(bytes + 1) || !charge(16 + bytes)) return false;
  const std::uint8_t sign = number<std::uint8_t>();
  if (sign > 1) return fail(at_ - 1, "expected a sign, 0 or 1");
  std::string_view magnitude = take(bytes);
  while (!magnitude.empty() && magnitude.back() == 0) magnitude.remove_suffix(1);
  if (magnitude.size() > term::max_integer_limbs * 8) {
    return fail(at_ - bytes, fmt::format("an integer has at most {} bytes", term::max_integer_limbs * 8));
  }
  std::vector<std::uint64_t> limbs((magnitude.size() + 7) / 8);
  for (std::size_t i = 0; i < magnitude.size(); ++i) {
    limbs[i / 8] |= std::uint64_t{static_cast<std::uint8_t>(magnitude[i])} << (i % 8 * 8);
  }
  return push(term::integer(sign == 1, limbs));
}

bool external_reader::float_text() {
  if (!need(31)) return false;
  std::string_view text = take(31);
  text = text.substr(0, text.find('\0'));
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  double read = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), read);
  if (wrong != std::errc() || end != text.data() + text.size() || !std::isfinite(read)) {
    return fail(at_ - 31, "expected the text of a finite float");
  }
  return push(read);
}

// --- names ---

/// The name in UTF-8, valid until the next one is read.
bool external_reader::atom_name(external_tag tag, std::string_view& name) {
  if (tag == external_tag::atom_cache_ref) {
    std::uint8_t index = 0;
    if (!read(index)) return false;
    if (index >= cache_.size() || funs_ != 0) return fail(at_ - 1, "there is no such atom in the cache");
    name = cache_[index].name();
    return true;
  }
  const bool small = tag == external_tag::small_utf8_atom || tag == external_tag::small_latin1_atom;
  if (!need(small ? 1 : 2)) return false;
  const std::size_t n = small ? number<std::uint8_t>() : number<std::uint16_t>();
  if (!need(n)) return false;
  name = take(n);
  if (tag == external_tag::utf8_atom || tag == external_tag::small_utf8_atom) return true;
  if (n > atom::max_characters) return fail(at_ - n, "an atom has at most 255 characters");
  latin1_.clear();
  for (const char c : name) append_utf8(latin1_, static_cast<std::uint8_t>(c));
  name = latin1_;
  return true;
}

bool external_reader::atom_name(std::string_view& name) {
  std::uint8_t byte = 0;
  if (!read(byte)) return false;
  const auto tag = static_cast<external_tag>(byte);
  switch (tag) {
  case external_tag::atom_cache_ref:
  case external_tag::latin1_atom:
  case external_tag::small_latin1_atom:
  case external_tag::utf8_atom:
  case external_tag::small_utf8_atom: return atom_name(tag, name);
  default: return fail(at_ - 1, fmt::format("expected an atom, got the tag {}", byte));
  }
}

bool external_reader::intern(std::string_view name, std::size_t from, atom& made) {
  auto interned = atom::from_peer(name);
  if (interned) {
    made = std::move(*interned);
    return true;
  }
  switch (interned.error()) {
  case atom_error::too_long: return fail(from, "an atom has at most 255 characters");
  case atom_error::bad_utf8: return fail(from, "the name of an atom is no UTF-8");
  case atom_error::limit: break;
  }
  return fail(from, "there are too many atoms made by peers");
}

bool external_reader::an_atom(atom& value) {
  const std::size_t from = at_;
  std::string_view name;
  return atom_name(name) && intern(name, from, value);
}

bool external_reader::small_int(std::int64_t& value) {
  std::uint8_t byte = 0;
  if (!read(byte)) return false;
  const auto tag = static_cast<external_tag>(byte);
  if (tag == external_tag::small_integer) {
    if (!need(1)) return false;
    value = number<std::uint8_t>();
    return true;
  }
  if (tag != external_tag::integer) return fail(at_ - 1, "expected a small integer");
  if (!need(4)) return false;
  value = static_cast<std::int32_t>(number<std::uint32_t>());
  return true;
}

// --- identities ---

/// Which number stands for the node. Ours is 0, and has no creation.
bool external_reader::resolve(std::string_view name, std::uint32_t& creation, std::uint32_t& number) {
  if (name == nodes_.own().name() && creation == nodes_.creation()) {
    creation = number = 0;
    return true;
  }
  const auto known = nodes_.mention(name);
  if (!known) return fail(at_, "the name of a node is no atom, or there are too many nodes");
  number = *known;
  return true;
}

bool external_reader::read_pid(bool old) {
  std::string_view name;
  if (!atom_name(name) || !need(old ? 9 : 12)) return false;
  pid p;
  const auto id = number<std::uint32_t>(); // as `put_pid` writes it
  const std::uint64_t serial = number<std::uint32_t>();
  const std::uint64_t generation = std::uint64_t{id >> pid::slot_bits} << 32U | serial;
  p.id = generation << pid::slot_bits | (id & ((1U << pid::slot_bits) - 1));
  p.creation = old ? number<std::uint8_t>() : number<std::uint32_t>();
  return resolve(name, p.creation, p.node) && push(p);
}

bool external_reader::read_port(external_tag tag) {
  const bool old = tag == external_tag::old_port;
  const bool wide = tag == external_tag::v4_port;
  std::string_view name;
  if (!atom_name(name) || !need((wide ? 8 : 4) + (old ? 1 : 4))) return false;
  port p;
  p.id = wide ? number<std::uint64_t>() : number<std::uint32_t>();
  p.creation = old ? number<std::uint8_t>() : number<std::uint32_t>();
  return resolve(name, p.creation, p.node) && push(p);
}

bool external_reader::read_reference(external_tag tag) {
  const bool old = tag == external_tag::old_reference;
  reference r;
  r.len = 1;
  if (!old) {
    if (!need(2)) return false;
    r.len = number<std::uint16_t>();
    if (r.len == 0 || r.len > r.words.size()) {
      return fail(at_ - 2, fmt::format("a reference has 1 to {} words, not {}", r.words.size(), r.len));
    }
  }
  std::string_view name;
  if (!atom_name(name)) return false;
  const bool wide = tag == external_tag::newer_reference;
  if (!need((wide ? 4 : 1) + std::uint64_t{r.len} * 4)) return false;
  if (old) r.words[0] = number<std::uint32_t>();
  r.creation = wide ? number<std::uint32_t>() : number<std::uint8_t>();
  for (std::uint32_t i = 0; !old && i < r.len; ++i) r.words[i] = number<std::uint32_t>();
  return charge(48) && resolve(name, r.creation, r.node) && push(r);
}

} // namespace detail

std::string external_error::message() const { return fmt::format("byte {}: {}", offset, what); }

std::expected<term, external_error> take_external(std::string_view& bytes, node_names& nodes,
                                                  const external_limits& limits,
                                                  std::span<const atom> cache) {
  detail::external_reader reader(bytes, nodes, limits, cache);
  auto read = reader.read();
  if (read) bytes.remove_prefix(reader.position());
  return read;
}

} // namespace coppice
