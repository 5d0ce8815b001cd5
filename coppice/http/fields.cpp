#include "coppice/http/fields.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "coppice/http/detail/chars.hpp"

namespace coppice::http {

namespace {

constexpr std::array<std::string_view, 7> day_names = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> month_names = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// RFC 9110 section 6.5.1: fields that frame, route, authenticate or modify; merged from a trailer they would
// change a message that has been acted on already.
constexpr auto forbidden_trailers = std::to_array<std::string_view>({
    "age",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "expect",
    "expires",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "location",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "retry-after",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "vary",
    "www-authenticate",
});

/// Reads fixed shapes off the front of a text; any mismatch makes it fail for good.
class reader {
public:
  explicit reader(std::string_view text) noexcept : rest_(text) {}

  void literal(std::string_view expected) noexcept {
    if (rest_.starts_with(expected)) {
      rest_.remove_prefix(expected.size());
    } else {
      failed_ = true;
    }
  }
  int digits(std::size_t n) noexcept {
    int value = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (i >= rest_.size() || !detail::is_digit(rest_[i])) return failed_ = true, 0;
      value = value * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(n);
    return value;
  }
  unsigned month() noexcept {
    for (std::size_t i = 0; i < month_names.size(); ++i) {
      if (rest_.starts_with(month_names[i])) {
        rest_.remove_prefix(3);
        return static_cast<unsigned>(i + 1);
      }
    }
    failed_ = true;
    return 0;
  }
  std::chrono::seconds time_of_day() noexcept {
    const int hour = digits(2);
    literal(":");
    const int minute = digits(2);
    literal(":");
    const int second = digits(2);
    failed_ = failed_ || hour > 23 || minute > 59 || second > 60; // 60: a leap second
    return std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  }
  [[nodiscard]] char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
  [[nodiscard]] bool done() const noexcept { return !failed_ && rest_.empty(); }

private:
  std::string_view rest_;
  bool failed_ = false;
};

std::optional<std::chrono::sys_seconds> make_time(int y, unsigned m, int d,
                                                  std::chrono::seconds time) noexcept {
  const std::chrono::year_month_day date{std::chrono::year(y), std::chrono::month(m),
                                         std::chrono::day(static_cast<unsigned>(d))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date) + time;
}

/// "06 Nov 1994 08:49:37 GMT", or "06-Nov-94 ..." with a year of two digits.
std::optional<std::chrono::sys_seconds> parse_day_first(std::string_view text, std::string_view between,
                                                        std::size_t year_digits) noexcept {
  reader r(text);
  const int day = r.digits(2);
  r.literal(between);
  const unsigned month = r.month();
  r.literal(between);
  int year = r.digits(year_digits);
  if (year_digits == 2) year += year < 70 ? 2000 : 1900;
  r.literal(" ");
  const auto time = r.time_of_day();
  r.literal(" GMT");
  return r.done() ? make_time(year, month, day, time) : std::nullopt;
}

std::optional<std::chrono::sys_seconds> parse_asctime(std::string_view text) noexcept {
  reader r(text);
  const unsigned month = r.month();
  r.literal(" ");
  const bool padded = r.peek() == ' ';
  if (padded) r.literal(" ");
  const int day = r.digits(padded ? 1 : 2);
  r.literal(" ");
  const auto time = r.time_of_day();
  r.literal(" ");
  const int year = r.digits(4);
  return r.done() ? make_time(year, month, day, time) : std::nullopt;
}

/// RFC 6265 cookie-octet: visible ASCII without '"', ',', ';' and '\'.
bool is_cookie_text(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
  });
}

bool is_attribute_text(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f && c != ';'; });
}

} // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() && detail::all_in(detail::token_chars, text);
}

bool is_field_value(std::string_view text) noexcept { return detail::is_field_text(text); }

bool allowed_in_trailer(std::string_view name) noexcept {
  return std::none_of(forbidden_trailers.begin(), forbidden_trailers.end(),
                      [name](std::string_view forbidden) { return detail::iequals(forbidden, name); });
}

std::optional<std::string> unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return std::nullopt;
    if (text[i] == '\\') ++i;
    if (i == text.size()) return std::nullopt;
    if (!detail::is_field_char(text[i])) return std::nullopt;
    out.push_back(text[i]);
  }
  return out;
}

std::optional<std::string> quote(std::string_view text) {
  if (!detail::is_field_text(text)) return std::nullopt;
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

bool next_element(std::string_view& rest, std::string_view& element) noexcept {
  if (rest.data() == nullptr) return false;
  bool quoted = false;
  std::size_t i = 0;
  for (; i < rest.size(); ++i) {
    if (quoted && rest[i] == '\\' && i + 1 < rest.size()) {
      ++i;
    } else if (rest[i] == '"') {
      quoted = !quoted;
    } else if (rest[i] == ',' && !quoted) {
      break;
    }
  }
  element = detail::trim_ows(rest.substr(0, i));
  // A null view marks the end, so that a trailing comma still gives its empty element.
  rest = i < rest.size() ? rest.substr(i + 1) : std::string_view();
  return true;
}

bool has_token(const headers& fields, std::string_view name, std::string_view token) noexcept {
  for (const headers::field f : fields) {
    if (!detail::iequals(f.name, name)) continue;
    std::string_view rest = f.value;
    std::string_view element;
    while (next_element(rest, element)) {
      if (detail::iequals(element, token)) return true;
    }
  }
  return false;
}

std::optional<std::string_view> parameterised::get(std::string_view name) const noexcept {
  for (const auto& parameter : parameters) {
    if (detail::iequals(parameter.first, name)) return parameter.second;
  }
  return std::nullopt;
}

std::optional<parameterised> parse_parameterised(std::string_view text) {
  parameterised result;
  std::size_t semicolon = std::min(text.find(';'), text.size());
  result.value = detail::trim_ows(text.substr(0, semicolon));
  if (result.value.empty()) return std::nullopt;
  while (semicolon < text.size()) {
    const std::size_t begin = semicolon + 1;
    std::size_t end = begin;
    bool quoted = false;
    for (; end < text.size() && (quoted || text[end] != ';'); ++end) {
      if (quoted && text[end] == '\\' && end + 1 < text.size()) {
        ++end;
      } else if (text[end] == '"') {
        quoted = !quoted;
      }
    }
    semicolon = end;
    const std::string_view piece = detail::trim_ows(text.substr(begin, end - begin));
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos || !is_token(piece.substr(0, equals))) return std::nullopt;
    std::string name(piece.substr(0, equals));
    std::transform(name.begin(), name.end(), name.begin(), detail::to_lower);
    const std::string_view raw = piece.substr(equals + 1);
    std::optional<std::string> value = is_token(raw) ? std::string(raw) : unquote(raw);
    if (!value) return std::nullopt;
    result.parameters.emplace_back(std::move(name), std::move(*value));
  }
  return result;
}

std::vector<std::pair<std::string_view, std::string_view>> parse_cookies(std::string_view text) {
  std::vector<std::pair<std::string_view, std::string_view>> cookies;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    const std::string_view piece = detail::trim_ows(text.substr(begin, end - begin));
    const std::size_t equals = piece.find('=');
    if (equals != std::string_view::npos && equals > 0) {
      std::string_view value = piece.substr(equals + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
        value = value.substr(1, value.size() - 2);
      }
      cookies.emplace_back(piece.substr(0, equals), value);
    }
    begin = end + 1;
  }
  return cookies;
}

std::optional<std::string_view> cookie(const headers& fields, std::string_view name) {
  for (const headers::field f : fields) {
    if (!detail::iequals(f.name, "cookie")) continue;
    for (const auto& [n, value] : parse_cookies(f.value)) {
      if (n == name) return value;
    }
  }
  return std::nullopt;
}

std::expected<std::string, std::string> format_set_cookie(const set_cookie& c) {
  if (!is_token(c.name)) return std::unexpected("the cookie's name must be a token");
  if (!is_cookie_text(c.value)) {
    return std::unexpected("the cookie's value must not hold spaces, controls, quotes, ',', ';' or '\\'");
  }
  if (!is_attribute_text(c.path) || !is_attribute_text(c.domain)) {
    return std::unexpected("the cookie's path and domain must not hold controls or ';'");
  }
  using policy = set_cookie::same_site_policy;
  if (c.same_site == policy::none && !c.secure) {
    return std::unexpected("SameSite=None is only taken by browsers together with Secure");
  }
  std::string out = c.name + "=" + c.value;
  if (!c.path.empty()) out += "; Path=" + c.path;
  if (!c.domain.empty()) out += "; Domain=" + c.domain;
  if (c.max_age) out += fmt::format("; Max-Age={}", c.max_age->count());
  if (c.secure) out += "; Secure";
  if (c.http_only) out += "; HttpOnly";
  const char* site = c.same_site == policy::strict ? "Strict" : c.same_site == policy::lax ? "Lax" : "None";
  out += "; SameSite=";
  out += site;
  return out;
}

bool same_origin(const request_head& request) {
  if (!request.headers.contains("origin")) return true;
  std::string_view origin = request.headers.only("origin").value_or("");
  const bool secure = origin.starts_with("https://");
  if (!secure && !origin.starts_with("http://")) return false;
  origin.remove_prefix(secure ? 8 : 7);
  const auto theirs = parse_authority(origin);
  const auto ours = parse_authority(request.authority);
  const std::uint16_t own_port = secure ? 443 : 80;
  return theirs && ours && theirs->host == ours->host &&
         theirs->port.value_or(own_port) == ours->port.value_or(own_port);
}

std::string format_date(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     day_names[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                     month_names[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::optional<std::chrono::sys_seconds> parse_date(std::string_view text) noexcept {
  const std::size_t comma = text.find(',');
  if (comma == std::string_view::npos) {
    return text.size() > 4 && text[3] == ' ' ? parse_asctime(text.substr(4)) : std::nullopt;
  }
  if (comma < 3 || comma + 2 >= text.size() || text[comma + 1] != ' ') return std::nullopt;
  const std::string_view rest = text.substr(comma + 2);
  return comma == 3 ? parse_day_first(rest, " ", 4) : parse_day_first(rest, "-", 2);
}

} // namespace coppice::http
