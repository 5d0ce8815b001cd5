#include "coppice/net/socket.hpp"

#include "coppice/net/detail/net_test.hpp"

#include <gtest/gtest.h>

namespace coppice::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

TEST(socket, carries_bytes_both_ways) {
  node n(with_sockets());
  std::string got = n.run([](self) -> task<std::string> {
    socket_pair s = co_await make_pair();
    io_result sent = co_await s.near.write_all("hello");
    EXPECT_EQ(sent.value_or(0), 5U);
    std::string heard = co_await read_until_end(&s.far, 5);
    std::vector<std::string_view> pieces{"", "wor", "", "ld", ""};
    io_result back = co_await s.far.write_all(pieces);
    EXPECT_EQ(back.value_or(0), 5U);
    s.far.shutdown_write();
    std::string answer = co_await read_until_end(&s.near);
    co_return heard + " " + answer;
  });
  EXPECT_EQ(got, "hello world");
}

process sink_all(self, tcp_socket from, pid tell) {
  std::size_t total = 0;
  std::vector<char> buffer(65536);
  for (;;) {
    io_result n = co_await from.read_some(buffer);
    if (!n || *n == 0) break;
    total += *n;
  }
  send(tell, total);
}

TEST(socket, writes_more_than_the_system_buffers) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    socket_pair s = co_await make_pair();
    spawn(&sink_all, std::move(s.far), me.id());
    std::string big(20'000'000, 'x');
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < big.size(); at += 100'000)
      pieces.push_back(std::string_view(big).substr(at, 100'000));
    io_result sent = co_await s.near.write_all(pieces, 60s);
    EXPECT_EQ(sent.value_or(0), big.size());
    io_result once_more = co_await s.near.write_all(big, 60s);
    EXPECT_EQ(once_more.value_or(0), big.size());
    s.near.shutdown_write();
    std::size_t total = co_await me.receive<std::size_t>();
    EXPECT_EQ(total, 2 * big.size());
  });
}

TEST(socket, gives_up_reading_and_writing_when_time_is_up_and_can_go_on) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    socket_pair s = co_await make_pair();
    char buffer[16];
    for (int i = 0; i < 3; ++i) {
      io_result nothing = co_await s.near.read_some(buffer, 5ms);
      EXPECT_FALSE(nothing);
      EXPECT_EQ(nothing.error(), std::errc::timed_out);
    }
    io_result at_once = co_await s.near.read_some(buffer, 0ms);
    EXPECT_EQ(at_once.error(), std::errc::timed_out);
    std::string big(50'000'000, 'x');
    io_result stuck = co_await s.near.write_all(big, 20ms);
    EXPECT_FALSE(stuck);
    EXPECT_EQ(stuck.error(), std::errc::timed_out);
    co_await s.far.write_all("late");
    std::string late = co_await read_until_end(&s.near, 4);
    EXPECT_EQ(late, "late");
  });
}

TEST(socket, tells_the_end_of_the_stream_and_a_broken_pipe) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    socket_pair s = co_await make_pair();
    s.far.close();
    char buffer[16];
    io_result end = co_await s.near.read_some(buffer);
    EXPECT_EQ(end.value_or(99), 0U);
    io_result first = co_await s.near.write_all("x"); // answered by a reset
    EXPECT_TRUE(first);
    io_outcome readable_again = co_await s.near.wait_readable(10s);
    EXPECT_TRUE(readable_again);
    std::string big(50'000'000, 'x');
    io_result broken = co_await s.near.write_all(big, 10s);
    EXPECT_FALSE(broken);
    io_result closed = co_await s.far.read_some(buffer);
    EXPECT_EQ(closed.error(), std::errc::bad_file_descriptor);
  });
}

struct ready {};
process reads_for_ever(self, tcp_socket from, pid tell) {
  send(tell, ready{});
  char buffer[16];
  for (;;) co_await from.read_some(buffer, 1h);
}

TEST(socket, is_closed_when_its_process_is_killed_in_a_read) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    for (int i = 0; i < 50; ++i) {
      socket_pair s = co_await make_pair();
      pid reader = spawn(&reads_for_ever, std::move(s.far), me.id());
      co_await me.receive<ready>();
      if (i % 2 == 0) co_await s.near.write_all("wakes it at about the same time");
      exit(reader, exit_reason::kill());
      std::string rest = co_await read_until_end(&s.near);
      EXPECT_EQ(rest, "");
    }
  });
}

TEST(socket, connecting_to_nobody_is_refused) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    endpoint nobody;
    {
      std::expected<listen_socket, std::error_code> door = listen_socket::open(endpoint());
      nobody = *door->local();
    }
    std::expected<tcp_socket, std::error_code> s = co_await connect(nobody, 10s);
    EXPECT_FALSE(s);
    EXPECT_EQ(s.error(), std::errc::connection_refused);
  });
}

TEST(socket, a_port_is_taken_once) {
  std::expected<listen_socket, std::error_code> door = listen_socket::open(endpoint());
  ASSERT_TRUE(door);
  std::expected<listen_socket, std::error_code> second = listen_socket::open(*door->local());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error(), std::errc::address_in_use);
}

TEST(socket, says_once_by_message_that_it_is_readable) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    socket_pair s = co_await make_pair();
    socket_pair other = co_await make_pair();
    EXPECT_NE(s.near.id(), other.near.id());
    s.near.arm_readable();
    co_await s.far.write_all("one");
    readable r = co_await me.receive<readable>();
    EXPECT_EQ(r.socket, s.near.id());
    char buffer[16];
    io_result got = s.near.try_read(buffer);
    EXPECT_EQ(got.value_or(0), 3U);
    EXPECT_EQ(s.near.try_read(buffer).error(), std::errc::operation_would_block);
    co_await s.far.write_all("two");
    std::optional<readable> unasked = co_await me.receive<readable>(0ms);
    EXPECT_FALSE(unasked);
    s.near.arm_readable(); // there are bytes already
    co_await me.receive<readable>();
    s.near.arm_readable();
    s.far.close();
    co_await me.receive<readable>();
    std::string rest = co_await read_until_end(&s.near);
    EXPECT_EQ(rest, "two");
  });
}

TEST(socket, says_once_by_message_that_there_is_room) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    socket_pair s = co_await make_pair();
    const std::string much(1 << 20, 'x');
    std::size_t written = 0;
    io_result taken = s.near.try_write(much);
    for (; taken; taken = s.near.try_write(much)) written += *taken;
    EXPECT_EQ(taken.error(), std::errc::operation_would_block);
    s.near.arm_writable();
    std::string read = co_await read_until_end(&s.far, written);
    EXPECT_EQ(read.size(), written);
    writable w = co_await me.receive<writable>();
    EXPECT_EQ(w.socket, s.near.id());
    EXPECT_TRUE(s.near.try_write("more"));
  });
}

TEST(socket, goes_with_a_message_to_another_process_after_use) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    socket_pair s = co_await make_pair();
    char buffer[16];
    io_result nothing = co_await s.far.read_some(buffer, 1ms); // registered here now
    EXPECT_FALSE(nothing);
    spawn(&sink_all, std::move(s.far), me.id());
    co_await s.near.write_all("12345");
    s.near.close();
    std::size_t total = co_await me.receive<std::size_t>();
    EXPECT_EQ(total, 5U);
  });
}

TEST(socket, may_outlive_its_node) {
  std::promise<tcp_socket> out;
  std::future<tcp_socket> kept = out.get_future();
  {
    node n(with_sockets());
    tcp_socket survivor = n.run([](self) -> task<tcp_socket> {
      socket_pair s = co_await make_pair();
      char buffer[16];
      io_result nothing = co_await s.near.read_some(buffer, 1ms);
      EXPECT_FALSE(nothing);
      s.near.arm_readable();
      co_return std::move(s.near);
    });
    out.set_value(std::move(survivor));
  }
  tcp_socket survivor = kept.get();
  EXPECT_TRUE(survivor.is_open());
}

TEST(socket, names_are_resolved) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    std::expected<std::vector<endpoint>, std::string> found = co_await resolve("localhost", 80, 20s);
    EXPECT_TRUE(found) << found.error();
    EXPECT_TRUE(!found->empty() && found->front().is_loopback() && found->front().port() == 80);
    std::expected<std::vector<endpoint>, std::string> none = co_await resolve("no such host", 80, 20s);
    EXPECT_FALSE(none);
  });
}

TEST(socket, needs_a_node_with_pollers_for_sockets) {
  node_options options;
  options.cores = 1;
  node n(options);
  n.run([](self) -> task<> {
    std::expected<listen_socket, std::error_code> door = listen_socket::open(endpoint());
    bool refused = false;
    try {
      co_await door->wait_acceptable();
    } catch (const std::logic_error& e) {
      refused = std::string(e.what()).find("make_poller") != std::string::npos;
    }
    EXPECT_TRUE(refused);
  });
}

} // namespace
} // namespace coppice::net
