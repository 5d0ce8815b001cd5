// The node's figures over the last minutes, a point a second, for pages to plot. Pure but for a lock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

namespace coppice::console {

/// One core within a second.
struct core_point {
  std::uint32_t busy = 0; ///< of its thread's time, in thousandths
  std::size_t run_queue = 0;
};

/// One second of a node.
struct point {
  std::int64_t at = 0;          ///< its end, in ms since 1970
  std::uint64_t messages = 0;   ///< sent, a second
  std::uint64_t reductions = 0; ///< a second
  std::uint64_t spawned = 0;    ///< a second
  std::size_t processes = 0;
  std::uint64_t memory = 0; ///< bytes
  std::size_t run_queue = 0;
  std::vector<core_point> cores;
};

/// What is counted from the start on; a point is made of two of them.
struct totals {
  std::int64_t at = 0;        ///< ms since 1970
  std::int64_t monotonic = 0; ///< ns
  std::uint64_t messages = 0;
  std::uint64_t reductions = 0;
  std::uint64_t spawned = 0;
  std::size_t processes = 0;
  std::uint64_t memory = 0;
  std::size_t run_queue = 0;
  struct core {
    std::int64_t busy = 0; ///< ns
    std::size_t run_queue = 0;
  };
  std::vector<core> cores;
};

/// Keeps the latest points. Thread-safe.
class history {
public:
  static constexpr std::size_t capacity = 600; ///< ten minutes

  /// Makes a point of what has changed since the last call; the first call makes none.
  void add(totals now);
  [[nodiscard]] std::optional<point> latest() const;
  /// The points later than `at`, oldest first.
  [[nodiscard]] std::vector<point> since(std::int64_t at) const;

private:
  mutable std::mutex mutex_;
  std::optional<totals> before_;
  std::deque<point> points_;
};

} // namespace coppice::console
