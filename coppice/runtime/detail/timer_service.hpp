// The timers: those of send_after, found again by their reference, and the one that each process has for its
// waits. Both are entries of the wheels.
#pragma once

#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/detail/envelope.hpp"
#include "coppice/runtime/detail/timer_shelf.hpp"
#include "coppice/term/id.hpp"

#include <optional>

namespace coppice::detail {

class core;
class machine;
struct process_block;

/// What is due: a message, or the wait of a process.
struct due_timer {
  envelope_ptr message;
  process_block* process = nullptr;
};

/// A reference holds the number of the core, the slot, and a number unique in the node that tells whether
/// the slot still holds this timer.
class timer_service {
public:
  explicit timer_service(machine& m) noexcept : machine_(m) {}

  /// `in_message`, if not null, is a place in the message where the timer's own reference belongs.
  reference start(duration after, pid to, envelope_ptr message, reference* in_message);
  std::optional<duration> cancel(const reference& timer);
  [[nodiscard]] std::optional<duration> read(const reference& timer);
  [[nodiscard]] std::size_t count() const noexcept;
  /// The time that is `after` from `now`, in nanoseconds of the clock; as far away as it can name at most.
  [[nodiscard]] static std::int64_t due_after(std::int64_t now_ns, duration after) noexcept;

  /// Sees to it that the process's timer goes off by then, or earlier and is put off then.
  void arm(process_block& p, std::int64_t now_ns, std::int64_t due_ns);
  /// The process has died.
  void disarm(process_block& p) noexcept;

  /// What an entry that the core's wheel has made ready stands for: nothing, if it is stale or was put off.
  /// The wheel's lock is held.
  due_timer expire(core& at, const timer_entry& entry, time_point now) noexcept;

private:
  /// The record, and its core with the lock of the wheel held; null and no lock if there is no such timer.
  timer_shelf::record* find(const reference& r, core*& at);
  process_block* expire_wait(core& at, const timer_entry& entry, time_point now) noexcept;

  machine& machine_;
};

} // namespace coppice::detail
