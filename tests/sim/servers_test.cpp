// The scenarios of what stands above the behaviours, under as many schedules as the rest.
#include "coppice/sim/detail/sim_test.hpp"
#include "tests/sim/chat_scenario.hpp"

#include <gtest/gtest.h>

namespace coppice::sim {
namespace {

#ifdef COPPICE_SANITIZED
constexpr std::uint64_t seeds = 20;
#else
constexpr std::uint64_t seeds = 1000;
#endif

TEST(sim_servers, chat_holds_under_every_seed) {
  std::vector<scenario> all = all_scenarios();
  EXPECT_GT(hold_under(*find_scenario(all, "chat"), seeds), seeds) << "more than one kill a run";
}

TEST(sim_servers, chat_is_a_function_of_its_seed) {
  std::vector<scenario> all = all_scenarios();
  EXPECT_EQ(traces_of(*find_scenario(all, "chat"), 10).size(), 10U);
}

TEST(sim_servers, messaging_holds_under_every_seed) {
  std::vector<scenario> all = all_scenarios();
  EXPECT_GT(hold_under(*find_scenario(all, "messaging"), seeds), seeds) << "more than one kill a run";
}

TEST(sim_servers, messaging_is_a_function_of_its_seed) {
  std::vector<scenario> all = all_scenarios();
  EXPECT_EQ(traces_of(*find_scenario(all, "messaging"), 10).size(), 10U);
}

TEST(sim_servers, distribution_holds_under_every_seed) {
  std::vector<scenario> all = all_scenarios();
  EXPECT_GT(hold_under(*find_scenario(all, "distribution"), seeds), 0U);
}

TEST(sim_servers, distribution_is_a_function_of_its_seed) {
  std::vector<scenario> all = all_scenarios();
  EXPECT_EQ(traces_of(*find_scenario(all, "distribution"), 10).size(), 10U);
}

} // namespace
} // namespace coppice::sim
