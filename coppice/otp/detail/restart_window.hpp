// Restart intensity: how many restarts lie within the last period.
#pragma once

#include "coppice/otp/detail/ring.hpp"

#include <chrono>
#include <cstdint>

namespace coppice::detail {

/// Remembers the times of at most `intensity` restarts. A restart costs amortised O(1) whatever the
/// intensity is, and memory follows the restarts that really lie within the period.
class restart_window {
public:
  restart_window(std::uint32_t intensity, std::chrono::nanoseconds period)
      : intensity_(intensity), period_(period) {}

  /// Records a restart at `now`, which never goes back. False if it is one too many: more than
  /// `intensity` restarts, this one included, no older than the period.
  [[nodiscard]] bool add(std::chrono::nanoseconds now) {
    while (!times_.empty() && times_.front() < now - period_) times_.pop_front();
    if (times_.size() >= intensity_) return false;
    times_.push_back(now);
    return true;
  }
  [[nodiscard]] std::size_t size() const noexcept { return times_.size(); }

private:
  ring<std::chrono::nanoseconds> times_;
  std::uint32_t intensity_;
  std::chrono::nanoseconds period_;
};

} // namespace coppice::detail
