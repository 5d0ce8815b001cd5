// Supervisors through their public functions, on a stepped node. The cases are named after those of OTP's
// supervisor_SUITE where there is one.
#include "coppice/otp/detail/test_workers.hpp"

#include <gmock/gmock.h>

namespace coppice::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using strings = std::vector<std::string>;

supervisor_flags flags_of(strategy s, std::int64_t intensity = 5) {
  return {.strategy = s, .intensity = intensity, .period = 10s};
}

template <class... Id>
std::vector<child_spec> workers(pid observer, const Id&... ids) {
  return {worker_child(observer, ids)...};
}

class chat_sup : public supervisor {
public:
  explicit chat_sup(pid observer) : observer_(observer) {}
  [[nodiscard]] supervisor_flags flags() const {
    return {.strategy = strategy::rest_for_one, .intensity = 3};
  }
  [[nodiscard]] std::vector<child_spec> children() const {
    return {worker_child(observer_, "a"), worker_child(observer_, "b").transient().shutdown(2s)};
  }

private:
  pid observer_;
};

TEST(supervisor, sup_start_normal) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    start_result<chat_sup> sup = co_await start_link<chat_sup>(local("chat_sup"), me);
    EXPECT_TRUE(sup.has_value());
    strings log = co_await log_of(me);
    EXPECT_THAT(log, ElementsAre("start a", "start b"));
    std::expected<child_counts, child_error> counts = co_await count_children("chat_sup");
    EXPECT_EQ(*counts, (child_counts{2, 2, 0, 2}));
    std::expected<child_spec, child_error> b = co_await get_childspec(*sup, "b");
    EXPECT_EQ(b->restart, restart::transient);
    EXPECT_EQ(b->shutdown, child_shutdown(2s));
    std::expected<ok, exit_reason> stopped = co_await stop("chat_sup", exit_reason::shutdown());
    EXPECT_TRUE(stopped.has_value());
    auto log2 = co_await log_of(me);
    EXPECT_THAT(log2, ElementsAre("end b shutdown", "end a shutdown"));
  });
  EXPECT_EQ(n.count("child_terminated"), 0U);
}

class unwilling : public supervisor {
public:
  static init_result init() { return init_result::ignore(); }
  static std::vector<child_spec> children() { return {}; }
};

TEST(supervisor, sup_start_ignore_init) {
  watched_node n;
  n.run([](self) -> task<> {
    trap_exit(true);
    start_result<unwilling> sup = co_await start_link<unwilling>();
    EXPECT_EQ(sup.error(), ignored());
  });
}

class picky : public gen_server {
public:
  explicit picky(std::string how) : how_(std::move(how)) {}
  init_result init() {
    if (how_ == "ignore") return init_result::ignore();
    if (how_ == "stop") return init_result::stop(exit_reason("no"_atom));
    throw std::logic_error(how_);
  }

private:
  std::string how_;
};

TEST(supervisor, sup_start_ignore_child) {
  watched_node n;
  n.run([](self me) -> task<> {
    std::vector<child_spec> none;
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), none);
    std::expected<pid, child_error> started = co_await start_child(*sup, child<picky>("p", "ignore"));
    EXPECT_TRUE(started.has_value());
    EXPECT_FALSE(*started);
    auto started2 = co_await start_child(*sup, child<picky>("t", "ignore").temporary());
    EXPECT_TRUE(started2.has_value());
    std::expected<std::vector<child_info>, child_error> all = co_await which_children(*sup);
    EXPECT_EQ(all->size(), 1U);
    EXPECT_EQ(all->at(0).id, term("p"));
    EXPECT_FALSE(all->at(0).pid);
    (void)me;
  });
}

// A start that fails ends the children started before it, newest first, and the supervisor.
TEST(supervisor, sup_start_fail) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    std::vector<child_spec> specs = workers(me, "a", "b");
    specs.push_back(child<picky>("bad", "stop"));
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), specs);
    EXPECT_EQ(sup.error().value(),
              term::tuple("shutdown"_atom, term::tuple("failed_to_start_child"_atom, "bad", "no"_atom)));
    strings log = co_await log_of(me);
    EXPECT_THAT(log, ElementsAre("start a", "start b", "end b shutdown", "end a shutdown"));
  });
  EXPECT_EQ(n.count("start_error"), 1U);
}

TEST(supervisor, child_specs) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    std::vector<child_spec> twice = workers(me, "a", "a");
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), twice);
    EXPECT_EQ(sup.error().value().elements()[0], term("start_spec"_atom));
    supervisor_flags bad = flags_of(strategy::one_for_one, -1);
    std::vector<child_spec> none;
    auto sup2 = co_await start_link<plain_supervisor>(bad, none);
    EXPECT_EQ(sup2.error().value().elements()[0], term("supervisor_data"_atom));
  });
}

TEST(supervisor, sup_start_child_returns_error) {
  watched_node n;
  n.run([](self) -> task<> {
    std::vector<child_spec> none;
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), none);
    std::expected<pid, child_error> r = co_await start_child(*sup, child<picky>("p", "stop"));
    EXPECT_EQ(r.error().what, supervisor_error::start_failed);
    EXPECT_TRUE(r.error().reason.is("no"));
    auto r2 = co_await start_child(*sup, child<picky>("p", "kaputt"));
    EXPECT_EQ(r2.error().what, supervisor_error::start_failed);
    EXPECT_NE(r2.error().reason.details(), nullptr); // with its type, text and stack
    std::expected<child_counts, child_error> counts = co_await count_children(*sup);
    EXPECT_EQ(counts->specs, 0U);
  });
}

TEST(supervisor, child_adm) {
  watched_node n;
  n.run([](self me) -> task<> {
    std::vector<child_spec> none;
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), none);
    std::expected<pid, child_error> a = co_await start_child(*sup, worker_child(me, "a"));
    EXPECT_TRUE(a.has_value());
    std::expected<pid, child_error> again = co_await start_child(*sup, worker_child(me, "a"));
    EXPECT_EQ(again.error().what, supervisor_error::already_started);
    EXPECT_EQ(again.error().process, *a);
    std::expected<pid, child_error> restarted = co_await restart_child(*sup, "a");
    EXPECT_EQ(restarted.error().what, supervisor_error::running);
    std::expected<ok, child_error> done = co_await delete_child(*sup, "a");
    EXPECT_EQ(done.error().what, supervisor_error::running);
    auto done2 = co_await terminate_child(*sup, "a");
    EXPECT_TRUE(done2.has_value());
    EXPECT_FALSE(is_process_alive(*a));
    auto again2 = co_await start_child(*sup, worker_child(me, "a"));
    EXPECT_EQ(again2.error().what, supervisor_error::already_present);
    auto restarted2 = co_await restart_child(*sup, "a");
    EXPECT_TRUE(restarted2.has_value());
    EXPECT_NE(*restarted2, *a);
    auto done3 = co_await terminate_child(*sup, "a");
    auto done4 = co_await delete_child(*sup, "a");
    EXPECT_TRUE(done4.has_value());
    auto done5 = co_await delete_child(*sup, "a");
    EXPECT_EQ(done5.error().what, supervisor_error::not_found);
    std::expected<child_spec, child_error> spec = co_await get_childspec(*sup, "a");
    EXPECT_EQ(spec.error().what, supervisor_error::not_found);
  });
}

TEST(supervisor, asking_nobody) {
  watched_node n;
  n.run([](self) -> task<> {
    std::expected<child_counts, child_error> r = co_await count_children("nobody");
    EXPECT_EQ(r.error().what, supervisor_error::no_answer);
    EXPECT_TRUE(r.error().reason.is("noproc"));
  });
}

// --- restart types: which ends are followed by a restart ---

struct ending {
  std::string name;
  restart type;
  std::string reason;
  bool restarted;
  bool kept;
};

class restart_types : public ::testing::TestWithParam<ending> {};

TEST_P(restart_types, follow_the_rules) {
  watched_node n;
  n.run(
      [](self me, ending c) -> task<> {
        std::vector<child_spec> specs = workers(me, "a", "x", "b");
        specs[1].restart = c.type;
        auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), specs);
        pid before = co_await child_pid(sup->name(), "x");
        pid a = co_await child_pid(sup->name(), "a");
        co_await end_child(me, sup->name(), before, term(atom(c.reason)));
        pid after = co_await child_pid(sup->name(), "x");
        EXPECT_EQ(static_cast<bool>(after), c.restarted);
        EXPECT_NE(after, before);
        std::expected<child_counts, child_error> counts = co_await count_children(*sup);
        EXPECT_EQ(counts->specs, c.kept ? 3U : 2U);
        pid bystander = co_await child_pid(sup->name(), "a");
        EXPECT_EQ(a, bystander);
      },
      GetParam());
}

INSTANTIATE_TEST_SUITE_P(
    supervisor, restart_types,
    ::testing::Values(ending{"permanent_normal", restart::permanent, "normal", true, true},
                      ending{"permanent_shutdown", restart::permanent, "shutdown", true, true},
                      ending{"permanent_abnormal", restart::permanent, "abnormal", true, true},
                      ending{"transient_normal", restart::transient, "normal", false, true},
                      ending{"transient_shutdown", restart::transient, "shutdown", false, true},
                      ending{"transient_abnormal", restart::transient, "abnormal", true, true},
                      ending{"temporary_normal", restart::temporary, "normal", false, false},
                      ending{"temporary_shutdown", restart::temporary, "shutdown", false, false},
                      ending{"temporary_abnormal", restart::temporary, "abnormal", false, false}),
    [](const auto& one) { return one.param.name; });

// --- strategies ---

TEST(supervisor, one_for_one) {
  watched_node n;
  n.run([](self me) -> task<> {
    auto sup =
        co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), workers(me, "a", "b", "c"));
    strings log = co_await log_of(me);
    pid b = co_await child_pid(sup->name(), "b");
    co_await end_child(me, sup->name(), b, "abnormal"_atom);
    auto log2 = co_await log_of(me);
    EXPECT_THAT(log2, ElementsAre("end b abnormal", "start b"));
  });
  EXPECT_EQ(n.count("child_terminated"), 1U);
}

TEST(supervisor, one_for_all) {
  watched_node n;
  n.run([](self me) -> task<> {
    auto sup =
        co_await start_link<plain_supervisor>(flags_of(strategy::one_for_all), workers(me, "a", "b", "c"));
    strings log = co_await log_of(me);
    pid b = co_await child_pid(sup->name(), "b");
    co_await end_child(me, sup->name(), b, "abnormal"_atom);
    auto log2 = co_await log_of(me);
    EXPECT_THAT(log2, ElementsAre("end b abnormal", "end c shutdown", "end a shutdown", "start a", "start b",
                                  "start c"));
  });
}

TEST(supervisor, rest_for_one) {
  watched_node n;
  n.run([](self me) -> task<> {
    auto sup =
        co_await start_link<plain_supervisor>(flags_of(strategy::rest_for_one), workers(me, "a", "b", "c"));
    strings log = co_await log_of(me);
    pid b = co_await child_pid(sup->name(), "b");
    co_await kill_child(me, sup->name(), b);
    auto log2 = co_await log_of(me);
    EXPECT_THAT(log2, ElementsAre("end c shutdown", "start b", "start c"));
  });
}

class escalation : public ::testing::TestWithParam<strategy> {};

// One restart more than the intensity ends the supervisor, and the others with it.
TEST_P(escalation, ends_the_supervisor) {
  watched_node n;
  n.run(
      [](self me, strategy s) -> task<> {
        trap_exit(true);
        auto sup = co_await start_link<plain_supervisor>(flags_of(s, 1), workers(me, "a", "b"));
        pid process = *sup->resolve();
        for (int i = 0; i < 2; ++i) {
          pid a = co_await child_pid(sup->name(), "a");
          cast_any(server_name(a), crash{});
          exit_reason why = co_await end_of(me, a);
          EXPECT_FALSE(why.is_clean());
        }
        exit_signal gone = co_await me.receive<exit_signal>();
        EXPECT_EQ(gone.from, process);
        EXPECT_TRUE(gone.reason.is("shutdown"));
        EXPECT_EQ(this_node().processes().size(), 1U); // this one
      },
      GetParam());
  EXPECT_EQ(n.count("child_terminated"), 2U);
  EXPECT_EQ(n.count("shutdown"), 1U);
}

INSTANTIATE_TEST_SUITE_P(supervisor, escalation,
                         ::testing::Values(strategy::one_for_one, strategy::one_for_all,
                                           strategy::rest_for_one));

// Restarts that are far enough apart never end it.
TEST(supervisor, intensity_forgets_after_the_period) {
  watched_node n;
  n.run([](self me) -> task<> {
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one, 1), workers(me, "a"));
    for (int i = 0; i < 5; ++i) {
      pid a = co_await child_pid(sup->name(), "a");
      co_await kill_child(me, sup->name(), a);
      co_await idle_for(11s);
    }
    std::expected<child_counts, child_error> counts = co_await count_children(*sup);
    EXPECT_EQ(counts->active, 1U);
  });
}

class shy : public gen_server {
public:
  shy(pid observer, std::shared_ptr<int> failures) : observer_(observer), failures_(std::move(failures)) {}
  init_result init() {
    if (*failures_ > 0) {
      --*failures_;
      return init_result::stop(exit_reason("not_yet"_atom));
    }
    send(observer_, seen{"up"});
    return {};
  }

private:
  pid observer_;
  std::shared_ptr<int> failures_;
};

// A restart that fails is tried again until the intensity is reached.
TEST(supervisor, sup_start_restart_child_returns_error) {
  watched_node n;
  n.run([](self me) -> task<> {
    auto failures = std::make_shared<int>(0);
    std::vector<child_spec> specs{child<shy>("shy", me, failures)};
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one, 5), specs);
    co_await me.receive<seen>();
    *failures = 3;
    pid child = co_await child_pid(sup->name(), "shy");
    exit(child, exit_reason::kill());
    co_await me.receive<seen>();
    EXPECT_EQ(*failures, 0);
  });
  EXPECT_EQ(n.count("start_error"), 3U);
}

TEST(supervisor, hanging_restart_loop) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    auto failures = std::make_shared<int>(0);
    std::vector<child_spec> specs{child<shy>("shy", me, failures)};
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one, 1000), specs);
    co_await me.receive<seen>();
    *failures = 1'000'000;
    pid child = co_await child_pid(sup->name(), "shy");
    exit(child, exit_reason::kill());
    co_await end_of(me, child);
    // Between the attempts it still answers, and can be told to stop the child.
    std::expected<pid, child_error> running = co_await restart_child(*sup, "shy");
    EXPECT_EQ(running.error().what, supervisor_error::restarting);
    std::expected<ok, child_error> done = co_await terminate_child(*sup, "shy");
    EXPECT_TRUE(done.has_value());
    std::expected<child_counts, child_error> counts = co_await count_children(*sup);
    EXPECT_EQ(counts->active, 0U);
  });
}

// --- shutdown ---

class stubborn : public gen_server {
public:
  explicit stubborn(pid observer) : observer_(observer) {}
  void init() { trap_exit(true); }
  void handle_info(term) { send(observer_, seen{"ignored a message"}); }

private:
  pid observer_;
};

process deaf(self me) {
  trap_exit(true);
  co_await me.receive<crash>(); // leaves the exit signal in its mailbox
}

TEST(supervisor, sup_stop_timeout) {
  watched_node n;
  duration took = n.run([](self me) -> task<duration> {
    trap_exit(true);
    std::vector<child_spec> specs{child_process("deaf", &deaf).shutdown(3s), worker_child(me, "a")};
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), specs);
    time_point before = now();
    std::expected<ok, exit_reason> done = co_await stop(sup->name(), exit_reason::shutdown());
    EXPECT_TRUE(done.has_value());
    EXPECT_EQ(this_node().processes().size(), 1U);
    co_return now() - before;
  });
  EXPECT_GE(took, 3s);
  EXPECT_LT(took, 3100ms);
  EXPECT_EQ(n.count("shutdown_error"), 1U);
}

TEST(supervisor, sup_stop_brutal_kill) {
  watched_node n;
  duration took = n.run([](self me) -> task<duration> {
    std::vector<child_spec> specs{child_process("deaf", &deaf).brutal_kill(),
                                  worker_child(me, "a").brutal_kill()};
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), specs);
    strings log = co_await log_of(me);
    time_point before = now();
    trap_exit(true);
    co_await stop(sup->name(), exit_reason::shutdown());
    auto log2 = co_await log_of(me);
    EXPECT_THAT(log2, IsEmpty()); // no terminate
    co_return now() - before;
  });
  EXPECT_LT(took, 10ms);
  EXPECT_EQ(n.count("shutdown_error"), 0U);
}

class slow_to_end : public gen_server {
public:
  slow_to_end() = default;
  using protocol = coppice::protocol<infos<crash>>;
  void init() { trap_exit(true); }
  static task<> handle_info(crash) { co_await idle_for(1h); }
};

// `infinity` waits for as long as it takes.
TEST(supervisor, sup_stop_infinity) {
  watched_node n;
  duration took = n.run([](self) -> task<duration> {
    trap_exit(true);
    std::vector<child_spec> specs{child<slow_to_end>("slow").infinity()};
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), specs);
    pid slow = co_await child_pid(sup->name(), "slow");
    send(slow, crash{});
    time_point before = now();
    co_await stop(sup->name(), exit_reason::shutdown());
    co_return now() - before;
  });
  EXPECT_GE(took, 1h);
}

// A child that has unlinked itself is told to end, and waited for, all the same.
TEST(supervisor, child_unlink) {
  watched_node n;
  n.run([](self me) -> task<> {
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), workers(me, "a"));
    pid a = co_await child_pid(sup->name(), "a");
    cast_any(server_name(a), unlink_parent{*sup->resolve()});
    std::expected<ok, child_error> done = co_await terminate_child(*sup, "a");
    EXPECT_TRUE(done.has_value());
    EXPECT_FALSE(is_process_alive(a));
  });
}

TEST(supervisor, the_parents_exit_ends_it_in_order) {
  watched_node n;
  n.run([](self me) -> task<> {
    auto parent = [](self p, pid observer) -> process {
      co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), workers(observer, "a", "b"));
      co_await p.receive<crash>();
    };
    pid p = spawn(parent, pid(me));
    co_await me.receive<seen>();
    co_await me.receive<seen>();
    exit(p, exit_reason::shutdown());
    seen b = co_await me.receive<seen>();
    seen a = co_await me.receive<seen>();
    EXPECT_EQ(b.what, "end b shutdown");
    EXPECT_EQ(a.what, "end a shutdown");
  });
}

TEST(supervisor, a_killed_supervisor_takes_its_children_along) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    std::vector<child_spec> specs = workers(me, "a");
    specs.push_back(child_process("p", [](self p) -> process { co_await p.receive<crash>(); }));
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), specs);
    pid a = co_await child_pid(sup->name(), "a");
    pid p = co_await child_pid(sup->name(), "p");
    exit(*sup->resolve(), exit_reason::kill());
    exit_reason of_a = co_await end_of(me, a);
    exit_reason of_p = co_await end_of(me, p);
    EXPECT_FALSE(is_process_alive(a));
    EXPECT_FALSE(is_process_alive(p));
    strings log = co_await log_of(me);
    EXPECT_THAT(log, ElementsAre("start a", "end a killed"));
  });
}

// --- significant children ---

std::vector<child_spec> significant(pid observer) {
  return {worker_child(observer, "a").transient().significant(),
          worker_child(observer, "b").transient().significant(), worker_child(observer, "c")};
}

TEST(supervisor, any_significant) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    supervisor_flags f{.auto_shutdown = auto_shutdown::any_significant};
    auto sup = co_await start_link<plain_supervisor>(f, significant(me));
    pid a = co_await child_pid(sup->name(), "a");
    cast_any(server_name(a), end_with{"normal"_atom});
    exit_signal gone = co_await me.receive<exit_signal>();
    EXPECT_EQ(gone.from, *sup->resolve());
    EXPECT_TRUE(gone.reason.is("shutdown"));
    strings log = co_await log_of(me);
    EXPECT_THAT(log, ElementsAre("start a", "start b", "start c", "end a normal", "end c shutdown",
                                 "end b shutdown"));
  });
}

TEST(supervisor, all_significant) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    supervisor_flags f{.auto_shutdown = auto_shutdown::all_significant};
    auto sup = co_await start_link<plain_supervisor>(f, significant(me));
    pid a = co_await child_pid(sup->name(), "a");
    co_await end_child(me, sup->name(), a, "normal"_atom);
    EXPECT_TRUE(is_process_alive(*sup->resolve()));
    pid b = co_await child_pid(sup->name(), "b");
    cast_any(server_name(b), end_with{"shutdown"_atom});
    exit_signal gone = co_await me.receive<exit_signal>();
    EXPECT_TRUE(gone.reason.is("shutdown"));
  });
}

// --- trees ---

class branch : public supervisor {
public:
  branch(pid observer, std::string name, int depth)
      : observer_(observer), name_(std::move(name)), depth_(depth) {}
  [[nodiscard]] supervisor_flags flags() const { return {.intensity = 10}; }
  [[nodiscard]] std::vector<child_spec> children() const {
    std::vector<child_spec> all{worker_child(observer_, name_ + "w")};
    if (depth_ > 1) {
      for (const char* side : {"l", "r"}) {
        const std::string below = name_ + side;
        all.push_back(child<branch>(term(below), local(below), observer_, below, depth_ - 1));
      }
    }
    return all;
  }

private:
  pid observer_;
  std::string name_;
  int depth_;
};

std::size_t nodes_of_a_tree(int depth) { return (std::size_t{1} << depth) - 1; }

// Whatever process of the tree is killed, the whole tree is there again afterwards.
TEST(supervisor, tree) {
  watched_node n;
  n.run([](self me) -> task<> {
    constexpr int depth = 4;
    auto root = co_await start_link<branch>(local("t"), pid(me), std::string("t"), depth);
    const std::size_t all = 1 + 2 * nodes_of_a_tree(depth); // with this process
    EXPECT_EQ(this_node().processes().size(), all);
    for (const char* name : {"tl", "tr", "tll", "tlr", "trl", "trr", "tlll", "trrr"}) {
      pid victim = *whereis(atom(name));
      reference ref = monitor(victim);
      exit(victim, exit_reason::kill());
      co_await me.receive<down>();
      co_await idle_for(6s); // beyond the intensity's period of those above
      EXPECT_EQ(this_node().processes().size(), all) << name;
      pid now_there = whereis(atom(name)).value_or(pid());
      EXPECT_NE(now_there, victim);
      EXPECT_TRUE(now_there) << name;
      (void)ref;
    }
    trap_exit(true);
    co_await stop("t", exit_reason::shutdown());
    EXPECT_EQ(this_node().processes().size(), 1U);
  });
}

// --- other ways to start a child ---

task<std::expected<pid, exit_reason>> start_by_hand(pid observer, bool fail) {
  if (fail) throw std::runtime_error("no way");
  co_await idle_for(10ms);
  start_result<worker> w = co_await start_link<worker>(observer, std::string("hand"));
  co_return *w->resolve();
}

TEST(supervisor, child_function) {
  watched_node n;
  n.run([](self me) -> task<> {
    std::vector<child_spec> specs{child_function("f", &start_by_hand, pid(me), false)};
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), specs);
    pid f = co_await child_pid(sup->name(), "f");
    EXPECT_TRUE(f);
    co_await kill_child(me, sup->name(), f);
    pid again = co_await child_pid(sup->name(), "f");
    EXPECT_TRUE(again);
    EXPECT_NE(f, again);
    auto failing = child_function("g", &start_by_hand, pid(me), true);
    std::expected<pid, child_error> g = co_await start_child(*sup, failing);
    EXPECT_EQ(g.error().what, supervisor_error::start_failed);
  });
}

// A start that takes longer than its time-out fails, and the process is gone.
class slow_starter : public gen_server {
public:
  static task<> init() { co_await idle_for(1h); }
};

TEST(supervisor, init_timeouts) {
  watched_node n;
  n.run([](self) -> task<> {
    std::vector<child_spec> none;
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), none);
    start_options options;
    options.timeout = 100ms;
    std::expected<pid, child_error> r = co_await start_child(*sup, child<slow_starter>("s", options));
    EXPECT_EQ(r.error().what, supervisor_error::start_failed);
    EXPECT_TRUE(r.error().reason.is("timeout"));
    co_await idle_for(1ms); // for the kill to arrive
    EXPECT_EQ(this_node().processes().size(), 2U);
  });
}

// An Erlang shell sees what it is used to.
TEST(supervisor, speaks_as_otp_does) {
  watched_node n;
  n.run([](self me) -> task<> {
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), workers(me, "a"));
    pid a = co_await child_pid(sup->name(), "a");
    term which = co_await call_any<term>(sup->name(), term("which_children"_atom));
    term worker_atom = "worker"_atom;
    EXPECT_EQ(which, term::list(term::tuple("a", a, worker_atom, term::list(worker_atom))));
    term bad_id = term::tuple("terminate_child"_atom, "b");
    term gone = co_await call_any<term>(sup->name(), bad_id);
    EXPECT_EQ(gone, term::tuple("error"_atom, "not_found"_atom));
    term nonsense = "nonsense"_atom;
    std::expected<term, exit_reason> bad = co_await try_call_any<term>(sup->name(), nonsense);
    EXPECT_FALSE(bad.has_value());
    std::expected<sys::status, exit_reason> status = co_await sys::get_status(sup->name());
    EXPECT_EQ(status->module, "supervisor"_atom);
  });
}

TEST(supervisor, reports_say_who_why_and_what_now) {
  watched_node n;
  n.run([](self me) -> task<> {
    auto sup = co_await start_link<plain_supervisor>(flags_of(strategy::one_for_one), workers(me, "a"));
    pid a = co_await child_pid(sup->name(), "a");
    cast_any(server_name(a), crash{});
    co_await end_of(me, a);
    co_await count_children(*sup);
  });
  const report* found = nullptr;
  for (const report& r : *n.reports) {
    if (r.kind == "supervisor_report") found = &r;
  }
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->reason.value(), term::tuple(atom("std::runtime_error"), "boom"));
  EXPECT_NE(found->reason.details(), nullptr);
  auto field = [&](std::string_view key) {
    for (const auto& [name, value] : found->fields) {
      if (name == key) return value;
    }
    return term();
  };
  EXPECT_EQ(field("id"), term("a"));
  EXPECT_EQ(field("restart"), term("permanent"_atom));
  EXPECT_EQ(field("action"), term("restart the child"));
  EXPECT_TRUE(field("pid").is_pid());
}

} // namespace
} // namespace coppice::testing
