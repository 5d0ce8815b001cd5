#include "coppice/http/child.hpp"

#include "coppice/http/detail/http_test.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <stdexcept>

namespace coppice::http {
namespace {

using namespace std::chrono_literals;
using namespace testing;
using ::testing::HasSubstr;

struct listens {
  net::endpoint where;
  pid process;
};

when_listening tells(pid whom) {
  return [whom](const net::listener& l) { send(whom, listens{l.local(), l.process()}); };
}

server_options on_any_port() { return {.listener = {.endpoint = *net::endpoint::parse("127.0.0.1:0")}}; }

routes hello() {
  routes table;
  table.get("/", [](request&) { return response::text("hello"); });
  return table;
}

task<std::string> fetch(net::endpoint from) {
  std::expected<net::tcp_socket, std::error_code> s = co_await net::connect(from, 20s);
  if (!s) co_return s.error().message();
  std::string request = get("/");
  co_await s->write_all(request);
  std::string answer = co_await read_until(&*s);
  co_return body_of(answer);
}

using supervised = start_result<plain_supervisor>;

task<supervised> supervise(child_spec what) {
  std::vector<child_spec> children{std::move(what)};
  supervised sup =
      co_await start_link<plain_supervisor>(local("sup"), supervisor_flags(), std::move(children));
  co_return std::move(sup);
}

TEST(http_child, is_started_again_where_it_was) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    trap_exit(true);
    child_spec http = child_server("http", hello(), on_any_port(), tells(me.id()));
    supervised sup = co_await supervise(std::move(http));
    EXPECT_TRUE(sup);
    listens first = co_await me.receive<listens>();
    std::string body = co_await fetch(first.where);
    EXPECT_EQ(body, "hello");
    exit(first.process, exit_reason::kill());
    listens second = co_await me.receive<listens>();
    EXPECT_EQ(second.where, first.where);
    EXPECT_NE(second.process, first.process);
    std::string again = co_await fetch(second.where);
    EXPECT_EQ(again, "hello");
    auto children = co_await which_children(*sup);
    EXPECT_EQ(children->size(), 1U);
    co_await stop("sup", exit_reason::shutdown());
    EXPECT_FALSE(is_process_alive(second.process));
  });
}

TEST(http_child, says_why_it_cannot_start) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    trap_exit(true);
    routes wrong;
    wrong.get("no slash", [](request&) { return response::text(""); });
    child_spec http = child_server("http", std::move(wrong), on_any_port());
    supervised sup = co_await supervise(std::move(http));
    EXPECT_FALSE(sup);
    EXPECT_THAT(coppice::to_string(sup.error().value()), HasSubstr("no slash"));

    auto refuse = [](const net::listener&) { throw std::runtime_error("the name is taken"); };
    child_spec willing = child_server("http", hello(), on_any_port(), refuse);
    supervised other = co_await supervise(std::move(willing));
    EXPECT_FALSE(other);
    EXPECT_THAT(coppice::to_string(other.error().value()), HasSubstr("the name is taken"));
  });
}

task<> say_hello(self, net::stream s) { co_await s.write_all("hello"); }

TEST(http_child, may_be_a_listener_of_another_protocol) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    net::listener_options options{.endpoint = *net::endpoint::parse("127.0.0.1:0")};
    child_spec greeter = child_listener("greeter", options, &say_hello, tells(me.id()));
    supervised sup = co_await supervise(std::move(greeter));
    EXPECT_TRUE(sup);
    listens there = co_await me.receive<listens>();
    std::expected<net::tcp_socket, std::error_code> s = co_await net::connect(there.where, 20s);
    std::string got = co_await read_until(&*s);
    EXPECT_EQ(got, "hello");
  });
}

} // namespace
} // namespace coppice::http
