#include "coppice/otp/node_events.hpp"

namespace coppice {

std::vector<atom> node_events::subscribe(pid who) {
  std::lock_guard guard(lock_);
  subscribers_.insert(who);
  return {nodes_.begin(), nodes_.end()};
}

void node_events::unsubscribe(pid who) {
  std::lock_guard guard(lock_);
  subscribers_.erase(who);
}

void node_events::came(const atom& node) {
  std::lock_guard guard(lock_);
  nodes_.insert(node);
  for (pid who : subscribers_) send(who, node_came{node});
}

void node_events::went(const atom& node) {
  std::lock_guard guard(lock_);
  nodes_.erase(node);
}

void node_events::all_went() {
  std::lock_guard guard(lock_);
  nodes_.clear();
}

} // namespace coppice
