#include "coppice/http/detail/server.hpp"

#include "coppice/http/detail/connection.hpp"

#include <limits>
#include <map>

namespace coppice::http {

routes& routes::add(std::optional<http::method> m, std::string path, handler h, route_options o) {
  entry e;
  e.method = m;
  e.path = std::move(path);
  e.handler = std::move(h);
  e.options = std::move(o);
  entries_.push_back(std::move(e));
  return *this;
}

routes& routes::websocket(std::string path, websocket_handler f, websocket_options w, route_options o) {
  add(method::get, std::move(path), nullptr, std::move(o));
  entries_.back().websocket = std::move(f);
  entries_.back().websocket_settings = std::move(w);
  return *this;
}

routes& routes::files(std::string path, static_files f, route_options o) {
  return get(std::move(path), [f = std::move(f)](request& r) { return serve_file(r, f); }, std::move(o));
}

task<response> routes::ready(response r) { co_return std::move(r); }

namespace detail {

const handler* route_target::find(method m) const noexcept {
  const handler* for_get = nullptr;
  for (const auto& [one, h] : methods) {
    if (one == m) return &h;
    if (one == method::get) for_get = &h;
  }
  if (m == method::head && for_get != nullptr) return for_get;
  return any ? &any : nullptr;
}

std::string route_target::allowed() const {
  std::string list;
  auto add = [&list](std::string_view name) { list.append(list.empty() ? "" : ", ").append(name); };
  for (const auto& [m, h] : methods) {
    add(to_string(m));
    if (m == method::get) add("HEAD");
  }
  if (websocket && find(method::get) == nullptr) add("GET");
  return list;
}

std::expected<std::shared_ptr<const server>, std::string> server::make(routes table, server_options options) {
  std::vector<route<route_target>> grouped;
  std::map<std::pair<std::string, std::string>, std::size_t>
      places; // host and path, where there are no constraints
  for (routes::entry& e : table.entries_) {
    std::size_t place = grouped.size();
    if (e.options.constraints.empty())
      place = places.try_emplace({e.options.host, e.path}, place).first->second;
    if (place == grouped.size()) {
      grouped.push_back({e.path, route_target(), std::move(e.options.constraints), e.options.host});
    }
    route_target& target = grouped[place].handler;
    target.body_limit = std::max(target.body_limit, e.options.body_limit);
    if (e.websocket) {
      target.websocket = std::move(e.websocket);
      target.websocket_settings = std::move(e.websocket_settings);
    } else if (e.method) {
      target.methods.emplace_back(*e.method, std::move(e.handler));
    } else {
      target.any = std::move(e.handler);
    }
  }
  auto compiled = router<route_target>::compile(std::move(grouped));
  if (!compiled) return std::unexpected(compiled.error().message());
  options.limits.body = std::numeric_limits<std::uint64_t>::max(); // each route sets its own
  return std::shared_ptr<const server>(new server(std::move(options), std::move(*compiled)));
}

namespace {

task<> serve_connection(self me, net::stream socket, std::shared_ptr<const server> s) {
  connection c(me, std::move(socket), std::move(s));
  co_await c.serve();
}

} // namespace
} // namespace detail

std::expected<net::listener, std::string> start_server(routes table, server_options options) {
  net::listener_options listening = options.listener;
  auto made = detail::server::make(std::move(table), std::move(options));
  if (!made) return std::unexpected(std::move(made.error()));
  auto started = net::start_listener(listening, [s = std::move(*made)](self me, net::stream socket) {
    return detail::serve_connection(me, std::move(socket), s);
  });
  if (!started) {
    return std::unexpected("cannot listen on " + listening.endpoint.to_string() + ": " +
                           started.error().message());
  }
  return std::move(*started);
}

} // namespace coppice::http
