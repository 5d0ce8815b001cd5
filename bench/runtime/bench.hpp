// What the workloads share: the node they run on, the lines they print, percentiles.
#pragma once

#include "coppice/runtime/node.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::bench {

/// Worker threads of the workloads: RTB_CORES from the environment, else as many as the machine has cores.
unsigned cores();

/// A process that goes on for long without waiting yields after that many steps, so that others of its core
/// get their turn: Erlang would preempt it, C++ cannot.
inline constexpr std::int64_t steps_before_yield = 1000;

/// A node with that many worker threads that keeps its reports to itself.
node_options quiet(unsigned threads);

/// Prints `name value unit`.
void out(const std::string& name, double value, const char* unit);

double seconds(duration time);
double microseconds(duration time);
double milliseconds(duration time);

/// Prints how many of something were done in a second.
void out_rate(const std::string& name, std::int64_t count, duration time, const char* unit);

/// The value below which that many per cent of the sorted values lie.
duration percentile(const std::vector<duration>& sorted, double percent);

/// Memory of this OS process that is in RAM, in bytes.
std::int64_t resident_bytes();

// --- the workloads; each prints its rows ---

void spawn_processes(const std::string& name, std::int64_t count);
void pingpong(const char* name, unsigned threads);
void ring(const char* name, unsigned threads);
void fanin();
void big();
void call1(const std::string& suffix, unsigned threads);
void call64();
void selective_receive();
void restart();
void timers();
void table_read();
void hog();

} // namespace coppice::bench
