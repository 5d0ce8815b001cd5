#include "coppice/http/client.hpp"

#include "coppice/http/detail/client_exchange.hpp"
#include "coppice/http/detail/client_pool.hpp"

#include "coppice/runtime/node.hpp"

#include <limits>

namespace coppice::http {
namespace {

std::unexpected<client_error> failed(client_errc code, std::string text) {
  return std::unexpected(client_error{code, std::move(text)});
}

bool is_redirect(unsigned status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// The request that a redirect asks for (RFC 9110 section 15.4), or why it is not followed.
client_result<> follow(client_request& request, const response_head& head) {
  auto base = parse_url(request.url);
  std::optional<std::string_view> location = head.headers.only("location");
  if (!location) return failed(client_errc::redirects, "a redirect without exactly one Location");
  auto to = resolve_url(*base, *location);
  if (!to)
    return failed(client_errc::redirects, "a redirect to a Location that is no URL: " + to.error().what);
  if (base->secure && !to->secure) return failed(client_errc::redirects, "a redirect from https to http");
  if (base->origin() != to->origin()) {
    for (std::string_view secret : {"authorization", "cookie", "proxy-authorization"})
      request.headers.remove(secret);
  }
  unsigned code = to_int(head.status);
  bool as_get = code == 303 ? request.method != "HEAD" : code <= 302 && request.method == "POST";
  if (as_get) {
    request.method = "GET";
    request.body.clear();
    request.headers.remove("content-type");
  }
  request.url = (to->secure ? "https://" : "http://") + to->authority + to->target;
  --request.redirects;
  return {};
}

} // namespace

client_request client_request::post(std::string url, std::string_view content_type, std::string body) {
  client_request made("POST", std::move(url));
  made.header("content-type", content_type);
  made.body = std::move(body);
  return made;
}

client_request& client_request::header(std::string_view name, std::string_view value) {
  headers.add(name, value);
  return *this;
}

// --- exchanges ---

client_exchange::client_exchange(std::unique_ptr<detail::client_exchange> state) noexcept
    : state_(std::move(state)) {}
client_exchange::client_exchange(client_exchange&& other) noexcept = default;
client_exchange& client_exchange::operator=(client_exchange&& other) noexcept = default;
client_exchange::~client_exchange() = default;

task<client_result<>> client_exchange::write(std::string_view piece) { return state_->write(piece); }
task<client_result<const response_head*>> client_exchange::response() { return state_->response(); }
task<client_result<std::string_view>> client_exchange::body_piece() { return state_->body_piece(); }

switched client_exchange::take_connection() { return state_->take_connection(); }

task<client_result<std::string>> client_exchange::body() {
  std::string all;
  for (;;) {
    client_result<std::string_view> piece = co_await state_->body_piece();
    if (!piece) co_return std::unexpected(std::move(piece.error()));
    if (piece->empty()) break;
    all.append(*piece);
  }
  co_return std::move(all);
}

// --- the client ---

task<client_result<client_exchange>> client::open(client_request request) const {
  auto to = parse_url(request.url);
  if (!to) {
    co_return failed(client_errc::bad_request,
                     "'" + request.url + "', byte " + std::to_string(to.error().at) + ": " + to.error().what);
  }
  client_exchange made(std::make_unique<detail::client_exchange>(pool_, settings_, std::move(*to)));
  client_result<> begun = co_await made.state_->begin(&request);
  if (!begun) co_return std::unexpected(std::move(begun.error()));
  co_return std::move(made);
}

task<client_result<fetched>> client::fetch_once(const client_request* request) const {
  client_result<client_exchange> under_way = co_await open(*request);
  if (!under_way) co_return std::unexpected(std::move(under_way.error()));
  client_result<const response_head*> head = co_await under_way->response();
  if (!head) co_return std::unexpected(std::move(head.error()));
  client_result<std::string> body = co_await under_way->body();
  if (!body) co_return std::unexpected(std::move(body.error()));
  fetched all;
  all.head = **head;
  all.body = std::move(*body);
  all.url = request->url;
  co_return std::move(all);
}

task<client_result<fetched>> client::fetch(client_request request) const {
  if (request.streams_body)
    co_return failed(client_errc::bad_request, "fetch takes a body as a whole; use open");
  if (!request.timeout) request.timeout = settings_->options.timeout;
  time_point due = now() + *request.timeout;
  for (;;) {
    client_result<fetched> got = co_await fetch_once(&request);
    if (!got || request.redirects == 0 || !is_redirect(got->status())) co_return std::move(got);
    client_result<> next = follow(request, got->head);
    if (!next) co_return std::unexpected(std::move(next.error()));
    request.timeout = due - now();
  }
}

task<std::expected<client, std::string>> start_client(client_options options) {
  std::optional<net::tls_client> tls = options.tls;
  if (!tls) {
    std::expected<net::tls_client, std::string> made = net::tls_client::make();
    if (!made) co_return std::unexpected(std::move(made.error()));
    tls = std::move(*made);
  }
  options.limits.body =
      std::numeric_limits<std::uint64_t>::max(); // each response gets its limit with its head
  auto pool = co_await start_link<detail::client_pool>(options.connections_per_origin,
                                                       options.idle_connections, options.idle_timeout);
  if (!pool) co_return std::unexpected("the client's process did not start");
  std::optional<pid> process = pool->resolve();
  std::shared_ptr<const detail::client_settings> settings(
      new detail::client_settings{std::move(options), std::move(*tls)});
  co_return client(*process, std::move(settings));
}

} // namespace coppice::http
