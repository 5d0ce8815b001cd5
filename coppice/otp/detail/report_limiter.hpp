// Keeps one fault that repeats from filling the log: pure, time is given.
#pragma once

#include "coppice/otp/detail/report_text.hpp"
#include "coppice/runtime/clock.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace coppice::detail {

/// Lets through so many reports of one kind, from one place and for one reason, in each period.
class report_limiter {
public:
  report_limiter(unsigned burst, duration period) : burst_(burst), period_(period) {}

  struct verdict {
    bool write = true;
    std::uint64_t dropped = 0; ///< like it, since the last one that was written
  };
  verdict admit(const report& r, time_point now);

  /// The last of the reports whose period is over and of which some were dropped, with their number.
  std::vector<log_entry> expired(time_point now);
  /// Whether `expired` will have something to say.
  [[nodiscard]] bool has_dropped() const noexcept { return dropped_ > 0; }

private:
  struct entry {
    time_point since;
    unsigned written = 0;
    std::uint64_t dropped = 0;
    report last; ///< of the dropped ones
  };
  void forget_old(time_point now);

  static constexpr std::size_t max_entries = 1024;
  unsigned burst_;
  duration period_;
  std::uint64_t dropped_ = 0;
  std::unordered_map<std::string, entry> entries_;
};

} // namespace coppice::detail
