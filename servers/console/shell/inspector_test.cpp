// Asking one process: what it tells, and what becomes of asking those that cannot answer.
#include "servers/console/shell/inspector.hpp"

#include "servers/console/shell/test_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice::console {
namespace {

using namespace test;
using ::testing::HasSubstr;

TEST(inspector, tells_what_a_process_says_of_itself) {
  world w;
  w.home.run([](self me) -> task<> {
    const pid one = spawn_link(sits);
    monitor(one);
    send(one, parcel{});
    spawn(inspect_for, me.id(), one, 7);
    inspected told = co_await me.receive<inspected>();
    EXPECT_EQ(told.number, 7U);
    const process_inside in = inside_of(*told.found);
    EXPECT_FALSE(in.trap_exit);
    EXPECT_EQ(in.priority, "normal");
    EXPECT_GT(in.memory, 0U);
    EXPECT_EQ(in.links.count, 1U);
    EXPECT_EQ(in.links.some.front().process, pid(me));
    EXPECT_EQ(in.monitors.count, 0U);
    EXPECT_EQ(in.monitored_by.count, 1U);
    EXPECT_EQ(in.messages.size(), 1U);
    EXPECT_THAT(in.messages.front(), HasSubstr("parcel"));
  });
}

TEST(inspector, of_the_dead_there_is_nothing) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        const pid one = spawn(sits);
        send(one, ask_slowly{});
        co_await idle_for(1ms);
        spawn(inspect_for, me.id(), one, 1);
        inspected told = co_await me.receive<inspected>();
        EXPECT_FALSE(told.found.has_value());
        EXPECT_FALSE(page_of(*kept, one).alive);
        spawn(read_state_for, me.id(), one);
        state_read state = co_await me.receive<state_read>();
        EXPECT_EQ(state.problem, "It is dead.");
      },
      w.kept);
}

TEST(inspector, counts_all_relatives_and_names_some) {
  world w;
  w.home.run([](self me) -> task<> {
    for (std::size_t n = 0; n < process_inside::most_relatives + 10; ++n) spawn_link(sits);
    spawn(inspect_for, me.id(), me.id(), 1);
    inspected told = co_await me.receive<inspected>();
    const process_inside in = inside_of(*told.found);
    EXPECT_EQ(in.links.count, process_inside::most_relatives + 10);
    EXPECT_EQ(in.links.some.size(), process_inside::most_relatives);
  });
}

TEST(inspector, reads_the_state_of_a_behaviour_and_cuts_a_long_one) {
  world w;
  w.home.run([](self me) -> task<> {
    start_result<clerk> brief = co_await start<clerk>();
    spawn(read_state_for, me.id(), *brief->resolve());
    state_read text = co_await me.receive<state_read>();
    EXPECT_EQ(text.process, *brief->resolve());
    EXPECT_EQ(text.text, "<<\"x\">>");
    EXPECT_EQ(text.problem, "");
    constexpr std::size_t large = 100'000;
    start_result<clerk> big = co_await start<clerk>(large);
    spawn(read_state_for, me.id(), *big->resolve());
    state_read cut = co_await me.receive<state_read>();
    EXPECT_LE(cut.text.size(), std::size_t{16} << 10U);
    EXPECT_TRUE(cut.text.ends_with("..."));
  });
}

TEST(inspector, gives_up_a_state_after_three_seconds) {
  world w;
  w.home.run([](self me) -> task<> {
    start_result<clerk> s = co_await start<clerk>();
    cast<ask_slowly>(*s);
    const time_point asked = now();
    spawn(read_state_for, me.id(), *s->resolve());
    state_read none = co_await me.receive<state_read>();
    EXPECT_GE(now() - asked, 3s);
    EXPECT_LT(now() - asked, 3s + timers_grain);
    EXPECT_EQ(none.text, "");
    EXPECT_THAT(none.problem, HasSubstr("It has not answered within 3 seconds"));
  });
}

TEST(inspector, knows_without_asking_who_it_is_and_who_started_it) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        register_name("boss"_atom, me);
        start_result<clerk> s = co_await start<clerk>();
        const process_page page = page_of(*kept, *s->resolve());
        EXPECT_TRUE(page.alive);
        EXPECT_EQ(page.name, "the clerk");
        EXPECT_TRUE(page.has_state);
        EXPECT_EQ(page.restarts, 0U);
        EXPECT_EQ(page.ancestors.front().process, pid(me));
        EXPECT_EQ(page.ancestors.front().name, "boss");
        EXPECT_FALSE(page.inside.has_value());
        const pid plain = spawn(sits);
        EXPECT_FALSE(page_of(*kept, plain).has_state) << "it is of no behaviour";
      },
      w.kept);
  world shy(false);
  shy.home.run(
      [](self, std::shared_ptr<archive> kept) -> task<> {
        start_result<clerk> s = co_await start<clerk>();
        EXPECT_FALSE(page_of(*kept, *s->resolve()).has_state) << "this node shows none";
      },
      shy.kept);
}

} // namespace
} // namespace coppice::console
