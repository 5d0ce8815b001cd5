#include "servers/xmpp/delay.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace coppice::xmpp {
namespace {

/// Takes exactly `count` digits off the front; -1 if they are not there.
int take_digits(std::string_view& text, std::size_t count) noexcept {
  if (text.size() < count) return -1;
  int value = 0;
  for (const char c : text.substr(0, count)) {
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char c) noexcept {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) noexcept {
  const int year = take_digits(text, 4);
  if (year < 0 || !take(text, '-')) return std::nullopt;
  const int month = take_digits(text, 2);
  if (month < 0 || !take(text, '-')) return std::nullopt;
  const int day = take_digits(text, 2);
  if (day < 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

/// Hours and minutes.
std::optional<std::chrono::minutes> take_minutes(std::string_view& text) noexcept {
  const int hours = take_digits(text, 2);
  if (hours < 0 || hours > 23 || !take(text, ':')) return std::nullopt;
  const int minutes = take_digits(text, 2);
  if (minutes < 0 || minutes > 59) return std::nullopt;
  return std::chrono::hours(hours) + std::chrono::minutes(minutes);
}

/// Behind the seconds' point; there is at least one digit.
std::optional<std::chrono::microseconds> take_fraction(std::string_view& text) noexcept {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return std::nullopt;
  std::string_view fraction = text.substr(0, std::min<std::size_t>(digits, 6));
  text.remove_prefix(digits);
  std::size_t missing = 6 - fraction.size();
  int value = take_digits(fraction, fraction.size());
  for (; missing > 0; --missing) value *= 10;
  return std::chrono::microseconds(value);
}

/// What is left is the offset from UTC.
std::optional<std::chrono::minutes> take_offset(std::string_view text) noexcept {
  if (text == "Z") return std::chrono::minutes(0);
  const bool east = text.starts_with('+');
  if (!east && !text.starts_with('-')) return std::nullopt;
  text.remove_prefix(1);
  const auto offset = take_minutes(text);
  if (!offset || !text.empty()) return std::nullopt;
  return east ? *offset : -*offset;
}

} // namespace

std::string to_text(instant at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                                 clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (const auto fraction = clock.subseconds().count(); fraction != 0)
    text += fmt::format(".{:06}", fraction);
  text += 'Z';
  return text;
}

std::optional<instant> parse_instant(std::string_view text) noexcept {
  const auto date = take_date(text);
  if (!date || !take(text, 'T')) return std::nullopt;
  const auto minutes = take_minutes(text);
  if (!minutes || !take(text, ':')) return std::nullopt;
  const int seconds = take_digits(text, 2);
  if (seconds < 0 || seconds > 60) return std::nullopt; // 60: a leap second
  std::chrono::microseconds fraction(0);
  if (take(text, '.')) {
    const auto taken = take_fraction(text);
    if (!taken) return std::nullopt;
    fraction = *taken;
  }
  const auto offset = take_offset(text);
  if (!offset) return std::nullopt;
  return instant(*date) + *minutes + std::chrono::seconds(seconds) + fraction - *offset;
}

xml::element make_delay(std::string_view from, instant at) {
  xml::element delay(ns::delay, "delay");
  delay.set("from", from).set("stamp", to_text(at));
  return delay;
}

void add_delay(xml::element& stanza, std::string_view from, instant at) {
  for (const xml::element* child : stanza.children()) {
    if (child->is(ns::delay, "delay") && child->get("from") == from) return;
  }
  stanza.add(make_delay(from, at));
}

} // namespace coppice::xmpp
