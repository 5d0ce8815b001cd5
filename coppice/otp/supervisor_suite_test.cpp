// What OTP's supervisor_SUITE demands and the other tests of supervisors do not show, under the cases' names.
// docs/otp-conformance.md is the table.
#include "coppice/otp/detail/test_workers.hpp"

#include <gmock/gmock.h>

namespace coppice::testing {
namespace {

using strings = std::vector<std::string>;

/// Does at its start what its argument says.
class moody : public worker {
public:
  moody(pid observer, std::string how) : worker(observer, how), how_(std::move(how)) {}
  init_result init() {
    if (how_ == "ignore") return init_result::ignore();
    if (how_ == "refuse") return init_result::stop(exit_reason("reason"_atom));
    worker::init();
    return {};
  }

private:
  std::string how_;
};

supervisor_flags simple() {
  return {.strategy = strategy::simple_one_for_one, .intensity = 2, .period = 3600s};
}

TEST(supervisor_suite, sup_start_ignore_child_start_child_simple) {
  for (restart kind : {restart::temporary, restart::permanent}) {
    watched_node n;
    n.run(
        [](self me, restart how) -> task<> {
          trap_exit(true);
          std::vector<child_spec> specs{child_template<moody, std::string>("child", pid(me))};
          specs[0].restart = how;
          auto sup = co_await start_link<plain_supervisor>(simple(), specs);
          std::expected<pid, child_error> none = co_await start_child(*sup, "ignore");
          EXPECT_TRUE(none.has_value());
          EXPECT_FALSE(*none);
          std::expected<pid, child_error> one = co_await start_child(*sup, "child");
          std::expected<std::vector<child_info>, child_error> all = co_await which_children(*sup);
          EXPECT_EQ(all->size(), 1U);
          EXPECT_EQ(all->at(0).pid, *one);
          std::expected<child_counts, child_error> counts = co_await count_children(*sup);
          EXPECT_EQ(*counts, (child_counts{1, 1, 0, 1}));
          std::expected<ok, exit_reason> ended = co_await stop(sup->name(), exit_reason::shutdown());
          EXPECT_TRUE(ended.has_value());
        },
        kind);
  }
}

TEST(supervisor_suite, sup_start_child_returns_error_simple) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    std::vector<child_spec> specs{child_template<moody, std::string>("child", pid(me))};
    auto sup = co_await start_link<plain_supervisor>(simple(), specs);
    std::expected<pid, child_error> none = co_await start_child(*sup, "refuse");
    EXPECT_EQ(none.error().what, supervisor_error::start_failed);
    EXPECT_TRUE(none.error().reason.is("reason"));
    std::expected<std::vector<child_info>, child_error> all = co_await which_children(*sup);
    EXPECT_TRUE(all->empty());
  });
}

TEST(supervisor_suite, sup_stop_brutal_kill_dynamic) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    std::vector<child_spec> specs{child_template<worker, std::string>("child", pid(me)).brutal_kill()};
    auto sup = co_await start_link<plain_supervisor>(simple(), specs);
    std::vector<reference> watches;
    for (const char* id : {"a", "b", "c"}) {
      std::expected<pid, child_error> one = co_await start_child(*sup, id);
      watches.push_back(monitor(*one));
    }
    std::expected<ok, exit_reason> ended = co_await stop(sup->name(), exit_reason::shutdown());
    EXPECT_TRUE(ended.has_value());
    for (const reference& ref : watches) {
      auto ours = [ref](const down& d) { return d.ref == ref; };
      down gone = co_await me.receive_if<down>(ours);
      EXPECT_TRUE(gone.reason.is("killed"));
    }
    strings log = co_await log_of(me);
    EXPECT_EQ(log, (strings{"start a", "start b", "start c"})) << "no terminate";
  });
}

/// When it is told to shut down, it ends by another reason.
class contrary : public worker {
public:
  contrary(pid observer, std::string reason) : worker(observer, reason), reason_(std::move(reason)) {}
  void terminate(const exit_reason&) {
    if (reason_ != "shutdown") exit(exit_reason(atom(reason_)));
  }

private:
  std::string reason_;
};

TEST(supervisor_suite, sup_stop_non_shutdown_exit_dynamic) {
  for (restart kind : {restart::temporary, restart::transient, restart::permanent}) {
    watched_node n;
    n.run(
        [](self me, restart how) -> task<> {
          trap_exit(true);
          std::vector<child_spec> specs{child_template<contrary, std::string>("child", pid(me))};
          specs[0].restart = how;
          auto sup = co_await start_link<plain_supervisor>(simple(), specs);
          for (const char* reason : {"normal", "shutdown", "other"}) {
            [[maybe_unused]] auto one = co_await start_child(*sup, reason);
          }
          std::expected<ok, exit_reason> ended = co_await stop(sup->name(), exit_reason::shutdown());
          EXPECT_TRUE(ended.has_value()) << "how its children end does not change how it ends";
          EXPECT_EQ(this_node().processes().size(), 1U);
          strings log = co_await log_of(me);
          EXPECT_EQ(log, (strings{"start normal", "start shutdown", "start other"})) << "none was restarted";
        },
        kind);
  }
}

TEST(supervisor_suite, external_start_no_progress_log) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    std::vector<child_spec> specs{child_template<worker, std::string>("child", pid(me))};
    auto sup = co_await start_link<plain_supervisor>(simple(), specs);
    for (const char* id : {"a", "b"}) {
      std::expected<pid, child_error> one = co_await start_child(*sup, id);
      EXPECT_TRUE(one.has_value());
    }
  });
  for (const report& r : *n.reports) EXPECT_NE(r.kind, "progress");
}

TEST(supervisor_suite, count_children_supervisor) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    supervisor_flags inner_flags{};
    supervisor_flags outer_flags{.intensity = 5};
    std::vector<child_spec> inner{worker_child(me, "inner")};
    std::vector<child_spec> specs{worker_child(me, "a"), child<plain_supervisor>("sup", inner_flags, inner)};
    auto sup = co_await start_link<plain_supervisor>(outer_flags, specs);
    std::expected<child_counts, child_error> counts = co_await count_children(*sup);
    EXPECT_EQ(*counts, (child_counts{2, 2, 1, 1}));
    pid inside = co_await child_pid(sup->name(), "sup");
    pid a = co_await child_pid(sup->name(), "a");
    co_await kill_child(me, sup->name(), a);
    co_await kill_child(me, sup->name(), inside);
    co_await idle_for(100ms);
    std::expected<child_counts, child_error> again = co_await count_children(*sup);
    EXPECT_EQ(*again, (child_counts{2, 2, 1, 1})) << "restarts change nothing in the figures";
  });
}

TEST(supervisor_suite, order_of_children) {
  for (strategy how : {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one}) {
    watched_node n;
    n.run(
        [](self me, strategy s) -> task<> {
          trap_exit(true);
          std::vector<child_spec> specs{worker_child(me, "1"), worker_child(me, "2"), worker_child(me, "3")};
          supervisor_flags flags{.strategy = s};
          auto sup = co_await start_link<plain_supervisor>(flags, specs);
          auto started = co_await start_child(*sup, worker_child(me, "4"));
          EXPECT_TRUE(started.has_value());
          strings log = co_await log_of(me);
          EXPECT_EQ(log, (strings{"start 1", "start 2", "start 3", "start 4"}));
          std::expected<std::vector<child_info>, child_error> all = co_await which_children(*sup);
          strings ids;
          for (const child_info& c : *all) ids.push_back(c.id->as_text().value_or("?"));
          EXPECT_EQ(ids, (strings{"4", "3", "2", "1"})) << "the newest first, as OTP lists them";
          std::expected<ok, exit_reason> ended = co_await stop(sup->name(), exit_reason::shutdown());
          EXPECT_TRUE(ended.has_value());
          strings end = co_await log_of(me);
          EXPECT_EQ(end, (strings{"end 4 shutdown", "end 3 shutdown", "end 2 shutdown", "end 1 shutdown"}));
        },
        how);
  }
}

TEST(supervisor_suite, already_started_outside_supervisor) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    start_result<worker> outside = co_await start<worker>(local("taken"), pid(me), "outside");
    std::vector<child_spec> none_yet;
    auto sup = co_await start_link<plain_supervisor>(supervisor_flags(), none_yet);
    child_description spec = child<worker>("inside", local("taken"), pid(me), "inside");
    std::expected<pid, child_error> none = co_await start_child(*sup, spec);
    EXPECT_EQ(none.error().what, supervisor_error::start_failed);
    EXPECT_EQ(none.error().reason.value(), term::tuple("already_started"_atom, *outside->resolve()));
    EXPECT_TRUE(is_process_alive(*outside->resolve())) << "it is not the supervisor's to end";
    std::expected<ok, exit_reason> ended = co_await stop(sup->name(), exit_reason::shutdown());
    EXPECT_TRUE(ended.has_value());
    EXPECT_TRUE(is_process_alive(*outside->resolve()));
  });
}

TEST(supervisor_suite, significant_escalation) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    for (bool counts : {true, false}) {
      supervisor_flags flags{.auto_shutdown = auto_shutdown::any_significant};
      std::vector<child_spec> inner{worker_child(me, "worker").transient().significant()};
      std::vector<child_spec> outer{child<plain_supervisor>("below", flags, inner).transient()};
      outer[0].significant = counts;
      auto top = co_await start_link<plain_supervisor>(flags, outer);
      pid below = co_await child_pid(top->name(), "below");
      pid w = co_await child_pid(server_name(below), "worker");
      cast_any(server_name(w), end_with{"normal"_atom});
      exit_reason why = co_await end_of(me, below);
      EXPECT_TRUE(why.is("shutdown"));
      co_await idle_for(1s);
      EXPECT_EQ(is_process_alive(*top->resolve()), !counts);
      if (!counts) co_await stop(top->name(), exit_reason::shutdown());
    }
  });
}

} // namespace
} // namespace coppice::testing
