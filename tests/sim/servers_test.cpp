// The servers' scenarios, under as many schedules as the rest.
#include "coppice/sim/watchdog.hpp"
#include "tests/sim/messaging_scenario.hpp"

#include <gtest/gtest.h>

namespace coppice::sim {
namespace {

#ifdef COPPICE_SANITIZED
constexpr std::uint64_t seeds = 20;
#else
constexpr std::uint64_t seeds = 1000;
#endif

TEST(sim_servers, messaging_holds_under_every_seed) {
  std::vector<scenario> all = all_scenarios();
  const scenario& s = *find_scenario(all, "messaging");
  watchdog dog(std::chrono::seconds(60));
  std::uint64_t kills = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    outcome o = play(s, seed, &dog);
    kills += o.kills;
    for (const std::string& what : o.failures) ADD_FAILURE() << what;
    ASSERT_FALSE(HasFailure()) << "replay: ./dev sim --scenario messaging --seed " << seed;
  }
  EXPECT_GT(kills, seeds);
}

TEST(sim_servers, messaging_is_a_function_of_its_seed) {
  std::vector<scenario> all = all_scenarios();
  const scenario& s = *find_scenario(all, "messaging");
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    outcome once = play(s, seed);
    outcome again = play(s, seed);
    EXPECT_EQ(once.trace, again.trace) << "seed " << seed;
  }
}

} // namespace
} // namespace coppice::sim
