// Tells of runs that hang: inside one slice nothing can be preempted, so nothing else would name the seed.
#pragma once

#include "coppice/runtime/clock.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace coppice::sim {

/// A thread that looks whether the run it was told of goes on. It sees a step or it sees none; what the run
/// does is the same with and without it.
class watchdog {
public:
  /// Called with what to do next, on the watchdog's thread, when nothing has moved for as long as that.
  using alarm = std::function<void(const std::string& what)>;

  /// Prints that line and ends the program with status 3.
  static void print_and_exit(const std::string& what);

  explicit watchdog(duration patience, alarm ring = &print_and_exit);
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  /// A run begins.
  void begin(std::string_view scenario, std::uint64_t seed);
  /// The run goes on. One relaxed store.
  void step() noexcept {
    steps_.store(steps_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  /// There is nothing to watch.
  void end();

private:
  void watch();

  duration patience_;
  alarm ring_;
  std::atomic<std::uint64_t> steps_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string scenario_; ///< under mutex_, as the rest; empty: nothing to watch
  std::uint64_t seed_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace coppice::sim
