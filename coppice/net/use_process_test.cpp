#include "coppice/net/use_process.hpp"

#include "coppice/net/detail/net_test.hpp"

#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <stdexcept>

namespace coppice::net {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using namespace testing;
using tcp = asio::ip::tcp;
using error_code = boost::system::error_code;

task<> echo(self, stream s) {
  char buffer[4096];
  for (;;) {
    io_result n = co_await s.read_some(buffer);
    if (!n || *n == 0) co_return;
    co_await s.write_all(std::string_view(buffer, *n));
  }
}

tcp::endpoint asio_endpoint(const listener& l) {
  return {asio::ip::make_address("127.0.0.1"), l.local().port()};
}

listener echo_server() {
  return start_listener({.endpoint = *endpoint::parse("127.0.0.1:0")}, &echo).value();
}

/// Threads of Asio's own, which know nothing of processes.
class foreign {
public:
  [[nodiscard]] asio::thread_pool& context() const noexcept { return *threads_; }
  /// One more, on those threads and straight from there.
  [[nodiscard]] auto compute(int from) const {
    return asio::async_initiate<decltype(use_process), void(error_code, int)>(
        [](auto handler, asio::thread_pool* on, int number) {
          asio::post(*on, [handler = std::move(handler), number]() mutable {
            std::move(handler)(error_code(), number + 1);
          });
        },
        use_process, threads_.get(), from);
  }

private:
  std::unique_ptr<asio::thread_pool> threads_ = std::make_unique<asio::thread_pool>(2);
};

/// An operation as a library would write it, which completes at once with what it is given.
template <class Token, class... Args>
auto complete_with(Token token, Args... args) {
  return asio::async_initiate<Token, void(Args...)>(
      [](auto handler, Args... results) {
        auto where = asio::get_associated_executor(handler);
        asio::dispatch(where, [handler = std::move(handler), ... results = std::move(results)]() mutable {
          std::move(handler)(std::move(results)...);
        });
      },
      token, std::move(args)...);
}

TEST(use_process, awaits_reads_and_writes) {
  node n(with_sockets());
  std::string got = n.run([](self) -> task<std::string> {
    listener server = echo_server();
    tcp::socket socket(process_executor());
    co_await socket.async_connect(asio_endpoint(server), use_process);
    std::size_t sent = co_await asio::async_write(socket, asio::buffer("hello", 5), use_process);
    EXPECT_EQ(sent, 5U);
    std::string answer(5, ' ');
    std::size_t read = co_await asio::async_read(socket, asio::buffer(answer), use_process);
    EXPECT_EQ(read, 5U);
    co_return answer;
  });
  EXPECT_EQ(got, "hello");
}

TEST(use_process, gives_results_of_every_shape) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    co_await complete_with(use_process);
    co_await complete_with(use_process, error_code());
    int one = co_await complete_with(use_process, 1);
    EXPECT_EQ(one, 1);
    std::tuple<int, std::string> two = co_await complete_with(use_process, error_code(), 2, std::string("x"));
    EXPECT_EQ(two, std::tuple(2, std::string("x")));
    std::expected<int, std::error_code> three = co_await complete_with(use_process_expected, error_code(), 3);
    EXPECT_EQ(three, 3);
    std::expected<void, std::error_code> none = co_await complete_with(use_process_expected, error_code());
    EXPECT_TRUE(none);
    int four = co_await complete_with(use_process, std::exception_ptr(), 4);
    EXPECT_EQ(four, 4);
    std::unique_ptr<int> five = co_await complete_with(use_process, error_code(), std::make_unique<int>(5));
    EXPECT_EQ(*five, 5);
  });
}

TEST(use_process, throws_errors_or_gives_them) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    error_code refused = asio::error::connection_refused;
    std::string thrown;
    try {
      co_await complete_with(use_process, refused, 1);
    } catch (const boost::system::system_error& e) {
      if (e.code() == refused) thrown = "refused";
    }
    EXPECT_EQ(thrown, "refused");
    std::expected<int, std::error_code> given = co_await complete_with(use_process_expected, refused, 1);
    EXPECT_EQ(given.error(), std::errc::connection_refused);
    std::exception_ptr why = std::make_exception_ptr(std::out_of_range("library"));
    try {
      co_await complete_with(use_process_expected, why);
    } catch (const std::out_of_range& e) {
      thrown = e.what();
    }
    EXPECT_EQ(thrown, "library");
  });
}

TEST(use_process, ends_when_a_library_drops_its_handler) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    auto drop = [](auto) {};
    std::expected<int, std::error_code> got =
        co_await asio::async_initiate<decltype(use_process_expected), void(error_code, int)>(
            drop, use_process_expected);
    EXPECT_EQ(got.error(), std::errc::operation_canceled);
  });
}

TEST(use_process, lets_an_exception_of_the_start_through) {
  node n(with_sockets());
  std::string thrown = n.run([](self) -> task<std::string> {
    auto fail = [](auto) { throw std::length_error("not started"); };
    std::string why;
    try {
      co_await asio::async_initiate<decltype(use_process), void(error_code)>(fail, use_process);
    } catch (const std::length_error& e) {
      why = e.what();
    }
    co_return why;
  });
  EXPECT_EQ(thrown, "not started");
}

TEST(use_process, gives_up_when_the_time_is_up_and_can_go_on) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    listener server = echo_server();
    tcp::socket socket(process_executor());
    co_await socket.async_connect(asio_endpoint(server), use_process.within(20s));
    std::array<char, 16> answer{};
    std::expected<std::size_t, std::error_code> late =
        co_await socket.async_read_some(asio::buffer(answer), use_process_expected.within(5ms));
    EXPECT_EQ(late.error(), std::errc::timed_out);
    std::error_code thrown;
    try {
      co_await asio::async_read(socket, asio::buffer(answer), use_process.within(5ms));
    } catch (const std::system_error& e) {
      thrown = e.code();
    }
    EXPECT_EQ(thrown, std::errc::timed_out);
    co_await asio::async_write(socket, asio::buffer("x", 1), use_process.within(20s));
    std::size_t read = co_await socket.async_read_some(asio::buffer(answer), use_process.within(20s));
    EXPECT_EQ(read, 1U);
  });
}

/// Tells when its connection has ended.
connection_handler telling(pid whom) {
  return [whom](self, stream s) -> task<> {
    static constexpr auto run = [](stream connection, pid to) -> task<> {
      std::array<char, 64> some{};
      for (;;) {
        io_result n = co_await connection.read_some(some);
        if (!n || *n == 0) break;
        send(to, std::string("heard"));
      }
      send(to, std::string("gone"));
    };
    return run(std::move(s), whom);
  };
}

process read_for_ever(self, tcp::endpoint at) {
  tcp::socket socket(process_executor());
  co_await socket.async_connect(at, use_process);
  co_await asio::async_write(socket, asio::buffer("x", 1), use_process);
  std::vector<char> all(1 << 20);
  co_await asio::async_read(socket, asio::buffer(all), use_process);
}

TEST(use_process, a_kill_cancels_the_operation) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    listener server = start_listener({.endpoint = *endpoint::parse("127.0.0.1:0")}, telling(me.id())).value();
    for (int i = 0; i < 20; ++i) {
      monitored reader = spawn_monitor(&read_for_ever, asio_endpoint(server));
      std::string heard = co_await me.receive<std::string>();
      EXPECT_EQ(heard, "heard");
      exit(reader.process, exit_reason::kill());
      down d = co_await me.receive<down>();
      EXPECT_EQ(d.reason, exit_reason::killed());
      std::string gone = co_await me.receive<std::string>();
      EXPECT_EQ(gone, "gone");
    }
  });
}

/// An operation that ends when the test says so, and heeds no cancellation.
class stubborn {
  using callback = std::move_only_function<void()>;

public:
  [[nodiscard]] auto wait() const {
    return asio::async_initiate<decltype(use_process), void(error_code)>(
        [](auto handler, callback* to) {
          *to = [handler = std::move(handler)]() mutable { std::move(handler)(error_code()); };
        },
        use_process, end_.get());
  }
  void end() const { std::exchange(*end_, nullptr)(); }

private:
  std::unique_ptr<callback> end_ = std::make_unique<callback>();
};

/// Tells when its holder has gone; a message would not do, as the dead send none.
class last_words {
public:
  explicit last_words(std::promise<void> said)
      : said_(std::make_unique<std::promise<void>>(std::move(said))) {}
  last_words(last_words&&) noexcept = default;
  last_words& operator=(last_words&&) = delete;
  ~last_words() {
    if (said_) said_->set_value();
  }

private:
  std::unique_ptr<std::promise<void>> said_;
};

process wait_for_ever(self me, std::shared_ptr<const stubborn> operation, last_words, pid tell) {
  register_name(atom("waits_for_ever"), me.id());
  send(tell, std::string("waits"));
  co_await operation->wait();
}

TEST(use_process, the_dead_keep_their_frames_until_the_operation_is_over) {
  node n(with_sockets());
  auto operation = std::make_shared<const stubborn>();
  std::promise<void> gone;
  std::future<void> freed = gone.get_future();
  n.run(
      [](self me, std::shared_ptr<const stubborn> of, last_words note) -> task<> {
        trap_exit(true);
        monitored waiter = spawn_monitor(&wait_for_ever, of, std::move(note), me.id());
        link(waiter.process);
        co_await me.receive<std::string>();
        exit(waiter.process, exit_reason::shutdown());
        down d = co_await me.receive<down>();
        EXPECT_EQ(d.reason, exit_reason::shutdown());
        exit_signal e = co_await me.receive<exit_signal>();
        EXPECT_EQ(e.reason, exit_reason::shutdown());
        EXPECT_FALSE(is_process_alive(waiter.process));
        EXPECT_FALSE(whereis(atom("waits_for_ever")));
        send(waiter.process, std::string("to nobody"));
      },
      operation, last_words(std::move(gone)));
  EXPECT_EQ(freed.wait_for(0s), std::future_status::timeout);
  operation->end();
  freed.wait();
}

/// Where the memory left behind is found by who looks for leaks.
const void* left_behind = nullptr;

process wait_and_be_left(self, std::shared_ptr<const stubborn> operation, pid tell) {
  std::array<char, 64> here{};
  left_behind = &here;
  send(tell, std::string("waits"));
  co_await operation->wait();
}

TEST(use_process, a_node_that_cannot_wait_any_longer_leaves_the_frames) {
  auto operation = std::make_shared<const stubborn>();
  {
    node_options options = with_sockets();
    options.shutdown_timeout = 1ms;
    node n(std::move(options));
    n.run(
        [](self me, std::shared_ptr<const stubborn> of) -> task<> {
          spawn(&wait_and_be_left, of, me.id());
          co_await me.receive<std::string>();
        },
        operation);
    EXPECT_FALSE(n.shutdown());
  }
  operation->end(); // finds nobody
}

TEST(use_process, the_end_of_a_node_destroys_the_handlers_that_wait_in_it) {
  std::weak_ptr<int> held;
  {
    node n(with_sockets());
    held = n.run([](self) -> task<std::weak_ptr<int>> {
      auto mine = std::make_shared<int>(1);
      detail::shared_context here = detail::process_context();
      auto timer = std::make_shared<asio::steady_timer>(*here, 1h);
      timer->async_wait([mine, here, timer](error_code) {});
      co_return mine;
    });
    EXPECT_FALSE(held.expired());
  }
  EXPECT_TRUE(held.expired());
}

process wait_on(self, std::shared_ptr<const foreign> there, pid tell) {
  asio::steady_timer timer(there->context(), 1h);
  send(tell, std::string("waits"));
  co_await timer.async_wait(use_process);
}

TEST(use_process, a_node_shuts_down_while_operations_are_under_way) {
  auto there = std::make_shared<const foreign>();
  node n(with_sockets());
  n.run(
      [](self me, std::shared_ptr<const foreign> pool) -> task<> {
        listener server =
            start_listener({.endpoint = *endpoint::parse("127.0.0.1:0")}, telling(me.id())).value();
        for (int i = 0; i < 20; ++i) {
          spawn(&read_for_ever, asio_endpoint(server));
          spawn(&wait_on, pool, me.id());
          co_await me.receive<std::string>();
          co_await me.receive<std::string>();
        }
      },
      there);
  EXPECT_TRUE(n.shutdown());
}

TEST(use_process, a_kill_cancels_what_foreign_threads_do) {
  auto there = std::make_shared<const foreign>();
  node n(with_sockets());
  n.run(
      [](self me, std::shared_ptr<const foreign> pool) -> task<> {
        for (int i = 0; i < 50; ++i) {
          monitored waiter = spawn_monitor(&wait_on, pool, me.id());
          co_await me.receive<std::string>();
          exit(waiter.process, exit_reason::kill());
          down d = co_await me.receive<down>();
          EXPECT_EQ(d.reason, exit_reason::killed());
        }
      },
      there);
}

TEST(use_process, takes_completions_of_foreign_threads) {
  auto there = std::make_shared<const foreign>();
  node n(with_sockets());
  n.run(
      [](self, std::shared_ptr<const foreign> pool) -> task<> {
        listener server = echo_server();
        tcp::socket socket(pool->context());
        co_await socket.async_connect(asio_endpoint(server), use_process);
        std::string answer(3, ' ');
        for (int i = 0; i < 200; ++i) {
          co_await asio::async_write(socket, asio::buffer("abc", 3), use_process.within(20s));
          co_await asio::async_read(socket, asio::buffer(answer), use_process.within(20s));
          int done = co_await pool->compute(i);
          EXPECT_EQ(done, i + 1);
        }
        EXPECT_EQ(answer, "abc");
      },
      there);
}

process ask_and_tell(self, tcp::endpoint at, int which, pid tell) {
  tcp::socket socket(process_executor());
  co_await socket.async_connect(at, use_process);
  std::string text = std::to_string(which);
  for (int i = 0; i < 10; ++i) {
    co_await asio::async_write(socket, asio::buffer(text), use_process);
    std::string answer(text.size(), ' ');
    co_await asio::async_read(socket, asio::buffer(answer), use_process.within(60s));
    if (answer != text) throw std::runtime_error("another's answer");
  }
  send(tell, which);
}

TEST(use_process, serves_many_processes_at_once) {
  node n(with_sockets());
  int sum = n.run([](self me) -> task<int> {
    listener server = echo_server();
    for (int i = 0; i < 200; ++i) spawn_link(&ask_and_tell, asio_endpoint(server), i, me.id());
    int all = 0;
    for (int i = 0; i < 200; ++i) {
      int which = co_await me.receive<int>();
      all += which;
    }
    co_return all;
  });
  EXPECT_EQ(sum, 199 * 200 / 2);
}

TEST(use_process, needs_a_node_with_pollers) {
  node n(node_options{.cores = 1});
  std::string why = n.run([](self) -> task<std::string> {
    std::string text;
    try {
      co_await complete_with(use_process);
    } catch (const std::logic_error& e) {
      text = e.what();
    }
    co_return text;
  });
  EXPECT_NE(why.find("make_poller"), std::string::npos) << why;
}

} // namespace
} // namespace coppice::net
