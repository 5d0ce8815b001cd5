// Field values: tokens, quoted strings, lists, parameters, cookies and dates (RFC 9110 section 5.6, RFC
// 6265).
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/http/message.hpp"

namespace coppice::http {

/// 1*tchar (RFC 9110 section 5.6.2).
bool is_token(std::string_view text) noexcept;
/// What may stand in a field value: no control characters but tab, no DEL.
bool is_field_value(std::string_view text) noexcept;
/// Whether a field of that name may stand in trailers: not those that frame, route, authenticate or modify a
/// message (RFC 9110 section 6.5.1).
bool allowed_in_trailer(std::string_view name) noexcept;
/// The content of `"..."` with escapes resolved; nullopt if `text` is not exactly one quoted-string.
std::optional<std::string> unquote(std::string_view text);
/// `text` as a quoted-string; nullopt if it holds control characters, which no quoted-string can.
std::optional<std::string> quote(std::string_view text);

/// Takes the next element of a comma-separated list off `rest`, trimmed; commas inside quoted strings do not
/// separate. Empty elements are given as empty views. False at the end of the list.
/// Use: `while (next_element(rest, element)) ...`
bool next_element(std::string_view& rest, std::string_view& element) noexcept;
/// Whether any line of that name lists that token (no regard to case), as in `Connection: close`.
bool has_token(const headers& fields, std::string_view name, std::string_view token) noexcept;

/// "text/html; charset=utf-8" as value and parameters (names in lower case, quoted values unquoted).
struct parameterised {
  std::string_view value;                                      ///< into the text that was parsed
  std::vector<std::pair<std::string, std::string>> parameters; ///< in order; a name may occur twice
  /// The first parameter of that name, without regard to case.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
};
/// nullopt if malformed.
std::optional<parameterised> parse_parameterised(std::string_view text);

/// The cookies of a Cookie field in order (RFC 6265 section 5.4); pairs without '=' are skipped. The views
/// are into `text`. A client may send two of one name.
std::vector<std::pair<std::string_view, std::string_view>> parse_cookies(std::string_view text);
/// The first cookie of that name in a request's Cookie lines.
std::optional<std::string_view> cookie(const headers& fields, std::string_view name);

/// A cookie to set. The defaults are the safe ones: this path and below, not for scripts, not cross-site.
struct set_cookie {
  /// Whether it goes along with requests that other sites cause: never, when a link leads here, always.
  enum class same_site_policy : std::uint8_t { strict, lax, none };
  std::string name;       ///< a token
  std::string value;      ///< visible ASCII without quotes, commas, semicolons, backslashes
  std::string path = "/"; ///< empty: the directory of the request
  std::string domain;     ///< empty: this host only
  std::optional<std::chrono::seconds> max_age;        ///< 0 deletes it; nothing: until the browser ends
  bool secure = false;                                ///< over https only
  bool http_only = true;                              ///< not for scripts
  same_site_policy same_site = same_site_policy::lax; ///< `none` only together with `secure`
};
/// The Set-Cookie value; an error text if a part holds a character that RFC 6265 section 4.1 forbids.
std::expected<std::string, std::string> format_set_cookie(const set_cookie& c);

/// Whether the request may come from a page of this very host: no Origin at all (not a browser's cross-site
/// request), or one whose host and port are the request's own. What state-changing requests and WebSockets
/// check.
bool same_origin(const request_head& request);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 section 5.6.7), for years 0 to 9999.
std::string format_date(std::chrono::sys_seconds time);
/// IMF-fixdate and both obsolete forms; a two-digit year is 1970 to 2069. nullopt if malformed.
std::optional<std::chrono::sys_seconds> parse_date(std::string_view text) noexcept;

} // namespace coppice::http
