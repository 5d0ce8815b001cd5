// A running node that is fed what no node would send: handshakes and frames with wrong bytes in them, also by
// one that has proved the cookie. It is there afterwards, and no larger. The seed is fixed; `node_fuzz` has
// no end.
#include <array>
#include <cstdint>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <utility>
#include <vector>

#include "coppice/dist/frames.hpp"
#include "coppice/dist/handshake.hpp"
#include "coppice/term/node_names.hpp"
#include "tests/erlang/holding_relay.hpp"
#include "tests/erlang/lone_node.hpp"

namespace coppice::dist {
namespace {

using namespace literals;

/// Chance by a seed.
class dice {
public:
  explicit dice(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  /// Some bytes become others, go, or come twice.
  void spoil(std::string& bytes) {
    for (std::uint64_t left = 1 + below(4); left > 0 && !bytes.empty(); --left) {
      const std::size_t at = below(bytes.size());
      const std::size_t size = 1 + below(8);
      switch (below(5)) {
      case 0: bytes[at] = static_cast<char>(below(256)); break;
      case 1: bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8))); break;
      case 2: bytes.erase(at, size); break;
      case 3: bytes.insert(at, bytes.substr(at, size)); break;
      default: bytes.replace(at, size, size, below(2) == 0 ? '\xff' : '\0'); break;
      }
    }
  }

private:
  std::mt19937_64 random_;
};

/// Signals as a node sends them to ours, whose processes have the numbers from 1 on. None that ends one of
/// these: a peer that knows the cookie may do that.
class signals {
public:
  signals(dice& by, std::uint32_t creation) : by_(by), terms_(7), there_(*names_.connect("cpp@127.0.0.1")) {
    creation_ = creation;
  }

  /// The frames of several, in order.
  std::string some(capabilities common) {
    const frame_writer writer(common, names_);
    std::string out;
    for (std::uint64_t left = 1 + by_.below(6); left > 0; --left) {
      const signal one = any();
      const encoded_signal e = writer.encode(one.what, one.message ? &*one.message : nullptr);
      for (std::uint64_t i = 0; i < writer.frames(e); ++i) writer.append(out, e, i, left);
      if (by_.below(4) == 0) out.append(4, '\0'); // a tick
    }
    return out;
  }

private:
  signal any() {
    const pid nobody{900'000 + by_.below(100), there_, creation_};
    switch (by_.below(12)) {
    case 0: return {.what = send_signal{me_, somebody()}, .message = terms_.any(3)};
    case 1: return {.what = send_signal{me_, "echo"_atom}, .message = request("$gen_call"_atom)};
    case 2: return {.what = send_signal{me_, "net_kernel"_atom}, .message = request("$gen_call"_atom)};
    case 3: return {.what = send_signal{me_, "rex"_atom}, .message = terms_.any(3)};
    case 4: return {.what = send_signal{me_, "echo"_atom}, .message = std::string(by_.below(200'000), 'x')};
    case 5: return {.what = link_signal{me_, nobody}};
    case 6: return {.what = unlink_signal{1 + by_.below(3), me_, nobody}};
    case 7: return {.what = monitor_signal{me_, somebody(), reference::local(by_.below(9))}};
    case 8: return {.what = demonitor_signal{me_, somebody(), reference::local(by_.below(9))}};
    case 9: return {.what = alias_signal{me_, {{1, 2, 3, 4, 5}, 5, there_, creation_}}, .message = 1};
    case 10: return {.what = down_signal{me_, somebody(), reference::local(by_.below(9)), terms_.any(2)}};
    default:
      return {.what = spawn_request_signal{reference::local(by_.below(1000)),
                                           me_,
                                           me_,
                                           {"erlang"_atom, "processes"_atom, 0},
                                           term::list("monitor"_atom),
                                           terms_.any(1)}};
    }
  }
  pid somebody() { return {1 + by_.below(20), there_, creation_}; }
  term request(atom label) {
    return term::tuple(label, term::tuple(me_, reference::local(by_.below(1000))), terms_.any(2));
  }

  dice& by_;
  term_maker terms_;
  node_names names_{atom("fuzz@127.0.0.1"), 7};
  std::uint32_t there_;
  std::uint32_t creation_ = 0;
  const pid me_{5, 0, 0};
};

/// A connection with our node whose end it makes sure of.
class wrong_peer {
public:
  wrong_peer(std::uint16_t port, dice& by) : socket_(connect_to_port(port)), by_(by) {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  }

  /// Proves the cookie; with `spoilt` some of its messages are wrong. The other's creation if it gets in.
  std::optional<std::uint32_t> shake_hands(bool spoilt) {
    handshake_side mine{.self = {.name = "fuzz@127.0.0.1", .creation = 7, .can = offered},
                        .cookie = "c",
                        .challenge = static_cast<std::uint32_t>(by_.below(1U << 31U))};
    handshake_out side(std::move(mine), "cpp@127.0.0.1", false);
    say(side.start(), spoilt);
    while (!side.done()) {
      const std::optional<std::string> message = hear();
      if (!message) return std::nullopt;
      const handshake_step next = side.step(*message);
      for (const std::string& m : next.send) say(m, spoilt);
      if (next.failed) return std::nullopt;
    }
    common_ = side.common();
    return side.peer().creation;
  }
  void send_frames(std::uint32_t creation) {
    std::string bytes = signals(by_, creation).some(common_);
    if (by_.below(8) != 0) by_.spoil(bytes);
    write(bytes);
  }
  /// There is no more of it. Whether the node has ended the connection, too.
  bool end() {
    shutdown(socket_.get(), SHUT_WR);
    std::array<char, 65536> buffer{};
    ssize_t n = 1;
    while (n > 0) n = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    return n == 0 || errno == ECONNRESET;
  }

private:
  /// Where its length has been spoilt nothing else follows, or the node would wait for that.
  void say(std::string message, bool spoilt) {
    const std::uint64_t what = by_.below(4);
    if (spoilt && what == 0) by_.spoil(message);
    std::string bytes{static_cast<char>(message.size() >> 8U), static_cast<char>(message.size())};
    bytes += message;
    if (spoilt && what == 1) by_.spoil(bytes);
    write(bytes);
    if (spoilt && what == 1) shutdown(socket_.get(), SHUT_WR);
  }
  std::optional<std::string> hear() {
    const std::string size = read(2);
    if (size.size() < 2) return std::nullopt;
    const std::size_t n = static_cast<std::uint8_t>(size[0]) * 256U + static_cast<std::uint8_t>(size[1]);
    std::string message = read(n);
    if (message.size() < n) return std::nullopt;
    return message;
  }
  std::string read(std::size_t n) {
    std::string bytes(n, '\0');
    const ssize_t got = recv(socket_.get(), bytes.data(), n, MSG_WAITALL);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return; // the node has had enough
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  owned_fd socket_;
  dice& by_;
  capabilities common_;
};

/// What one such peer does; whether the node has let go of it. `let_in` counts those that got so far.
bool trouble(std::uint16_t port, dice& by, int& let_in) {
  wrong_peer peer(port, by);
  const std::optional<std::uint32_t> creation = peer.shake_hands(by.below(3) == 0);
  if (creation) {
    ++let_in;
    peer.send_frames(*creation);
  }
  return peer.end();
}

TEST(fuzzed_node, is_there_afterwards_and_no_larger) {
  lone_nodes all;
  lone_node ours(all);
  dice by(20'261'123);
  constexpr int rounds = 4000;
  int let_in = 0;
  std::size_t before = 0;
  for (int i = 0; i < rounds; ++i) {
    if (i == rounds / 5) before = ours.resident();
    ASSERT_TRUE(trouble(ours.port(), by, let_in)) << "round " << i << "\n" << ours.log();
  }
  EXPECT_GT(let_in, rounds / 2);
  EXPECT_LT(ours.resident(), before + (std::size_t{64} << 20)) << before;
  EXPECT_EQ(all.erl("N='cpp@127.0.0.1',io:format(\"~p ~p\",[net_adm:ping(N),gen_server:call({echo,N},x)])"),
            "pong x");
  EXPECT_EQ(ours.log_at_end().find("crash_report"), std::string::npos);
}

} // namespace
} // namespace coppice::dist
