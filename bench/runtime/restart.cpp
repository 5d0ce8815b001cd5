// A supervisor whose one child is killed again and again: how long until the next one is registered and
// running.
#include "bench/runtime/bench.hpp"

#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace coppice::bench {
namespace {

constexpr int restarts = 10'000;
constexpr int first = 1000;

struct up {
  pid process;
};

class victim : public gen_server {
public:
  explicit victim(pid driver) : driver_(driver) {}
  void init() { send(driver_, up{self_pid()}); } // it has its name already

private:
  pid driver_;
};

class victim_sup : public supervisor {
public:
  explicit victim_sup(pid driver) : driver_(driver) {}
  [[nodiscard]] supervisor_flags flags() const {
    return {.intensity = std::int64_t{2} * restarts, .period = std::chrono::seconds(1)};
  }
  [[nodiscard]] std::vector<child_spec> children() const {
    return {child<victim>("victim", local("victim"), driver_)};
  }

private:
  pid driver_;
};

struct measured {
  duration time{};
  std::vector<duration> latencies;
};

task<measured> kill_again_and_again(self me) {
  auto sup = co_await start_link<victim_sup>(me.id());
  sup.value();
  up child = co_await me.receive<up>();
  measured result;
  result.latencies.reserve(restarts);
  time_point begin = now();
  for (int i = 0; i < restarts; ++i) {
    time_point before = now();
    exit(child.process, exit_reason::kill());
    up next = co_await me.receive<up>();
    child = next;
    if (whereis(atom("victim")) != child.process)
      throw std::logic_error("the child that started has no name");
    result.latencies.push_back(now() - before);
  }
  result.time = now() - begin;
  co_return std::move(result);
}

double mean_us(const std::vector<duration>& all, int count) {
  duration sum = std::accumulate(all.begin(), all.begin() + count, duration::zero());
  return microseconds(sum) / count;
}

} // namespace

void restart() {
  measured reported = node(quiet(cores())).run(kill_again_and_again);
  out_rate("restart_reported_rate", restarts, reported.time, "restarts/s");
  node n(quiet(cores()));
  n.set_report_sink({});
  measured result = n.run(kill_again_and_again);
  out_rate("restart_rate", restarts, result.time, "restarts/s");
  out("restart_mean", mean_us(result.latencies, restarts), "us");
  out("restart_mean_first1k", mean_us(result.latencies, first), "us");
  std::ranges::sort(result.latencies);
  out("restart_p99", microseconds(percentile(result.latencies, 99)), "us");
}

} // namespace coppice::bench
