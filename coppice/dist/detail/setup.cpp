#include "coppice/dist/detail/setup.hpp"

#include "coppice/dist/detail/wire.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <utility>

namespace coppice::dist::detail {

using reason = handshake_error::reason;

duration handshake_stream::left() const { return std::max(until_ - now(), duration(0)); }

task<std::expected<std::string, std::string>> handshake_stream::read_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const std::span<char> room(bytes.data() + have, count - have);
    net::io_result n = co_await connection_.read_some(room, left());
    if (!n) co_return std::unexpected(n.error().message());
    if (*n == 0) co_return std::unexpected("the other side has ended the connection");
    have += *n;
  }
  co_return bytes;
}

task<std::expected<std::string, std::string>> handshake_stream::read() {
  const std::size_t length_size = connection_.is_secure() ? 4 : 2;
  auto head = co_await read_bytes(length_size);
  if (!head) co_return head;
  std::size_t length = 0;
  for (const char c : *head) length = length << 8 | static_cast<std::uint8_t>(c);
  if (length == 0 || length > handshake_max_message) {
    co_return std::unexpected("a message of " + std::to_string(length) + " bytes is none of a handshake");
  }
  co_return co_await read_bytes(length);
}

task<std::expected<void, std::string>> handshake_stream::write(std::vector<std::string> messages) {
  std::string bytes;
  for (const std::string& m : messages) {
    if (connection_.is_secure()) {
      put(bytes, static_cast<std::uint32_t>(m.size()));
    } else {
      put(bytes, static_cast<std::uint16_t>(m.size()));
    }
    bytes += m;
  }
  if (bytes.empty()) co_return std::expected<void, std::string>();
  net::io_result sent = co_await connection_.write_all(bytes, left());
  if (!sent) co_return std::unexpected(sent.error().message());
  co_return std::expected<void, std::string>();
}

namespace {

std::unexpected<handshake_error> broken(std::string what) {
  return std::unexpected(handshake_error{reason::protocol, std::move(what)});
}

} // namespace

task<std::expected<agreed, handshake_error>> greet(net::stream* connection, handshake_side mine,
                                                   std::string dialled, std::function<bool()> connected,
                                                   time_point until) {
  handshake_stream messages(*connection, until);
  handshake_out side(std::move(mine), std::move(dialled), connected());
  std::vector<std::string> first;
  first.push_back(side.start());
  auto begun = co_await messages.write(std::move(first));
  if (!begun) co_return broken(std::move(begun.error()));
  while (!side.done()) {
    auto message = co_await messages.read();
    if (!message) co_return broken(std::move(message.error()));
    side.set_connected(connected());
    handshake_step next = side.step(*message);
    auto sent = co_await messages.write(std::move(next.send));
    if (next.failed) co_return std::unexpected(std::move(*next.failed));
    if (!sent) co_return broken(std::move(sent.error()));
  }
  co_return agreed{side.peer(), side.common(), true, side.replaces()};
}

task<std::expected<agreed, handshake_error>> welcome_in(net::stream* connection, handshake_side mine,
                                                        std::function<welcome(const handshake_in&)> admit,
                                                        time_point until) {
  handshake_stream messages(*connection, until);
  handshake_in side(std::move(mine));
  bool replaces = false;
  while (!side.done()) {
    auto message = co_await messages.read();
    if (!message) co_return broken(std::move(message.error()));
    handshake_step next = side.step(*message);
    if (side.asks()) {
      const welcome w = admit(side);
      replaces = w.how == admission::alive;
      next = side.admit(w.how, w.given);
    }
    auto sent = co_await messages.write(std::move(next.send));
    if (next.failed) co_return std::unexpected(std::move(*next.failed));
    if (!sent) co_return broken(std::move(sent.error()));
  }
  co_return agreed{side.peer(), side.common(), false, replaces};
}

} // namespace coppice::dist::detail
