// The trace of one process for one page: bounded in what it looks at, and over when its owner is gone.
#pragma once

#include "coppice/runtime/trace.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace coppice::console {

/// Which processes have a trace of the console: a process has one at most. Thread-safe.
class traced_processes {
public:
  /// False if it has one.
  bool add(pid process);
  void remove(pid process) noexcept;

private:
  std::mutex mutex_;
  std::set<pid> all_;
};

/// Notes what a process does from its making to its end. After `most` events the process is left in peace
/// until `take`: so the traced one is slowed for so many events, whatever it does.
class trace_tap {
public:
  static constexpr std::size_t most = 100;

  struct catch_of {
    std::vector<trace_event> events;
    bool paused = false; ///< there may have been more
  };

  /// `all` has the process already (`traced_processes::add`).
  trace_tap(node& home, std::shared_ptr<traced_processes> all, pid process);
  ~trace_tap();
  trace_tap(const trace_tap&) = delete;
  trace_tap& operator=(const trace_tap&) = delete;

  [[nodiscard]] pid process() const noexcept { return process_; }
  /// What was noted since the last call.
  catch_of take();

private:
  struct net {
    std::mutex mutex;
    catch_of caught;
  };
  void start();

  node& home_;
  std::shared_ptr<traced_processes> all_;
  pid process_;
  std::shared_ptr<net> net_;
};

} // namespace coppice::console
