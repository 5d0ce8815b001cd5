// The part of a mailbox that somebody else holds a copy of, kept gapless although news may come late, twice
// or not at all. Pure.
#pragma once

#include "servers/chat/core/event.hpp"

#include <deque>

namespace coppice::chat {

/// All events of a mailbox with `after() < seq <= last()`. Begins unknown: the first range defines it.
class event_window {
public:
  enum class merge {
    nothing, ///< it was all known
    grown,   ///< there is more now, before or behind
    gap      ///< the range does not touch what is known: it was not taken; ask for what is after `last()`
  };

  [[nodiscard]] bool is_known() const noexcept { return known_; }
  [[nodiscard]] std::uint64_t after() const noexcept { return after_; }
  [[nodiscard]] std::uint64_t last() const noexcept { return last_; }
  [[nodiscard]] bool empty() const noexcept { return events_.empty(); }

  /// Takes what a mailbox holds in a range of numbers.
  merge add(const event_range& range);
  /// Everything known above `seq`, at most `limit` events.
  [[nodiscard]] std::vector<event_ptr> above(std::uint64_t seq, std::size_t limit = SIZE_MAX) const;
  /// Drops what is not above `seq`.
  void forget(std::uint64_t seq);

private:
  std::deque<event_ptr> events_;
  std::uint64_t after_ = 0;
  std::uint64_t last_ = 0;
  bool known_ = false;
};

} // namespace coppice::chat
