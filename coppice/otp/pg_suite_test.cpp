// What OTP's pg_SUITE demands of one node and pg_test.cpp does not show, under the cases' names.
// docs/otp-conformance.md is the table.
#include "coppice/otp/pg.hpp"

#include "coppice/otp/detail/test_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct end_now {};

process idle(self me) { co_await me.receive<end_now>(); }

TEST(pg_suite, errors) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    co_await pg::join("room"_atom, me);
    // A scope does not fall for what it does not understand: it keeps the groups of others.
    std::expected<term, exit_reason> none = co_await try_call_any<term>(s->name(), term("garbage"_atom));
    EXPECT_EQ(none.error().value(), term::tuple("bad_request"_atom, "garbage"_atom));
    cast_any(s->name(), term("garbage"_atom));
    send(*s->resolve(), term("garbage"_atom));
    co_await idle_for(1ms);
    EXPECT_TRUE(is_process_alive(*s->resolve()));
    EXPECT_THAT(pg::get_members("room"_atom), ElementsAre(pid(me)));
  });
}

TEST(pg_suite, leave_exit_race) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    for (int i = 0; i < 100; ++i) {
      pid member = spawn(idle);
      co_await pg::join("room"_atom, member);
      if (i % 2 == 0) exit(member, exit_reason::kill());
      [[maybe_unused]] bool left = co_await pg::leave("room"_atom, member);
      if (i % 2 == 1) exit(member, exit_reason::kill());
    }
    co_await idle_for(1ms);
    EXPECT_THAT(pg::get_members("room"_atom), IsEmpty());
    EXPECT_TRUE(is_process_alive(*s->resolve()));
  });
}

TEST(pg_suite, double_join) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    pid p = spawn(idle);
    std::vector<pid> twice{p, p};
    co_await pg::join(pg::default_scope(), "room"_atom, twice);
    EXPECT_THAT(pg::get_members("room"_atom), ElementsAre(p, p));
    monitor(p);
    exit(p, exit_reason::kill());
    co_await me.receive<down>();
    co_await idle_for(1ms);
    EXPECT_THAT(pg::get_members("room"_atom), IsEmpty()) << "its end takes all its memberships";
  });
}

TEST(pg_suite, missing_scope_join) {
  test_node f;
  f.n.run([](self me) -> task<> {
    auto joins = [](self who) -> process { co_await pg::join("room"_atom, who); };
    monitored p = spawn_monitor(joins);
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.process, p.process);
    EXPECT_EQ(gone.reason.value().elements()[0], term("noproc"_atom));
  });
}

TEST(pg_suite, monitor_self) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    // Who watches a group may be in it; when it has ended nobody is told and nothing is left.
    auto both = [](self who, pid tester) -> process {
      pg::group_monitor m = co_await pg::monitor("room"_atom);
      co_await pg::join("room"_atom, who);
      pg::joined in = co_await who.receive<pg::joined>();
      send(tester, in.members == std::vector<pid>{who.id()} && in.ref == m.ref);
      co_await who.receive<end_now>();
    };
    monitored p = spawn_monitor(both, me.id());
    bool told = co_await me.receive<bool>();
    EXPECT_TRUE(told);
    send(p.process, end_now{});
    co_await me.receive<down>();
    co_await idle_for(1ms);
    EXPECT_THAT(pg::which_groups(), IsEmpty());
    EXPECT_TRUE(is_process_alive(*s->resolve()));
  });
}

TEST(pg_suite, multi_monitor) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    pg::group_monitor first = co_await pg::monitor("room"_atom);
    pg::group_monitor second = co_await pg::monitor("room"_atom);
    pg::group_monitor other = co_await pg::monitor("hall"_atom);
    EXPECT_NE(first.ref, second.ref);
    pid p = spawn(idle);
    co_await pg::join("room"_atom, p);
    pg::joined a = co_await me.receive<pg::joined>();
    pg::joined b = co_await me.receive<pg::joined>();
    EXPECT_NE(a.ref, b.ref) << "each monitor is told";
    EXPECT_NE(a.ref, other.ref);
    EXPECT_NE(b.ref, other.ref);
    bool ended = co_await pg::demonitor(first.ref);
    EXPECT_TRUE(ended);
    [[maybe_unused]] bool left = co_await pg::leave("room"_atom, p);
    pg::left out = co_await me.receive<pg::left>();
    EXPECT_EQ(out.ref, second.ref);
    std::optional<term> more = co_await me.receive<term>(1ms);
    EXPECT_FALSE(more.has_value());
  });
}

} // namespace
} // namespace coppice
