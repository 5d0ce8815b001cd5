// pg on nodes of ours that are connected.
#include "coppice/dist/detail/test_cluster.hpp"
#include "coppice/otp/pg.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <variant>

namespace coppice::dist {
namespace {

using namespace literals;
using ::testing::IsEmpty;

struct end_now {};
process idle(self me) { co_await me.receive<end_now>(); }

/// A scope, a member of `g` and whoever asks for either: for as long as the node runs.
process member(self me, pid starter) {
  start_result<pg::scope> scope = co_await pg::start_link();
  co_await pg::join("g"_atom, me);
  send(starter, term("ready"_atom));
  co_await me.receive<end_now>();
}

task<pid> start_member(self me) {
  const pid made = spawn(member, me.id());
  co_await me.receive<term>();
  co_return made;
}

/// Waits until the group has so many members.
task<std::vector<pid>> members_when(self me, std::size_t count) {
  const pg::group_monitor m = co_await pg::monitor("g"_atom);
  std::vector<pid> now = m.members;
  while (now.size() != count) {
    co_await me.receive<pg::joined, pg::left>();
    now = pg::get_members("g"_atom);
  }
  co_await pg::demonitor(m.ref);
  co_return now;
}

/// Notes so many changes of `h`, `+n` and `-n`.
process note(self me, pid starter, std::unique_ptr<std::promise<std::string>> notes, int count) {
  co_await pg::monitor("h"_atom);
  send(starter, term("ready"_atom));
  std::string all;
  for (int i = 0; i < count; ++i) {
    const std::variant<pg::joined, pg::left> change = co_await me.receive<pg::joined, pg::left>();
    if (const auto* in = std::get_if<pg::joined>(&change)) all += "+" + std::to_string(in->members.size());
    if (const auto* out = std::get_if<pg::left>(&change)) all += "-" + std::to_string(out->members.size());
  }
  notes->set_value(all);
}

task<> connect_with_b() {
  const bool up = co_await connect_node("b@127.0.0.1"_atom);
  EXPECT_TRUE(up);
}

class groups : public testing::TestWithParam<bool> {
protected:
  const std::uint16_t epmd_port = port_for_mapper();
  test_member a{"a", epmd_port, GetParam()};
  std::optional<test_member> b{std::in_place, "b", epmd_port, GetParam()};
};

TEST_P(groups, members_are_seen_on_both_sides) {
  a.run([](self me) -> task<> {
    co_await start_member(me);
    co_await connect_with_b();
  });
  b->run([](self me) -> task<> {
    const pid own = co_await start_member(me);
    const std::vector<pid> all = co_await members_when(me, 2);
    EXPECT_THAT(all, testing::Contains(own));
    EXPECT_EQ(pg::get_local_members("g"_atom), std::vector<pid>{own});
  });
  a.run([](self me) -> task<> {
    const std::vector<pid> all = co_await members_when(me, 2);
    EXPECT_EQ(pg::get_local_members("g"_atom).size(), 1U);
    EXPECT_EQ(pg::which_groups(), std::vector<term>{"g"_atom});
    // Who is a member is for its own node to say.
    const pid other = all[0].local() ? all[1] : all[0];
    EXPECT_THROW(static_cast<void>(pg::join("g"_atom, other)), exit_exception);
    EXPECT_THROW(static_cast<void>(pg::leave("g"_atom, other)), exit_exception);
  });
}

TEST_P(groups, changes_are_told_as_they_are) {
  auto promise = std::make_unique<std::promise<std::string>>();
  std::future<std::string> notes = promise->get_future();
  a.run(
      [](self me, std::unique_ptr<std::promise<std::string>> p) -> task<> {
        co_await start_member(me);
        spawn(note, me.id(), std::move(p), 4);
        co_await me.receive<term>();
        co_await connect_with_b();
      },
      std::move(promise));
  b->run([](self me) -> task<> {
    co_await start_member(me);
    co_await members_when(me, 2);
    send(remote_name{"pg"_atom, "a@127.0.0.1"_atom}, term("nothing that a scope knows"));
    const pid twice = spawn(idle);
    std::vector<pid> both = {twice, spawn(idle)};
    co_await pg::join(pg::default_scope(), "h"_atom, both);
    co_await pg::join("h"_atom, twice);
    const bool was_there = co_await pg::leave("h"_atom, twice);
    EXPECT_TRUE(was_there);
    send(twice, end_now());
  });
  EXPECT_EQ(notes.get(), "+2+1-1-1");
}

TEST_P(groups, a_lost_node_has_no_members) {
  a.run([](self me) -> task<> { co_await start_member(me); });
  b->run([](self me) -> task<> { co_await start_member(me); });
  a.run([](self me) -> task<> {
    co_await connect_with_b();
    co_await members_when(me, 2);
    EXPECT_TRUE(disconnect_node("b@127.0.0.1"_atom));
    const std::vector<pid> own = co_await members_when(me, 1);
    EXPECT_TRUE(own[0].local());
    co_await connect_with_b();
    co_await members_when(me, 2);
  });
  b.reset();
  a.run([](self me) -> task<> { co_await members_when(me, 1); });
}

TEST_P(groups, a_scope_that_starts_late_finds_the_others) {
  a.run([](self me) -> task<> {
    co_await start_member(me);
    co_await connect_with_b();
  });
  b->run([](self me) -> task<> {
    const bool up = co_await connect_node("a@127.0.0.1"_atom);
    EXPECT_TRUE(up);
    start_result<pg::scope> scope = co_await pg::start_link();
    co_await members_when(me, 1);
    EXPECT_THAT(pg::get_local_members("g"_atom), IsEmpty());
    const std::expected<ok, exit_reason> stopped = co_await stop("pg");
    EXPECT_TRUE(stopped.has_value());
  });
  a.run([](self me) -> task<> { co_await members_when(me, 1); });
}

INSTANTIATE_TEST_SUITE_P(both, groups, testing::Bool(),
                         [](const auto& published) { return published.param ? "published" : "hidden"; });

} // namespace
} // namespace coppice::dist
