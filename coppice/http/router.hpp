// Routes to handlers, in the manner of Cowboy's router: compiled once, then shared and never changed.
//
//   "/users/:id"        a binding takes one segment
//   "/static/[...]"     the rest, none or more segments, becomes path_info
//   "/:a/[:b]"          what stands in brackets may be missing; brackets nest and end the pattern
//   host ":who.example.org", "[...].example.org", "example.org", or empty for any
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/http/message.hpp"

namespace coppice::http {

/// What a binding's value must satisfy for its route to match; else the search goes on with other routes.
struct route_constraint {
  std::string binding;                           ///< its name, without the colon
  std::function<bool(std::string_view)> accepts; ///< called from any thread that matches

  /// A decimal number of 64 bits, as `route_bindings::integer` reads.
  static route_constraint integer(std::string binding);
};

/// The values that `:name` parts took, decoded, in the order of the pattern (the host's first).
class route_bindings {
public:
  /// For the router. Of a name that is there already, `get` goes on to give the first.
  void add(std::string_view name, std::string_view value) { pairs_.emplace_back(name, value); }
  /// nullopt if the pattern has no such part, or it is one that may be missing, and was.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
  /// nullopt also if the value is not wholly a decimal number that fits.
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name) const noexcept;
  /// @{
  /// Pairs of name and value.
  [[nodiscard]] std::size_t size() const noexcept { return pairs_.size(); }
  [[nodiscard]] auto begin() const noexcept { return pairs_.begin(); }
  [[nodiscard]] auto end() const noexcept { return pairs_.end(); }
  /// @}

private:
  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// Which route is wrong, where in its pattern, and why.
struct route_error {
  std::size_t route = 0; ///< index in the list given
  std::string pattern;   ///< the host or path pattern that is wrong
  std::size_t at = 0;    ///< byte offset in it
  std::string what;      ///< without the place

  /// "route 2, '/a/[b': at 3: ..." for people.
  [[nodiscard]] std::string message() const;
};

namespace detail {

struct route_pattern {
  std::string host;
  std::string path;
  std::vector<route_constraint> constraints;
};

struct route_hit {
  std::size_t route = 0;
  route_bindings bindings;
  std::vector<std::string> host_info;
  std::vector<std::string> path_info;
};

/// All of the router that does not depend on the handler's type.
class route_table {
public:
  static std::expected<route_table, route_error> compile(std::vector<route_pattern> routes);
  route_table(route_table&&) noexcept;
  route_table& operator=(route_table&&) noexcept;
  ~route_table();

  [[nodiscard]] std::optional<route_hit> match(std::string_view host,
                                               std::span<const std::string> segments) const;

private:
  struct impl;
  explicit route_table(std::unique_ptr<impl> all);
  std::unique_ptr<impl> impl_;
};

} // namespace detail

/// A pattern and what it leads to.
template <class T>
struct route {
  std::string path;                          ///< pattern
  T handler;                                 ///< what `router::match` gives a pointer to
  std::vector<route_constraint> constraints; ///< all must hold; that of a part which is missing does
  std::string host;                          ///< pattern; empty: any
};

/// The route that was found, and what its pattern took.
template <class T>
struct route_match {
  const T* handler = nullptr;         ///< lives as long as the router
  route_bindings bindings;            ///< of host and path
  std::vector<std::string> host_info; ///< what "[...]" of the host took
  std::vector<std::string> path_info; ///< what "[...]" of the path took
};

/// An immutable matcher. Routes of the most specific host are tried first (literal, with bindings, with
/// "[...]", any); within a host, at each segment, a literal before a binding before the rest; routes of the
/// same shape in the order given. Matching is at most linear in the number of segments and pattern nodes.
/// Thread-safe.
template <class T>
class router {
public:
  /// Errors: a malformed pattern, a name bound twice, a constraint without its binding or function, and a
  /// route that is never reached, because an earlier one takes all its requests.
  static std::expected<std::shared_ptr<const router>, route_error> compile(std::vector<route<T>> routes) {
    std::vector<detail::route_pattern> patterns;
    std::vector<T> handlers;
    for (route<T>& r : routes) {
      patterns.push_back({std::move(r.host), std::move(r.path), std::move(r.constraints)});
      handlers.push_back(std::move(r.handler));
    }
    auto table = detail::route_table::compile(std::move(patterns));
    if (!table) return std::unexpected(std::move(table.error()));
    return std::shared_ptr<const router>(new router(std::move(*table), std::move(handlers)));
  }

  /// `segments` as `path_segments` gives them; `host` without port.
  [[nodiscard]] std::optional<route_match<T>> match(std::string_view host,
                                                    std::span<const std::string> segments) const {
    auto hit = table_.match(host, segments);
    if (!hit) return std::nullopt;
    return route_match<T>{&handlers_[hit->route], std::move(hit->bindings), std::move(hit->host_info),
                          std::move(hit->path_info)};
  }

  /// Errors: `bad_request` for a path that cannot be decoded, `not_found`.
  [[nodiscard]] std::expected<route_match<T>, status> match(const request_head& request) const {
    if (!request.path().starts_with('/')) return std::unexpected(status::not_found);
    const auto segments = request.segments();
    if (!segments) return std::unexpected(status::bad_request);
    const auto place = parse_authority(request.authority);
    auto found = match(place ? std::string_view(place->host) : std::string_view(), *segments);
    if (!found) return std::unexpected(status::not_found);
    return std::move(*found);
  }

private:
  router(detail::route_table table, std::vector<T> handlers)
      : table_(std::move(table)), handlers_(std::move(handlers)) {}

  detail::route_table table_;
  std::vector<T> handlers_;
};

} // namespace coppice::http
