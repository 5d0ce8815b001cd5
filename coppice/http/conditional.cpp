#include "coppice/http/conditional.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "coppice/http/detail/chars.hpp"
#include "coppice/http/fields.hpp"

namespace coppice::http {

namespace {

/// etagc: visible ASCII but '"', and obs-text. A backslash is an ordinary character.
bool is_tag_char(char c) noexcept {
  const auto u = static_cast<unsigned char>(c);
  return u > 0x20 && u != 0x7f && c != '"';
}

bool take_entity_tag(std::string_view& text, entity_tag& tag) {
  tag.weak = text.starts_with("W/");
  if (tag.weak) text.remove_prefix(2);
  if (!text.starts_with('"')) return false;
  const std::size_t end = text.find('"', 1);
  if (end == std::string_view::npos) return false;
  tag.value = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  return std::all_of(tag.value.begin(), tag.value.end(), is_tag_char);
}

enum class listed : std::uint8_t { yes, no, malformed };

/// Whether "*" or a list of entity-tags names the current one. A weak comparison ignores the W/; a strong one
/// never holds for a weak tag (RFC 9110 section 8.8.3.2).
listed lists_tag(const headers& fields, std::string_view name, const std::optional<entity_tag>& current,
                 bool strong) {
  bool found = false;
  for (const headers::field f : fields) {
    if (!detail::iequals(f.name, name)) continue;
    std::string_view rest = f.value;
    if (rest == "*") return listed::yes;
    while (!rest.empty()) {
      entity_tag tag;
      if (!take_entity_tag(rest, tag)) return listed::malformed;
      const bool same = current && tag.value == current->value && !(strong && (tag.weak || current->weak));
      found = found || same;
      rest = detail::trim_ows(rest);
      if (rest.empty()) break;
      if (rest.front() != ',') return listed::malformed;
      rest = detail::trim_ows(rest.substr(1));
    }
  }
  return found ? listed::yes : listed::no;
}

std::optional<std::chrono::sys_seconds> date_of(const headers& fields, std::string_view name) {
  const auto text = fields.only(name);
  return text ? parse_date(*text) : std::nullopt;
}

bool read_number(std::string_view digits, std::uint64_t& value) noexcept {
  if (digits.empty()) return false;
  value = 0;
  for (char c : digits) {
    if (!detail::is_digit(c)) return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    // Beyond 64 bits is beyond any file: the largest number means the same.
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / 10) {
      value = std::numeric_limits<std::uint64_t>::max();
    } else {
      value = value * 10 + digit;
    }
  }
  return true;
}

/// False if malformed; adds nothing if the range lies beyond the end.
bool add_range(std::string_view spec, std::uint64_t size, std::vector<byte_range>& ranges) {
  const std::size_t dash = spec.find('-');
  if (dash == std::string_view::npos) return false;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  if (dash == 0) {
    if (!read_number(spec.substr(1), last)) return false;
    if (last > 0 && size > 0) ranges.push_back({size - std::min(last, size), size - 1});
    return true;
  }
  if (!read_number(spec.substr(0, dash), first)) return false;
  if (dash + 1 == spec.size()) {
    last = std::numeric_limits<std::uint64_t>::max();
  } else if (!read_number(spec.substr(dash + 1), last) || last < first) {
    return false;
  }
  if (first < size) ranges.push_back({first, std::min(last, size - 1)});
  return true;
}

/// RFC 9110 section 13.1.5: a strong tag that matches, or exactly the date.
bool if_range_holds(const request_head& request, const validators& current) {
  const auto field = request.headers.get("if-range");
  if (!field) return true;
  if (const auto tag = parse_entity_tag(*field)) {
    return current.etag && !tag->weak && !current.etag->weak && tag->value == current.etag->value;
  }
  const auto date = parse_date(*field);
  return date && current.last_modified && *date == *current.last_modified;
}

} // namespace

std::optional<entity_tag> parse_entity_tag(std::string_view text) {
  entity_tag tag;
  if (!take_entity_tag(text, tag) || !text.empty()) return std::nullopt;
  return tag;
}

std::string format_entity_tag(const entity_tag& tag) { return (tag.weak ? "W/\"" : "\"") + tag.value + "\""; }

precondition check_preconditions(const request_head& request, const validators& current) {
  const headers& fields = request.headers;
  const bool reads = request.method == method::get || request.method == method::head;
  if (fields.contains("if-match")) {
    if (lists_tag(fields, "if-match", current.etag, true) != listed::yes) return precondition::failed;
  } else if (const auto date = date_of(fields, "if-unmodified-since"); date && current.last_modified) {
    if (*current.last_modified > *date) return precondition::failed;
  }
  if (fields.contains("if-none-match")) {
    if (lists_tag(fields, "if-none-match", current.etag, false) == listed::yes) {
      return reads ? precondition::not_modified : precondition::failed;
    }
  } else if (const auto date = date_of(fields, "if-modified-since"); reads && date && current.last_modified) {
    if (*current.last_modified <= *date) return precondition::not_modified;
  }
  return precondition::proceed;
}

range_selection parse_range(std::string_view field, std::uint64_t size, std::size_t max_ranges) {
  const std::size_t equals = field.find('=');
  if (equals == std::string_view::npos || !detail::iequals(field.substr(0, equals), "bytes")) return {};
  range_selection selection;
  std::string_view rest = field.substr(equals + 1);
  std::string_view spec;
  std::size_t specs = 0;
  while (next_element(rest, spec)) {
    if (++specs > max_ranges || !add_range(spec, size, selection.ranges)) return {};
  }
  if (selection.ranges.empty()) {
    selection.outcome = range_outcome::unsatisfiable;
    return selection;
  }
  std::uint64_t left = size;
  for (const byte_range& range : selection.ranges) {
    if (range.size() > left) return {};
    left -= range.size();
  }
  selection.outcome = range_outcome::partial;
  return selection;
}

range_selection select_ranges(const request_head& request, const validators& current, std::uint64_t size) {
  const auto field = request.headers.only("range");
  if (request.method != method::get || !field || !if_range_holds(request, current)) return {};
  return parse_range(*field, size);
}

std::string content_range(const byte_range& range, std::uint64_t size) {
  return fmt::format("bytes {}-{}/{}", range.first, range.last, size);
}

std::string content_range_unsatisfied(std::uint64_t size) { return fmt::format("bytes */{}", size); }

byteranges_plan plan_byteranges(const std::vector<byte_range>& ranges, std::uint64_t size,
                                std::string_view content_type, std::string_view boundary) {
  byteranges_plan plan;
  plan.content_type = fmt::format("multipart/byteranges; boundary={}", boundary);
  for (const byte_range& range : ranges) {
    plan.prefixes.push_back(fmt::format("{}--{}\r\ncontent-type: {}\r\ncontent-range: {}\r\n\r\n",
                                        plan.prefixes.empty() ? "" : "\r\n", boundary, content_type,
                                        content_range(range, size)));
    plan.body_size += plan.prefixes.back().size() + range.size();
  }
  plan.suffix = fmt::format("\r\n--{}--\r\n", boundary);
  plan.body_size += plan.suffix.size();
  return plan;
}

} // namespace coppice::http
