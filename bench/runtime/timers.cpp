// A million timers: how fast they are set and cancelled, and how late they come.
#include "bench/runtime/bench.hpp"

#include "coppice/runtime/timer.hpp"

#include <algorithm>
#include <random>

namespace coppice::bench {
namespace {

constexpr std::size_t count = 1'000'000;
constexpr int spread_ms = 10'000;

std::vector<std::chrono::milliseconds> delays() {
  std::mt19937 random(42); // NOLINT(bugprone-random-generator-seed): the same delays in every run
  std::uniform_int_distribution<int> any(0, spread_ms);
  std::vector<std::chrono::milliseconds> all(count);
  for (auto& d : all) d = std::chrono::milliseconds(any(random));
  return all;
}

struct all_fired {
  std::vector<duration> late;
};

process receiver(self me, pid main) {
  all_fired result;
  result.late.reserve(count);
  while (result.late.size() < count) {
    time_point due = co_await me.receive<time_point>();
    result.late.push_back(now() - due);
  }
  send(main, std::move(result));
}

process inserter(self, pid to, pid main) {
  std::vector<std::chrono::milliseconds> all = delays();
  time_point begin = now();
  std::int64_t done = 0;
  for (auto d : all) {
    send_after(d, to, now() + d);
    if (++done % steps_before_yield == 0) co_await yield();
  }
  send(main, duration(now() - begin));
}

task<std::vector<duration>> insert_and_fire(self me) {
  pid to = spawn_link(receiver, me.id());
  spawn_link(inserter, to, me.id());
  duration inserting = co_await me.receive<duration>();
  out_rate("timers_insert", count, inserting, "timers/s");
  all_fired result = co_await me.receive<all_fired>();
  std::ranges::sort(result.late);
  co_return std::move(result.late);
}

/// A second set, due after all of it is cancelled.
task<duration> insert_and_cancel(self me) {
  std::vector<std::chrono::milliseconds> all = delays();
  std::vector<reference> set;
  set.reserve(count);
  std::int64_t done = 0;
  for (auto d : all) {
    set.push_back(send_after(d + std::chrono::milliseconds(spread_ms), me, 0));
    if (++done % steps_before_yield == 0) co_await yield();
  }
  time_point begin = now();
  for (const reference& timer : set) {
    cancel_timer(timer);
    if (++done % steps_before_yield == 0) co_await yield();
  }
  co_return now() - begin;
}

} // namespace

void timers() {
  node n(quiet(cores()));
  std::vector<duration> late = n.run(insert_and_fire);
  out("timers_late_p50", milliseconds(percentile(late, 50)), "ms");
  out("timers_late_p99", milliseconds(percentile(late, 99)), "ms");
  out("timers_late_max", milliseconds(percentile(late, 100)), "ms");
  out_rate("timers_cancel", count, n.run(insert_and_cancel), "timers/s");
}

} // namespace coppice::bench
