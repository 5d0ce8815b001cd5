// Synchronous calls to one gen_server: from one client, and from 64 at once.
#include "bench/runtime/bench.hpp"
#include "bench/runtime/counter.hpp"

#include <algorithm>

namespace coppice::bench {
namespace {

constexpr int clients = 64;
constexpr int calls_each = 10'000;

struct go {};

task<duration> call_times(self, counter_ref server, int times, duration timeout) {
  time_point begin = now();
  for (int i = 0; i < times; ++i) {
    co_await call<increment>(server, within(timeout));
  }
  co_return now() - begin;
}

struct latencies {
  std::vector<duration> all;
};

process client(self me, counter_ref server, duration timeout, pid main) {
  co_await me.receive<go>();
  latencies result;
  result.all.reserve(calls_each);
  for (int i = 0; i < calls_each; ++i) {
    time_point before = now();
    co_await call<increment>(server, within(timeout));
    result.all.push_back(now() - before);
  }
  send(main, std::move(result));
}

struct measured {
  duration time{};
  std::vector<duration> latencies;
};

task<measured> all_at_once(self me, counter_ref server, duration timeout) {
  std::vector<pid> children;
  children.reserve(clients);
  for (int i = 0; i < clients; ++i) children.push_back(spawn_link(client, server, timeout, me.id()));
  measured result;
  time_point begin = now();
  for (pid child : children) send(child, go{});
  for (int i = 0; i < clients; ++i) {
    latencies some = co_await me.receive<latencies>();
    result.time = now() - begin;
    result.latencies.insert(result.latencies.end(), some.all.begin(), some.all.end());
  }
  co_return std::move(result);
}

void call64(const std::string& name, duration timeout) {
  node n(quiet(cores()));
  counter_ref server = n.run(start_counter);
  measured result = n.run(all_at_once, server, timeout);
  std::ranges::sort(result.latencies);
  out_rate(name, std::int64_t{clients} * calls_each, result.time, "calls/s");
  out(name + "_p50", microseconds(percentile(result.latencies, 50)), "us");
  out(name + "_p99", microseconds(percentile(result.latencies, 99)), "us");
  out(name + "_p999", microseconds(percentile(result.latencies, 99.9)), "us");
  out(name + "_max", microseconds(percentile(result.latencies, 100)), "us");
}

} // namespace

void call1(const std::string& suffix, unsigned threads) {
  constexpr int times = 500'000;
  node n(quiet(threads));
  counter_ref server = n.run(start_counter);
  n.run(call_times, server, times / 10, default_call_timeout);
  out_rate("call1" + suffix, times, n.run(call_times, server, times, default_call_timeout), "calls/s");
  out_rate("call1_notimeout" + suffix, times, n.run(call_times, server, times, infinity), "calls/s");
}

void call64() {
  call64("call64", default_call_timeout);
  call64("call64_notimeout", infinity);
}

} // namespace coppice::bench
