#include "coppice/http/websocket_connection.hpp"

#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace coppice::http {

websocket::websocket(self me, net::stream& socket, const websocket_options& options,
                     websocket_session session, duration grace, std::uint64_t rate)
    : me_(me), socket_(socket), options_(options), session_(std::move(session)), last_heard_(now()),
      write_grace_(grace), write_rate_(std::max<std::uint64_t>(rate, 1)) {}

std::optional<websocket::event> websocket::next_event() {
  if (!events_.empty()) {
    event next = std::move(events_.front());
    events_.pop_front();
    return next;
  }
  if (closed_) return websocket_closed{close_code::abnormal, "closed", false};
  return std::nullopt;
}

void websocket::feed(std::string_view bytes) {
  if (bytes.empty()) return;
  last_heard_ = now();
  pinged_ = false;
  for (websocket_event& e : session_.feed(bytes)) {
    switch (e.kind) {
    case websocket_event_kind::text: events_.emplace_back(websocket_message{true, std::move(e.data)}); break;
    case websocket_event_kind::binary:
      events_.emplace_back(websocket_message{false, std::move(e.data)});
      break;
    case websocket_event_kind::ping:
    case websocket_event_kind::pong: break;
    case websocket_event_kind::close:
      events_.emplace_back(websocket_closed{e.code, std::move(e.data), e.clean});
      closed_ = true;
      break;
    }
  }
}

void websocket::break_off(std::string_view why) {
  if (closed_) return;
  session_.finish();
  events_.emplace_back(websocket_closed{close_code::abnormal, std::string(why), false});
  closed_ = true;
}

task<> websocket::flush() {
  if (session_.output_size() == 0) co_return;
  std::string output = session_.take_output();
  duration time = write_grace_ + std::chrono::seconds(output.size() / write_rate_);
  net::io_result sent = co_await socket_.write_all(output, time);
  if (!sent) break_off("sending: " + sent.error().message());
}

duration websocket::arm() {
  socket_.arm_readable();
  time_point at = now();
  if (!session_.is_open() && !close_by_) close_by_ = at + options_.close_timeout;
  time_point due = last_heard_ + options_.ping_interval;
  if (pinged_) due += options_.pong_timeout;
  if (close_by_) due = *close_by_;
  return std::max<duration>(due - at, duration::zero());
}

void websocket::on_readable() {
  if (close_by_ && now() >= *close_by_) return break_off("the peer did not close in time");
  std::array<char, 16384> buffer;
  net::io_result n = socket_.try_read(buffer);
  if (!n) {
    if (n.error() != std::errc::operation_would_block && n.error() != std::errc::interrupted) {
      break_off("receiving: " + n.error().message());
    }
  } else if (*n == 0) {
    break_off("the connection ended without a close frame");
  } else {
    feed(std::string_view(buffer.data(), *n));
  }
}

void websocket::on_silence() {
  time_point at = now();
  if (close_by_) {
    if (at >= *close_by_) break_off("the peer did not close in time");
    return;
  }
  if (!pinged_ && at >= last_heard_ + options_.ping_interval) {
    (void)session_.ping(); // while open it cannot fail
    pinged_ = true;
  } else if (pinged_ && at >= last_heard_ + options_.ping_interval + options_.pong_timeout) {
    break_off("the peer does not answer pings");
  }
}

void websocket::on_drain() { close(close_code::going_away, "the server is stopping"); }

void websocket::close(close_code code, std::string_view reason) {
  if (!session_.is_open()) return;
  if (!session_.close(code, reason))
    throw std::invalid_argument("websocket::close: the code or the reason is not for the wire");
}

task<bool> websocket::send_queued(websocket_session::send_result queued) {
  if (!queued && session_.is_open()) throw std::invalid_argument("websocket: " + std::string(queued.error()));
  if (!queued) co_return false;
  co_await flush();
  co_return !closed_;
}

task<bool> websocket::send_text(std::string_view message) { return send_queued(session_.text(message)); }
task<bool> websocket::send_texts(std::span<const std::string> messages) {
  websocket_session::send_result queued;
  for (const std::string& message : messages) {
    queued = session_.text(message);
    if (!queued) break;
  }
  co_return co_await send_queued(queued);
}
task<bool> websocket::send_binary(std::string_view message) { return send_queued(session_.binary(message)); }

task<> websocket::finish() {
  close(close_code::normal);
  co_await flush();
  while (!closed_) {
    duration wait = arm();
    std::optional<net::readable> r = co_await me_.receive_if<net::readable>(ours(socket_.id()), wait);
    if (r) {
      on_readable();
    } else {
      on_silence();
    }
    events_.clear();
    co_await flush();
  }
}

} // namespace coppice::http
