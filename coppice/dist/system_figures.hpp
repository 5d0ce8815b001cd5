// The figures of a node as Erlang's memory/0, statistics/1 and system_info/1 have them.
#pragma once

#include "coppice/term/term.hpp"

#include <cstdint>
#include <mutex>
#include <optional>

namespace coppice::dist {

/// `erlang:memory/0`, in bytes. `total` is what the OS process has in memory, `code` and `system` the part of
/// it that is files, `processes` the rest: all that the program has allocated. `atom`, `binary` and `ets` are
/// 0, as they are not counted apart from the processes.
term memory_figures();
/// `erlang:memory/1`: the figure under that name; nothing if there is none.
std::optional<term> memory_figure(const atom& name);
/// The same with only the six that etop shows.
term memory_summary();

/// `{{input, Bytes}, {output, Bytes}}`: what the OS process has read and written but for sockets.
term io_figures();
/// `[{Number, Active, Total}]` of each core, in nanoseconds: the processor time of the core's thread, and the
/// time that the node is up.
term core_times();
/// `erlang:system_info({allocator_sizes, _})` of the one allocator, in the form of OTP 23 and later: its
/// blocks are what it has in memory, its carriers what it has taken from the system.
term allocator_figures();

/// `erlang:statistics/1`. Some of its items tell what has changed since they were last asked for, whoever
/// did; so a node has one of these. Thread-safe; to be used in processes.
class statistics_reader {
public:
  /// run_queue, run_queue_lengths, total_run_queue_lengths (and these with `_all`), reductions, runtime,
  /// wall_clock, io, garbage_collection, scheduler_wall_time(_all); nothing if it is another. `io` counts
  /// what was read and written but for sockets, as the OS does. A core's active time is its thread's
  /// processor time.
  std::optional<term> read(const atom& item);

private:
  term changed(std::uint64_t now, std::uint64_t& last);

  std::mutex lock_; ///< over what follows
  std::uint64_t reductions_ = 0;
  std::uint64_t runtime_ = 0;
  std::uint64_t wall_clock_ = 0;
};

/// `erlang:system_info/1`: what observer, etop and remote shells ask for; nothing if it is something else.
/// `atom_count` counts the atoms that other nodes made and that are in use.
std::optional<term> system_info(const term& item);

} // namespace coppice::dist
