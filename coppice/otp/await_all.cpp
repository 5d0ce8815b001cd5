#include "coppice/otp/await_all.hpp"

#include "coppice/runtime/node.hpp"

#include <algorithm>

namespace coppice::detail {

time_point moment_in(duration time) {
  time_point start = now();
  if (time >= time_point::max() - start) return time_point::max();
  return start + std::max(time, duration::zero());
}

duration time_until(time_point moment) {
  if (moment == time_point::max()) return infinity;
  return std::max(moment - now(), duration::zero());
}

} // namespace coppice::detail
