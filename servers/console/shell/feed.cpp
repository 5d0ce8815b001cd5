#include "servers/console/shell/feed.hpp"

#include "coppice/runtime/timer.hpp"
#include "servers/console/shell/page_feed.hpp"

#include <expected>
#include <type_traits>
#include <utility>
#include <variant>

namespace coppice::console {
namespace {

constexpr duration hello_within = std::chrono::seconds(10);

/// The page has not said hello in time.
struct hello_is_late {};

using greeting = std::variant<http::websocket_message, http::websocket_closed, hello_is_late>;
using event =
    std::variant<http::websocket_message, http::websocket_closed, tick, looked, inspected, state_read>;

/// The page's hello, or nothing, and the WebSocket is closing then.
std::optional<hello> greeted(http::websocket& page, const greeting& first, const std::string& token) {
  const auto* message = std::get_if<http::websocket_message>(&first);
  std::expected<hello, farewell> h =
      message == nullptr ? std::unexpected(no_hello_in_time()) : greet(*message, token);
  if (h) return std::move(*h);
  page.close(h.error().code, h.error().reason);
  return std::nullopt;
}

std::string told_by(page_feed& all, const event& e) {
  return std::visit(
      [&all](const auto& one) {
        if constexpr (std::is_same_v<std::decay_t<decltype(one)>, http::websocket_closed>) {
          return std::string();
        } else {
          return all.take(one);
        }
      },
      e);
}

} // namespace

task<> serve_feed(http::request&, http::websocket& page, std::shared_ptr<archive> kept, std::string token) {
  set_label("console:feed");
  const reference late = send_after(hello_within, page.process(), hello_is_late());
  greeting first = co_await page.receive<hello_is_late>();
  cancel_timer(late);
  if (std::holds_alternative<http::websocket_closed>(first)) co_return;
  std::optional<hello> h = greeted(page, first, token);
  if (!h) co_return;
  page_feed all(page.process(), std::move(kept), *h);
  all.look();
  while (page.is_open()) {
    event next = co_await page.receive<tick, looked, inspected, state_read>();
    const std::string text = told_by(all, next);
    if (all.leaving()) page.close(all.leaving()->code, all.leaving()->reason);
    if (text.empty()) continue;
    const bool sent = co_await page.send_text(text);
    if (!sent) co_return;
  }
}

} // namespace coppice::console
