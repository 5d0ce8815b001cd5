#include "bench/runtime/bench.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace coppice::bench {

unsigned cores() {
  const char* wanted = std::getenv("RTB_CORES");
  int n = wanted == nullptr ? 0 : std::atoi(wanted);
  return n > 0 ? static_cast<unsigned>(n) : std::max(1U, std::thread::hardware_concurrency());
}

node_options quiet(unsigned threads) {
  node_options options;
  options.cores = threads;
  options.on_report = [](const report&) {};
  return options;
}

void out(const std::string& name, double value, const char* unit) {
  std::printf("%s %.*f %s\n", name.c_str(), value < 1 ? 6 : 3, value, unit);
  std::fflush(stdout);
}

double seconds(duration time) { return std::chrono::duration<double>(time).count(); }
double microseconds(duration time) { return seconds(time) * 1e6; }
double milliseconds(duration time) { return seconds(time) * 1e3; }

void out_rate(const std::string& name, std::int64_t count, duration time, const char* unit) {
  out(name, static_cast<double>(count) / seconds(time), unit);
}

duration percentile(const std::vector<duration>& sorted, double percent) {
  auto rank = static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

std::int64_t resident_bytes() {
  std::int64_t size = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

} // namespace coppice::bench
