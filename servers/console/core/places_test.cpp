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
  EXPECT_EQ(all.started(sup, "a", pid{10}, true), std::nullopt);
  EXPECT_EQ(all.of(pid{10}).id, "a");
  EXPECT_EQ(all.of(pid{10}).restarts, 0U);
  all.ended(sup, "a", pid{10}, true);
  EXPECT_EQ(all.started(sup, "a", pid{11}, true), pid{10});
  EXPECT_EQ(all.of(pid{11}).restarts, 1U);
  EXPECT_EQ(all.of(pid{10}).id, "");
  EXPECT_EQ(all.restarts(), 1U);
}

TEST_F(places_test, siblings_keep_the_order_of_their_first_start) {
  all.started(sup, "a", pid{10}, true);
  all.started(sup, "b", pid{11}, true);
  all.ended(sup, "a", pid{10}, true);
  all.started(sup, "a", pid{12}, true);
  EXPECT_LT(all.of(pid{12}).order, all.of(pid{11}).order);
}

TEST_F(places_test, a_dynamic_child_is_followed_from_restart_to_restart) {
  all.started_again("session", pid{10}, pid{12});
  EXPECT_TRUE(all.of(pid{12}).dynamic);
  EXPECT_EQ(all.of(pid{12}).id, "session");
  EXPECT_EQ(all.of(pid{12}).restarts, 1U);
  all.started_again("session", pid{11}, pid{13});
  all.started_again("session", pid{12}, pid{14});
  EXPECT_EQ(all.of(pid{14}).restarts, 2U);
  EXPECT_EQ(all.of(pid{12}).restarts, 0U);
  EXPECT_EQ(all.restarts(), 3U);
}

TEST_F(places_test, children_of_a_restarted_supervisor_take_over_their_places_on_every_floor) {
  all.started(sup, "leaf", pid{10}, true);
  all.started(upper, "sup", sup, true);
  all.started(pid{3}, "upper", upper, true);
  // `upper` is killed; its children are started before its own start is told of.
  all.ended(pid{3}, "upper", upper, true);
  all.started(pid{21}, "leaf", pid{20}, true);
  all.started(pid{22}, "sup", pid{21}, true);
  all.started(pid{3}, "upper", pid{22}, true);
  EXPECT_EQ(all.of(pid{22}).restarts, 1U);
  EXPECT_EQ(all.of(pid{21}).restarts, 1U);
  EXPECT_EQ(all.of(pid{20}).restarts, 1U);
  EXPECT_EQ(all.restarts(), 3U);
  EXPECT_EQ(all.of(pid{10}).id, "");
}

TEST_F(places_test, a_replaced_root_counts_likewise) {
  all.started(sup, "a", pid{10}, true);
  all.started(pid{5}, "a", pid{11}, true);
  all.replaced(sup, pid{5});
  EXPECT_EQ(all.of(pid{11}).restarts, 1U);
}

TEST_F(places_test, vacancies_are_children_that_are_to_run_and_do_not) {
  all.started(sup, "permanent", pid{10}, true);
  all.started(sup, "transient", pid{11}, false);
  all.started(sup, "again", pid{12}, false);
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
    all.started_again("connection", pid{1}, pid{1000 + i});
    dead.insert(pid{1000 + i});
  }
  EXPECT_LT(all.size(), 10'000U);
}

} // namespace
} // namespace coppice::console
