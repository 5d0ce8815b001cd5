// The control block of a process. It lives in a slot of the process table that is never unmapped, so a send
// to a dead or recycled pid touches valid memory: the envelope names its addressee and strays are turned
// away.
//
// Fields are in three groups by who may touch them: anyone (atomic), the owner (whoever runs the process: one
// thread at a time, handed over through the run queues), and the timer wheel (under its lock).
#pragma once

#include "coppice/runtime/body.hpp"
#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/detail/atomic.hpp"
#include "coppice/runtime/detail/envelope.hpp"
#include "coppice/runtime/detail/timer_wheel.hpp"

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

/// Its embedded timer is a base, so that the wheel's node leads back to the block.
struct alignas(64) process_block : timer_node {
  // --- anyone ---
  atomic<envelope*> inbox{inbox_dead}; ///< newest first
  atomic<std::uint64_t> id{0};         ///< of the process in the slot; changes when it has died
  atomic<std::int64_t> deadline_ns{no_deadline};
  atomic<std::int64_t> armed_ns{no_deadline}; ///< when `timer` goes off; it moves lazily
  atomic<bool> timer_fired{false};
  atomic<process_status> status{process_status::free};
  atomic<std::uint8_t> priority{2};       ///< index of the run queue: 0 max, 1 high, 2 normal, 3 low
  std::atomic<std::uint8_t> traced{0};    ///< what is told of it: the bits of trace_table.hpp
  atomic<std::uint32_t> mailbox_limit{0}; ///< in messages; 0: none
  /// Messages in the mailbox, kept only under a limit; above them the low half of the generation, so that a
  /// sender who is late by one process does not count for the next.
  atomic<std::uint64_t> counted{0};
  atomic<std::uint32_t> mailbox_length{0}; ///< drained messages, as of the last slice: for information
  atomic<pushback_policy> policy{pushback_policy::none};
  atomic<std::uint64_t> reductions{0};
  atomic<const char*> label{nullptr}; ///< of its start: what it runs; of static storage, as the next
  atomic<const char*> behaviour{"process"};
  atomic<std::int16_t> pinned{-1}; ///< the core that it must run on, or -1
  atomic<std::uint64_t> parent_id{0};
  atomic<std::uint64_t> named{0}; ///< the id of the process in the slot, if it has a name

  // --- the run queue that it is in ---
  process_block* run_next = nullptr;

  // --- the owner ---
  bool trap_exit = false;
  bool dying = false; ///< an exit signal has been accepted, or it has ended
  bool timed_out = false;
  bool initialised = false; ///< the body's init has been called
  bool unwinding =
      false;            ///< an exception is on its way: what it drops is answered with the reason it becomes
  bool faulted = false; ///< its own code threw: to be reported here, not where a link carries it
  bool zombie = false;  ///< announced dead while its thread was stuck in user code
  bool hibernates = false; ///< it has freed what it could until something comes
  coppice::node* home = nullptr;
  envelope* first = nullptr; ///< the mailbox: oldest first
  envelope* last = nullptr;
  envelope* scanned = nullptr; ///< everything up to here was refused by the types `scanned_by`
  std::uint64_t scanned_by = 0;
  std::uint32_t length = 0;
  std::uint32_t next_link_id = 1;
  std::coroutine_handle<> resume; ///< what to resume next, or null while it waits
  std::coroutine_handle<> root;   ///< the outermost frame: of the process, or of the body's task
  waiter* waiting = nullptr;
  std::uint64_t awaited_tag = 0; ///< the completion that is waited for, or 0
  envelope* arrived = nullptr;   ///< that completion
  std::uint64_t blocked_tag = 0; ///< it is pushed back: not run until the completion with this tag
  body* program = nullptr;
  relations* ties = nullptr;
  process_extras* extras = nullptr; ///< names, dictionary, mailbox policy: what few processes have
  pid group_leader;
  pid serving; ///< whose call the body has got last, and the call's tag
  std::uint64_t serving_tag = 0;
  exit_reason reason; ///< once dying: why

  // --- the timer wheel (and the base) ---
  timer_wheel* wheel = nullptr; ///< where `timer` is; written by the owner

  [[nodiscard]] timer_node& timer() noexcept { return *this; }
  [[nodiscard]] std::uint32_t messages_counted() const noexcept {
    return static_cast<std::uint32_t>(counted.load(std::memory_order_relaxed));
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
};

} // namespace coppice::detail
