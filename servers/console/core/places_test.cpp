#include "servers/console/core/places.hpp"

#include <gtest/gtest.h>

#include <set>

namespace coppice::console {
namespace {

constexpr pid sup{1};
constexpr pid upper{2};

class places_test : public testing::Test {
protected:
  std::set<pid> dead;
  places all{[this](pid p) { return !dead.contains(p); }};
};

TEST_F(places_test, counts_restarts_of_a_child_by_its_id) {
  EXPECT_EQ(all.started(sup, "a", pid{10}, false, true), std::nullopt);
  EXPECT_EQ(all.of(pid{10}).id, "a");
  EXPECT_EQ(all.of(pid{10}).restarts, 0U);
  all.ended(sup, "a", pid{10}, true);
  EXPECT_EQ(all.started(sup, "a", pid{11}, false, true), pid{10});
  EXPECT_EQ(all.of(pid{11}).restarts, 1U);
  EXPECT_EQ(all.of(pid{10}).id, "");
  EXPECT_EQ(all.restarts(), 1U);
}

TEST_F(places_test, siblings_keep_the_order_of_their_first_start) {
  all.started(sup, "a", pid{10}, false, true);
  all.started(sup, "b", pid{11}, false, true);
  all.ended(sup, "a", pid{10}, true);
  all.started(sup, "a", pid{12}, false, true);
  EXPECT_LT(all.of(pid{12}).order, all.of(pid{11}).order);
}

TEST_F(places_test, a_dynamic_child_is_followed_from_its_end_to_its_restart) {
  all.started(sup, "session", pid{10}, true, true);
  all.started(sup, "session", pid{11}, true, true);
  EXPECT_TRUE(all.of(pid{11}).dynamic);
  all.ended(sup, "session", pid{10}, true);
  EXPECT_EQ(all.started(sup, "session", pid{12}, true, true), pid{10});
  EXPECT_EQ(all.of(pid{12}).restarts, 1U);
  EXPECT_EQ(all.of(pid{11}).restarts, 0U);
  all.ended(sup, "session", pid{11}, false);
  EXPECT_EQ(all.started(sup, "session", pid{13}, true, true), std::nullopt);
}

TEST_F(places_test, children_of_a_restarted_supervisor_take_over_their_places_on_every_floor) {
  all.started(sup, "leaf", pid{10}, false, true);
  all.started(upper, "sup", sup, false, true);
  all.started(pid{3}, "upper", upper, false, true);
  // `upper` is killed; its children are started before its own start is told of.
  all.ended(pid{3}, "upper", upper, true);
  all.started(pid{21}, "leaf", pid{20}, false, true);
  all.started(pid{22}, "sup", pid{21}, false, true);
  all.started(pid{3}, "upper", pid{22}, false, true);
  EXPECT_EQ(all.of(pid{22}).restarts, 1U);
  EXPECT_EQ(all.of(pid{21}).restarts, 1U);
  EXPECT_EQ(all.of(pid{20}).restarts, 1U);
  EXPECT_EQ(all.restarts(), 3U);
  EXPECT_EQ(all.of(pid{10}).id, "");
}

TEST_F(places_test, a_replaced_root_counts_likewise) {
  all.started(sup, "a", pid{10}, false, true);
  all.started(pid{5}, "a", pid{11}, false, true);
  all.replaced(sup, pid{5});
  EXPECT_EQ(all.of(pid{11}).restarts, 1U);
}

TEST_F(places_test, vacancies_are_children_that_are_to_run_and_do_not) {
  all.started(sup, "permanent", pid{10}, false, true);
  all.started(sup, "transient", pid{11}, false, false);
  all.started(sup, "again", pid{12}, false, false);
  EXPECT_TRUE(all.vacancies().empty());
  dead = {pid{10}, pid{11}, pid{12}};
  all.ended(sup, "permanent", pid{10}, false);
  all.ended(sup, "transient", pid{11}, false);
  all.ended(sup, "again", pid{12}, true);
  std::vector<vacancy> found = all.vacancies();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].id, "permanent");
  EXPECT_FALSE(found[0].restarting);
  EXPECT_EQ(found[1].id, "again");
  EXPECT_TRUE(found[1].restarting);
  dead.insert(sup);
  EXPECT_TRUE(all.vacancies().empty());
}

TEST_F(places_test, the_dead_are_given_up_when_there_are_many) {
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    all.started(sup, "connection", pid{1000 + i}, true, false);
    dead.insert(pid{1000 + i});
  }
  EXPECT_LT(all.size(), 10'000U);
}

} // namespace
} // namespace coppice::console
