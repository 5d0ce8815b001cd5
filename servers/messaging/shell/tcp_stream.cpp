#include "servers/messaging/shell/tcp_stream.hpp"

#include "servers/messaging/shell/client_stream.hpp"

#include <array>

namespace coppice::messaging {
namespace {

using namespace std::chrono_literals;
using action = client_stream::action;

/// What a client has `traffic_limits::write_time` for.
constexpr std::size_t written_at_once = std::size_t{64} << 10U;
constexpr int most_at_once = 64;
/// A client that has been silent for so long is likely to be so for longer.
constexpr duration until_rest = 3s;

/// One connection. Whatever reads is no coroutine, so that buffers are not kept while it waits.
class tcp_connection {
public:
  tcp_connection(host h, self me, net::stream s)
      : host_(std::move(h)), me_(me), socket_(std::move(s)), client_(host_, me, xmpp::framing::tcp, peer()) {}

  task<> run() {
    client_.start();
    begin_tls_or_clear();
    if (client_.is_one_too_many()) {
      client_.turn_away();
      co_await write();
      done_ = true;
    }
    while (!done_) {
      if (client_.may_read()) socket_.arm_readable();
      const duration patience = client_.is_bound() ? until_rest : infinity;
      auto first =
          co_await me_.receive<net::readable, to_client, took_from_client, end_stream, negotiation_timeout,
                               look_again, pause_over, down, net::drain>(patience);
      if (!first) {
        parser_->rest();
        auto later = co_await me_.receive<net::readable, to_client, took_from_client, end_stream,
                                          negotiation_timeout, look_again, pause_over, down, net::drain>();
        first = std::move(later);
      }
      if (const auto* r = std::get_if<net::readable>(&*first)) {
        if (r->socket == socket_.id()) read();
      } else {
        stream_news news = as_news(*first);
        action next = co_await client_.take_news(std::move(news));
        co_await obey(next);
      }
      co_await handle_what_was_read();
      // What is there already goes out in one piece.
      for (int i = 0; i < most_at_once && !done_; ++i) {
        auto more = co_await me_.receive<to_client, took_from_client, end_stream>(duration::zero());
        if (!more) break;
        stream_news news = as_news(*more);
        action next = co_await client_.take_news(std::move(news));
        co_await obey(next);
        co_await handle_what_was_read();
      }
      co_await write();
    }
    socket_.close();
  }

private:
  std::string peer() {
    const auto remote = socket_.remote();
    return remote ? remote->to_string() : std::string();
  }

  void begin_tls_or_clear() {
    parser_.emplace(for_strangers);
    if (!socket_.is_secure()) return client_.unsecured();
    std::vector<xmpp::channel_binding> bindings;
    for (net::tls_binding& b : socket_.channel_bindings()) {
      bindings.emplace_back(std::move(b.type), std::move(b.data));
    }
    client_.secured(std::move(bindings));
  }

  void read() {
    std::array<char, 16384> buffer;
    const net::io_result n = socket_.try_read(buffer);
    if (!n) {
      if (n.error() != std::errc::operation_would_block && n.error() != std::errc::interrupted) gone_ = true;
    } else if (*n == 0) {
      gone_ = true;
    } else {
      client_.took_bytes(*n);
      auto fed = parser_->feed(std::string_view(buffer.data(), *n));
      if (!fed) unreadable_ = std::move(fed.error());
    }
  }

  task<action> give(xml::stream_event event) {
    if (auto* head = std::get_if<xml::stream_opened>(&event)) {
      co_return co_await client_.opened(std::move(*head));
    }
    if (auto* e = std::get_if<xml::element>(&event)) co_return co_await client_.received(std::move(*e));
    co_return co_await client_.closed();
  }

  task<> handle_what_was_read() {
    while (!done_ && client_.wants_more()) {
      std::optional<xml::stream_event> event = parser_->next();
      if (!event) break;
      action next = co_await give(std::move(*event));
      co_await obey(next);
    }
    if (done_) co_return;
    if (unreadable_) {
      client_.broken(*unreadable_);
      done_ = true;
    } else if (gone_) {
      client_.lost();
      done_ = true;
    }
  }

  task<> obey(action next) {
    switch (next) {
    case action::read_on: break;
    case action::start_tls: co_await shake_hands(); break;
    case action::restart: restart(); break;
    case action::close: done_ = true; break;
    }
  }

  /// What came in clear behind the request is not of the client, or nothing that it may rely on: it is
  /// dropped with the parser (RFC 6120, 5.4.3.3).
  task<> shake_hands() {
    co_await write();
    if (done_) co_return;
    auto secured = co_await net::tls_accept(socket_.release_socket(), *host_.tls());
    if (!secured) {
      done_ = true;
      co_return;
    }
    socket_ = std::move(*secured);
    begin_tls_or_clear();
  }

  void restart() { parser_.emplace(host_.how().limits); }

  /// In pieces that each have their time, so that a client that takes nothing is not waited for as long as
  /// one that is slow.
  task<> write() {
    const std::vector<std::string> output = client_.take_output();
    std::vector<std::string_view> pieces;
    std::size_t bytes = 0;
    std::optional<end_stream> last;
    for (std::string_view rest : output) {
      while (!rest.empty()) {
        const std::string_view next = rest.substr(0, written_at_once - bytes);
        rest.remove_prefix(next.size());
        pieces.push_back(next);
        bytes += next.size();
        if (bytes < written_at_once) continue;
        bool sent = co_await write_pieces(pieces, bytes);
        if (!sent) co_return;
        std::optional<end_stream> ended = co_await me_.receive<end_stream>(duration::zero());
        if (ended) last = std::move(ended);
        if (last && last->condition == "resource-constraint") { // it is too slow for what is left, too
          done_ = true;
          co_return;
        }
        pieces.clear();
        bytes = 0;
      }
    }
    if (bytes > 0) co_await write_pieces(pieces, bytes);
    if (!last || done_) co_return;
    stream_news news = std::move(*last);
    action next = co_await client_.take_news(std::move(news));
    co_await obey(next);
    co_await write();
  }

  /// False: there is nobody to write to any more.
  task<bool> write_pieces(std::span<const std::string_view> pieces, std::size_t bytes) {
    net::io_result sent = co_await socket_.write_all(pieces, host_.how().traffic.write_time);
    if (sent) {
      client_.wrote(bytes);
    } else {
      client_.lost();
      done_ = true;
    }
    co_return sent.has_value();
  }

  host host_;
  self me_;
  net::stream socket_;
  client_stream client_;
  std::optional<xml::stream_parser> parser_;
  std::optional<xml::stream_error> unreadable_;
  bool gone_ = false; ///< the peer has ended, or the connection is broken
  bool done_ = false;
};

} // namespace

task<> serve_tcp(host h, self me, net::stream connection) {
  auto served = std::make_unique<tcp_connection>(std::move(h), me, std::move(connection));
  co_await served->run();
}

} // namespace coppice::messaging
