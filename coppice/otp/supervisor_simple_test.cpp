// simple_one_for_one: many children of one specification. Named after the cases of OTP's supervisor_SUITE.
#include "coppice/otp/detail/test_workers.hpp"

#include <gmock/gmock.h>

namespace coppice::testing {
namespace {

using strings = std::vector<std::string>;

class session : public worker {
public:
  session(pid observer, std::string user) : worker(observer, std::move(user)) {}
};

process small(self me) { co_await me.receive<crash>(); }

supervisor_flags simple(std::int64_t intensity = 5) {
  return {.strategy = strategy::simple_one_for_one, .intensity = intensity, .period = 10s};
}

TEST(simple_supervisor, child_adm_simple) {
  watched_node n;
  n.run([](self me) -> task<> {
    std::vector<child_spec> specs{child_template<session, std::string>("session", pid(me))};
    auto sup = co_await start_link<plain_supervisor>(simple(), specs);
    std::expected<pid, child_error> bob = co_await start_child(*sup, "bob");
    std::expected<pid, child_error> eve = co_await start_child(*sup, "eve");
    EXPECT_TRUE(bob && eve);
    strings log = co_await log_of(me);
    EXPECT_EQ(log, (strings{"start bob", "start eve"}));
    std::expected<child_counts, child_error> counts = co_await count_children(*sup);
    EXPECT_EQ(*counts, (child_counts{1, 2, 0, 2}));
    std::expected<std::vector<child_info>, child_error> one = co_await which_children(*sup, 1);
    EXPECT_EQ(one->size(), 1U);
    EXPECT_FALSE(one->at(0).id.has_value());
    // A restart uses the child's own arguments.
    co_await kill_child(me, sup->name(), *bob);
    auto log2 = co_await log_of(me);
    EXPECT_EQ(log2, (strings{"start bob"}));
    std::expected<ok, child_error> done = co_await terminate_child(*sup, *eve);
    EXPECT_TRUE(done.has_value());
    auto done2 = co_await terminate_child(*sup, "eve");
    EXPECT_EQ(done2.error().what, supervisor_error::simple_one_for_one);
    auto done3 = co_await terminate_child(*sup, pid(me));
    EXPECT_EQ(done3.error().what, supervisor_error::not_found);
    std::expected<pid, child_error> other = co_await start_child(*sup, worker_child(me, "x"));
    EXPECT_EQ(other.error().what, supervisor_error::simple_one_for_one);
  });
}

TEST(simple_supervisor, wrong_arguments_are_named) {
  watched_node n;
  n.run([](self me) -> task<> {
    std::vector<child_spec> specs{child_template<session, std::string>("session", pid(me))};
    auto sup = co_await start_link<plain_supervisor>(simple(), specs);
    std::expected<pid, child_error> r = co_await start_child(*sup, 42);
    EXPECT_EQ(r.error().what, supervisor_error::start_failed);
    EXPECT_THAT(r.error().reason.to_string(), ::testing::HasSubstr("takes (string), not (int32)"));
    auto r2 = co_await start_child(*sup);
    EXPECT_EQ(r2.error().what, supervisor_error::start_failed);
  });
}

TEST(simple_supervisor, simple_one_for_one_escalation) {
  watched_node n;
  n.run([](self me) -> task<> {
    trap_exit(true);
    std::vector<child_spec> specs{child_template<session, std::string>("session", pid(me))};
    auto sup = co_await start_link<plain_supervisor>(simple(0), specs);
    std::expected<pid, child_error> bob = co_await start_child(*sup, "bob");
    std::expected<pid, child_error> eve = co_await start_child(*sup, "eve");
    exit(*bob, exit_reason::kill());
    exit_signal gone = co_await me.receive<exit_signal>();
    EXPECT_TRUE(gone.reason.is("shutdown"));
    EXPECT_FALSE(is_process_alive(*eve));
  });
  EXPECT_EQ(n.count("shutdown"), 1U);
}

TEST(simple_supervisor, simple_one_for_one_shutdown) {
  watched_node n;
  duration took = n.run([](self) -> task<duration> {
    trap_exit(true);
    auto deaf = [](self me) -> process {
      trap_exit(true);
      co_await me.receive<crash>();
    };
    std::vector<child_spec> specs{child_process("deaf", deaf).shutdown(2s)};
    auto sup = co_await start_link<plain_supervisor>(simple(), specs);
    for (int i = 0; i < 10; ++i) co_await start_child(*sup);
    co_await idle_for(1ms); // they trap exits now
    time_point before = now();
    co_await stop(sup->name(), exit_reason::shutdown());
    EXPECT_EQ(this_node().processes().size(), 1U);
    co_return now() - before;
  });
  EXPECT_GE(took, 2s); // for all of them together
  EXPECT_LT(took, 3s);
  EXPECT_EQ(n.count("shutdown_error"), 1U); // gathered
}

TEST(simple_supervisor, scale_start_stop_many_children) {
  watched_node n;
  n.run([](self) -> task<> {
    trap_exit(true);
    std::vector<child_spec> specs{child_process("small", &small).temporary()};
    auto sup = co_await start_link<plain_supervisor>(simple(), specs);
    for (int i = 0; i < 100'000; ++i) co_await start_child(*sup);
    std::expected<child_counts, child_error> counts = co_await count_children(*sup);
    EXPECT_EQ(counts->active, 100'000U);
    co_await stop(sup->name(), exit_reason::shutdown());
    EXPECT_EQ(this_node().processes().size(), 1U);
  });
}

} // namespace
} // namespace coppice::testing
