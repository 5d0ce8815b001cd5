// The client's side: one workload a run. distbench.erl has the same shapes and sizes.
#include "bench/dist/messages.hpp"
#include "bench/runtime/bench.hpp"
#include "bench/runtime/counter.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace coppice::bench {
namespace {

using namespace literals;

constexpr std::int64_t trips = 30'000;
constexpr int clients = 64;
constexpr int calls_each = 5'000;
constexpr std::int64_t items = 2'000'000;
constexpr std::int64_t binary_count = 16'384;
constexpr std::size_t binary_size = 64UL << 10;
constexpr std::int64_t monitor_count = 1'000'000;

task<pid> address_of_echo(self me, atom server) {
  send(remote_name{"echo"_atom, server}, who{me.id()});
  it found = co_await me.receive<it>();
  co_return found.process;
}

task<duration> ping_times(self me, pid to, std::int64_t times) {
  const time_point begin = now();
  for (std::int64_t i = 0; i < times; ++i) {
    send(to, ping{me.id()});
    co_await me.receive<pong>();
  }
  co_return now() - begin;
}

struct go {
  int times = 0;
};
struct latencies {
  std::vector<duration> all;
};

process caller(self me, atom server, pid main) {
  const counter_ref there{server_name(remote_name{"counter"_atom, server})};
  for (;;) {
    const go order = co_await me.receive<go>();
    latencies result;
    for (int i = 0; i < order.times; ++i) {
      const time_point before = now();
      co_await call<increment>(there, within(default_call_timeout));
      result.all.push_back(now() - before);
    }
    send(main, std::move(result));
  }
}

struct measured {
  duration time{};
  std::vector<duration> latencies;
};

task<measured> all_at_once(self me, std::vector<pid> callers, int times) {
  measured result;
  const time_point begin = now();
  for (const pid& c : callers) send(c, go{times});
  for (std::size_t i = 0; i < callers.size(); ++i) {
    latencies some = co_await me.receive<latencies>();
    result.latencies.insert(result.latencies.end(), some.all.begin(), some.all.end());
  }
  result.time = now() - begin;
  co_return std::move(result);
}

/// Until the sink says that all of them came.
task<duration> send_items(self me, pid to, std::int64_t count) {
  const time_point begin = now();
  for (std::int64_t i = 0; i < count; ++i) {
    send(to, item{i});
    if (i % steps_before_yield == 0) co_await yield();
  }
  send(to, finish{me.id()});
  received all = co_await me.receive<received>();
  if (all.count != count) out("small_lost", static_cast<double>(count - all.count), "msgs");
  co_return now() - begin;
}

task<duration> send_binaries(self me, pid to, std::int64_t count) {
  constexpr std::int64_t binaries_before_yield = 16; // that is 1 MiB, the limit of what may wait
  const term bytes = term::binary(std::string(binary_size, 'x'));
  const time_point begin = now();
  for (std::int64_t i = 0; i < count; ++i) {
    send(to, bytes);
    if (i % binaries_before_yield == 0) co_await yield();
  }
  send(to, finish{me.id()});
  received all = co_await me.receive<received>();
  if (all.count != count) out("binary_lost", static_cast<double>(count - all.count), "msgs");
  co_return now() - begin;
}

task<std::int64_t> memory_of_server(self me, pid echo) {
  send(echo, memory{me.id()});
  memory_is there = co_await me.receive<memory_is>();
  co_return there.bytes;
}

void out_each(const char* name, std::int64_t bytes) {
  out(name, static_cast<double>(bytes) / static_cast<double>(monitor_count), "bytes/monitor");
}

task<> watch_many(self me, pid echo) {
  const std::int64_t here_before = resident_bytes();
  const std::int64_t there_before = co_await memory_of_server(me, echo);
  const time_point begin = now();
  for (std::int64_t i = 0; i < monitor_count; ++i) {
    monitor(echo);
    if (i % steps_before_yield == 0) co_await yield();
  }
  const std::int64_t there_after = co_await memory_of_server(me, echo); // behind the monitors: all are there
  out_rate("monitors_set", monitor_count, now() - begin, "monitors/s");
  out_each("monitors_memory", resident_bytes() - here_before);
  out_each("monitors_memory_watched", there_after - there_before);
}

} // namespace

task<> round_trips(self me, atom server) {
  const pid to = co_await address_of_echo(me, server);
  co_await ping_times(me, to, trips / 10);
  const duration time = co_await ping_times(me, to, trips);
  out("roundtrip", microseconds(time) / trips, "us");
}

task<> concurrent_calls(self me, atom server) {
  std::vector<pid> callers;
  callers.reserve(clients);
  for (int i = 0; i < clients; ++i) callers.push_back(spawn_link(&caller, server, me.id()));
  co_await all_at_once(me, callers, calls_each / 10);
  measured result = co_await all_at_once(me, callers, calls_each);
  std::ranges::sort(result.latencies);
  out_rate("call64", std::int64_t{clients} * calls_each, result.time, "calls/s");
  out("call64_p50", microseconds(percentile(result.latencies, 50)), "us");
  out("call64_p99", microseconds(percentile(result.latencies, 99)), "us");
}

task<> small_messages(self me, atom server) {
  const pid to = *resolve(remote_name{"sink"_atom, server});
  co_await send_items(me, to, items / 10);
  const duration time = co_await send_items(me, to, items);
  out_rate("small", items, time, "msgs/s");
}

task<> binaries(self me, atom server) {
  const pid to = *resolve(remote_name{"sink"_atom, server});
  co_await send_binaries(me, to, binary_count / 10);
  const duration time = co_await send_binaries(me, to, binary_count);
  out("binary", static_cast<double>(binary_count * binary_size) / 1e6 / seconds(time), "MB/s");
}

task<> monitors(self me, atom server) {
  const pid echo = co_await address_of_echo(me, server);
  co_await watch_many(me, echo);
  const time_point begin = now();
  dist::disconnect_node(server);
  std::int64_t told = 0;
  while (told < monitor_count) {
    std::optional<down> lost = co_await me.receive<down>(std::chrono::seconds(30));
    if (!lost) break;
    if (lost->reason.is("noconnection")) ++told;
  }
  out("monitors_lost", milliseconds(now() - begin), "ms");
  out("monitors_told", static_cast<double>(told), "of_1000000");
}

} // namespace coppice::bench
