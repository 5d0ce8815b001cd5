#include "coppice/term/describe.hpp"

#include <cmath>

#include "coppice/term/text.hpp"

namespace coppice {
namespace {

constexpr std::size_t shown = 200; // characters of an offending term

} // namespace

std::string decode_error::message() const {
  return (path.empty() ? "" : path + ": ") + "expected " + expected + ", got " + got;
}

decode_error mismatch(std::string expected, const term& got) {
  return {"", std::move(expected), to_string(got, {.limit = shown})};
}

namespace detail {

decode_error integer_mismatch(std::int64_t least, std::uint64_t most, const term& got) {
  if (least == INT64_MIN) return mismatch("integer of 64 bits", got);
  return mismatch("integer in " + std::to_string(least) + ".." + std::to_string(most), got);
}

decode_error names_mismatch(std::span<const std::string_view> names, const term& got) {
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) all += i + 1 == names.size() ? " or " : ", ";
    all += names[i];
  }
  return mismatch(std::move(all), got);
}

decode_error fields_mismatch(std::string_view tag, std::span<const std::string_view> fields,
                             const term& got) {
  std::string shape = "{";
  shape += tag;
  for (const std::string_view field : fields) {
    shape += ", ";
    shape += field;
  }
  return mismatch(shape + "}", got);
}

decode_error below(std::string_view step, decode_error inner) {
  std::string path = ".";
  path += step;
  if (!inner.path.empty() && inner.path[0] != '.' && inner.path[0] != '[') path += '.';
  inner.path.insert(0, path);
  return inner;
}

decode_error below_index(std::size_t index, decode_error inner) {
  inner.path.insert(0, "[" + std::to_string(index) + "]");
  return inner;
}

decode_error below_key(const term& key, decode_error inner) {
  inner.path.insert(0, "[" + to_string(key, {.limit = 40}) + "]");
  return inner;
}

decode_error at_top(std::string_view type, decode_error inner) {
  inner.path.insert(0, type);
  return inner;
}

void no_enumerator(std::string_view type, std::int64_t value) {
  throw std::domain_error(std::to_string(value) + " is no enumerator of " + std::string(type) +
                          " within its coppice::enum_range");
}

std::optional<double> number_for_double(const term& source) {
  if (const auto number = source.as_double()) return number;
  if (!source.is_integer()) return {};
  if (const auto small = source.as_int64()) {
    const auto number = static_cast<double>(*small);
    if (compare(term(number), source) == 0) return number;
    return {};
  }
  std::uint64_t room = 0;
  const integer_parts parts = *source.as_integer(room);
  if (parts.limbs.size() > 16) return {};
  double number = 0;
  for (std::size_t i = parts.limbs.size(); i-- > 0;)
    number = number * 0x1p64 + static_cast<double>(parts.limbs[i]);
  if (parts.negative) number = -number;
  if (!std::isfinite(number) || compare(term(number), source) != 0) return {};
  return number;
}

} // namespace detail
} // namespace coppice
