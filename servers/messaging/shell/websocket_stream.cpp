#include "servers/messaging/shell/websocket_stream.hpp"

#include "servers/messaging/shell/client_stream.hpp"

namespace coppice::messaging {
namespace {

using action = client_stream::action;

constexpr std::string_view subprotocol = "xmpp";
constexpr int most_at_once = 64;
/// A message that is longer than a stanza may be by less than this is told so by a stream error; one that is
/// longer still is not read to its end (close code 1009).
constexpr std::size_t beyond_a_stanza = std::size_t{16} << 10;

class websocket_connection {
public:
  websocket_connection(host h, http::websocket& ws, std::string peer, bool secure)
      : host_(std::move(h)), ws_(ws), me_(ws.process()),
        client_(host_, me_, xmpp::framing::websocket, std::move(peer)), secure_(secure) {}

  task<> run() {
    client_.start();
    client_.secured({}); // TLS may end at a proxy, so there is nothing to bind to
    if (client_.is_one_too_many()) {
      client_.turn_away();
      co_await write();
      done_ = true;
    }
    while (!done_) {
      if (client_.may_read()) {
        co_await hear();
      } else {
        co_await hear_others();
      }
      // What is there already goes out in one piece.
      for (int i = 0; i < most_at_once && !done_; ++i) {
        auto more = co_await me_.receive<to_client, took_from_client, end_stream>(duration::zero());
        if (!more) break;
        stream_news news = as_news(*more);
        action next = co_await client_.take_news(std::move(news));
        obey(next);
      }
      co_await write();
    }
  }

private:
  task<> hear() {
    auto got = co_await ws_.receive<to_client, took_from_client, end_stream, negotiation_timeout, look_again,
                                    pause_over, down, net::drain>();
    if (auto* message = std::get_if<http::websocket_message>(&got)) {
      action next = co_await take(std::move(*message));
      obey(next);
    } else if (std::holds_alternative<http::websocket_closed>(got)) {
      client_.lost(); // it ends the session only if that cannot be resumed (RFC 7395, 3.6)
      done_ = true;
    } else {
      stream_news news = as_news(got);
      action next = co_await client_.take_news(std::move(news));
      obey(next);
    }
  }

  /// Leaves the WebSocket alone until what came of it is handled: TCP then holds the client up. It ends, for
  /// the user's process answers, or another one that takes its place.
  task<> hear_others() {
    auto got = co_await me_.receive<to_client, took_from_client, end_stream, negotiation_timeout, look_again,
                                    pause_over, down, net::drain>();
    stream_news news = as_news(got);
    action next = co_await client_.take_news(std::move(news));
    obey(next);
  }

  task<action> take(http::websocket_message message) {
    client_.took_bytes(message.data.size());
    if (!secure_) {
      co_return client_.broken({"policy-violation", "This connection must be encrypted: use wss."});
    }
    if (!message.is_text) {
      co_return client_.broken({"unsupported-encoding", "A message must be text."});
    }
    if (!message.data.starts_with('<')) { // RFC 7395, 3.3.3
      co_return client_.broken({"not-well-formed", "A message must begin with an element."});
    }
    auto read = xml::parse_element(message.data, known_ ? host_.how().limits : for_strangers);
    if (!read) co_return client_.broken(read.error());
    co_return co_await client_.received(std::move(*read));
  }

  void obey(action next) {
    switch (next) {
    case action::read_on: break;
    case action::restart: known_ = true; break;
    case action::start_tls: // never asked for: the stream is secured from the start
    case action::close: done_ = true; break;
    }
  }

  task<> write() {
    const std::vector<std::string> output = client_.take_output();
    if (output.empty()) co_return;
    bool sent = co_await ws_.send_texts(output);
    if (!sent) co_return; // `websocket_closed` follows
    std::size_t bytes = 0;
    for (const std::string& message : output) bytes += message.size();
    client_.wrote(bytes);
  }

  host host_;
  http::websocket& ws_;
  self me_;
  client_stream client_;
  bool secure_;
  bool known_ = false; ///< the user is authenticated
  bool done_ = false;
};

} // namespace

http::websocket_options websocket_settings(const settings& how) {
  http::websocket_options options;
  options.protocols = {std::string(subprotocol)};
  options.limits.frame = options.limits.message = how.limits.stanza + beyond_a_stanza;
  return options;
}

task<> serve_websocket(host h, http::websocket& ws, std::string peer, bool secure) {
  if (ws.protocol() != subprotocol) {
    ws.close(http::close_code::protocol_error, "the subprotocol must be xmpp (RFC 7395, section 3.1)");
    co_return;
  }
  auto served = std::make_unique<websocket_connection>(std::move(h), ws, std::move(peer), secure);
  co_await served->run();
}

} // namespace coppice::messaging
