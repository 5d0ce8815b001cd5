#include "coppice/dist/detail/out_queue.hpp"

#include <utility>

namespace coppice::dist::detail {

void out_queue::push(encoded_signal signal, std::uint64_t sender, const frame_writer& writer) {
  const auto found = sender == 0 ? lanes_.end() : lanes_.find(sender);
  if (found == lanes_.end() && writer.frames(signal) == 1) {
    writer.append(ready_, signal, 0, 0);
    return;
  }
  const std::uint64_t sequence = next_sequence_++;
  // A sender that nobody knows has no order to keep: its number is its lane.
  const std::uint64_t key = sender == 0 ? sequence | 1ULL << 63U : sender;
  long_bytes_ += size_of(signal);
  lane& own = lanes_[key];
  if (own.empty()) turns_.push_back(key);
  own.push_back({std::move(signal), 0, sequence});
}

/// A fragment of the first signal, or all that is short up to there.
void out_queue::send_from(lane& from, std::string& out, const frame_writer& writer) {
  part_sent& first = from.front();
  const std::uint64_t all = writer.frames(first.signal);
  writer.append(out, first.signal, first.next, first.sequence);
  if (++first.next < all) return;
  long_bytes_ -= size_of(first.signal);
  from.pop_front();
}

void out_queue::take(std::string& out, std::size_t most, const frame_writer& writer) {
  if (out.empty()) {
    out.swap(ready_);
  } else {
    out += ready_;
    ready_.clear();
  }
  while (!turns_.empty() && out.size() < most) {
    const std::uint64_t sender = turns_.front();
    turns_.pop_front();
    const auto found = lanes_.find(sender);
    send_from(found->second, out, writer);
    if (found->second.empty()) {
      lanes_.erase(found);
    } else {
      turns_.push_back(sender);
    }
  }
}

void out_queue::clear() {
  ready_.clear();
  lanes_.clear();
  turns_.clear();
  long_bytes_ = 0;
}

} // namespace coppice::dist::detail
