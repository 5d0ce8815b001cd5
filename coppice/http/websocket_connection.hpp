// WebSockets in processes: the handler is the connection's own process and receives frames and messages
// alike.
#pragma once

#include "coppice/http/request.hpp"
#include "coppice/http/websocket.hpp"
#include "coppice/net/listener.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace coppice::http {

namespace detail {
class websocket_opening;
}

/// A whole message of the peer.
struct websocket_message {
  bool is_text = true; ///< then it is UTF-8
  std::string data;    ///< put together of all fragments, inflated
};

/// The last event: the closing handshake is done, or the connection broke.
struct websocket_closed {
  close_code code = close_code::no_status; ///< as `websocket_event::code`
  std::string reason;                      ///< the peer's, or why this side ended it; may be empty
  bool clean = true;                       ///< the handshake went through
};

/// Limits, deadlines and manners of a WebSocket.
struct websocket_options {
  websocket_limits limits;                 ///< on what the peer sends
  std::vector<std::string> protocols = {}; ///< that we speak, in order of preference
  /// Compression of messages; both sides must want it.
  std::optional<websocket_deflate> deflate = std::nullopt;
  /// Of servers: browsers send the page's Origin; one of another host gets 403 (`same_origin`).
  bool same_origin_only = true;
  duration ping_interval = std::chrono::seconds(30); ///< a ping after that long a silence
  duration pong_timeout = std::chrono::seconds(20);  ///< and the end after that much more
  duration close_timeout = std::chrono::seconds(5);  ///< for the peer's half of the closing handshake
};

/// An open WebSocket, for its handler, or for the process that opened it (`open_websocket`). A process may
/// have several, and other sockets beside them: what concerns those stays in the mailbox.
///
/// `auto next = co_await ws.receive<outgoing, tick>();` gives a variant of `websocket_message`,
/// `websocket_closed`, `outgoing` and `tick`, whichever is first; other messages stay in the mailbox. Pings
/// are answered, and sent when the peer is silent, inside of `receive`. When the server drains, the peer is
/// told 1001 (going away), unless the handler receives `net::drain` itself: then it is for it to close.
class websocket {
public:
  websocket(const websocket&) = delete;
  websocket& operator=(const websocket&) = delete;

  /// Waits without a limit, for `websocket_closed` comes in any case; called after it, gives another one.
  template <class... M>
  task<std::variant<websocket_message, websocket_closed, M...>> receive();

  /// @{
  /// Sends a message; waits while the peer is slow. False once the WebSocket is closing or closed; the reason
  /// comes as `websocket_closed`. Throws std::invalid_argument if the text is not UTF-8.
  task<bool> send_text(std::string_view message);
  task<bool> send_binary(std::string_view message);
  /// @}
  /// Sends several as `send_text` does, in one piece.
  task<bool> send_texts(std::span<const std::string> messages);
  /// Starts the closing handshake; `websocket_closed` follows. Returning from the handler does the same.
  void close(close_code code = close_code::normal, std::string_view reason = {});
  /// Closes, and waits for the peer's half, as long as `close_timeout`; what it still sends is dropped. The
  /// server does so when the handler returns.
  task<> finish();
  /// The subprotocol agreed on; empty: none.
  [[nodiscard]] const std::string& protocol() const noexcept { return protocol_; }

  /// The process that runs the handler.
  [[nodiscard]] self process() const noexcept { return me_; }
  /// Messages can be sent: no side has begun to close. What has come before that may still be received.
  [[nodiscard]] bool is_open() const noexcept { return session_.is_open(); }

private:
  friend class detail::connection;
  friend class detail::websocket_opening;
  /// Of a client: the connection and the options are its own.
  struct belongings {
    net::stream connection;
    websocket_options options;
  };
  websocket(self me, net::stream& socket, const websocket_options& options, websocket_session session,
            duration grace, std::uint64_t rate);

  /// Whether a message is for this one.
  class ours {
  public:
    explicit ours(std::uint64_t socket) noexcept : socket_(socket) {}
    bool operator()(const net::readable& news) const noexcept { return news.socket == socket_; }
    template <class M>
    bool operator()(const M&) const noexcept {
      return true;
    }

  private:
    std::uint64_t socket_;
  };

  using event = std::variant<websocket_message, websocket_closed>;
  std::optional<event> next_event();
  void feed(std::string_view bytes);
  /// Sends what is queued; a peer that does not take it in time is gone.
  task<> flush();
  /// Asks to be told of bytes; how long to wait for them.
  duration arm();
  void on_readable();
  void on_silence();
  void on_drain();
  void break_off(std::string_view why);
  task<bool> send_queued(websocket_session::send_result queued);

  std::unique_ptr<belongings> own_;
  self me_;
  net::stream& socket_;
  const websocket_options& options_;
  websocket_session session_;
  std::deque<event> events_;
  std::string protocol_;
  time_point last_heard_;
  std::optional<time_point> close_by_;
  duration write_grace_;
  std::uint64_t write_rate_;
  bool pinged_ = false;
  bool closed_ = false; ///< the last event is in `events_`, or was there
};

/// Runs while the WebSocket is open; when it returns, the WebSocket is closed. An exception is reported, and
/// the peer told 1011 (internal error).
using websocket_handler = std::function<task<>(request&, websocket&)>;

namespace detail {

/// Receives one of these messages.
template <class... M>
struct heard {
  template <class Predicate>
  static auto receive(self me, Predicate accept, duration wait) {
    return me.receive_if<M...>(std::move(accept), wait);
  }
};

/// The user's message out of what was received.
template <class Result, class Received>
Result without_news(Received got) {
  return std::visit(
      [](auto& m) {
        using type = std::decay_t<decltype(m)>;
        if constexpr (std::is_constructible_v<Result, std::in_place_type_t<type>, type>) {
          return Result(std::in_place_type<type>, std::move(m));
        } else {
          return Result(); // the server's own news: not passed here
        }
      },
      got);
}

} // namespace detail

template <class... M>
task<std::variant<websocket_message, websocket_closed, M...>> websocket::receive() {
  using result = std::variant<websocket_message, websocket_closed, M...>;
  constexpr bool drains = (std::is_same_v<M, net::drain> || ...);
  using all = std::conditional_t<drains, detail::heard<net::readable, M...>,
                                 detail::heard<net::readable, net::drain, M...>>;
  for (;;) {
    co_await flush();
    if (std::optional<event> e = next_event()) {
      if (auto* message = std::get_if<websocket_message>(&*e)) co_return result(std::move(*message));
      co_return result(std::move(std::get<websocket_closed>(*e)));
    }
    duration wait = arm();
    auto got = co_await all::receive(me_, ours(socket_.id()), wait);
    if (!got) {
      on_silence();
    } else if (std::holds_alternative<net::readable>(*got)) {
      on_readable();
    } else if (!drains && std::holds_alternative<net::drain>(*got)) {
      on_drain();
    } else {
      co_return detail::without_news<result>(std::move(*got));
    }
  }
}

} // namespace coppice::http
