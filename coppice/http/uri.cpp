#include "coppice/http/uri.hpp"

#include <algorithm>

#include "coppice/http/detail/chars.hpp"

namespace coppice::http {

namespace {

constexpr char hex_digits[] = "0123456789ABCDEF";

/// `base` is where `text` begins in what the caller was given, so that errors name the caller's place.
std::expected<std::string, uri_error> decode(std::string_view text, std::size_t base, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? detail::hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? detail::hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return std::unexpected(uri_error{base + i, "'%' must be followed by two hexadecimal digits"});
      }
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(plus_is_space && c == '+' ? ' ' : c);
    }
  }
  return out;
}

std::expected<std::string, uri_error> decode_segment(std::string_view text, std::size_t base) {
  auto segment = decode(text, base, false);
  if (!segment) return segment;
  if (segment->find('\0') != std::string::npos) {
    return std::unexpected(uri_error{base, "a path segment must not contain NUL (%00)"});
  }
  if (*segment == "." || *segment == "..") {
    return std::unexpected(uri_error{base, "resolve '.' and '..' before sending the path"});
  }
  return segment;
}

bool valid_ipv6_literal(std::string_view inner) {
  const auto colons = std::count(inner.begin(), inner.end(), ':');
  if (colons < 2 || colons > 7 || inner.size() > 45) return false;
  return std::all_of(inner.begin(), inner.end(),
                     [](char c) { return c == ':' || c == '.' || detail::hex_value(c) >= 0; });
}

} // namespace

std::expected<std::string, uri_error> percent_decode(std::string_view text) { return decode(text, 0, false); }

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (detail::in(detail::unreserved_chars, c)) {
      out.push_back(c);
    } else {
      const auto u = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(hex_digits[u >> 4]);
      out.push_back(hex_digits[u & 15]);
    }
  }
  return out;
}

std::expected<std::vector<std::string>, uri_error> path_segments(std::string_view path) {
  if (path.empty() || path.front() != '/') return std::unexpected(uri_error{0, "a path begins with '/'"});
  std::vector<std::string> segments;
  std::size_t begin = 1;
  while (begin < path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    auto segment = decode_segment(path.substr(begin, end - begin), begin);
    if (!segment) return std::unexpected(std::move(segment.error()));
    segments.push_back(std::move(*segment));
    begin = end + 1;
  }
  return segments;
}

std::optional<std::string_view> parameters::get(std::string_view name) const noexcept {
  for (const pair& p : pairs_) {
    if (p.first == name) return p.second;
  }
  return std::nullopt;
}

std::expected<parameters, uri_error> parse_query(std::string_view text, std::size_t max_pairs) {
  parameters result;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('&', begin), text.size());
    const std::string_view piece = text.substr(begin, end - begin);
    if (!piece.empty()) {
      if (result.size() == max_pairs) return std::unexpected(uri_error{begin, "too many parameters"});
      const std::size_t equals = std::min(piece.find('='), piece.size());
      auto name = decode(piece.substr(0, equals), begin, true);
      if (!name) return std::unexpected(std::move(name.error()));
      const std::size_t value_at = std::min(equals + 1, piece.size());
      auto value = decode(piece.substr(value_at), begin + value_at, true);
      if (!value) return std::unexpected(std::move(value.error()));
      result.add(std::move(*name), std::move(*value));
    }
    begin = end + 1;
  }
  return result;
}

std::string format_query(const parameters& pairs) {
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out.push_back('&');
    out.append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  return out;
}

std::expected<authority, uri_error> parse_authority(std::string_view text) {
  std::size_t host_size = 0;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos || !valid_ipv6_literal(text.substr(1, bracket - 1))) {
      return std::unexpected(uri_error{0, "malformed IPv6 address"});
    }
    host_size = bracket + 1;
  } else {
    host_size = std::min(text.find(':'), text.size());
    for (std::size_t i = 0; i < host_size; ++i) {
      if (!detail::in(detail::reg_name_chars, text[i])) {
        return std::unexpected(uri_error{i, "a host name cannot contain this character"});
      }
    }
  }
  if (host_size == 0) return std::unexpected(uri_error{0, "the host is empty"});
  authority result;
  result.host = text.substr(0, host_size);
  std::transform(result.host.begin(), result.host.end(), result.host.begin(), detail::to_lower);
  if (host_size == text.size()) return result;
  if (text[host_size] != ':') return std::unexpected(uri_error{host_size, "expected ':' and a port"});
  unsigned port = 0;
  for (std::size_t i = host_size + 1; i < text.size(); ++i) {
    if (!detail::is_digit(text[i])) return std::unexpected(uri_error{i, "a port consists of digits"});
    port = port * 10 + static_cast<unsigned>(text[i] - '0');
    if (port > 65535) return std::unexpected(uri_error{i, "a port is at most 65535"});
  }
  if (host_size + 1 < text.size()) result.port = static_cast<std::uint16_t>(port);
  return result;
}

} // namespace coppice::http
