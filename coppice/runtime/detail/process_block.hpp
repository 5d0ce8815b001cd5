// The control block of a process. It lives in a slot of the process table that is never unmapped, so a send
// to a dead or recycled pid touches valid memory: the envelope names its addressee and strays are turned
// away.
// Its owner is whoever runs the process: one thread at a time, handed over through the run queues.
#pragma once

#include "coppice/runtime/body.hpp"
#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/detail/atomic.hpp"
#include "coppice/runtime/detail/envelope.hpp"
#include "coppice/runtime/detail/timer_wheel.hpp"

#include <algorithm>
#include <coroutine>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace coppice {
class node;
} // namespace coppice

namespace coppice::detail {

struct process_block;
struct process_extras;
class frame_user;
class ownership;
struct relations;

/// What a suspended coroutine waits for; lives in the awaiter, in the frame.
struct waiter {
  /// Looks whether the wait is over; called by the owner whenever something has arrived or time is up.
  bool (*over)(waiter&, process_block&);
};

/// Values of process_block::inbox that are no envelopes.
inline envelope* const inbox_idle = reinterpret_cast<envelope*>(1); ///< waiting, nothing pending
inline envelope* const inbox_dead = reinterpret_cast<envelope*>(2); ///< no process in this slot

inline constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

enum class process_status : std::uint8_t { free, runnable, running, waiting, hibernating, exiting };

enum class pushback_policy : std::uint8_t { none, drop, kill, push_back };

/// A count that its owner alone changes and anyone may read.
class owned_count {
public:
  owned_count& operator+=(std::uint32_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    return *this;
  }
  owned_count& operator-=(std::uint32_t n) noexcept { return *this += -n; }
  void clear() noexcept { value_.store(0, std::memory_order_relaxed); }
  // NOLINTNEXTLINE(google-explicit-constructor): a number
  operator std::uint32_t() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  atomic<std::uint32_t> value_{0};
};

/// The fields stand in the order of how often they are needed, a cache line each group: a message to a
/// process that waits, and its turn, touch the first three lines. Who may touch a field is written beside it:
/// anyone (atomic), or the owner.
struct alignas(64) process_block {
  // --- to find it ---
  atomic<envelope*> inbox{inbox_dead}; ///< newest first; anyone's
  atomic<std::uint64_t> id{0};         ///< of the process in the slot; changes when it has died; anyone's
  coppice::node* home = nullptr;
  process_block* run_next = nullptr; ///< of the run queue that it is in
  atomic<std::int64_t> deadline_ns{no_deadline};
  atomic<std::int64_t> armed_ns{no_deadline}; ///< when its timer goes off; it moves lazily
  timer_wheel* wheel = nullptr;               ///< where its timer is, or was last; the owner's

  // --- to give it a message and a turn: anyone's ---
  alignas(64) atomic<process_status> status{process_status::free};
  atomic<std::uint8_t> priority{2};    ///< index of the run queue: 0 max, 1 high, 2 normal, 3 low
  std::atomic<std::uint8_t> traced{0}; ///< what is told of it: the bits of trace_table.hpp
  atomic<bool> timer_fired{false};
  atomic<std::int16_t> pinned{-1}; ///< the core that it must run on, or -1
  atomic<pushback_policy> policy{pushback_policy::none};
  atomic<bool> awaited{false};            ///< a thread outside waits for its end
  atomic<std::uint32_t> mailbox_limit{0}; ///< in messages; 0: none
  // the owner's
  owned_count length;
  envelope* first = nullptr; ///< the mailbox: oldest first
  envelope* last = nullptr;
  envelope* scanned = nullptr; ///< everything up to here was refused by the types `scanned_by`
  std::uint64_t scanned_by = 0;
  std::coroutine_handle<> resume; ///< what to resume next, or null while it waits
  waiter* waiting = nullptr;

  // --- to run it: the owner's ---
  bool trap_exit = false;
  bool dying = false; ///< an exit signal has been accepted, or it has ended
  bool timed_out = false;
  bool initialised = false;     ///< the body's init has been called
  bool unwinding = false;       ///< an exception is on its way: what it drops gets the reason that it becomes
  bool faulted = false;         ///< its own code threw: to be reported here, not where a link carries it
  bool zombie = false;          ///< announced dead before its frames could go
  bool hibernates = false;      ///< it has freed what it could until something comes
  bool async_dist = false;      ///< a slow connection to another node does not hold it up
  std::coroutine_handle<> root; ///< the outermost frame: of the process, or of the body's task
  body* program = nullptr;
  std::uint64_t awaited_tag = 0;       ///< the completion that is waited for, or 0
  envelope* arrived = nullptr;         ///< that completion
  std::uint64_t blocked_tag = 0;       ///< it is pushed back: not run until the completion with this tag
  process_extras* extras = nullptr;    ///< names, dictionary, mailbox policy: what few processes have
  atomic<std::uint64_t> reductions{0}; ///< anyone may read it

  // --- the rest ---
  relations* ties = nullptr;
  pid serving; ///< whose call the body has got last, and the call's tag
  std::uint64_t serving_tag = 0;
  atomic<std::uint64_t> parent_id{0};
  /// Messages in the mailbox, kept only under a limit; above them the low half of the generation, so that a
  /// sender who is late by one process does not count for the next.
  atomic<std::uint64_t> counted{0};
  atomic<const char*> label{nullptr}; ///< of its start: what it runs; of static storage, as the next
  atomic<const char*> behaviour{"process"};
  pid group_leader;
  std::unique_ptr<exit_reason> why; ///< once dying: the reason; null for `normal`
  atomic<std::uint32_t> named{0};   ///< name_stamp() of the process in the slot, if it has a name
  std::uint32_t next_link_id = 1;

  [[nodiscard]] std::uint32_t messages_counted() const noexcept {
    return static_cast<std::uint32_t>(counted.load(std::memory_order_relaxed));
  }
  /// Why it dies.
  [[nodiscard]] const exit_reason& reason() const noexcept {
    static const exit_reason normal;
    return why == nullptr ? normal : *why;
  }
  /// Tells the process in a slot from those before it there; never 0.
  static std::uint32_t name_stamp(pid p) noexcept {
    return std::max(static_cast<std::uint32_t>(p.generation()), std::uint32_t{1});
  }
  /// Whether that process is the one in the slot that has a name.
  [[nodiscard]] bool is_named(pid p) const noexcept {
    return named.load(std::memory_order_relaxed) == name_stamp(p);
  }
  [[nodiscard]] pid self() const noexcept { return {id.load(std::memory_order_relaxed), 0, 0}; }
};

/// What few processes have.
struct process_extras : pooled {
  atom registered_name;
  bool labelled = false; ///< it has an entry in the table of labels
  std::vector<std::pair<pid, std::uint64_t>>
      orphans; ///< callers whose `from` an exception dropped, and their tags
  std::vector<std::pair<pid, std::uint64_t>>
      pushed_back;                               ///< senders to let go when there is room, and their tags
  std::vector<std::shared_ptr<ownership>> owned; ///< its tables
  frame_user* frames_used_by = nullptr; ///< the operation that it waits for, if that works on its frames
};

} // namespace coppice::detail
