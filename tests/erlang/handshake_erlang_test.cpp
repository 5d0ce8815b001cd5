// The handshake with a real node on the other side, both ways.
#include <array>
#include <chrono>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include "coppice/dist/epmd_client.hpp"
#include "coppice/dist/handshake.hpp"
#include "coppice/net/detail/net_test.hpp"
#include "coppice/runtime/timer.hpp"
#include "tests/erlang/os_process.hpp"
#include "tests/erlang/test_epmd.hpp"

namespace coppice::dist {
namespace {

using namespace std::chrono_literals;
using net::testing::with_sockets;

const char* const own_name = "cpp@127.0.0.1";

handshake_side own_side(std::uint32_t creation) {
  return {.self = {.name = own_name, .creation = creation, .can = offered},
          .cookie = "c",
          .challenge = 0xfedcba98};
}

/// A message without its length; empty at the end.
task<std::string> read_message(net::stream* from) {
  std::string bytes;
  std::size_t whole = 2;
  while (bytes.size() < whole) {
    char buffer[handshake_max_message];
    const std::span<char> room(buffer, whole - bytes.size());
    net::io_result n = co_await from->read_some(room, 20s);
    if (!n || *n == 0) co_return std::string();
    bytes.append(buffer, *n);
    if (bytes.size() == 2)
      whole += static_cast<std::uint8_t>(bytes[0]) * 256U + static_cast<std::uint8_t>(bytes[1]);
  }
  co_return bytes.substr(2);
}

task<> write_messages(net::stream* to, std::vector<std::string> messages) {
  std::string bytes;
  for (const std::string& m : messages) {
    bytes.push_back(static_cast<char>(m.size() >> 8));
    bytes.push_back(static_cast<char>(m.size()));
    bytes += m;
  }
  co_await to->write_all(bytes, 20s);
}

/// Lets one in; whether it got in, and then waits until it goes.
task<bool> let_in(net::stream* connection, std::uint32_t creation) {
  handshake_in side(own_side(creation));
  while (!side.done()) {
    std::string message = co_await read_message(connection);
    handshake_step next = side.step(message);
    if (side.asks()) next = side.admit(admission::ok);
    co_await write_messages(connection, next.send);
    if (next.failed) co_return false;
  }
  char byte[64];
  for (;;) {
    net::io_result n = co_await connection->read_some(byte, 20s);
    if (!n || *n == 0) co_return true;
  }
}

/// Is listed as `own_name`, and lets two nodes try.
process accept_two(self, std::unique_ptr<std::promise<std::uint16_t>> where,
                   std::unique_ptr<std::promise<std::array<bool, 2>>> got_in) {
  auto epmd = start_epmd_server({.endpoint = net::endpoint::loopback(0)});
  auto door = net::listen_socket::open(net::endpoint::loopback(0));
  const epmd_entry entry{.name = "cpp", .port = door->local()->port(), .kind = epmd_entry::node_kind::hidden};
  auto listed = co_await epmd_register(epmd->local(), entry);
  where->set_value(epmd->local().port());
  std::array<bool, 2> all{};
  for (bool& one : all) {
    co_await door->wait_acceptable(60s);
    auto socket = door->try_accept();
    net::stream connection(std::move(*socket));
    bool in = co_await let_in(&connection, listed->creation);
    one = in;
  }
  got_in->set_value(all);
}

int run_erl(const std::string& name, const std::string& cookie, const std::string& does, std::uint16_t epmd) {
  os_process erl(erlang_program("erl"),
                 {"-noshell", "-name", name + "@127.0.0.1", "-setcookie", cookie, "-eval", does},
                 {"ERL_EPMD_PORT=" + std::to_string(epmd)});
  return erl.wait();
}

TEST(erlang_handshake, a_real_node_connects_if_it_knows_the_cookie) {
  node n(with_sockets());
  auto where = std::make_unique<std::promise<std::uint16_t>>();
  auto got_in = std::make_unique<std::promise<std::array<bool, 2>>>();
  auto found = where->get_future();
  auto result = got_in->get_future();
  n.spawn(accept_two, std::move(where), std::move(got_in));
  const std::uint16_t epmd = found.get();
  EXPECT_EQ(run_erl("stranger", "x", "false = net_kernel:connect_node('cpp@127.0.0.1'), halt(5).", epmd), 5);
  EXPECT_EQ(run_erl("friend", "c", R"(true = net_kernel:connect_node('cpp@127.0.0.1'),
                                      ['cpp@127.0.0.1'] = nodes(hidden), [] = nodes(), halt(5).)",
                    epmd),
            5);
  EXPECT_EQ(result.get(), (std::array<bool, 2>{false, true}));
}

task<bool> connect_to(self, std::uint16_t mapper_port) {
  const net::endpoint mapper = net::endpoint::loopback(mapper_port);
  std::optional<epmd_entry> other;
  for (int i = 0; !other && i < 600; ++i) { // until it has started
    auto found = co_await epmd_lookup(mapper, "a", 20s);
    if (found && *found) other = **found;
    if (!other) co_await idle_for(50ms);
  }
  if (!other) co_return false;
  auto socket = co_await net::connect(net::endpoint::loopback(other->port), 20s);
  net::stream connection(std::move(*socket));
  handshake_out side(own_side(77), "a@127.0.0.1", false);
  std::vector<std::string> first{side.start()};
  co_await write_messages(&connection, first);
  while (!side.done()) {
    std::string message = co_await read_message(&connection);
    handshake_step next = side.step(message);
    co_await write_messages(&connection, next.send);
    if (next.failed) co_return false;
  }
  char byte[64];
  net::io_result n = co_await connection.read_some(byte, 20s);
  while (n && *n != 0) { // until it goes
    net::io_result more = co_await connection.read_some(byte, 20s);
    n = more;
  }
  co_return side.common().has_all(mandatory_26);
}

TEST(erlang_handshake, we_connect_to_a_real_node) {
  node n(with_sockets());
  auto where = std::make_unique<std::promise<std::uint16_t>>();
  auto found = where->get_future();
  n.spawn(serve_epmd, 0, std::move(where));
  const std::uint16_t epmd = found.get();
  auto theirs = std::async(std::launch::async, [epmd] {
    return run_erl("a", "c", R"(
      Wait = fun F(0) -> halt(1);
                 F(N) -> case nodes(hidden) of ['cpp@127.0.0.1'] -> halt(7); [] -> timer:sleep(20), F(N - 1) end end,
      Wait(1000).)",
                   epmd);
  });
  EXPECT_TRUE(n.run(connect_to, epmd));
  EXPECT_EQ(theirs.get(), 7);
}

} // namespace
} // namespace coppice::dist
