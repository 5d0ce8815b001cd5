#include "coppice/http/websocket_client.hpp"

#include <array>
#include <openssl/rand.h>
#include <stdexcept>

namespace coppice::http {
namespace {

constexpr duration write_grace = std::chrono::seconds(10);
constexpr std::uint64_t minimum_rate = 1024; ///< bytes a second, beyond the grace

void fill(std::span<std::uint8_t> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw std::runtime_error("websocket: this OpenSSL gives no random bytes");
  }
}

/// Unpredictable (RFC 6455 section 10.3), fetched many at a time.
class masks {
public:
  frame_mask operator()() {
    if (next_ == bytes_.size()) {
      fill(bytes_);
      next_ = 0;
    }
    frame_mask mask;
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(next_), mask.size(), mask.begin());
    next_ += mask.size();
    return mask;
  }

private:
  std::array<std::uint8_t, 256> bytes_{};
  std::size_t next_ = 256;
};

std::unexpected<client_error> refused(std::string why) {
  return std::unexpected(client_error{client_errc::refused, std::move(why)});
}

} // namespace

namespace detail {

class websocket_opening {
public:
  static std::unique_ptr<websocket> make(self me, switched from, websocket_options options,
                                         std::string protocol,
                                         const std::optional<deflate_agreement>& deflate) {
    auto own = std::make_unique<websocket::belongings>(std::move(from.connection), std::move(options));
    websocket_session session = websocket_session::client(masks(), own->options.limits);
    std::unique_ptr<websocket> made(
        new websocket(me, own->connection, own->options, std::move(session), write_grace, minimum_rate));
    if (deflate) made->session_.compress(*deflate);
    made->own_ = std::move(own);
    made->protocol_ = std::move(protocol);
    made->feed(from.received);
    return made;
  }
};

} // namespace detail

task<client_result<std::unique_ptr<websocket>>> open_websocket(self me, client web, client_request request,
                                                               websocket_options options) {
  if (request.method != "GET" || !request.body.empty() || request.streams_body) {
    co_return std::unexpected(
        client_error{client_errc::bad_request, "a WebSocket begins with a GET without a body"});
  }
  std::array<std::uint8_t, 16> nonce{};
  fill(nonce);
  request_to_send opening = websocket_request("", "/", nonce, options.protocols);
  if (options.deflate) opening.headers.add("Sec-WebSocket-Extensions", offer_deflate(*options.deflate));
  for (headers::field f : opening.headers) request.header(f.name, f.value);
  client_result<client_exchange> asked = co_await web.open(std::move(request));
  if (!asked) co_return std::unexpected(std::move(asked.error()));
  client_result<const response_head*> head = co_await asked->response();
  if (!head) co_return std::unexpected(std::move(head.error()));
  const response_head& answer = **head;
  std::expected<std::string, std::string_view> protocol = websocket_accepted(answer, opening);
  if (!protocol) {
    co_return refused(std::string(protocol.error()) + ", it answered " +
                      std::to_string(to_int(answer.status)));
  }
  std::expected<std::optional<deflate_agreement>, std::string_view> deflate;
  if (options.deflate) deflate = deflate_answer(answer.headers, *options.deflate);
  if (!deflate) co_return refused(std::string(deflate.error()));
  switched connection = asked->take_connection();
  co_return detail::websocket_opening::make(me, std::move(connection), std::move(options),
                                            std::move(*protocol), *deflate);
}

} // namespace coppice::http
