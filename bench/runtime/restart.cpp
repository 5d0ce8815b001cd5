// A supervisor whose one child is killed again and again: how long until the next one is registered and
// running. For a second and a half, so that what grows with the number of restarts shows.
#include "bench/runtime/bench.hpp"

#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <stdexcept>

namespace coppice::bench {
namespace {

constexpr auto run_for = std::chrono::milliseconds(1500);
constexpr std::size_t few = 1000; ///< of the first and the last whose mean is told

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
    return {.intensity = 100'000'000, .period = std::chrono::seconds(1)};
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
  time_point begin = now();
  for (time_point before = begin; before - begin < run_for;) {
    exit(child.process, exit_reason::kill());
    up next = co_await me.receive<up>();
    child = next;
    if (whereis(atom("victim")) != child.process)
      throw std::logic_error("the child that started has no name");
    time_point after = now();
    result.latencies.push_back(after - before);
    before = after;
  }
  result.time = now() - begin;
  co_return std::move(result);
}

double mean_us(std::span<const duration> some) {
  return microseconds(std::accumulate(some.begin(), some.end(), duration::zero())) /
         static_cast<double>(some.size());
}

void out_rate_of(const char* name, const measured& m) {
  out_rate(name, static_cast<std::int64_t>(m.latencies.size()), m.time, "restarts/s");
}

} // namespace

void restart() {
  measured reported = node(quiet(cores())).run(kill_again_and_again);
  out_rate_of("restart_reported_rate", reported);
  node n(quiet(cores()));
  n.set_report_sink({});
  measured result = n.run(kill_again_and_again);
  out_rate_of("restart_rate", result);
  std::span<const duration> all = result.latencies;
  out("restart_mean", mean_us(all), "us");
  out("restart_mean_first1k", mean_us(all.first(few)), "us");
  out("restart_mean_last1k", mean_us(all.last(few)), "us");
  std::ranges::sort(result.latencies);
  out("restart_p99", microseconds(percentile(result.latencies, 99)), "us");
}

} // namespace coppice::bench
