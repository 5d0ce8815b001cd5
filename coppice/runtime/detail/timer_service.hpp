// The timers of send_after: kept in slots beside the wheel that they are in, found again by their reference.
#pragma once

#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/detail/envelope.hpp"
#include "coppice/runtime/detail/timer_wheel.hpp"
#include "coppice/term/id.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace coppice::detail {

class machine;

/// A timer's message on its way out.
struct due_message {
  pid to;
  envelope_ptr message;
};

/// A reference holds the number of the core, the slot, and a number unique in the node that tells whether
/// the slot still holds this timer.
class timer_service {
public:
  explicit timer_service(machine& m) noexcept : machine_(m) {}
  void resize(std::size_t cores) { shelves_ = std::deque<shelf>(cores); }

  /// `in_message`, if not null, is a place in the message where the timer's own reference belongs.
  reference start(duration after, pid to, envelope_ptr message, reference* in_message);
  std::optional<duration> cancel(const reference& timer);
  [[nodiscard]] std::optional<duration> read(const reference& timer);
  /// A node that has come due, out of the wheel; the wheel's lock is held.
  due_message expire(timer_node& node) noexcept;
  [[nodiscard]] std::size_t count() const noexcept;

private:
  struct timer : timer_node {
    std::uint64_t unique = 0; ///< 0: free
    std::uint32_t slot = 0;
    std::uint32_t shelf = 0;
    pid to;
    envelope_ptr message;
  };
  struct shelf { ///< under the lock of the core's wheel
    std::deque<timer> timers;
    std::vector<std::uint32_t> free;
  };

  static constexpr unsigned slot_bits = 26;
  timer* find(const reference& r, timer_wheel*& wheel);

  machine& machine_;
  std::deque<shelf> shelves_; ///< one a core
};

} // namespace coppice::detail
