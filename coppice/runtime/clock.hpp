// Time as a node sees it: injected, so that tests and simulations own it.
#pragma once

#include <atomic>
#include <chrono>

namespace coppice {

/// A moment by the node's clock.
using time_point = std::chrono::steady_clock::time_point;
/// All spans of time.
using duration = std::chrono::nanoseconds;

/// "Never": waits for ever (Erlang: `infinity`).
inline constexpr duration infinity = duration::max();

/// Where a node reads time from. Implementations are thread-safe.
class clock {
public:
  virtual ~clock() = default;
  /// Monotonic time (Erlang: `erlang:monotonic_time/0`).
  [[nodiscard]] virtual time_point now() const noexcept = 0;
  /// Wall-clock time (Erlang: `erlang:system_time/0`).
  [[nodiscard]] virtual std::chrono::system_clock::time_point system_now() const noexcept = 0;
};

/// The machine's own clocks.
class system_clock final : public clock {
public:
  [[nodiscard]] time_point now() const noexcept override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::chrono::system_clock::time_point system_now() const noexcept override {
    return std::chrono::system_clock::now();
  }
};

/// A clock that moves only when told: a stepped node advances it to its next timer when nothing can run.
class manual_clock final : public clock {
public:
  [[nodiscard]] time_point now() const noexcept override {
    return time_point(duration(now_.load(std::memory_order_relaxed)));
  }
  [[nodiscard]] std::chrono::system_clock::time_point system_now() const noexcept override {
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(now().time_since_epoch()));
  }
  /// Goes on to that moment; one that has passed changes nothing.
  void advance_to(time_point to) noexcept {
    if (to > now()) now_.store(to.time_since_epoch().count(), std::memory_order_relaxed);
  }
  /// Goes on by that much.
  void advance(duration by) noexcept { advance_to(now() + by); }

private:
  std::atomic<duration::rep> now_{std::chrono::nanoseconds(std::chrono::hours(24)).count()};
};

} // namespace coppice
