// Two nodes in two OS processes, one the server, one the client; either may be bench/peers/dist's instead.
//
//   dist_bench serve NAME            prints `ready`; ends when standard input does
//   dist_bench WORKLOAD NAME SERVER  runs one workload against the server and prints its rows, `name value
//   unit`
//
// The port mapper is at ERL_EPMD_PORT. Exit status 3: there is no such workload.
#include "bench/dist/messages.hpp"
#include "bench/runtime/bench.hpp"
#include "coppice/net/asio_poller.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace {

using namespace coppice;
using namespace coppice::bench;

struct workload {
  std::string_view name;
  task<> (*run)(self, atom);
};

constexpr std::array workloads{
    workload{"roundtrip", round_trips}, workload{"call64", concurrent_calls},
    workload{"small", small_messages},  workload{"binary", binaries},
    workload{"monitors", monitors},
};

node_options with_sockets() {
  node_options options = quiet(cores());
  options.make_poller = net::make_poller();
  return options;
}

dist::options as_node(const char* name) {
  return {.name = name, .cookie = "bench", .epmd = dist::epmd_use::find};
}

task<int> client(self me, std::size_t which, std::string name, std::string server) {
  auto net = co_await dist::start(as_node(name.c_str()));
  if (!net) {
    std::fprintf(stderr, "dist_bench: %s\n", net.error().to_string().c_str());
    co_return 1;
  }
  atom other(server);
  const bool there = co_await dist::connect_node(other);
  if (!there) {
    std::fprintf(stderr, "dist_bench: %s cannot be reached\n", server.c_str());
    co_return 1;
  }
  co_await workloads.at(which).run(me, other);
  co_return 0;
}

task<int> server(self me, std::string name) {
  auto net = co_await dist::start(as_node(name.c_str()));
  if (!net) {
    std::fprintf(stderr, "dist_bench: %s\n", net.error().to_string().c_str());
    co_return 1;
  }
  co_await serve(me);
  co_return 0;
}

} // namespace

int main(int argc, char** argv) {
  const std::string_view wanted = argc > 1 ? argv[1] : "";
  if (wanted == "serve" && argc == 3) {
    node home(with_sockets());
    return home.run(&server, std::string(argv[2]));
  }
  for (std::size_t i = 0; i < workloads.size(); ++i) {
    if (workloads[i].name != wanted || argc != 4) continue;
    node home(with_sockets());
    return home.run(&client, i, std::string(argv[2]), std::string(argv[3]));
  }
  std::fprintf(stderr, "usage: dist_bench serve NAME, or dist_bench WORKLOAD NAME SERVER; workloads:");
  for (const workload& w : workloads) std::fprintf(stderr, " %s", std::string(w.name).c_str());
  std::fprintf(stderr, "\n");
  return 3;
}
