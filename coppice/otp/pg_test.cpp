// pg on a stepped node; the cases are named after those of OTP's pg_SUITE where there is one.
#include "coppice/otp/pg.hpp"

#include "coppice/runtime/node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct end_now {};

process idle(self me) { co_await me.receive<end_now>(); }

TEST(pg, join_leave_and_get_members) {
  node n(stepped());
  n.run([](self me) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    EXPECT_THAT(pg::get_members("room"_atom), IsEmpty());
    pid other = spawn(idle);
    co_await pg::join("room"_atom, me);
    co_await pg::join("room"_atom, other);
    co_await pg::join("room"_atom, me);
    EXPECT_THAT(pg::get_members("room"_atom), ElementsAre(pid(me), other, pid(me)));
    EXPECT_THAT(pg::get_local_members("room"_atom), ElementsAre(pid(me), other, pid(me)));
    EXPECT_THAT(pg::which_groups(), ElementsAre(term("room"_atom)));
    bool was_there = co_await pg::leave("room"_atom, me);
    EXPECT_TRUE(was_there);
    EXPECT_THAT(pg::get_members("room"_atom), UnorderedElementsAre(pid(me), other));
    bool was_in_other = co_await pg::leave("hall"_atom, me);
    EXPECT_FALSE(was_in_other);
    bool me_again = co_await pg::leave("room"_atom, me);
    bool the_other = co_await pg::leave("room"_atom, other);
    bool nobody = co_await pg::leave("room"_atom, other);
    EXPECT_TRUE(me_again && the_other && !nobody);
    EXPECT_THAT(pg::which_groups(), IsEmpty());
  });
}

TEST(pg, several_processes_join_at_once) {
  node n(stepped());
  n.run([](self) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    std::vector<pid> three = {spawn(idle), spawn(idle), spawn(idle)};
    co_await pg::join(pg::default_scope(), term::tuple("room"_atom, 42), three);
    EXPECT_THAT(pg::get_members(term::tuple("room"_atom, 42)), ElementsAre(three[0], three[1], three[2]));
    std::vector<pid> and_a_stranger = {three[0], spawn(idle)};
    bool all = co_await pg::leave(pg::default_scope(), term::tuple("room"_atom, 42), and_a_stranger);
    EXPECT_FALSE(all);
    EXPECT_THAT(pg::get_members(term::tuple("room"_atom, 42)), ElementsAre(three[1], three[2]));
  });
}

TEST(pg, members_that_end_leave_their_groups) {
  node n(stepped());
  n.run([](self) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    pid other = spawn(idle);
    co_await pg::join("a"_atom, other);
    co_await pg::join("b"_atom, other);
    co_await pg::join("b"_atom, other);
    send(other, end_now{});
    co_await idle_for(1ms);
    EXPECT_THAT(pg::which_groups(), IsEmpty());
    co_await pg::join("a"_atom, other); // dead already
    co_await idle_for(1ms);
    EXPECT_THAT(pg::which_groups(), IsEmpty());
  });
}

TEST(pg, scopes_are_apart) {
  node n(stepped());
  n.run([](self me) -> task<> {
    start_result<pg::scope> one = co_await pg::start_link("one"_atom);
    start_result<pg::scope> two = co_await pg::start_link("two"_atom);
    std::vector<pid> only_me = {me};
    co_await pg::join("one"_atom, "g"_atom, only_me);
    EXPECT_THAT(pg::get_members("one"_atom, "g"_atom), ElementsAre(pid(me)));
    EXPECT_THAT(pg::get_members("two"_atom, "g"_atom), IsEmpty());
    EXPECT_THAT(pg::get_members("three"_atom, "g"_atom), IsEmpty());
    start_result<pg::scope> again = co_await pg::start("one"_atom);
    EXPECT_EQ(again.error().value(), term::tuple("already_started"_atom, *one->resolve()));
    EXPECT_THAT(pg::get_members("one"_atom, "g"_atom), ElementsAre(pid(me)));
  });
}

TEST(pg, the_groups_end_with_their_scope) {
  node n(stepped());
  n.run([](self me) -> task<> {
    start_result<pg::scope> s = co_await pg::start();
    co_await pg::join("g"_atom, me);
    std::expected<ok, exit_reason> stopped = co_await stop("pg");
    EXPECT_TRUE(stopped.has_value());
    EXPECT_THAT(pg::get_members("g"_atom), IsEmpty());
  });
}

TEST(pg, what_no_scope_says_is_ignored) {
  node n(stepped());
  n.run([](self me) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    const pid scope = *s->resolve();
    const pid stranger{7, 3}; // of another node
    std::vector<term> messages = {
        term(),
        term("discover"_atom),
        term::tuple("discover"_atom, 1),
        term::tuple("discover"_atom, pid(me)),
        term::tuple("join"_atom, stranger, "g"_atom, stranger),
        term::tuple("join"_atom, pid(me), "g"_atom, pid(me)),
        term::tuple("leave"_atom, stranger, stranger, term::list("g"_atom)),
        term::tuple("sync"_atom, pid(me), term::list(term::tuple("g"_atom, term::list(pid(me))))),
        term::tuple("sync"_atom, "x"_atom, "y"_atom),
    };
    for (const term& m : messages) {
      send(scope, m);
      cast_any(server_name(scope), m);
    }
    co_await pg::join("h"_atom, me);
    EXPECT_THAT(pg::which_groups(), ElementsAre(term("h"_atom)));
  });
}

TEST(pg, monitor) {
  node n(stepped());
  n.run([](self me) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    pid other = spawn(idle);
    co_await pg::join("g"_atom, me);
    pg::group_monitor m = co_await pg::monitor("g"_atom);
    EXPECT_THAT(m.members, ElementsAre(pid(me)));
    co_await pg::join("another"_atom, other);
    co_await pg::join("g"_atom, other);
    pg::joined in = co_await me.receive<pg::joined>();
    EXPECT_EQ(in.ref, m.ref);
    EXPECT_EQ(in.group, term("g"_atom));
    EXPECT_THAT(in.members, ElementsAre(other));
    send(other, end_now{});
    pg::left out = co_await me.receive<pg::left>();
    EXPECT_EQ(out.ref, m.ref);
    EXPECT_THAT(out.members, ElementsAre(other));
    bool ended = co_await pg::demonitor(m.ref);
    EXPECT_TRUE(ended);
    bool no_more = co_await pg::demonitor(m.ref);
    EXPECT_FALSE(no_more);
    bool left = co_await pg::leave("g"_atom, me);
    EXPECT_TRUE(left);
    std::optional<pg::left> nothing = co_await me.receive<pg::left>(0ns);
    EXPECT_FALSE(nothing.has_value());
  });
}

TEST(pg, monitor_scope) {
  node n(stepped());
  n.run([](self me) -> task<> {
    start_result<pg::scope> s = co_await pg::start_link();
    co_await pg::join("a"_atom, me);
    pg::scope_monitor m = co_await pg::monitor_scope();
    EXPECT_EQ(m.groups.size(), 1U);
    EXPECT_EQ(m.groups[0].first, term("a"_atom));
    co_await pg::join("b"_atom, me);
    pg::joined in = co_await me.receive<pg::joined>();
    EXPECT_EQ(in.ref, m.ref);
    EXPECT_EQ(in.group, term("b"_atom));
    EXPECT_EQ(to_term(in).elements()[1], term("join"_atom));
    auto back = from_term<pg::joined>(to_term(in));
    EXPECT_EQ(back->members, in.members);
  });
}

} // namespace
} // namespace coppice
