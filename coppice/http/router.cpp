#include "coppice/http/router.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "coppice/http/detail/chars.hpp"
#include "coppice/http/detail/route_pattern.hpp"

namespace coppice::http {

namespace {

std::optional<std::int64_t> read_integer(std::string_view text) noexcept {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

} // namespace

route_constraint route_constraint::integer(std::string binding) {
  return {std::move(binding), [](std::string_view value) { return read_integer(value).has_value(); }};
}

std::optional<std::string_view> route_bindings::get(std::string_view name) const noexcept {
  for (const auto& [n, value] : pairs_) {
    if (n == name) return value;
  }
  return std::nullopt;
}

std::optional<std::int64_t> route_bindings::integer(std::string_view name) const noexcept {
  const auto value = get(name);
  return value ? read_integer(*value) : std::nullopt;
}

std::string route_error::message() const {
  return fmt::format("route {}, '{}': at {}: {}", route, pattern, at, what);
}

namespace detail {

namespace {

/// A route whose pattern ends at a node.
struct leaf {
  std::size_t route = 0;
  std::vector<std::string> names; // of the bindings on the way, in order
};

/// A place in the tree of path patterns. Each is reached by at most one way through a request's segments, so
/// going back to try a binding after a literal costs at most one visit a node.
struct node {
  std::map<std::string, std::unique_ptr<node>, std::less<>> literals;
  std::unique_ptr<node> binding;
  std::vector<leaf> ends;  // the path ends here
  std::vector<leaf> rests; // "[...]" follows here
};

struct host_group {
  std::string pattern;
  pattern_parts parts;
  std::size_t order = 0;
  node root;

  /// Literal, with bindings, with "[...]", any; then the longer, so the more precise; then as given.
  [[nodiscard]] auto rank() const {
    const auto has = [this](part_kind kind) {
      return std::any_of(parts.begin(), parts.end(),
                         [kind](const pattern_part& p) { return p.kind == kind; });
    };
    const int kind = pattern.empty() ? 3 : has(part_kind::rest) ? 2 : has(part_kind::binding) ? 1 : 0;
    return std::tuple(kind, -static_cast<int>(parts.size()), order);
  }
};

std::vector<std::string> reversed_labels(std::string_view host) {
  std::vector<std::string> labels;
  std::size_t begin = 0;
  while (begin <= host.size()) {
    const std::size_t end = std::min(host.find('.', begin), host.size());
    std::string label(host.substr(begin, end - begin));
    std::transform(label.begin(), label.end(), label.begin(), to_lower);
    labels.push_back(std::move(label));
    begin = end + 1;
  }
  std::reverse(labels.begin(), labels.end());
  return labels;
}

bool match_host(const host_group& group, const std::vector<std::string>& labels, route_hit& hit) {
  if (group.pattern.empty()) return true;
  const bool rest = group.parts.back().kind == part_kind::rest;
  const std::size_t fixed = group.parts.size() - (rest ? 1 : 0);
  if (labels.size() < fixed || (labels.size() > fixed && !rest)) return false;
  for (std::size_t i = 0; i < fixed; ++i) {
    if (group.parts[i].kind == part_kind::literal && group.parts[i].text != labels[i]) return false;
  }
  // Labels were reversed for matching; what is handed out reads from left to right again.
  hit.host_info.assign(labels.rbegin(), labels.rend() - static_cast<std::ptrdiff_t>(fixed));
  for (std::size_t i = fixed; i > 0; --i) {
    if (group.parts[i - 1].kind == part_kind::binding)
      hit.bindings.add(group.parts[i - 1].text, labels[i - 1]);
  }
  return true;
}

} // namespace

struct route_table::impl {
  std::vector<route_pattern> routes;
  std::vector<host_group> hosts;

  std::expected<void, route_error> add(std::size_t index);
  std::expected<void, route_error> add_path(std::size_t index, host_group& host, const pattern_parts& parts);
  bool end_at(const std::vector<leaf>& leaves, std::span<const std::string> segments,
              const std::vector<std::size_t>& bound, route_hit& hit) const;
  bool search(const node& at, std::span<const std::string> segments, std::size_t depth,
              std::vector<std::size_t>& bound, route_hit& hit) const;
};

route_table::route_table(std::unique_ptr<impl> all) : impl_(std::move(all)) {}
route_table::route_table(route_table&&) noexcept = default;
route_table& route_table::operator=(route_table&&) noexcept = default;
route_table::~route_table() = default;

std::expected<route_table, route_error> route_table::compile(std::vector<route_pattern> routes) {
  auto all = std::make_unique<impl>();
  all->routes = std::move(routes);
  for (std::size_t i = 0; i < all->routes.size(); ++i) {
    if (const auto added = all->add(i); !added) return std::unexpected(added.error());
  }
  std::sort(all->hosts.begin(), all->hosts.end(),
            [](const host_group& a, const host_group& b) { return a.rank() < b.rank(); });
  return route_table(std::move(all));
}

std::expected<void, route_error> route_table::impl::add(std::size_t index) {
  const route_pattern& route = routes[index];
  const auto refuse = [index](const std::string& pattern, std::size_t at, std::string what) {
    return std::unexpected(route_error{index, pattern, at, std::move(what)});
  };
  auto host =
      std::find_if(hosts.begin(), hosts.end(), [&](const host_group& h) { return h.pattern == route.host; });
  if (host == hosts.end()) {
    pattern_parts parts;
    if (!route.host.empty()) {
      auto parsed = parse_host_pattern(route.host);
      if (!parsed) return refuse(route.host, parsed.error().at, parsed.error().what);
      parts = std::move(*parsed);
    }
    host = hosts.insert(hosts.end(), host_group{route.host, std::move(parts), hosts.size(), {}});
  }
  const auto variants = parse_path_pattern(route.path);
  if (!variants) return refuse(route.path, variants.error().at, variants.error().what);
  const auto binds = [](const pattern_parts& parts, const std::string& name) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](const pattern_part& p) { return p.kind == part_kind::binding && p.text == name; });
  };
  const pattern_parts& longest = variants->back();
  for (const pattern_part& p : host->parts) {
    if (p.kind == part_kind::binding && binds(longest, p.text)) {
      return refuse(route.path, route.path.find(':' + p.text),
                    "the host pattern has a binding of this name too");
    }
  }
  for (const route_constraint& c : route.constraints) {
    if (!binds(longest, c.binding) && !binds(host->parts, c.binding)) {
      return refuse(route.path, 0,
                    "a constraint names ':" + c.binding + "', which the pattern does not bind");
    }
    if (!c.accepts) return refuse(route.path, 0, "the constraint of ':" + c.binding + "' has no function");
  }
  for (const pattern_parts& parts : *variants) {
    if (const auto added = add_path(index, *host, parts); !added) return added;
  }
  return {};
}

std::expected<void, route_error> route_table::impl::add_path(std::size_t index, host_group& host,
                                                             const pattern_parts& parts) {
  node* at = &host.root;
  leaf end{index, {}};
  bool rest = false;
  for (const pattern_part& part : parts) {
    if (part.kind == part_kind::rest) {
      rest = true;
      break;
    }
    if (part.kind == part_kind::binding) end.names.push_back(part.text);
    std::unique_ptr<node>& child = part.kind == part_kind::binding ? at->binding : at->literals[part.text];
    if (!child) child = std::make_unique<node>();
    at = child.get();
  }
  std::vector<leaf>& leaves = rest ? at->rests : at->ends;
  for (const leaf& earlier : leaves) {
    if (!routes[earlier.route].constraints.empty()) continue;
    return std::unexpected(route_error{index, routes[index].path, 0,
                                       fmt::format("never reached: route {}, '{}', takes the same requests",
                                                   earlier.route, routes[earlier.route].path)});
  }
  leaves.push_back(std::move(end));
  return {};
}

/// Takes the first of the routes that end here whose constraints hold.
bool route_table::impl::end_at(const std::vector<leaf>& leaves, std::span<const std::string> segments,
                               const std::vector<std::size_t>& bound, route_hit& hit) const {
  for (const leaf& candidate : leaves) {
    route_bindings bindings = hit.bindings;
    for (std::size_t i = 0; i < bound.size(); ++i) bindings.add(candidate.names[i], segments[bound[i]]);
    const auto& constraints = routes[candidate.route].constraints;
    const bool holds = std::all_of(constraints.begin(), constraints.end(), [&](const route_constraint& c) {
      const auto value = bindings.get(c.binding);
      return !value || c.accepts(*value);
    });
    if (!holds) continue;
    hit.route = candidate.route;
    hit.bindings = std::move(bindings);
    return true;
  }
  return false;
}

bool route_table::impl::search(const node& at, std::span<const std::string> segments, std::size_t depth,
                               std::vector<std::size_t>& bound, route_hit& hit) const {
  if (depth == segments.size()) {
    if (end_at(at.ends, segments, bound, hit)) return true;
  } else {
    const auto literal = at.literals.find(segments[depth]);
    if (literal != at.literals.end() && search(*literal->second, segments, depth + 1, bound, hit))
      return true;
    if (at.binding) {
      bound.push_back(depth);
      if (search(*at.binding, segments, depth + 1, bound, hit)) return true;
      bound.pop_back();
    }
  }
  if (!end_at(at.rests, segments, bound, hit)) return false;
  hit.path_info.assign(segments.begin() + static_cast<std::ptrdiff_t>(depth), segments.end());
  return true;
}

std::optional<route_hit> route_table::match(std::string_view host,
                                            std::span<const std::string> segments) const {
  const std::vector<std::string> labels = reversed_labels(host);
  for (const host_group& group : impl_->hosts) {
    route_hit hit;
    std::vector<std::size_t> bound;
    if (match_host(group, labels, hit) && impl_->search(group.root, segments, 0, bound, hit)) return hit;
  }
  return std::nullopt;
}

} // namespace detail

} // namespace coppice::http
