// http and https URLs as a client needs them (RFC 9110 section 4.2, RFC 3986 section 5). Pure.
#pragma once

#include "coppice/http/uri.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace coppice::http {

/// Where a request goes. `ws` and `wss` count as `http` and `https`.
struct url {
  bool secure = false;      ///< by TLS
  std::string host;         ///< in lower case; an IPv6 address without brackets
  std::uint16_t port = 80;  ///< the scheme's own (80, 443) if none is given; never 0
  std::string authority;    ///< for Host: the host as in the URL, the port if it is not the scheme's own
  std::string target = "/"; ///< path and query, still encoded

  /// "https://example.org:443": what connections are shared by (RFC 6454).
  [[nodiscard]] std::string origin() const;
};

/// Errors: no or another scheme, user information, a malformed authority, characters that must be encoded,
/// more than 8,000 bytes. A fragment is dropped: it is not for the server.
std::expected<url, uri_error> parse_url(std::string_view text);

/// A reference as in Location, relative to the URL of the request (RFC 3986 section 5.2).
std::expected<url, uri_error> resolve_url(const url& base, std::string_view reference);

} // namespace coppice::http
