// What waits to be written to a connection: small signals in order, long ones a fragment at a time, so that
// none holds up the others.
#pragma once

#include "coppice/dist/frames.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>

namespace coppice::dist::detail {

/// Used under the lock of whoever owns it.
class out_queue {
public:
  /// Adds a signal. No later one of the same sender overtakes it (0: no sender, each for itself).
  void push(encoded_signal signal, std::uint64_t sender, const frame_writer& writer);
  /// Moves about `most` bytes of frames behind `out`: what is short and ready, then fragments of the long
  /// ones in turn.
  void take(std::string& out, std::size_t most, const frame_writer& writer);
  /// Bytes that wait.
  [[nodiscard]] std::size_t bytes() const noexcept { return ready_.size() + long_bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes() == 0; }
  void clear();

private:
  struct part_sent {
    encoded_signal signal;
    std::uint64_t next = 0;     ///< the fragment to go next
    std::uint64_t sequence = 0; ///< of its fragments
  };
  using lane = std::deque<part_sent>; ///< of one sender: a long signal, and what must not overtake it

  static std::size_t size_of(const encoded_signal& s) noexcept { return s.control.size() + s.payload.size(); }
  void send_from(lane& from, std::string& out, const frame_writer& writer);

  std::string ready_; ///< whole frames
  std::unordered_map<std::uint64_t, lane> lanes_;
  std::deque<std::uint64_t> turns_; ///< the senders with a lane; the first is next
  std::size_t long_bytes_ = 0;
  std::uint64_t next_sequence_ = 1;
};

} // namespace coppice::dist::detail
