// Two processes read a table of a million keys that a third has written; each goes through all keys, far
// apart one from the next, ten times.
#include "bench/runtime/bench.hpp"

#include "coppice/runtime/table.hpp"

#include <stdexcept>

namespace coppice::bench {
namespace {

constexpr std::int64_t keys = 1'000'000;
constexpr std::int64_t stride = 7919; ///< no divisor in common with `keys`: it comes to each of them
constexpr std::int64_t reads = 10 * keys;
constexpr int readers = 2;

using numbers = table<std::int64_t, std::int64_t>;

struct go {};
struct done {
  std::int64_t sum;
};

process reader(self me, numbers all, pid main) {
  co_await me.receive<go>();
  done result{0};
  std::int64_t key = 0;
  for (std::int64_t n = 1; n <= reads; ++n) {
    result.sum += all.lookup(key).value();
    key = (key + stride) % keys;
    if (n % steps_before_yield == 0) co_await yield();
  }
  send(main, result);
}

task<duration> fill_and_read(self me) {
  numbers all = numbers::make();
  for (std::int64_t key = 0; key < keys; ++key) {
    all.insert(key, key);
    if (key % steps_before_yield == 0) co_await yield();
  }
  std::vector<pid> everyone;
  everyone.reserve(readers);
  for (int n = 0; n < readers; ++n) everyone.push_back(spawn_link(reader, all, me.id()));
  time_point begin = now();
  for (pid each : everyone) send(each, go{});
  for (int n = 0; n < readers; ++n) {
    done result = co_await me.receive<done>();
    if (result.sum != reads / 2 * (keys - 1)) throw std::logic_error("table_read: a wrong value was read");
  }
  co_return now() - begin;
}

} // namespace

void table_read() {
  node n(quiet(cores()));
  out_rate("table_read", readers * reads, n.run(fill_and_read), "reads/s");
}

} // namespace coppice::bench
