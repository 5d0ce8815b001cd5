#include "coppice/net/listener.hpp"

#include "coppice/net/detail/net_test.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <set>
#include <sys/resource.h>

namespace coppice::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

task<> echo(self, stream s) {
  char buffer[1024];
  for (;;) {
    io_result n = co_await s.read_some(buffer);
    if (!n || *n == 0) co_return;
    std::string_view heard(buffer, *n);
    if (heard == "crash") throw std::runtime_error("asked to crash");
    co_await s.write_all(heard);
  }
}

task<std::string> ask(tcp_socket* s, std::string what) {
  co_await s->write_all(what, 20s);
  std::string answer = co_await read_until_end(s, what.size());
  co_return std::move(answer);
}

task<tcp_socket> client(endpoint to) {
  std::expected<tcp_socket, std::error_code> s = co_await connect(to, 20s);
  EXPECT_TRUE(s) << s.error().message();
  co_return std::move(*s);
}

listener started(listener_options options, connection_handler handler) {
  std::expected<listener, std::error_code> l = start_listener(options, std::move(handler));
  EXPECT_TRUE(l);
  return *l;
}

TEST(listener, makes_a_process_of_each_connection) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    listener l = started({}, &echo);
    EXPECT_NE(l.local().port(), 0);
    tcp_socket a = co_await client(l.local());
    tcp_socket b = co_await client(l.local());
    std::string from_b = co_await ask(&b, "for b");
    std::string from_a = co_await ask(&a, "for a");
    EXPECT_EQ(from_a, "for a");
    EXPECT_EQ(from_b, "for b");
    EXPECT_EQ(l.connections(), 2U);
    EXPECT_EQ(l.accepted(), 2U);
  });
}

TEST(listener, serves_a_thousand_connections_at_once) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    listener l = started({}, &echo);
    std::vector<tcp_socket> all;
    for (int i = 0; i < 1000; ++i) {
      tcp_socket s = co_await client(l.local());
      all.push_back(std::move(s));
    }
    for (int round = 0; round < 2; ++round) {
      for (tcp_socket& s : all) co_await s.write_all("ping", 20s);
      for (tcp_socket& s : all) {
        std::string answer = co_await read_until_end(&s, 4);
        EXPECT_EQ(answer, "ping");
      }
    }
    EXPECT_EQ(l.connections(), 1000U);
  });
}

struct crash_reported {};

TEST(listener, a_connection_that_crashes_concerns_nobody_else) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    coppice::node* home = &this_node();
    pid to = me.id();
    home->set_report_sink([home, to](const report&) { home->send(to, crash_reported{}); }, severity::error);
    listener l = started({}, &echo);
    tcp_socket good = co_await client(l.local());
    tcp_socket bad = co_await client(l.local());
    co_await bad.write_all("crash");
    std::string nothing = co_await read_until_end(&bad);
    EXPECT_EQ(nothing, "");
    std::string answer = co_await ask(&good, "still here");
    EXPECT_EQ(answer, "still here");
    tcp_socket next = co_await client(l.local());
    std::string more = co_await ask(&next, "and new ones");
    EXPECT_EQ(more, "and new ones");
    co_await me.receive<crash_reported>();
    std::optional<crash_reported> another = co_await me.receive<crash_reported>(duration::zero());
    EXPECT_FALSE(another.has_value());
  });
}

struct accepted_one {};

task<> tell_and_echo(self me, pid watcher, stream s) {
  send(watcher, accepted_one{});
  co_await echo(me, std::move(s));
}

TEST(listener, lets_no_more_than_the_maximum_in) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    pid watcher = me.id();
    listener l = started({.max_connections = 2}, [watcher](self connection, stream s) {
      return tell_and_echo(connection, watcher, std::move(s));
    });
    tcp_socket a = co_await client(l.local());
    tcp_socket b = co_await client(l.local());
    tcp_socket c = co_await client(l.local()); // the backlog takes it
    co_await me.receive<accepted_one>();
    co_await me.receive<accepted_one>();
    co_await c.write_all("patience");
    std::optional<accepted_one> third = co_await me.receive<accepted_one>(20ms);
    EXPECT_FALSE(third);
    EXPECT_EQ(l.connections(), 2U);
    a.close();
    co_await me.receive<accepted_one>();
    std::string answer = co_await read_until_end(&c, 8);
    EXPECT_EQ(answer, "patience");
  });
}

/// The acceptors: the processes whose parent is the listener.
std::vector<pid> acceptors_of(const listener& l) {
  std::vector<pid> found;
  for (const process_summary& p : this_node().processes()) {
    if (p.parent == l.process()) found.push_back(p.process);
  }
  return found;
}

TEST(listener, starts_an_acceptor_that_died_again) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    listener l = started({.acceptors = 1}, &echo);
    tcp_socket a = co_await client(l.local());
    std::string before = co_await ask(&a, "before");
    EXPECT_EQ(before, "before");
    std::vector<pid> first = acceptors_of(l);
    EXPECT_EQ(first.size(), 1U);
    exit(first.front(), exit_reason::kill());
    tcp_socket b = co_await client(l.local());
    std::string from_b = co_await ask(&b, "accepted by another");
    EXPECT_EQ(from_b, "accepted by another");
    std::string from_a = co_await ask(&a, "still served");
    EXPECT_EQ(from_a, "still served");
    EXPECT_NE(acceptors_of(l), first);
  });
}

TEST(listener, ends_when_its_acceptors_keep_crashing) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    trap_exit(true);
    listener l = started({.acceptors = 1}, &echo);
    std::set<pid> killed;
    while (is_process_alive(l.process())) {
      for (pid a : acceptors_of(l)) {
        if (killed.insert(a).second) exit(a, exit_reason::kill());
      }
      co_await yield();
    }
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_EQ(e.from, l.process());
    EXPECT_TRUE(e.reason.is("killed"));
  });
}

struct draining {};

/// Ends when drained if the peer said so, else goes on for ever.
task<> polite_or_not(self me, stream s) {
  char kind = 0;
  co_await s.read_some(std::span(&kind, 1));
  co_await s.write_all("k");
  if (kind == 'p') {
    co_await me.receive<drain>();
    co_await s.write_all("bye");
    co_return;
  }
  for (;;) co_await me.receive<draining>();
}

task<tcp_socket> client_of_kind(endpoint to, std::string kind) {
  tcp_socket s = co_await client(to);
  co_await s.write_all(kind);
  std::string ok = co_await read_until_end(&s, 1);
  EXPECT_EQ(ok, "k");
  co_return std::move(s);
}

TEST(listener, drains_waits_and_then_kills) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    trap_exit(true);
    listener l = started({.drain_timeout = 200ms}, &polite_or_not);
    tcp_socket polite = co_await client_of_kind(l.local(), "p");
    tcp_socket rude = co_await client_of_kind(l.local(), "r");
    exit(l.process(), exit_reason::shutdown());
    std::string bye = co_await read_until_end(&polite);
    EXPECT_EQ(bye, "bye");
    std::string cut = co_await read_until_end(&rude);
    EXPECT_EQ(cut, "");
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_EQ(e.from, l.process());
    EXPECT_TRUE(e.reason.is("shutdown"));
    EXPECT_EQ(l.connections(), 0U);
    std::expected<tcp_socket, std::error_code> refused = co_await connect(l.local(), 10s);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error(), std::errc::connection_refused);
  });
}

TEST(listener, a_drain_of_polite_connections_does_not_take_its_whole_time) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    trap_exit(true);
    listener l = started({.drain_timeout = 1h}, &polite_or_not);
    tcp_socket a = co_await client_of_kind(l.local(), "p");
    tcp_socket b = co_await client_of_kind(l.local(), "p");
    exit(l.process(), exit_reason::shutdown());
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_TRUE(e.reason.is("shutdown"));
  });
}

TEST(listener, when_it_is_killed_its_processes_die_with_it) {
  node n(with_sockets());
  n.run([](self me) -> task<> {
    trap_exit(true);
    listener l = started({}, &echo);
    tcp_socket a = co_await client(l.local());
    std::string answer = co_await ask(&a, "x");
    EXPECT_EQ(answer, "x");
    exit(l.process(), exit_reason::kill());
    std::string rest = co_await read_until_end(&a);
    EXPECT_EQ(rest, "");
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_TRUE(e.reason.is("killed"));
  });
}

TEST(listener, starting_on_a_taken_port_is_an_error) {
  node n(with_sockets());
  n.run([](self) -> task<> {
    listener l = started({}, &echo);
    std::expected<listener, std::error_code> second = start_listener({.endpoint = l.local()}, &echo);
    EXPECT_FALSE(second);
    EXPECT_EQ(second.error(), std::errc::address_in_use);
    co_return;
  });
}

/// No new descriptors for the whole test program, while it lives.
class no_descriptors {
public:
  no_descriptors() {
    let_sanitizers_see_error_categories();
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit none = before_;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~no_descriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;

private:
  /// UBSan needs a descriptor when it meets an object's type for the first time, and takes the object for
  /// broken if it gets none.
  static void let_sanitizers_see_error_categories() {
    EXPECT_EQ(std::error_code(EMFILE, std::system_category()), std::errc::too_many_files_open);
    EXPECT_EQ(std::error_code(EMFILE, std::generic_category()), std::errc::too_many_files_open);
  }

  rlimit before_{};
};

/// So that no socket takes the place of a standard stream that whoever started the tests has closed.
void open_standard_streams() {
  int last = 0;
  while ((last = ::open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && last < 3) {
  }
  if (last >= 3) ::close(last);
}

struct shortage_reported {};

TEST(listener, outlives_a_shortage_of_descriptors) {
  open_standard_streams();
  node n(with_sockets());
  n.run([](self me) -> task<> {
    coppice::node* home = &this_node();
    pid to = me.id();
    home->set_report_sink([home, to](const report& r) {
      if (r.kind == "listener_exhausted") home->send(to, shortage_reported{});
    });
    listener l = started({.max_connections = 1}, &echo);
    tcp_socket a = co_await client(l.local());
    std::string from_a = co_await ask(&a, "a");
    EXPECT_EQ(from_a, "a");
    tcp_socket b = co_await client(l.local()); // waits in the backlog
    co_await b.write_all("b");
    {
      no_descriptors shortage;
      a.close(); // makes room under the maximum
      co_await me.receive<shortage_reported>();
    }
    std::string from_b = co_await read_until_end(&b, 1);
    EXPECT_EQ(from_b, "b");
    EXPECT_GE(l.exhausted(), 1U);
  });
}

} // namespace
} // namespace coppice::net
