// Any text as a URL, and any reference relative to it: no crash, and what is accepted means the same when it
// is written and read again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "coppice/http/url.hpp"

namespace {

using namespace coppice::http;

void require(bool ok) {
  if (!ok) std::abort();
}

bool same(const url& a, const url& b) {
  return a.secure == b.secure && a.host == b.host && a.port == b.port && a.authority == b.authority &&
         a.target == b.target;
}

/// What goes on the wire must not be able to end the line that it stands in.
void check(const url& u) {
  require(!u.host.empty() && u.target.starts_with('/'));
  for (const std::string& part : {u.host, u.authority, u.target}) {
    for (char c : part) require(static_cast<unsigned char>(c) > ' ' && c != '\x7f');
  }
  require(u.target.find('#') == std::string::npos);
  const auto again = parse_url((u.secure ? "https://" : "http://") + u.authority + u.target);
  require(again && same(*again, u));
  require(parse_authority(u.authority).has_value());
}

void check_query(std::string_view text) {
  const auto pairs = parse_query(text);
  if (!pairs) return;
  const auto again = parse_query(format_query(*pairs));
  require(again && again->size() == pairs->size());
  for (std::size_t i = 0; i < pairs->size(); ++i) require((*again)[i] == (*pairs)[i]);
}

void check_escapes(std::string_view text) {
  const auto back = percent_decode(percent_encode(text));
  require(back && *back == text);
  if (const auto decoded = percent_decode(text)) require(decoded->size() <= text.size());
  if (const auto segments = path_segments(text)) {
    for (const std::string& s : *segments)
      require(s != "." && s != ".." && s.find('\0') == std::string::npos);
  }
}

} // namespace

/// The first line is a URL, the rest a reference.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const std::string_view rest = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  check_escapes(rest);
  check_query(rest);
  const auto base = parse_url(text.substr(0, end));
  if (!base) {
    require(!base.error().what.empty());
    return 0;
  }
  check(*base);
  if (const auto there = resolve_url(*base, rest)) check(*there);
  return 0;
}
