// The end of a node: root first, then the rest, within a deadline; and the signals that ask for it.
#include "coppice/runtime/api.hpp"
#include "coppice/runtime/detail/runtime_test.hpp"
#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using namespace coppice::test;

/// Who ended, in order; a stepped node has one thread.
std::vector<int> endings;

class marks_end {
public:
  explicit marks_end(int n) noexcept : number_(n) {}
  marks_end(marks_end&&) = delete;
  ~marks_end() { endings.push_back(number_); }

private:
  int number_;
};

process child(self me, int number) {
  marks_end mark(number);
  co_await me.receive<stop>();
}

/// Ends its children in the reverse order of their start when it is told to shut down.
process supervises(self me) {
  marks_end mark(0);
  trap_exit(true);
  std::vector<pid> children;
  for (int i = 1; i <= 3; ++i) children.push_back(spawn_link(child, i));
  exit_signal e = co_await me.receive<exit_signal>();
  EXPECT_TRUE(e.reason.is("shutdown"));
  while (!children.empty()) {
    exit(children.back(), exit_reason::shutdown());
    pid last = children.back();
    auto ours = [last](const exit_signal& s) { return s.from == last; };
    co_await me.receive_if<exit_signal>(ours);
    children.pop_back();
  }
}

TEST(shutdown, ends_the_root_first_and_then_the_rest) {
  endings.clear();
  node n(quiet());
  pid root = n.spawn(supervises);
  n.set_root(root);
  n.spawn(child, 9);
  n.run_until_idle();
  EXPECT_TRUE(n.shutdown());
  EXPECT_EQ(endings, (std::vector<int>{3, 2, 1, 0, 9}));
  EXPECT_EQ(n.statistics().processes, 0U);
  EXPECT_TRUE(n.shutdown()) << "again, it is still so";
  EXPECT_THROW(n.spawn(child, 1), std::length_error);
}

TEST(shutdown, kills_a_root_that_does_not_listen_at_the_deadline) {
  node_options options = quiet();
  options.shutdown_timeout = 3s;
  node n(options);
  pid root = n.spawn([](self me) -> process {
    trap_exit(true);
    for (;;) co_await me.receive<exit_signal>();
  });
  n.set_root(root);
  n.run_until_idle();
  time_point before = n.time().now();
  n.shutdown();
  EXPECT_FALSE(n.is_process_alive(root));
  EXPECT_LE(n.time().now() - before, 4s);
  EXPECT_EQ(n.statistics().processes, 0U);
}

/// Starts another of its kind as its last act.
class heir {
public:
  explicit heir(int left) noexcept : left_(left) {}
  heir(heir&&) = delete;
  ~heir() { // a destructor may not throw
    if (left_ > 0) spawn(&heir::lives, left_ - 1);
  }
  static process lives(self me, int left) {
    heir next(left);
    co_await me.receive<stop>();
  }

private:
  int left_;
};

TEST(shutdown, ends_those_too_that_are_started_meanwhile) {
  node n(quiet());
  n.spawn(&heir::lives, 5);
  n.run_until_idle();
  EXPECT_TRUE(n.shutdown());
  EXPECT_EQ(n.statistics().processes, 0U);
  EXPECT_EQ(n.statistics().spawned, 6U);
}

TEST(shutdown, on_threads_ends_many_processes) {
  node_options options;
  options.cores = 4;
  options.on_report = [](const report&) {};
  node n(options);
  n.run([](self) -> task<> {
    for (int i = 0; i < 5000; ++i) {
      spawn(
          [](self me, int k) -> process {
            if (k % 2 == 0) co_await idle_for(1h);
            co_await me.receive<stop>();
          },
          i);
    }
    co_return;
  });
  EXPECT_TRUE(n.shutdown());
  EXPECT_EQ(n.statistics().processes, 0U);
}

TEST(shutdown, can_be_asked_for_by_another_thread) {
  node_options options;
  options.cores = 2;
  node n(options);
  n.spawn([](self me) -> process { co_await me.receive<stop>(); });
  std::jthread other([&n] { n.request_stop(); });
  EXPECT_EQ(n.run_until_stopped(), 0);
}

// --- signals, in an OS process of their own ---

/// Runs a node until a signal stops it, and ends this OS process with the status that main would give.
[[noreturn]] void serve_until_stopped(int ready) {
  int status = 99;
  {
    node_options options;
    options.cores = 2;
    options.on_report = [](const report&) {};
    node n(options);
    pid root = n.spawn(
        [](self me, int write_to) -> process {
          trap_exit(true);
          char ok = 'r';
          if (write(write_to, &ok, 1) != 1) exit(exit_reason("pipe"_atom));
          exit_signal e = co_await me.receive<exit_signal>();
          ok = e.reason.is("shutdown") ? 's' : '?';
          if (write(write_to, &ok, 1) != 1) exit(exit_reason("pipe"_atom));
        },
        ready);
    n.set_root(root);
    status = n.run_until_stopped();
  }
  _exit(status);
}

class on_signal : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(signals, on_signal, testing::Values(SIGTERM, SIGINT));

TEST_P(on_signal, the_root_is_asked_to_end_and_the_status_is_zero) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  // Blocked before the fork, so that a signal that comes early waits for run_until_stopped.
  sigset_t both;
  sigset_t before;
  sigemptyset(&both);
  sigaddset(&both, SIGTERM);
  sigaddset(&both, SIGINT);
  pthread_sigmask(SIG_BLOCK, &both, &before);
  pid_t other = fork();
  if (other == 0) serve_until_stopped(ends[1]);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(ends[1]);
  char seen = 0;
  EXPECT_EQ(read(ends[0], &seen, 1), 1);
  EXPECT_EQ(seen, 'r');
  kill(other, GetParam());
  EXPECT_EQ(read(ends[0], &seen, 1), 1);
  EXPECT_EQ(seen, 's');
  int status = 0;
  EXPECT_EQ(waitpid(other, &status, 0), other);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  close(ends[0]);
}

} // namespace
} // namespace coppice
