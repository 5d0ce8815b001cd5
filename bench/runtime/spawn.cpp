// A process starts a million others, or five, and, when each waits for its message, stops them all.
#include "bench/runtime/bench.hpp"

#include <atomic>
#include <thread>

namespace coppice::bench {
namespace {

constexpr auto look_every = std::chrono::microseconds(200);

struct start {};
struct stop {};

std::atomic<std::int64_t> started{0};

process idle(self me) {
  started.fetch_add(1, std::memory_order_relaxed);
  co_await me.receive<stop>();
}

process spawner(self me, std::size_t count) {
  // Touched before memory is read: it is the benchmark's, not the processes'.
  std::vector<pid> children(count);
  co_await me.receive<start>();
  std::int64_t done = 0;
  for (pid& child : children) {
    child = spawn(idle);
    if (++done % steps_before_yield == 0) co_await yield();
  }
  co_await me.receive<stop>();
  for (pid child : children) {
    send(child, stop{});
    if (++done % steps_before_yield == 0) co_await yield();
  }
}

} // namespace

void spawn_processes(const std::string& name, std::int64_t count) {
  started.store(0, std::memory_order_relaxed);
  node n(quiet(cores()));
  pid parent = n.spawn(spawner, static_cast<std::size_t>(count));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));

  std::int64_t before = resident_bytes();
  time_point begin = n.time().now();
  n.send(parent, start{});
  while (started.load(std::memory_order_relaxed) < count) std::this_thread::sleep_for(look_every);
  out_rate(name + "_rate", count, n.time().now() - begin, "spawns/s");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  out(name + "_rss", static_cast<double>(resident_bytes() - before) / static_cast<double>(count),
      "bytes/proc");

  begin = n.time().now();
  n.send(parent, stop{});
  while (n.statistics().processes > 0) std::this_thread::sleep_for(look_every);
  out_rate(name + "_stop", count, n.time().now() - begin, "stops/s");
}

} // namespace coppice::bench
