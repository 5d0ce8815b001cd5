// Coroutines of processes: tasks in tasks, exceptions through them, and what a kill leaves behind (nothing).
#include "coppice/runtime/task.hpp"

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/detail/runtime_test.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cctype>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using namespace coppice::test;

struct number {
  int n;
};

/// Counts how many of its kind live, and how often one was destroyed.
class witness {
public:
  witness() { ++living; }
  witness(witness&& other) noexcept : whole_(std::exchange(other.whole_, false)) {}
  witness& operator=(witness&&) = delete;
  ~witness() {
    if (whole_) --living;
  }
  static inline std::atomic<int> living{0};

private:
  bool whole_ = true;
};

task<int> add(int a, int b) { co_return a + b; }

task<int> sum_to(int n) {
  int sum = 0;
  for (int i = 1; i <= n; ++i) {
    int next = co_await add(sum, i % 7);
    sum = next;
  }
  co_return sum;
}

task<int> depth(int n) {
  if (n == 0) co_return 0;
  int below = co_await depth(n - 1);
  co_return below + 1;
}

TEST(task, loops_of_a_hundred_thousand_do_not_grow_the_stack) {
  node n(quiet());
  int sum = n.run([](self) -> task<int> { co_return co_await sum_to(100'000); });
  EXPECT_EQ(sum, 14285 * (0 + 1 + 2 + 3 + 4 + 5 + 6) + 1 + 2 + 3 + 4 + 5); // 100 000 = 14285 * 7 + 5
}

TEST(task, nests_deeply) {
  node n(quiet());
  int d = n.run([](self) -> task<int> { co_return co_await depth(100'000); });
  EXPECT_EQ(d, 100'000);
}

task<std::unique_ptr<int>> makes(int n) { co_return std::make_unique<int>(n); }

TEST(task, gives_values_that_only_move) {
  node n(quiet());
  int got = n.run([](self) -> task<int> {
    std::unique_ptr<int> p = co_await makes(5);
    co_return *p;
  });
  EXPECT_EQ(got, 5);
}

task<> throws(int levels) {
  witness w;
  if (levels == 0) throw std::runtime_error("from below");
  co_await throws(levels - 1);
}

TEST(task, lets_exceptions_through_and_destroys_all_on_the_way) {
  node n(quiet());
  n.run([](self) -> task<> {
    std::string what;
    try {
      co_await throws(50);
    } catch (const std::runtime_error& e) {
      what = e.what();
    }
    EXPECT_EQ(what, "from below");
    EXPECT_EQ(witness::living.load(), 0);
  });
}

TEST(task, that_is_never_awaited_never_runs) {
  node n(quiet());
  n.run([](self) -> task<> {
    task<> unused = throws(1);
    EXPECT_EQ(witness::living.load(), 0);
    co_return;
  });
}

task<> for_ever() {
  for (;;) co_await add(1, 2);
}

TEST(task, loops_without_a_wait_let_others_run_and_can_be_killed) {
  node n(quiet());
  n.run([](self me) -> task<> {
    monitored busy = spawn_monitor([](self) -> process { co_await for_ever(); });
    for (int i = 0; i < 10; ++i) co_await yield();
    EXPECT_TRUE(is_process_alive(busy.process));
    exit(busy.process, exit_reason::kill());
    down d = co_await me.receive<down>();
    EXPECT_TRUE(d.reason.is("killed"));
  });
}

// --- kill at every suspension ---

task<int> inner(self me, witness, int where) {
  witness local;
  if (where == 0) co_await me.receive<stop>();
  if (where == 1) co_await me.receive<stop>(1h);
  if (where == 2) co_await idle_for(1h);
  if (where == 3) {
    for (;;) co_await yield();
  }
  if (where == 4) {
    auto never = [](const number&) { return false; };
    co_await me.receive_if<number>(never);
  }
  if (where == 5) {
    std::optional<process_details> none = co_await process_info(me.id(), 1h);
    EXPECT_TRUE(none);
    co_await me.receive<stop>();
  }
  co_return 1;
}

task<int> middle(self me, witness w, int where) {
  std::vector<witness> many(3);
  int result = co_await inner(me, std::move(w), where);
  co_return result;
}

process outer(self me, int where) {
  witness local;
  witness argument;
  int result = co_await middle(me, std::move(argument), where);
  EXPECT_EQ(result, 1);
}

TEST(kill, at_any_suspension_runs_each_destructor_once) {
  node n(quiet());
  n.run([](self me) -> task<> {
    for (int where = 0; where < 6; ++where) {
      for (int turns = 0; turns < 4; ++turns) {
        monitored p = spawn_monitor(outer, where);
        send(p.process, number{1});
        for (int i = 0; i < turns; ++i) co_await yield();
        exit(p.process, exit_reason::kill());
        down d = co_await me.receive<down>();
        EXPECT_TRUE(d.reason.is("killed"));
        EXPECT_EQ(witness::living.load(), 0) << "destroyed before it is announced; at " << where;
      }
    }
  });
}

TEST(kill, of_one_that_has_not_started_destroys_its_arguments) {
  node n(quiet());
  n.run([](self me) -> task<> {
    monitored p = spawn_monitor([](self, witness) -> process { co_return; }, witness());
    EXPECT_EQ(witness::living.load(), 1);
    exit(p.process, exit_reason::kill());
    co_await me.receive<down>();
    EXPECT_EQ(witness::living.load(), 0);
  });
}

TEST(kill, of_a_node_destroys_everything_in_it) {
  {
    node n(quiet());
    for (int where = 0; where < 5; ++where) n.spawn(outer, where);
    pid p = n.spawn([](self me) -> process { co_await me.receive<stop>(); });
    for (int i = 0; i < 10; ++i) n.send(p, witness());
    EXPECT_GT(witness::living.load(), 0);
  }
  EXPECT_EQ(witness::living.load(), 0);
}

TEST(kill, destroys_the_messages_that_nobody_took) {
  node n(quiet());
  n.run([](self me) -> task<> {
    monitored p = spawn_monitor([](self it) -> process { co_await it.receive<stop>(); });
    for (int i = 0; i < 10; ++i) send(p.process, witness());
    co_await yield();
    for (int i = 0; i < 10; ++i) send(p.process, witness());
    EXPECT_EQ(witness::living.load(), 20);
    exit(p.process, exit_reason::kill());
    co_await me.receive<down>();
    EXPECT_EQ(witness::living.load(), 0);
    send(p.process, witness());
    EXPECT_EQ(witness::living.load(), 0);
  });
}

/// Says good-bye when it is destroyed: as the process that it belongs to.
class farewell {
public:
  explicit farewell(pid to) : to_(to) {}
  farewell(farewell&&) = delete;
  ~farewell() { send(to_, self_pid()); }

private:
  pid to_;
};

TEST(kill, lets_destructors_act_as_the_process) {
  node n(quiet());
  n.run([](self me) -> task<> {
    monitored p = spawn_monitor(
        [](self it, pid to) -> process {
          farewell f(to);
          co_await it.receive<stop>();
        },
        me.id());
    co_await yield();
    exit(p.process, exit_reason::kill());
    std::variant<pid, down> first = co_await me.receive<pid, down>();
    EXPECT_TRUE(std::holds_alternative<pid>(first) && std::get<pid>(first) == p.process);
    co_await me.receive<down>();
  });
}

// --- bodies with tasks ---

class worker : public body {
public:
  explicit worker(pid parent) : parent_(parent) {}
  void init() override { send(parent_, "init"_atom); }
  void receive(message_ptr m) override {
    if (m->ops->type->hash != type_hash<number>()) return;
    start_task(job(parent_, m->as<number>().n));
    EXPECT_THROW(start_task(job(parent_, 0)), std::logic_error) << "one at a time";
  }
  void task_ended(const std::exception_ptr& error) override {
    send(parent_, error ? "failed"_atom : "finished"_atom);
    if (error) std::rethrow_exception(error);
  }

private:
  static process job(pid parent, int n) {
    witness w;
    co_await idle_for(1ms);
    if (n < 0) throw std::runtime_error("negative");
    send(parent, n);
  }
  pid parent_;
};

TEST(start_task, runs_one_task_at_a_time_and_tells_its_end) {
  node n(quiet());
  n.run([](self me) -> task<> {
    spawn_options options;
    options.monitor = true;
    monitored w = spawn_body(options, std::make_unique<worker>(me.id()));
    for (int i : {1, 2, -1, 3}) send(w.process, number{i});
    std::vector<term> heard;
    for (;;) {
      term m = co_await me.receive<term>();
      if (m.is_tuple()) break;
      heard.push_back(m);
    }
    std::vector<term> expected{term("init"_atom),     term(1),
                               term("finished"_atom), term(2),
                               term("finished"_atom), term("failed"_atom)};
    EXPECT_EQ(heard, expected);
    EXPECT_EQ(witness::living.load(), 0);
  });
}

TEST(start_task, is_not_for_plain_processes) {
  node n(quiet());
  n.run([](self) -> task<> {
    auto other = [](self) -> process { co_return; };
    detail::process_block& me = detail::running_process();
    EXPECT_THROW(start_task(other(self(me))), std::logic_error);
    co_return;
  });
}

// --- exceptions ---

struct odd_thing {};

TEST(exceptions, are_exit_reasons_with_type_text_and_stack) {
  node n(quiet());
  std::vector<report> reports;
  n.set_report_sink([&reports](const report& r) { reports.push_back(r); });
  n.run([](self me) -> task<> {
    trap_exit(true);
    pid p = spawn_link([](self) -> process {
      throw std::out_of_range("page 7");
      co_return;
    });
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_EQ(e.from, p);
    EXPECT_EQ(e.reason.value(), term::tuple(atom("std::out_of_range"), "page 7"));
    const crash_details* details = e.reason.details();
    EXPECT_TRUE(details != nullptr && details->type == "std::out_of_range" && details->text == "page 7");
#ifndef COPPICE_SANITIZED
    EXPECT_GE(details->frames.size(), 4U) << "the coroutine, the trampoline, the slice, the worker";
    EXPECT_EQ(details->stack().size(), details->frames.size());
#endif
    EXPECT_FALSE(e.reason.is_clean());
  });
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_EQ(reports[0].reason.details()->text, "page 7");
}

TEST(exceptions, are_reported_once_whatever_they_pull_down) {
  node n(quiet());
  int reports = 0;
  n.set_report_sink([&reports](const report&) { ++reports; });
  n.run([](self me) -> task<> {
    pid first = spawn([](self it) -> process {
      co_await it.receive<stop>();
      throw std::runtime_error("root cause");
    });
    pid last = spawn(
        [](self it, pid other) -> process {
          link(other);
          co_await it.receive<stop>();
        },
        first);
    monitor(last);
    co_await yield();
    send(first, stop());
    down d = co_await me.receive<down>();
    EXPECT_NE(d.reason.details(), nullptr);
  });
  EXPECT_EQ(reports, 1);
}

TEST(exceptions, of_any_type_are_reasons) {
  node n(quiet());
  n.run([](self me) -> task<> {
    monitored p = spawn_monitor([](self) -> process {
      throw odd_thing();
      co_return;
    });
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, p.ref);
    EXPECT_NE(d.reason.details()->type.find("odd_thing"), std::string::npos);
    EXPECT_EQ(d.reason.details()->text, "");
  });
}

TEST(exceptions, have_no_stack_when_that_is_off) {
  node n(quiet());
  capture_stacks(false);
  n.run([](self me) -> task<> {
    monitored p = spawn_monitor([](self) -> process {
      throw std::runtime_error("quick");
      co_return;
    });
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, p.ref);
    EXPECT_TRUE(d.reason.details()->frames.empty());
  });
  capture_stacks(true);
}

TEST(exceptions, from_elsewhere_do_not_bear_another_ones_stack) {
  node n(quiet());
  n.run([](self me) -> task<> {
    monitored p = spawn_monitor([](self) -> process {
      std::exception_ptr elsewhere;
      std::jthread other(
          [&elsewhere] { elsewhere = std::make_exception_ptr(std::runtime_error("elsewhere")); });
      other.join();
      try {
        throw std::logic_error("here, and done with");
      } catch (const std::logic_error&) {
      }
      std::rethrow_exception(elsewhere);
      co_return;
    });
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, p.ref);
    EXPECT_EQ(d.reason.details()->text, "elsewhere");
    EXPECT_TRUE(d.reason.details()->frames.empty());
  });
}

TEST(exceptions, that_end_a_process_on_purpose_are_no_crash) {
  node n(quiet());
  int reports = 0;
  n.set_report_sink([&reports](const report&) { ++reports; });
  n.run([](self me) -> task<> {
    monitored p = spawn_monitor([](self) -> process {
      exit(exit_reason(term::tuple("bad"_atom, 1)));
      co_return;
    });
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, p.ref);
    EXPECT_EQ(d.reason.value(), term::tuple("bad"_atom, 1));
    EXPECT_EQ(d.reason.details(), nullptr);
  });
  EXPECT_EQ(reports, 0);
}

// --- blocking ---

std::string shout(std::string s) {
  for (char& c : s) c = static_cast<char>(std::toupper(c));
  return s;
}

TEST(blocking, gives_the_result) {
  node n(quiet());
  std::string got = n.run([](self) -> task<std::string> {
    blocking work(&shout, std::string("hello"));
    std::string s = co_await work;
    co_return s;
  });
  EXPECT_EQ(got, "HELLO");
}

TEST(blocking, rethrows_an_exception) {
  node n(quiet());
  n.run([](self) -> task<> {
    blocking work([] { throw std::runtime_error("disk"); });
    std::string what;
    try {
      co_await work;
    } catch (const std::runtime_error& e) {
      what = e.what();
    }
    EXPECT_EQ(what, "disk");
  });
}

TEST(blocking, does_not_count_as_the_process) {
  node n(quiet());
  n.run([](self) -> task<> {
    blocking work([] { return static_cast<bool>(self_pid_or_none()); });
    bool inside = co_await work;
    EXPECT_FALSE(inside);
  });
}

std::atomic<bool> work_begun{false};
std::atomic<bool> finish_work{false};

void slow_work(witness) {
  work_begun = true;
  while (!finish_work.load()) std::this_thread::yield();
}

TEST(blocking, owns_its_arguments_when_its_process_is_killed) {
  work_begun = finish_work = false;
  node_options options;
  options.cores = 2;
  node n(options);
  n.run([](self me) -> task<> {
    monitored p = spawn_monitor([](self) -> process {
      blocking work(&slow_work, witness());
      co_await work;
    });
    while (!work_begun.load()) co_await yield();
    exit(p.process, exit_reason::kill());
    down d = co_await me.receive<down>();
    EXPECT_TRUE(d.reason.is("killed"));
    finish_work = true;
  });
  EXPECT_TRUE(n.shutdown());
  EXPECT_EQ(witness::living.load(), 0);
}

} // namespace
} // namespace coppice
