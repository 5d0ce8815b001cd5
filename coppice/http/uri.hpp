// Request targets: percent-encoding, paths, queries and forms, authorities (RFC 3986, RFC 9110 section 4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice::http {

/// Where in the text (byte offset) and what is wrong there.
struct uri_error {
  std::size_t at = 0; ///< from 0, in the text that was given
  std::string what;   ///< for people, without the place
};

/// Decodes %XX. A '%' without two hexadecimal digits is an error; '+' is left alone.
std::expected<std::string, uri_error> percent_decode(std::string_view text);
/// Encodes all but RFC 3986's unreserved characters.
std::string percent_encode(std::string_view text);

/// The decoded segments of an absolute path: "/a/b%20c" is {"a", "b c"}, "/" is {}, a trailing slash adds
/// none,
/// "/a//b" is {"a", "", "b"}. Decoding happens after splitting, so a segment may contain "%2F" as '/'.
/// Errors: no leading '/', a broken escape, an escaped NUL, and any "." or ".." segment (escaped or not):
/// clients resolve these before they send, so one that arrives is an attempt to be read in two ways.
std::expected<std::vector<std::string>, uri_error> path_segments(std::string_view path);

/// Ordered name/value pairs of a query or of an application/x-www-form-urlencoded body.
class parameters {
public:
  /// Name and value, decoded.
  using pair = std::pair<std::string, std::string>;

  /// At the end, beside others of that name.
  void add(std::string name, std::string value) { pairs_.emplace_back(std::move(name), std::move(value)); }
  /// The first value of that name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
  /// @{
  /// Pairs, in the order given; a name may occur twice.
  [[nodiscard]] std::size_t size() const noexcept { return pairs_.size(); }
  [[nodiscard]] bool empty() const noexcept { return pairs_.empty(); }
  [[nodiscard]] auto begin() const noexcept { return pairs_.begin(); }
  [[nodiscard]] auto end() const noexcept { return pairs_.end(); }
  /// @}
  /// `i` must be below `size()`.
  [[nodiscard]] const pair& operator[](std::size_t i) const noexcept { return pairs_[i]; }

private:
  std::vector<pair> pairs_;
};

/// Decodes "a=1&b=x+y" ('+' is a space; a name without '=' has an empty value; empty pairs are skipped).
/// Errors: a broken escape, or more than `max_pairs` pairs.
std::expected<parameters, uri_error> parse_query(std::string_view text, std::size_t max_pairs = 256);
/// The inverse of `parse_query`.
std::string format_query(const parameters& pairs);

/// host [":" port] (RFC 9110 section 4.2 without userinfo).
struct authority {
  std::string host;                  ///< in lower case; an IPv6 address keeps its brackets
  std::optional<std::uint16_t> port; ///< nothing also for "host:"
};

/// Errors: empty host, userinfo, characters no host has, malformed IPv6 literal, port above 65535.
std::expected<authority, uri_error> parse_authority(std::string_view text);

} // namespace coppice::http
