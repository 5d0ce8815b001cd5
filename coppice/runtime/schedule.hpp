// What a real machine leaves to chance, in the hands of whoever steps a node.
#pragma once

#include "coppice/term/id.hpp"

#include <cstdint>

namespace coppice {

/// Decides for a stepped node what runs when: a simulation's seed. Its node may have several cores, which
/// take turns on the one thread; without it a stepped node has one core, and a fixed order.
///
/// Called on the thread that steps the node, never inside a process. A node without one pays nothing for it.
class schedule_source {
public:
  virtual ~schedule_source() = default;
  /// Between two slices, where nothing runs: may send and kill from outside, and move the clock.
  virtual void between_slices() = 0;
  /// The core whose turn it is, below `cores`. One that has nothing to do steals, or lets the next one.
  virtual unsigned next_core(unsigned cores) = 0;
  /// Whether that core looks at its timers before it looks for work. When nothing can run all do.
  virtual bool looks_at_timers(unsigned core) = 0;
  /// How many reductions the process gets on that core, from 1: each is a message handled or a resumption.
  /// 0: it goes to the end of the queue instead; not for ever.
  virtual std::uint32_t reductions(unsigned core, pid process) = 0;

  /// Whether a message or signal that a process has just sent to another is on its way for a while. What the
  /// same two say after it waits behind it, so their order stays.
  virtual bool holds_back(pid /*from*/, pid /*to*/) { return false; }
  /// Asked before each slice: which of so many that are on their way arrives now; any other number: none.
  /// When nothing else can happen, one arrives in any case.
  virtual std::size_t arrives(std::size_t held) { return held - 1; }
  /// Nothing can run, messages are on their way and a timer is due some time: whether the timer is first.
  virtual bool time_passes_first() { return false; }
};

} // namespace coppice
