#include "coppice/http/url.hpp"

#include "coppice/http/detail/chars.hpp"

namespace coppice::http {
namespace {

constexpr std::size_t longest = 8000;

struct scheme {
  std::string_view begin;
  bool secure;
};
constexpr scheme schemes[] = {{"http://", false}, {"https://", true}, {"ws://", false}, {"wss://", true}};

std::unexpected<uri_error> wrong(std::size_t at, std::string what) {
  return std::unexpected(uri_error{at, std::move(what)});
}

std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    std::size_t end = path.find('/', 1);
    std::string_view segment = path.substr(0, end);
    path = end == std::string_view::npos ? std::string_view() : path.substr(end);
    if (segment == "/." || segment == "/..") {
      if (segment == "/..") out.erase(std::min(out.size(), out.rfind('/')));
      if (path.empty()) out += '/';
    } else {
      out += segment;
    }
  }
  return out.empty() ? "/" : out;
}

} // namespace

std::string url::origin() const {
  std::string_view name = host;
  bool bare_v6 = name.find(':') != std::string_view::npos;
  std::string out = secure ? "https://" : "http://";
  if (bare_v6) out += '[';
  out += name;
  if (bare_v6) out += ']';
  return out + ":" + std::to_string(port);
}

std::expected<url, uri_error> parse_url(std::string_view text) {
  if (text.size() > longest) return wrong(longest, "longer than 8000 bytes");
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] <= ' ' || static_cast<unsigned char>(text[i]) >= 127) {
      return wrong(i, "a character that must be percent-encoded");
    }
  }
  url made;
  std::size_t begin = 0;
  for (const scheme& s : schemes) {
    if (text.size() < s.begin.size() || !detail::iequals(text.substr(0, s.begin.size()), s.begin)) continue;
    begin = s.begin.size();
    made.secure = s.secure;
  }
  if (begin == 0) return wrong(0, "must begin with http:// or https://");
  text = text.substr(0, text.find('#'));
  std::size_t end = std::min(text.find_first_of("/?", begin), text.size());
  auto authority = parse_authority(text.substr(begin, end - begin));
  if (!authority) return wrong(begin + authority.error().at, authority.error().what);
  std::uint16_t usual = made.secure ? 443 : 80;
  made.port = authority->port.value_or(usual);
  if (made.port == 0) return wrong(begin, "port 0");
  made.authority = authority->host;
  if (made.port != usual) made.authority += ":" + std::to_string(made.port);
  made.host = std::move(authority->host);
  if (made.host.starts_with('[')) made.host = made.host.substr(1, made.host.size() - 2);
  std::string_view rest = text.substr(end);
  made.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return made;
}

std::expected<url, uri_error> resolve_url(const url& base, std::string_view reference) {
  reference = reference.substr(0, reference.find('#'));
  std::size_t colon = reference.find(':');
  if (colon != std::string_view::npos && colon < reference.find_first_of("/?")) return parse_url(reference);
  std::string_view scheme = base.secure ? "https:" : "http:";
  if (reference.starts_with("//")) return parse_url(std::string(scheme).append(reference));
  std::string_view base_path = std::string_view(base.target).substr(0, base.target.find('?'));
  std::string path;
  std::size_t question = std::min(reference.find('?'), reference.size());
  if (reference.starts_with('/')) {
    path = without_dots(reference.substr(0, question));
  } else if (question == 0) {
    path = base_path;
  } else {
    path = without_dots(
        std::string(base_path.substr(0, base_path.rfind('/') + 1)).append(reference.substr(0, question)));
  }
  if (reference.empty()) return base;
  std::string all = std::string(scheme) + "//" + base.authority + path;
  return parse_url(all.append(reference.substr(question)));
}

} // namespace coppice::http
