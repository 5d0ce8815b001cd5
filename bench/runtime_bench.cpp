// runtime_bench WORKLOAD: runs one workload and prints its rows, `name value unit`. The same shapes and sizes
// as the programs of bench/peers/runtime. Exit status 3: there is no such workload.
#include "bench/runtime/bench.hpp"

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

struct workload {
  std::string_view name;
  void (*run)();
};

using namespace coppice::bench;

constexpr std::array workloads{
    workload{"spawn", [] { spawn_processes("spawn", 1'000'000); }},
    workload{"spawn_5m", [] { spawn_processes("spawn_5m", 5'000'000); }},
    workload{"pingpong", [] { pingpong("pingpong", cores()); }},
    workload{"pingpong_1w", [] { pingpong("pingpong_1w", 1); }},
    workload{"ring", [] { ring("ring", cores()); }},
    workload{"ring_1w", [] { ring("ring_1w", 1); }},
    workload{"fanin", fanin},
    workload{"call1", [] { call1("", cores()); }},
    workload{"call1_1w", [] { call1("_1w", 1); }},
    workload{"call64", call64},
    workload{"big", big},
    workload{"selrecv", selective_receive},
    workload{"restart", restart},
    workload{"timers", timers},
    workload{"table_read", table_read},
    workload{"hog", hog},
};

} // namespace

int main(int argc, char** argv) {
  std::string_view wanted = argc > 1 ? argv[1] : "";
  for (const workload& w : workloads) {
    if (w.name != wanted) continue;
    w.run();
    return 0;
  }
  std::fprintf(stderr, "no workload %s; there are:", argc > 1 ? argv[1] : "given");
  for (const workload& w : workloads) std::fprintf(stderr, " %s", std::string(w.name).c_str());
  std::fprintf(stderr, "\n");
  return 3;
}
