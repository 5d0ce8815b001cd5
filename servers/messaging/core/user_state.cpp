#include "servers/messaging/core/user_state.hpp"

#include <algorithm>

namespace coppice::messaging {

bool recent_ids::seen(std::int64_t id) {
  constexpr std::size_t most = 128;
  if (std::ranges::find(ring_, id) != ring_.end()) return true;
  if (ring_.size() < most) {
    ring_.push_back(id);
  } else {
    ring_[next_++ % most] = id;
  }
  return false;
}

} // namespace coppice::messaging
