#include "servers/console/shell/feed.hpp"

#include "coppice/runtime/timer.hpp"
#include "servers/console/proto/frames.hpp"
#include "servers/console/shell/sampler.hpp"
#include "servers/web/guard.hpp"

#include <expected>
#include <utility>
#include <variant>

namespace coppice::console {
namespace {

using namespace std::chrono_literals;

constexpr duration hello_within = 10s;
constexpr duration period = 1s;
constexpr std::size_t reports_at_once = 100;

constexpr auto bad_frame = static_cast<http::close_code>(4400);
constexpr auto no_hello = static_cast<http::close_code>(4401);
constexpr auto bad_token = static_cast<http::close_code>(4403);

/// The page has not said hello in time.
struct hello_is_late {};
/// It is time for a snapshot.
struct tick {};

std::expected<page_frame, std::string> frame_of(const http::websocket_message& message) {
  if (!message.is_text) return std::unexpected("a frame must be text");
  return parse_frame(message.data);
}

/// What the page's first event amounts to: its hello, or nothing, and the WebSocket is closing then.
std::optional<hello>
greet(http::websocket& page,
      const std::variant<http::websocket_message, http::websocket_closed, hello_is_late>& first,
      const std::string& token) {
  const auto* message = std::get_if<http::websocket_message>(&first);
  if (message == nullptr) {
    page.close(no_hello, "no hello in time");
    return std::nullopt;
  }
  std::expected<page_frame, std::string> frame = frame_of(*message);
  if (!frame) {
    page.close(bad_frame, "a frame is malformed");
    return std::nullopt;
  }
  hello* h = std::get_if<hello>(&*frame);
  if (h == nullptr) {
    page.close(no_hello, "the first frame must be hello");
    return std::nullopt;
  }
  if (!web::equal_in_constant_time(h->token, token)) {
    page.close(bad_token, "wrong token");
    return std::nullopt;
  }
  return std::move(*h);
}

class feed {
public:
  feed(http::websocket& page, std::shared_ptr<observer> seen, std::uint64_t last_report)
      : page_(page), seen_(std::move(seen)), last_report_(last_report) {}

  /// False when the page is gone. The next snapshot is due a period after this one has been written.
  task<bool> show() {
    server_ref<sampler> from{sampler::name};
    std::expected<std::shared_ptr<const sample>, exit_reason> look = co_await try_call<take_sample>(from);
    bool open = true;
    if (look) { // else it is being restarted: the next time then
      std::string text = snapshot(**look);
      const bool sent = co_await page_.send_text(text);
      open = sent;
    }
    if (due_) cancel_timer(due_);
    due_ = send_after(period, page_.process(), tick());
    co_return open;
  }

  /// False if it closes the WebSocket.
  bool take(const http::websocket_message& message) {
    std::expected<page_frame, std::string> frame = frame_of(message);
    view* what = frame ? std::get_if<view>(&*frame) : nullptr;
    if (what == nullptr) {
      page_.close(bad_frame, "a frame is malformed");
      return false;
    }
    view_ = std::move(*what);
    return true;
  }

private:
  std::string snapshot(const sample& look) {
    const std::vector<log_entry> reports = seen_->log().since(last_report_, reports_at_once);
    if (!reports.empty()) last_report_ = reports.back().seq;
    return write_snapshot(look.at(), look.node(), select(look.processes(), view_), reports);
  }

  http::websocket& page_;
  std::shared_ptr<observer> seen_;
  std::uint64_t last_report_;
  view view_;
  reference due_;
};

} // namespace

task<> serve_feed(http::request&, http::websocket& page, std::shared_ptr<observer> seen, std::string token) {
  set_label("console:feed");
  const reference late = send_after(hello_within, page.process(), hello_is_late());
  std::variant<http::websocket_message, http::websocket_closed, hello_is_late> first =
      co_await page.receive<hello_is_late>();
  cancel_timer(late);
  if (std::holds_alternative<http::websocket_closed>(first)) co_return;
  std::optional<hello> greeting = greet(page, first, token);
  if (!greeting) co_return;
  feed all(page, std::move(seen), greeting->reports);
  bool open = co_await all.show();
  while (open) {
    std::variant<http::websocket_message, http::websocket_closed, tick> next = co_await page.receive<tick>();
    if (std::holds_alternative<http::websocket_closed>(next)) co_return;
    if (const auto* message = std::get_if<http::websocket_message>(&next)) {
      if (!all.take(*message)) co_return;
    }
    const bool still = co_await all.show();
    open = still;
  }
}

} // namespace coppice::console
