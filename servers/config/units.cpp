#include "servers/config/units.hpp"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <limits>
#include <optional>

namespace coppice::config {
namespace {

using namespace std::chrono_literals;

struct time_unit {
  std::string_view name;
  duration each;
};
constexpr std::array<time_unit, 5> time_units{{{"d", 24h}, {"h", 1h}, {"m", 1min}, {"s", 1s}, {"ms", 1ms}}};

struct size_unit {
  std::string_view name;
  std::uint64_t each;
};
constexpr std::array<size_unit, 4> size_units{
    {{"GiB", std::uint64_t{1} << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}};

/// Takes a number from the front; nothing if there is none or it is too large.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::string_view take_unit(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && (text[n] < '0' || text[n] > '9')) ++n;
  const std::string_view unit = text.substr(0, n);
  text.remove_prefix(n);
  return unit;
}

std::unexpected<std::string> no_duration(std::string_view text) {
  return std::unexpected(fmt::format("'{}' is no time: write a number with ms, s, m, h or d, as 30s", text));
}

std::unexpected<std::string> no_size(std::string_view text) {
  return std::unexpected(fmt::format("'{}' is no size: write bytes, or a number with KiB, MiB or GiB", text));
}

} // namespace

std::expected<duration, std::string> parse_duration(std::string_view text) {
  if (text == "0") return duration::zero();
  if (text.empty()) return no_duration(text);
  duration sum{};
  std::size_t from = 0; // units come from the greatest down
  for (std::string_view rest = text; !rest.empty();) {
    const auto n = take_number(rest);
    const std::string_view name = take_unit(rest);
    while (from < time_units.size() && time_units[from].name != name) ++from;
    if (!n || from == time_units.size()) return no_duration(text);
    const duration each = time_units[from++].each;
    const auto most = static_cast<std::uint64_t>((duration::max() - sum - 1ns) / each);
    if (*n > most) return std::unexpected(fmt::format("'{}' is too long a time", text));
    sum += each * static_cast<std::int64_t>(*n);
  }
  return sum;
}

std::string duration_text(duration d) {
  std::string text;
  for (const time_unit& unit : time_units) {
    const auto n = d / unit.each;
    if (n == 0) continue;
    text += fmt::format("{}{}", n, unit.name);
    d -= n * unit.each;
  }
  return text.empty() ? "0" : text;
}

std::expected<std::uint64_t, std::string> parse_size(std::string_view text) {
  std::string_view rest = text;
  const auto n = take_number(rest);
  if (!n) return no_size(text);
  if (rest.empty()) return *n;
  for (const size_unit& unit : size_units) {
    if (rest != unit.name) continue;
    if (*n > std::numeric_limits<std::uint64_t>::max() / unit.each) return no_size(text);
    return *n * unit.each;
  }
  return no_size(text);
}

std::string size_text(std::uint64_t bytes) {
  for (const size_unit& unit : size_units) {
    if (bytes >= unit.each && bytes % unit.each == 0 && unit.each > 1) {
      return fmt::format("{}{}", bytes / unit.each, unit.name);
    }
  }
  return fmt::format("{}", bytes);
}

} // namespace coppice::config
