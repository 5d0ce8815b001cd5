// How many frames a client may send: so many a second, and a store of them for bursts. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace coppice::chat {

/// A bucket that is full at first, loses one for each frame and is filled again at a steady rate.
class allowance {
public:
  using time_point = std::chrono::steady_clock::time_point;

  allowance(double per_second, double burst) noexcept : rate_(per_second), burst_(burst), left_(burst) {}

  /// Whether one more is within the allowance at that time; times never go back.
  bool take(time_point now) noexcept {
    if (last_) left_ = std::min(burst_, left_ + rate_ * std::chrono::duration<double>(now - *last_).count());
    last_ = now;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

private:
  double rate_;
  double burst_;
  double left_;
  std::optional<time_point> last_;
};

} // namespace coppice::chat
