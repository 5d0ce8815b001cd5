// The list: what it finds, in which order, and that it keeps no more than is asked for.
#include "servers/console/core/census.hpp"

#include <gtest/gtest.h>

namespace coppice::console {
namespace {

process_glimpse glimpse(std::uint32_t slot, std::uint32_t mailbox = 0, std::uint64_t reductions = 0) {
  process_glimpse g;
  g.process = pid{(std::uint64_t{1} << pid::slot_bits) | slot};
  g.behaviour = "gen_server";
  g.message_queue_len = mailbox;
  g.reductions = reductions;
  return g;
}

std::vector<std::uint32_t> slots(const list_page& page) {
  std::vector<std::uint32_t> all;
  for (const list_row& r : page.rows) all.push_back(r.process.process.slot());
  return all;
}

using numbers = std::vector<std::uint32_t>;

class census_test : public testing::Test {
protected:
  list_page only(list_query query, const std::vector<process_glimpse>& all,
                 const std::vector<std::string>& names = {}) {
    census c({std::move(query)}, known);
    EXPECT_EQ(c.wants_names(), !names.empty());
    c.add(all, names);
    return std::move(c.finish().front());
  }
  sightings known;
};

TEST_F(census_test, sorts_by_mailbox_and_by_pid_where_that_is_equal) {
  const std::vector<process_glimpse> all{glimpse(4), glimpse(1, 5), glimpse(2, 9), glimpse(3)};
  list_page page = only({}, all);
  EXPECT_EQ(slots(page), (numbers{2, 1, 3, 4}));
  EXPECT_EQ(page.total, 4U);
  EXPECT_EQ(page.matched, 4U);
  EXPECT_EQ(slots(only({.ascending = true}, all)), (numbers{3, 4, 1, 2}));
  EXPECT_EQ(slots(only({.order = list_order::pid, .ascending = true}, all)), (numbers{1, 2, 3, 4}));
  EXPECT_EQ(slots(only({.offset = 1, .limit = 2}, all)), (numbers{1, 3}));
  EXPECT_TRUE(only({.offset = 10}, all).rows.empty());
}

TEST_F(census_test, finds_by_name_pid_behaviour_and_module) {
  std::vector<process_glimpse> all{glimpse(11), glimpse(12), glimpse(13)};
  all[1].runs = "Chat::Room";
  all[2].behaviour = "supervisor";
  const std::vector<std::string> names{"session:Ann", "", "top"};
  EXPECT_EQ(slots(only({.filter = "ann"}, all, names)), (numbers{11}));
  EXPECT_EQ(slots(only({.filter = "chat::"}, all, names)), (numbers{12}));
  EXPECT_EQ(slots(only({.filter = "superv"}, all, names)), (numbers{13}));
  EXPECT_EQ(slots(only({.filter = "<0.12."}, all, names)), (numbers{12}));
  list_page none = only({.filter = "nobody"}, all, names);
  EXPECT_EQ(none.matched, 0U);
  EXPECT_EQ(none.total, 3U);
}

TEST_F(census_test, of_a_million_it_keeps_what_is_asked_for_and_that_exactly) {
  census c({{.offset = 20, .limit = 10}, {.order = list_order::reductions, .ascending = true, .limit = 3}},
           known);
  std::vector<process_glimpse> piece;
  constexpr std::uint32_t all = 1'000'000;
  for (std::uint32_t i = 0; i < all; ++i) {
    piece.push_back(glimpse(i, static_cast<std::uint32_t>(std::uint64_t{i} * 7919 % all),
                            i)); // each mailbox length once, in no order
    if (piece.size() < 1000) continue;
    c.add(piece, {});
    piece.clear();
  }
  const std::vector<list_page> pages = c.finish();
  EXPECT_EQ(pages[0].matched, all);
  ASSERT_EQ(pages[0].rows.size(), 10U);
  for (std::uint32_t i = 0; i < 10; ++i) {
    EXPECT_EQ(pages[0].rows[i].process.message_queue_len, all - 21 - i);
  }
  EXPECT_EQ(slots(pages[1]), (numbers{0, 1, 2}));
}

TEST_F(census_test, knows_how_old_and_how_busy_a_process_is) {
  constexpr std::int64_t started = 1000;
  known.begin_walk(6000, started);
  activity a = known.note(glimpse(1, 0, 500));
  EXPECT_EQ(a.age, 5000); // as old as the node
  EXPECT_EQ(a.busy, 100U);
  known.begin_walk(8000, started);
  a = known.note(glimpse(1, 0, 900));
  EXPECT_EQ(a.age, 7000);
  EXPECT_EQ(a.busy, 200U);
  EXPECT_EQ(known.note(glimpse(2, 0, 10)).age, 0);
  EXPECT_EQ(known.of(glimpse(2), 9500).age, 1500);
  EXPECT_EQ(known.of(glimpse(1), 9500).busy, 200U);
  EXPECT_EQ(known.of(glimpse(77), 9500).age, 0);
  // Another process in the slot is a young one.
  process_glimpse next = glimpse(1, 0, 3);
  next.process = pid{(std::uint64_t{2} << pid::slot_bits) | 1U};
  EXPECT_EQ(known.note(next).age, 0);
}

TEST(list_order, has_a_name_each) {
  for (list_order o :
       {list_order::mailbox, list_order::busy, list_order::reductions, list_order::age, list_order::pid})
    EXPECT_EQ(parse_list_order(to_string(o)), o);
  EXPECT_FALSE(parse_list_order("size"));
}

} // namespace
} // namespace coppice::console
