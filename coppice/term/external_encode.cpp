#include <bit>
#include <boost/container/small_vector.hpp>
#include <concepts>
#include <stdexcept>

#include "coppice/term/detail/external_tags.hpp"
#include "coppice/term/external.hpp"

namespace coppice {
namespace {

using detail::external_tag;

/// Elements that have yet to be written: of a tuple, of a map, or of a list and then its tail.
struct pending {
  const term* next = nullptr;
  const term* end = nullptr;
  const term* value = nullptr; ///< of the map's key that was written last, or of the next one
  bool in_list = false;
  bool value_is_next = false;
  list_range::iterator item;

  /// The one to write now, or null.
  const term* take() noexcept {
    if (in_list) {
      if (item != list_range::iterator()) {
        const term* taken = &*item;
        ++item;
        return taken;
      }
      in_list = false; // its end is the last
      return &item.last_tail();
    }
    if (value_is_next) {
      value_is_next = false;
      return value++;
    }
    if (next == end) return nullptr;
    value_is_next = value != nullptr;
    return next++;
  }
};

class writer {
public:
  writer(std::string& out, const node_names& nodes, std::size_t most)
      : out_(out), nodes_(nodes), most_(most) {}

  void write(const term& value) {
    put(value);
    while (!pending_.empty()) {
      const term* next = pending_.back().take();
      if (next == nullptr) {
        pending_.pop_back();
      } else {
        put(*next);
      }
    }
  }

private:
  // --- bytes ---
  void need(std::size_t n) const {
    if (n > most_ || out_.size() > most_ - n) {
      throw std::length_error("the term is larger in the external format than is allowed");
    }
  }
  template <std::unsigned_integral T>
  void number(T value) {
    char bytes[sizeof(T)];
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      bytes[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
    }
    out_.append(bytes, sizeof(T));
  }
  void byte(std::uint8_t b) { out_.push_back(static_cast<char>(b)); }
  void tag(external_tag t) { byte(static_cast<std::uint8_t>(t)); }
  /// A count of 32 bits, the only one that there is for what is large.
  void count(std::uint64_t n) {
    if (n > UINT32_MAX) throw std::length_error("the external format counts to 2^32-1");
    number(static_cast<std::uint32_t>(n));
  }

  // --- terms ---
  void put(const term& t);
  void put_atom(std::string_view name);
  void put_integer(const term& t);
  void put_big(bool negative, std::span<const std::uint64_t> limbs);
  void put_list(const term& t);
  void put_tuple(const term& t);
  void put_map(const term& t);
  void put_bits(const term& t);
  void put_pid(const pid& p);
  void put_port(const port& p);
  void put_reference(const reference& r);
  void put_export(const mfa& f);

  [[nodiscard]] std::uint32_t creation_of(std::uint32_t node, std::uint32_t creation) const noexcept {
    return node == 0 ? nodes_.creation() : creation;
  }
  void put_node(std::uint32_t node) { put_atom(nodes_.name(node).name()); }

  std::string& out_;
  const node_names& nodes_;
  std::size_t most_;
  boost::container::small_vector<pending, 8> pending_;
};

void writer::put(const term& t) {
  need(9);
  switch (t.kind()) {
  case term_kind::integer: put_integer(t); break;
  case term_kind::floating:
    tag(external_tag::new_float);
    number(std::bit_cast<std::uint64_t>(*t.as_double()));
    break;
  case term_kind::atom: put_atom(t.as_atom()->name()); break;
  case term_kind::reference: put_reference(*t.as_reference()); break;
  case term_kind::fun: {
    const fun_info info = *t.as_fun();
    need(info.bytes.size());
    out_.append(info.bytes);
    break;
  }
  case term_kind::export_fun: put_export(*t.as_export()); break;
  case term_kind::port: put_port(*t.as_port()); break;
  case term_kind::pid: put_pid(*t.as_pid()); break;
  case term_kind::tuple: put_tuple(t); break;
  case term_kind::map: put_map(t); break;
  case term_kind::nil: tag(external_tag::nil); break;
  case term_kind::list: put_list(t); break;
  case term_kind::binary:
  case term_kind::bitstring: put_bits(t); break;
  }
}

void writer::put_atom(std::string_view name) {
  need(name.size() + 3);
  if (name.size() <= UINT8_MAX) {
    tag(external_tag::small_utf8_atom);
    byte(static_cast<std::uint8_t>(name.size()));
  } else {
    tag(external_tag::utf8_atom);
    number(static_cast<std::uint16_t>(name.size()));
  }
  out_.append(name);
}

void writer::put_integer(const term& t) {
  const auto value = t.as_int64();
  if (value && *value >= 0 && *value <= UINT8_MAX) {
    tag(external_tag::small_integer);
    byte(static_cast<std::uint8_t>(*value));
  } else if (value && *value >= INT32_MIN && *value <= INT32_MAX) {
    tag(external_tag::integer);
    number(static_cast<std::uint32_t>(*value));
  } else {
    std::uint64_t room = 0;
    const integer_parts parts = *t.as_integer(room);
    put_big(parts.negative, parts.limbs);
  }
}

void writer::put_big(bool negative, std::span<const std::uint64_t> limbs) {
  const std::size_t bytes = limbs.size() * 8 - static_cast<std::size_t>(std::countl_zero(limbs.back())) / 8;
  need(bytes + 6);
  if (bytes <= UINT8_MAX) {
    tag(external_tag::small_big);
    byte(static_cast<std::uint8_t>(bytes));
  } else {
    tag(external_tag::large_big);
    count(bytes);
  }
  byte(negative ? 1 : 0);
  for (std::size_t i = 0; i < bytes; ++i) byte(static_cast<std::uint8_t>(limbs[i / 8] >> (i % 8 * 8)));
}

void writer::put_list(const term& t) {
  std::uint64_t n = 0;
  bool all_bytes = true;
  for (const term& item : t.items()) {
    const auto value = item.as_int64();
    all_bytes = all_bytes && value && *value >= 0 && *value <= UINT8_MAX;
    ++n;
  }
  if (all_bytes && n <= UINT16_MAX && t.last_tail().is_nil()) {
    need(n + 3);
    tag(external_tag::string);
    number(static_cast<std::uint16_t>(n));
    for (const term& item : t.items()) byte(static_cast<std::uint8_t>(*item.as_int64()));
    return;
  }
  need(n + 5);
  tag(external_tag::list);
  count(n);
  pending work;
  work.in_list = true;
  work.item = t.items().begin();
  pending_.push_back(work);
}

void writer::put_tuple(const term& t) {
  const std::span<const term> elements = t.elements();
  need(elements.size() + 5);
  if (elements.size() <= UINT8_MAX) {
    tag(external_tag::small_tuple);
    byte(static_cast<std::uint8_t>(elements.size()));
  } else {
    tag(external_tag::large_tuple);
    count(elements.size());
  }
  if (elements.empty()) return;
  pending work;
  work.next = elements.data();
  work.end = work.next + elements.size();
  pending_.push_back(work);
}

void writer::put_map(const term& t) {
  need(t.size() + 5);
  tag(external_tag::map);
  count(t.size());
  if (t.size() == 0) return;
  pending work;
  work.next = t.map_keys().data();
  work.end = work.next + t.size();
  work.value = t.map_values().data();
  pending_.push_back(work);
}

void writer::put_bits(const term& t) {
  const std::string_view bytes = t.bytes();
  need(bytes.size() + 6);
  const std::uint64_t in_last = t.bit_size() % 8;
  tag(in_last == 0 ? external_tag::binary : external_tag::bit_binary);
  count(bytes.size());
  if (in_last != 0) byte(static_cast<std::uint8_t>(in_last));
  out_.append(bytes);
}

/// As ID and serial, which is how Erlang prints it (`<Node.ID.Serial>`): the slot and the generation. What of
/// the generation is beyond 32 bits stands above the slot.
void writer::put_pid(const pid& p) {
  tag(external_tag::new_pid);
  put_node(p.node);
  need(12);
  number(p.slot() | static_cast<std::uint32_t>(p.generation() >> 32U) << pid::slot_bits);
  number(static_cast<std::uint32_t>(p.generation()));
  number(creation_of(p.node, p.creation));
}

void writer::put_port(const port& p) {
  constexpr std::uint64_t most_of_old = (1U << 28U) - 1; // what nodes before OTP 24 can have
  const bool small = p.id <= most_of_old;
  tag(small ? external_tag::new_port : external_tag::v4_port);
  put_node(p.node);
  need(12);
  if (small) {
    number(static_cast<std::uint32_t>(p.id));
  } else {
    number(p.id);
  }
  number(creation_of(p.node, p.creation));
}

void writer::put_reference(const reference& r) {
  tag(external_tag::newer_reference);
  number(static_cast<std::uint16_t>(r.len));
  put_node(r.node);
  need(24);
  number(creation_of(r.node, r.creation));
  for (std::uint32_t i = 0; i < r.len; ++i) number(r.words[i]);
}

void writer::put_export(const mfa& f) {
  if (f.arity > UINT8_MAX) throw std::length_error("an external fun has an arity of at most 255");
  tag(external_tag::export_fun);
  put_atom(f.module.name());
  put_atom(f.function.name());
  need(2);
  tag(external_tag::small_integer);
  byte(static_cast<std::uint8_t>(f.arity));
}

} // namespace

void append_external(std::string& out, const term& value, const node_names& nodes, std::size_t most) {
  writer(out, nodes, most).write(value);
}

std::string term_to_binary(const term& value, const node_names& nodes, std::size_t most) {
  std::string out(1, static_cast<char>(detail::external_version));
  append_external(out, value, nodes, most);
  return out;
}

} // namespace coppice
