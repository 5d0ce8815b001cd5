// The sampler: what a look shows, and that many looks cost no more walks than one.
#include "servers/console/shell/sampler.hpp"

#include "servers/console/shell/test_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice::console {
namespace {

using namespace test;
using ::testing::ElementsAre;

using look = std::shared_ptr<const sample>;

void ask(const look_wanted& wanted) {
  cast<look_wanted>(server_ref<sampler>(server_name(sampler::name)), wanted.page, wanted.number, wanted.tree,
                    wanted.list);
}

task<look> look_at(self me, look_wanted wanted) {
  wanted.page = me;
  ask(wanted);
  looked l = co_await me.receive<looked>();
  EXPECT_EQ(l.number, wanted.number);
  co_return l.what;
}

TEST(sampler, figures_alone_are_answered_at_once) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        const time_point before = now();
        look_wanted nothing;
        nothing.number = 7;
        look figures = co_await look_at(me, nothing);
        EXPECT_EQ(now(), before) << "nobody walks for it";
        EXPECT_EQ(figures->processes, nullptr);
        EXPECT_FALSE(figures->list.has_value());
        EXPECT_EQ(figures->node.name, "test@here");
        EXPECT_EQ(figures->node.version, "1");
        EXPECT_EQ(figures->node.processes, this_node().statistics().processes);
        EXPECT_EQ(figures->node.workers, 1U);
        EXPECT_TRUE(figures->node.shows_state);
        EXPECT_GT(figures->node.memory, 0U);
      },
      w.kept);
}

TEST(sampler, gives_the_part_of_the_list_that_was_asked_for) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        std::vector<pid> full;
        for (int n = 0; n < 4; ++n) {
          full.push_back(spawn(sits));
          for (int i = 0; i < 3 * n; ++i) send(full.back(), parcel{});
        }
        co_await idle_for(1ms);
        look_wanted wanted;
        wanted.list = list_query{.offset = 1, .limit = 2};
        look found = co_await look_at(me, wanted);
        EXPECT_EQ(found->processes, nullptr);
        EXPECT_EQ(found->list->total, this_node().statistics().processes);
        std::vector<pid> rows;
        for (const list_row& r : found->list->rows) rows.push_back(r.process.process);
        EXPECT_THAT(rows, ElementsAre(full[2], full[1])) << "the longest mailbox is on the page before";
        start_result<clerk> s = co_await start<clerk>();
        wanted.list = list_query{.filter = "the clerk"};
        look one = co_await look_at(me, wanted);
        EXPECT_EQ(one->list->matched, 1U);
        EXPECT_EQ(one->list->rows.front().process.process, *s->resolve());
        EXPECT_EQ(one->list->rows.front().name, "the clerk");
      },
      w.kept);
}

TEST(sampler, gives_the_tree_of_who_started_whom) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        register_name("root_sup"_atom, me);
        start_result<clerk> s = co_await start<clerk>();
        look_wanted wanted;
        wanted.tree = true;
        look found = co_await look_at(me, wanted);
        const std::vector<row>& rows = found->processes->rows();
        EXPECT_EQ(rows[found->processes->tops().front()].key, "root");
        const row* child = found->processes->find(*s->resolve());
        EXPECT_NE(child, nullptr);
        EXPECT_EQ(child->key.rfind("root/", 0), 0U) << child->key;
        EXPECT_EQ(found->processes->find(pid{12345}), nullptr);
      },
      w.kept);
}

TEST(sampler, no_two_walks_begin_within_a_tenth_of_a_second) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        const time_point started = now(); // it has walked once
        look_wanted wanted;
        wanted.list.emplace();
        for (int n = 1; n <= 3; ++n) {
          look found = co_await look_at(me, wanted);
          EXPECT_GE(now() - started, sampler::freshness * n);
          EXPECT_LT(now() - started, sampler::freshness * n + timers_grain);
        }
        co_await idle_for(1s);
        const time_point later = now();
        look found = co_await look_at(me, wanted);
        EXPECT_EQ(now(), later) << "after a rest it need not wait";
      },
      w.kept);
}

TEST(sampler, answers_only_the_latest_wish_of_a_page) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        ask({.page = me, .number = 1, .tree = true});
        ask({.page = me, .number = 2, .list = list_query{}});
        looked l = co_await me.receive<looked>();
        EXPECT_EQ(l.number, 2U);
        EXPECT_EQ(l.what->processes, nullptr);
        std::optional<looked> more = co_await me.receive<looked>(1s);
        EXPECT_FALSE(more.has_value());
      },
      w.kept);
}

struct seen_at {
  time_point at;
};

process page(self me, pid tester) {
  ask({.page = me, .number = 1, .list = list_query{}});
  co_await me.receive<looked>();
  seen_at told{now()};
  send(tester, told);
}

TEST(sampler, a_walk_answers_so_many_pages_and_no_more) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        const time_point started = now();
        constexpr std::size_t pages = sampler::most_at_once + 3;
        for (std::size_t n = 0; n < pages; ++n) spawn(page, me.id());
        std::size_t first = 0;
        for (std::size_t n = 0; n < pages; ++n) {
          seen_at s = co_await me.receive<seen_at>();
          first += s.at - started < sampler::freshness + timers_grain ? 1 : 0;
          EXPECT_LT(s.at - started, 2 * sampler::freshness + timers_grain);
        }
        EXPECT_EQ(first, sampler::most_at_once);
      },
      w.kept);
}

TEST(sampler, knows_how_old_and_how_busy_processes_are) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        co_await idle_for(sampler::idle_period + 1s); // it has walked by itself
        const pid young = spawn(sits);
        co_await idle_for(sampler::idle_period * 3);
        look_wanted wanted;
        wanted.list = list_query{.order = list_order::age};
        look found = co_await look_at(me, wanted);
        EXPECT_EQ(found->list->rows.back().process.process, young);
        const activity lately = found->list->rows.back().lately;
        EXPECT_GE(lately.age, 20'000) << "known to the time between two walks";
        EXPECT_LE(lately.age, 31'000);
        EXPECT_EQ(lately.busy, 0U) << "it has slept since the last walk";
        EXPECT_GE(found->list->rows.front().lately.age, 41'000);
      },
      w.kept);
}

TEST(sampler, makes_a_point_each_second) {
  world w;
  w.home.run(
      [](self, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        co_await idle_for(5s + 1ms);
        const std::vector<point> points = kept->past.since(0);
        EXPECT_EQ(points.size(), 5U);
        for (std::size_t n = 1; n < points.size(); ++n) EXPECT_EQ(points[n].at - points[n - 1].at, 1000);
        EXPECT_EQ(points.back().processes, this_node().statistics().processes);
      },
      w.kept);
}

} // namespace
} // namespace coppice::console
