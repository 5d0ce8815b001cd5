#include "servers/messaging/core/user_state.hpp"

#include <algorithm>

namespace coppice::messaging {

bool recent_ids::seen(std::int64_t id) {
  if (std::ranges::find(ring_, id) != ring_.end()) return true;
  if (ring_.size() < most_) {
    ring_.push_back(id);
  } else {
    ring_[next_++ % most_] = id;
  }
  return false;
}

} // namespace coppice::messaging
