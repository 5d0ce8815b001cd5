// What client and server say to each other, and the workloads. As terms these are what distbench.erl says,
// too.
#pragma once

#include "coppice/dist/distribution.hpp"

#include <cstdint>

namespace coppice::bench {

/// {ping,From} to the process `echo`; the answer is the atom pong.
struct ping {
  pid from;
};
struct pong {};
/// {memory,From} to `echo`; {memory_is,Bytes}: what the server's OS process has in RAM.
struct memory {
  pid from;
};
struct memory_is {
  std::int64_t bytes = 0;
};
/// {who,From} to `echo`; {it,Pid}: its address.
struct who {
  pid from;
};
struct it {
  pid process;
};
/// {item,N} to the process `sink`, which counts them, as it counts binaries.
struct item {
  std::int64_t number = 0;
};
/// {finish,From} to `sink`; {received,Count}: how many came since the last time.
struct finish {
  pid from;
};
struct received {
  std::int64_t count = 0;
};

/// Starts the processes `echo` and `sink` and the gen_server `counter`; returns when standard input ends.
task<> serve(self me);

// --- the workloads; each prints its rows ---

task<> round_trips(self me, atom server);
task<> concurrent_calls(self me, atom server);
task<> small_messages(self me, atom server);
task<> binaries(self me, atom server);
task<> monitors(self me, atom server);

} // namespace coppice::bench
