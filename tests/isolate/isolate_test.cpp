// Children in OS processes of their own: what kills one of those costs that child alone.
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include "coppice/dist/distribution.hpp"
#include "coppice/dist/isolate.hpp"
#include "coppice/net/detail/net_test.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/otp/sys.hpp"
#include "coppice/runtime/timer.hpp"
#include "coppice/term/text.hpp"

namespace coppice::dist {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using net::testing::with_sockets;

// --- what runs in isolates ---

struct add {
  std::int64_t n;
};
struct os_process {};
struct host {};
struct whole_name {
  atom name;
};
struct fail_by {
  std::string how;
};
struct greet_me {
  pid who;
};
struct watch_it {
  pid process;
  pid teller;
};
struct ended {
  std::string reason;
};

__attribute__((no_sanitize("address", "undefined", "thread"))) void dereference_null() {
  std::signal(SIGSEGV, SIG_DFL); // whatever a sanitizer would do
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

void eat_memory() {
  std::vector<std::unique_ptr<std::string>> all;
  for (;;) all.push_back(std::make_unique<std::string>(8 << 20, 'x'));
}

void spin() {
  volatile bool go_on = true;
  while (go_on) {
  }
}

class fragile : public gen_server {
public:
  using protocol = coppice::protocol<calls<add, std::int64_t>, calls<os_process, std::int64_t>,
                                     calls<host, atom>, calls<whole_name, std::int64_t>, calls<fail_by, bool>,
                                     casts<greet_me>, casts<watch_it>, infos<down>>;

  fragile(std::int64_t first, pid told) : sum_(first), told_(told) {}
  init_result init() {
    if (sum_ == -1) throw std::runtime_error("not today");
    if (sum_ == -2) return init_result::ignore();
    trap_exit(true);
    return {};
  }
  std::int64_t handle_call(const add& a) { return sum_ += a.n; }
  std::int64_t handle_call(os_process) { return ::getpid(); }
  atom handle_call(host) { return host_node(); }
  task<std::int64_t> handle_call(whole_name who) {
    server_ref<fragile> there(remote_name{who.name, host_node()});
    std::int64_t sum = co_await call<add>(there, 1);
    co_return sum;
  }
  bool handle_call(const fail_by& f) {
    if (f.how == "null") dereference_null();
    if (f.how == "abort") std::abort();
    if (f.how == "kill") ::kill(::getpid(), SIGKILL);
    if (f.how == "exit") ::_exit(3);
    if (f.how == "throw") throw std::runtime_error("a bug");
    if (f.how == "cpu") spin();
    if (f.how == "memory") eat_memory();
    return true;
  }
  void handle_cast(const greet_me& g) { send(g.who, ended{"hello"}); }
  void handle_cast(const watch_it& w) {
    told_ = w.teller;
    monitor(w.process);
  }
  void handle_info(const down& gone) { send(told_, ended{gone.reason.to_string()}); }
  void terminate(const exit_reason& reason) {
    if (told_) send(told_, ended{reason.to_string()});
  }

private:
  std::int64_t sum_;
  pid told_;
};

using fragile_ref = server_ref<fragile>;

const isolate_limits most{.memory = 256 << 20, .cpu = 1s};

child_description fragile_child(pid told = {}, std::int64_t first = 0) {
  return isolate<fragile>("fragile", most, local("fragile"), first, told);
}

task<pid> start_top(supervisor_flags flags, std::vector<child_spec> children) {
  auto top = co_await start_link<plain_supervisor>(flags, std::move(children));
  EXPECT_TRUE(top) << (top ? "" : top.error().to_string());
  if (!top) co_return pid();
  co_return *top->resolve();
}

task<pid> start_fragile(pid told = {}) {
  std::vector<child_spec> all{fragile_child(told)};
  supervisor_flags flags{.intensity = 20, .period = 60s};
  pid top = co_await start_top(flags, std::move(all));
  co_return top;
}

bool there_is(std::int64_t os) { return ::kill(static_cast<pid_t>(os), 0) == 0 || errno != ESRCH; }

/// Of a process that others are to reap: one that has ended no longer has memory.
bool runs(std::int64_t os) {
  std::ifstream memory("/proc/" + std::to_string(os) + "/statm");
  std::int64_t pages = 0;
  return memory >> pages && pages != 0;
}

/// A node without anything on sockets but isolates, which is quiet.
template <class F>
void in_a_node(F test) {
  node_options options = with_sockets();
  options.on_report = [](const report&) {};
  node n(std::move(options));
  n.run(test);
}

TEST(isolate, is_a_server_like_any_other) {
  in_a_node([](self me) -> task<> {
    co_await start_fragile();
    fragile_ref there("fragile");
    const std::int64_t first = co_await call<add>(there, 40);
    const std::int64_t second = co_await call<add>(there, 2);
    EXPECT_EQ(first, 40);
    EXPECT_EQ(second, 42);
    const std::int64_t os = co_await call<os_process>(there);
    EXPECT_NE(os, ::getpid());
    cast<greet_me>(there, me.id());
    ended greeting = co_await me.receive<ended>();
    EXPECT_EQ(greeting.reason, "hello");
    EXPECT_FALSE(is_alive());
    EXPECT_TRUE(nodes(node_kind::connected).empty());
  });
}

struct death {
  const char* name;
  const char* how;
  const char* reason;
  const char* or_reason = nullptr;
};

class deaths : public testing::TestWithParam<death> {};

TEST_P(deaths, cost_that_child_alone) {
  node_options options = with_sockets();
  options.on_report = [](const report&) {};
  node n(std::move(options));
  n.run(
      [](self me, std::string how, std::string reason, std::string or_reason) -> task<> {
        const pid top = co_await start_fragile();
        fragile_ref there("fragile");
        const std::int64_t os = co_await call<os_process>(there);
        const std::int64_t sum = co_await call<add>(there, 7);
        EXPECT_EQ(sum, 7);
        monitor("fragile"_atom);
        auto reply = co_await try_call<fail_by>(there, within(60s), how);
        EXPECT_FALSE(reply);
        down gone = co_await me.receive<down>();
        EXPECT_THAT(gone.reason.to_string(),
                    testing::AnyOf(testing::HasSubstr(reason), testing::HasSubstr(or_reason)));
        EXPECT_FALSE(there_is(os)) << "it is reaped when its end is told";
        co_await count_children(top); // it answers when the child is there again
        const std::int64_t fresh = co_await call<add>(there, 1);
        EXPECT_EQ(fresh, 1);
      },
      std::string(GetParam().how), std::string(GetParam().reason),
      std::string(GetParam().or_reason == nullptr ? GetParam().reason : GetParam().or_reason));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_is_limited = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool memory_is_limited = false;
#else
constexpr bool memory_is_limited = true;
#endif
#else
constexpr bool memory_is_limited = true;
#endif

std::vector<death> all_deaths() {
  std::vector<death> all{
      {"by_a_null_pointer", "null", "{isolate,{signal,'SIGSEGV'}}"},
      {"by_abort", "abort", "{isolate,{signal,'SIGABRT'}}"},
      {"by_kill_9", "kill", "{isolate,{signal,'SIGKILL'}}"},
      {"by_exit", "exit", "{isolate,{exit_status,3}}"},
      {"by_an_exception", "throw", "a bug"},
      {"by_using_up_its_time", "cpu", "{isolate,{signal,'SIGXCPU'}}"},
  };
  // Who is told that there is no memory may be the runtime, to whom that is the end.
  if (memory_is_limited) all.push_back({"by_using_up_its_memory", "memory", "bad_alloc", "SIGABRT"});
  return all;
}
INSTANTIATE_TEST_SUITE_P(isolate, deaths, testing::ValuesIn(all_deaths()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(isolate, is_shut_down_in_order) {
  in_a_node([](self me) -> task<> {
    trap_exit(true);
    const pid top = co_await start_fragile(me.id());
    const std::int64_t os = co_await call<os_process>(fragile_ref("fragile"));
    exit(top, exit_reason::shutdown());
    ended told = co_await me.receive<ended>();
    EXPECT_EQ(told.reason, "shutdown");
    co_await me.receive<coppice::exit_signal>();
    EXPECT_FALSE(there_is(os));
    EXPECT_FALSE(whereis("fragile"_atom));
  });
}

TEST(isolate, is_stopped_by_stop) {
  in_a_node([](self me) -> task<> {
    std::vector<child_spec> all{fragile_child(me.id()).temporary()};
    co_await start_top(supervisor_flags(), std::move(all));
    auto stopped = co_await stop("fragile");
    EXPECT_TRUE(stopped);
    ended told = co_await me.receive<ended>();
    EXPECT_EQ(told.reason, "normal");
  });
}

TEST(isolate, that_does_not_listen_is_killed_when_its_time_is_up) {
  in_a_node([](self me) -> task<> {
    trap_exit(true);
    std::vector<child_spec> all{
        isolate<fragile>("fragile", {}, local("fragile"), std::int64_t{0}, pid()).shutdown(50ms)};
    const pid top = co_await start_top(supervisor_flags(), std::move(all));
    fragile_ref there("fragile");
    const std::int64_t os = co_await call<os_process>(there);
    auto none = co_await try_call<fail_by>(there, within(10ms), "cpu");
    EXPECT_FALSE(none);
    exit(top, exit_reason::shutdown());
    co_await me.receive<coppice::exit_signal>();
    for (int i = 0; i < 1000 && there_is(os); ++i) co_await idle_for(10ms);
    EXPECT_FALSE(there_is(os));
  });
}

TEST(isolate, that_fails_too_often_is_given_up) {
  in_a_node([](self me) -> task<> {
    trap_exit(true);
    std::vector<child_spec> all{fragile_child()};
    supervisor_flags flags{.intensity = 2, .period = 60s};
    const pid top = co_await start_top(flags, std::move(all));
    fragile_ref there("fragile");
    for (int i = 0; i < 3; ++i) {
      monitor("fragile"_atom);
      co_await try_call<fail_by>(there, within(10s), "null");
      co_await me.receive<down>();
      if (i < 2) co_await count_children(top); // it answers when the child is there again
    }
    coppice::exit_signal over = co_await me.receive<coppice::exit_signal>();
    EXPECT_EQ(over.from, top);
    EXPECT_EQ(over.reason, exit_reason::shutdown());
  });
}

TEST(isolate, whose_start_fails_says_why) {
  in_a_node([](self) -> task<> {
    const pid top = co_await start_top(supervisor_flags(), std::vector<child_spec>());
    auto thrown = co_await start_child(top, fragile_child(pid(), -1));
    EXPECT_FALSE(thrown);
    EXPECT_NE(thrown.error().reason.to_string().find("not today"), std::string::npos)
        << thrown.error().reason.to_string();
    auto none = co_await start_child(top, fragile_child(pid(), -2));
    EXPECT_TRUE(none);
    EXPECT_FALSE(whereis("fragile"_atom));
  });
}

TEST(isolate, sees_the_processes_of_its_host) {
  in_a_node([](self me) -> task<> {
    co_await start_fragile();
    fragile_ref there("fragile");
    co_await start_link<fragile>(local("here"), static_cast<std::int64_t>(10), pid());
    const std::int64_t sum = co_await call<whole_name>(there, "here"_atom);
    EXPECT_EQ(sum, 11);

    const pid other = spawn([](self it) -> process {
      std::string how = co_await it.receive<std::string>();
      exit(exit_reason(atom(how)));
    });
    cast<watch_it>(there, other, me.id());
    co_await call<add>(there, 0);
    send(other, std::string("enough"));
    ended told = co_await me.receive<ended>();
    EXPECT_EQ(told.reason, "enough");
  });
}

TEST(isolate, stays_when_its_host_is_distributed) {
  in_a_node([](self me) -> task<> {
    co_await start_fragile();
    fragile_ref there("fragile");
    const std::int64_t os = co_await call<os_process>(there);
    cast<watch_it>(there, me.id(), me.id());
    options how;
    how.name = "host@127.0.0.1";
    how.cookie = "a cookie that is long enough";
    how.epmd = epmd_use::none;
    auto net = co_await start(how);
    EXPECT_TRUE(net);
    EXPECT_EQ(node_name(), "host@127.0.0.1"_atom);
    const std::int64_t still = co_await call<os_process>(there);
    EXPECT_EQ(still, os);
    EXPECT_TRUE(nodes(node_kind::connected).empty());

    std::vector<child_spec> all{isolate<fragile>("later", most, local("later"), std::int64_t{0}, pid())};
    co_await start_top(supervisor_flags(), std::move(all));
    const std::int64_t sum = co_await call<add>(fragile_ref("later"), 5);
    EXPECT_EQ(sum, 5);
    cast<greet_me>(there, me.id());
    ended greeting = co_await me.receive<ended>();
    EXPECT_EQ(greeting.reason, "hello");
  });
}

TEST(isolate, is_killed_with_what_stands_for_it) {
  in_a_node([](self me) -> task<> {
    co_await start_fragile();
    const std::int64_t os = co_await call<os_process>(fragile_ref("fragile"));
    monitor("fragile"_atom);
    exit(*whereis("fragile"_atom), exit_reason::kill());
    co_await me.receive<down>();
    for (int i = 0; i < 1000 && there_is(os); ++i) co_await idle_for(10ms);
    EXPECT_FALSE(there_is(os));
  });
}

/// Has an isolate of its own.
class nest : public gen_server {
public:
  using protocol = coppice::protocol<calls<os_process, std::int64_t>>;
  task<> init() {
    std::vector<child_spec> all{fragile_child()};
    co_await start_top(supervisor_flags(), std::move(all));
  }
  task<std::int64_t> handle_call(os_process) {
    const std::int64_t inner = co_await call<os_process>(fragile_ref("fragile"));
    co_return inner;
  }
};

TEST(isolate, of_one_that_is_killed_ends_by_itself) {
  in_a_node([](self me) -> task<> {
    std::vector<child_spec> all{isolate<nest>("nest", {}, local("nest")).temporary()};
    co_await start_top(supervisor_flags(), std::move(all));
    const pid proxy = *whereis("nest"_atom);
    const std::int64_t inner = co_await call<os_process>(server_ref<nest>("nest"));
    EXPECT_TRUE(there_is(inner));
    std::expected<term, exit_reason> state = co_await sys::get_state("nest");
    const std::optional<std::int64_t> outer = state->elements()[1].as_int64();
    EXPECT_NE(*outer, inner);
    monitor(proxy);
    ::kill(static_cast<pid_t>(*outer), SIGKILL);
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.reason.to_string(), "{isolate,{signal,'SIGKILL'}}");
    for (int i = 0; i < 1000 && runs(inner); ++i) co_await idle_for(10ms);
    EXPECT_FALSE(runs(inner));
  });
}

// --- the demonstration ---

struct divide {
  std::int64_t n;
};

/// Every third request is its last.
class unreliable : public gen_server {
public:
  using protocol = coppice::protocol<calls<divide, std::int64_t>>;
  std::int64_t handle_call(const divide& d) {
    if (++requests_ % 3 == 0) dereference_null();
    return d.n / 2;
  }

private:
  int requests_ = 0;
};

class steady : public gen_server {
public:
  using protocol = coppice::protocol<calls<divide, std::int64_t>>;
  std::int64_t handle_call(const divide& d) { return d.n / 2; }
};

struct finished {
  int right;
};

process client(self, pid teller, std::shared_ptr<const std::atomic<bool>> enough) {
  server_ref<steady> there("steady");
  int right = 0;
  int asked = 0;
  while (!enough->load() || asked < 100) {
    const std::int64_t whole = std::int64_t{2} * asked;
    const std::int64_t half = co_await call<divide>(there, whole);
    right += half == asked ? 1 : 0;
    ++asked;
  }
  send(teller, finished{right == asked ? right : -1});
}

} // namespace
} // namespace coppice::dist

template <>
struct coppice::enable_sendable<std::shared_ptr<const std::atomic<bool>>> {
  static constexpr bool value = true;
};

namespace coppice::dist {
namespace {

TEST(isolate, that_crashes_at_every_third_request_disturbs_none_of_64_clients) {
  in_a_node([](self me) -> task<> {
    std::vector<child_spec> all{child<steady>("steady", local("steady")),
                                isolate<unreliable>("unreliable", {}, local("unreliable"))};
    supervisor_flags flags{.intensity = 100, .period = 1s};
    const pid top = co_await start_top(flags, std::move(all));
    const pid steady_one = *whereis("steady"_atom);
    auto enough = std::make_shared<std::atomic<bool>>(false);
    for (int i = 0; i < 64; ++i) {
      spawn_link(&client, me.id(), std::shared_ptr<const std::atomic<bool>>(enough));
    }
    server_ref<unreliable> there("unreliable");
    int answers = 0;
    for (int crashes = 0; crashes < 10; ++crashes) {
      monitor("unreliable"_atom);
      for (int i = 0; i < 3; ++i) {
        auto half = co_await try_call<divide>(there, within(30s), 8);
        if (half && *half == 4) ++answers;
      }
      co_await me.receive<down>();
      co_await count_children(top); // it answers when the child is there again
    }
    EXPECT_EQ(answers, 20);
    enough->store(true);
    for (int i = 0; i < 64; ++i) {
      finished one = co_await me.receive<finished>();
      EXPECT_GE(one.right, 100);
    }
    EXPECT_EQ(whereis("steady"_atom), steady_one);
  });
}

} // namespace
} // namespace coppice::dist

int main(int argc, char** argv) {
  coppice::dist::isolate_main(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
