// A third-party library built on Asio, as it comes from Debian: the HTTP client of Boost.Beast, in processes.
#include "coppice/net/detail/net_test.hpp"
#include "coppice/net/use_process.hpp"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <gtest/gtest.h>

namespace coppice::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using namespace std::chrono_literals;
using namespace testing;
using tcp = asio::ip::tcp;

/// Answers requests for "/" and says nothing to others until the peer leaves.
task<> serve(self, stream s) {
  std::string request;
  std::array<char, 4096> some{};
  for (;;) {
    io_result n = co_await s.read_some(some);
    if (!n || *n == 0) co_return;
    request.append(some.data(), *n);
    if (!request.ends_with("\r\n\r\n")) continue;
    if (request.starts_with("GET / ")) {
      co_await s.write_all("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nfrom a serve");
    }
    request.clear();
  }
}

listener start_server() {
  return start_listener({.endpoint = *endpoint::parse("127.0.0.1:0")}, &serve).value();
}

task<std::string> fetch(endpoint from, std::string target, duration timeout) {
  tcp::socket socket(process_executor());
  tcp::endpoint at(asio::ip::make_address("127.0.0.1"), from.port());
  co_await socket.async_connect(at, use_process);
  beast::http::request<beast::http::empty_body> request(beast::http::verb::get, target, 11);
  request.set(beast::http::field::host, "here");
  co_await beast::http::async_write(socket, request, use_process);
  beast::flat_buffer buffer;
  beast::http::response<beast::http::string_body> answer;
  co_await beast::http::async_read(socket, buffer, answer, use_process.within(timeout));
  co_return std::move(answer.body());
}

TEST(use_process_beast, fetches) {
  node n(with_sockets());
  std::string body = n.run([](self) -> task<std::string> {
    listener server = start_server();
    std::string got = co_await fetch(server.local(), "/", 20s);
    co_return std::move(got);
  });
  EXPECT_EQ(body, "from a serve");
}

TEST(use_process_beast, gives_up_when_the_time_is_up) {
  node n(with_sockets());
  std::error_code why = n.run([](self) -> task<std::error_code> {
    listener server = start_server();
    std::error_code code;
    try {
      co_await fetch(server.local(), "/silence", 5ms);
    } catch (const std::system_error& e) {
      code = e.code();
    }
    co_return code;
  });
  EXPECT_EQ(why, std::errc::timed_out);
}

process fetch_and_tell(self, endpoint from, std::string target, pid tell) {
  std::string body = co_await fetch(from, std::move(target), infinity);
  send(tell, body);
}

/// What the operation still holds at that moment is in the frames of the process that dies.
TEST(use_process_beast, may_be_killed_at_any_time) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    listener server = start_server();
    for (int i = 0; i < 100; ++i) {
      monitored one = spawn_monitor(&fetch_and_tell, server.local(), std::string("/silence"), me.id());
      for (int turns = 0; turns < i; ++turns) co_await yield();
      exit(one.process, exit_reason::kill());
      down d = co_await me.receive<down>();
      EXPECT_EQ(d.reason, exit_reason::killed());
    }
    spawn_link(&fetch_and_tell, server.local(), std::string("/"), me.id());
    std::string body = co_await me.receive<std::string>();
    EXPECT_EQ(body, "from a serve");
  });
}

} // namespace
} // namespace coppice::net
