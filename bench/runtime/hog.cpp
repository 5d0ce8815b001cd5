// Two processes a core that compute for ever and never yield; beside them one pair exchanges messages.
#include "bench/runtime/bench.hpp"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <thread>

namespace coppice::bench {
namespace {

constexpr auto run_time = std::chrono::seconds(5);

struct ping {};
struct pong {};

process compute(self, std::uint32_t start) {
  volatile std::uint32_t x = start; // volatile: a loop without effects may be left out
  for (;;) x = (x * 1103515245 + 12345) & 0x7fffffff;
  co_return;
}

process answer(self me, pid to) {
  for (;;) {
    co_await me.receive<ping>();
    send(to, pong{});
  }
}

task<std::vector<duration>> measure(self me) {
  pid other = spawn_link(answer, me.id());
  std::vector<duration> round_trips;
  time_point end = now() + run_time;
  time_point after{};
  do {
    time_point before = now();
    send(other, ping{});
    co_await me.receive<pong>();
    after = now();
    round_trips.push_back(after - before);
  } while (after < end);
  std::ranges::sort(round_trips);
  co_return round_trips;
}

} // namespace

void hog() {
  node n(quiet(cores()));
  for (unsigned i = 0; i < 2 * cores(); ++i) n.spawn(compute, i);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  std::vector<duration> round_trips = n.run(measure);
  out("hog_roundtrips", static_cast<double>(round_trips.size()), "in_5s");
  out("hog_p50", milliseconds(percentile(round_trips, 50)), "ms");
  out("hog_p99", milliseconds(percentile(round_trips, 99)), "ms");
  out("hog_max", milliseconds(percentile(round_trips, 100)), "ms");
  auto slow = std::ranges::upper_bound(round_trips, std::chrono::milliseconds(5));
  out("hog_over_5ms",
      100 * seconds(std::accumulate(slow, round_trips.end(), duration::zero())) / seconds(run_time), "%");
  std::_Exit(0); // the computations never end
}

} // namespace coppice::bench
