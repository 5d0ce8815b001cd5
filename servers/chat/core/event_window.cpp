#include "servers/chat/core/event_window.hpp"

#include <algorithm>

namespace coppice::chat {
namespace {

template <class Events>
auto first_above(const Events& events, std::uint64_t seq) {
  return std::ranges::upper_bound(events, seq, {}, [](const event_ptr& e) { return e->seq; });
}

} // namespace

event_window::merge event_window::add(const event_range& range) {
  if (!known_) {
    events_.assign(range.events.begin(), range.events.end());
    after_ = range.after;
    last_ = range.last;
    known_ = true;
    return merge::grown;
  }
  if (range.after > last_ || range.last < after_) return merge::gap;
  merge done = merge::nothing;
  if (range.last > last_) {
    events_.insert(events_.end(), first_above(range.events, last_), range.events.end());
    last_ = range.last;
    done = merge::grown;
  }
  if (range.after < after_) {
    events_.insert(events_.begin(), range.events.begin(), first_above(range.events, after_));
    after_ = range.after;
    done = merge::grown;
  }
  return done;
}

std::vector<event_ptr> event_window::above(std::uint64_t seq, std::size_t limit) const {
  auto first = first_above(events_, seq);
  auto count = std::min<std::size_t>(limit, static_cast<std::size_t>(events_.end() - first));
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

void event_window::forget(std::uint64_t seq) {
  seq = std::min(seq, last_);
  if (seq <= after_) return;
  events_.erase(events_.begin(), events_.begin() + (first_above(events_, seq) - events_.cbegin()));
  after_ = seq;
}

} // namespace coppice::chat
