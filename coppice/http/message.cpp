#include "coppice/http/message.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "coppice/http/detail/chars.hpp"

namespace coppice::http {

namespace {

constexpr std::array<std::string_view, 10> method_names = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                                           "CONNECT", "OPTIONS", "TRACE", "PATCH", ""};

struct named_status {
  status code;
  std::string_view phrase;
};

constexpr auto phrases = std::to_array<named_status>({
    {status::continue_, "Continue"},
    {status::switching_protocols, "Switching Protocols"},
    {status::early_hints, "Early Hints"},
    {status::ok, "OK"},
    {status::created, "Created"},
    {status::accepted, "Accepted"},
    {status::no_content, "No Content"},
    {status::reset_content, "Reset Content"},
    {status::partial_content, "Partial Content"},
    {status::moved_permanently, "Moved Permanently"},
    {status::found, "Found"},
    {status::see_other, "See Other"},
    {status::not_modified, "Not Modified"},
    {status::temporary_redirect, "Temporary Redirect"},
    {status::permanent_redirect, "Permanent Redirect"},
    {status::bad_request, "Bad Request"},
    {status::unauthorized, "Unauthorized"},
    {status::forbidden, "Forbidden"},
    {status::not_found, "Not Found"},
    {status::method_not_allowed, "Method Not Allowed"},
    {status::not_acceptable, "Not Acceptable"},
    {status::request_timeout, "Request Timeout"},
    {status::conflict, "Conflict"},
    {status::gone, "Gone"},
    {status::length_required, "Length Required"},
    {status::precondition_failed, "Precondition Failed"},
    {status::content_too_large, "Content Too Large"},
    {status::uri_too_long, "URI Too Long"},
    {status::unsupported_media_type, "Unsupported Media Type"},
    {status::range_not_satisfiable, "Range Not Satisfiable"},
    {status::expectation_failed, "Expectation Failed"},
    {status::misdirected_request, "Misdirected Request"},
    {status::unprocessable_content, "Unprocessable Content"},
    {status::upgrade_required, "Upgrade Required"},
    {status::precondition_required, "Precondition Required"},
    {status::too_many_requests, "Too Many Requests"},
    {status::header_fields_too_large, "Request Header Fields Too Large"},
    {status::internal_server_error, "Internal Server Error"},
    {status::not_implemented, "Not Implemented"},
    {status::bad_gateway, "Bad Gateway"},
    {status::service_unavailable, "Service Unavailable"},
    {status::gateway_timeout, "Gateway Timeout"},
    {status::http_version_not_supported, "HTTP Version Not Supported"},
});

} // namespace

std::string_view to_string(method m) noexcept { return method_names[static_cast<std::size_t>(m)]; }

method method_from(std::string_view name) noexcept {
  const auto known = std::find(method_names.begin(), method_names.end() - 1, name);
  return static_cast<method>(known - method_names.begin());
}

std::string_view to_string(version v) noexcept { return v == version::http_1_0 ? "HTTP/1.0" : "HTTP/1.1"; }

std::string_view reason_phrase(status s) noexcept {
  const auto known = std::lower_bound(phrases.begin(), phrases.end(), s,
                                      [](const named_status& n, status code) { return n.code < code; });
  if (known != phrases.end() && known->code == s) return known->phrase;
  switch (to_int(s) / 100) {
  case 1: return "Informational";
  case 2: return "Success";
  case 3: return "Redirection";
  case 4: return "Client Error";
  case 5: return "Server Error";
  default: return "Unknown";
  }
}

headers::headers(std::initializer_list<field> fields) {
  for (const field& f : fields) add(f.name, f.value);
}

void headers::add(std::string_view name, std::string_view value) {
  // Sizes first: neither sum below can then overflow.
  if (name.size() > max_bytes || value.size() > max_bytes || entries_.size() >= max_count ||
      text_.size() + name.size() + value.size() > max_bytes) {
    throw std::length_error("headers::add: more than max_count fields or max_bytes of text");
  }
  entries_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()),
                      static_cast<std::uint32_t>(value.size())});
  text_.append(name).append(value);
}

void headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

std::size_t headers::remove(std::string_view name) {
  if (!contains(name)) return 0;
  headers kept;
  for (const field f : *this) {
    if (!detail::iequals(f.name, name)) kept.add(f.name, f.value);
  }
  const std::size_t removed = size() - kept.size();
  *this = std::move(kept);
  return removed;
}

void headers::clear() noexcept {
  text_.clear();
  entries_.clear();
}

headers::field headers::operator[](std::size_t i) const noexcept {
  const entry& e = entries_[i];
  const std::string_view all = text_;
  return {all.substr(e.offset, e.name_size), all.substr(e.offset + e.name_size, e.value_size)};
}

std::optional<std::string_view> headers::get(std::string_view name) const noexcept {
  for (const field f : *this) {
    if (detail::iequals(f.name, name)) return f.value;
  }
  return std::nullopt;
}

std::optional<std::string_view> headers::only(std::string_view name) const noexcept {
  return count(name) == 1 ? get(name) : std::nullopt;
}

std::size_t headers::count(std::string_view name) const noexcept {
  std::size_t n = 0;
  for (const field f : *this) n += detail::iequals(f.name, name) ? 1 : 0;
  return n;
}

std::string headers::combined(std::string_view name) const {
  std::string all;
  bool first = true;
  for (const field f : *this) {
    if (!detail::iequals(f.name, name)) continue;
    if (!first) all.append(", ");
    all.append(f.value);
    first = false;
  }
  return all;
}

bool operator==(const headers& a, const headers& b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!detail::iequals(a[i].name, b[i].name) || a[i].value != b[i].value) return false;
  }
  return true;
}

} // namespace coppice::http
