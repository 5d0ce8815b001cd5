#include "servers/web/guard.hpp"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

namespace coppice::web {

std::string to_json(const refusal& why) {
  return boost::json::serialize(boost::json::value{{"error", {{"code", why.code}, {"text", why.text}}}});
}

served_hosts::served_hosts(std::vector<std::string> more, served_scheme scheme)
    : more_(std::move(more)), scheme_(scheme) {}

std::vector<std::string> served_hosts::hosts() const {
  const std::uint16_t own = port();
  if (own == 0) return {};
  std::vector<std::string> all;
  for (const char* name : {"127.0.0.1", "localhost", "[::1]"}) all.push_back(fmt::format("{}:{}", name, own));
  for (const std::string& name : more_) {
    const std::size_t colon = name.rfind(':');
    const bool has_port = colon != std::string::npos && name.find(']', colon) == std::string::npos;
    all.push_back(has_port ? name : fmt::format("{}:{}", name, own));
  }
  // Browsers leave out the port that their scheme stands for.
  const std::size_t full = all.size();
  for (std::size_t i = 0; i < full; ++i) {
    for (std::string_view usual : {":80", ":443"}) {
      if (all[i].ends_with(usual)) all.push_back(all[i].substr(0, all[i].size() - usual.size()));
    }
  }
  return all;
}

std::optional<refusal> served_hosts::check_host(const http::request_head& request) const {
  const std::vector<std::string> served = hosts();
  const bool once = request.headers.count("Host") == 1;
  if (once && std::ranges::find(served, request.authority) != served.end()) return std::nullopt;
  return refusal{http::status::forbidden, "bad_host",
                 fmt::format("This node answers to {} only.", fmt::join(served, ", "))};
}

bool served_hosts::is_behind_tls(std::string_view authority) const {
  if (scheme_ == served_scheme::https) return true;
  if (authority.ends_with(":443")) authority.remove_suffix(4);
  return std::ranges::find(more_, fmt::format("{}:443", authority)) != more_.end();
}

std::optional<refusal> served_hosts::check_origin(const http::request_head& request, bool required) const {
  if (!required && !request.headers.contains("Origin")) return std::nullopt;
  const std::optional<std::string_view> origin = request.headers.only("Origin");
  const std::string own =
      fmt::format("{}://{}", is_behind_tls(request.authority) ? "https" : "http", request.authority);
  if (origin && *origin == own) return std::nullopt;
  return refusal{http::status::forbidden, "bad_origin", fmt::format("Only pages of {} may ask this.", own)};
}

void secure(http::headers& fields, std::string_view cache_control) {
  fields.set("Content-Security-Policy",
             "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  fields.set("X-Content-Type-Options", "nosniff");
  fields.set("Referrer-Policy", "no-referrer");
  fields.set("Cross-Origin-Opener-Policy", "same-origin");
  fields.set("Cache-Control", cache_control);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  std::size_t differs = a.size() ^ b.size();
  for (std::size_t i = 0; i < a.size(); ++i) {
    const char other = b.empty() ? '\0' : b[i % b.size()];
    differs |= static_cast<unsigned char>(a[i] ^ other);
  }
  return differs == 0;
}

} // namespace coppice::web
