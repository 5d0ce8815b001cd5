// What the public templates of this layer are made of: the operations of the running process and of the node
// that need no types. Implemented in kernel.cpp (messages, waits), signals.cpp (links, monitors, exits),
// death.cpp and slice.cpp.
#pragma once

#include "coppice/runtime/detail/context.hpp"
#include "coppice/runtime/detail/envelope.hpp"
#include "coppice/runtime/detail/process_block.hpp"

#include <cstdint>
#include <exception>
#include <span>
#include <vector>

namespace coppice {
struct spawn_options;
}

namespace coppice::detail {

/// A number unique in the node's life; never 0.
std::uint64_t next_unique(coppice::node& home);

[[noreturn]] void throw_outside_of_a_node();

/// The node of the running process; throws std::logic_error outside of one.
inline coppice::node& running_node() {
  coppice::node* home = current().home;
  if (home == nullptr) [[unlikely]]
    throw_outside_of_a_node();
  return *home;
}

// --- messages ---

/// Sends; the addressee's death is not an error. `home` is the sender's node.
void deliver(coppice::node& home, pid to, envelope_ptr message);

/// Sends to whoever made the alias, if it is still one.
void deliver_to_alias(coppice::node& home, const reference& alias, envelope_ptr message);

/// Pushes on a slot's inbox without regard to limits; false (and the envelope left) if the slot is dead.
bool push(process_block& to, envelope* message) noexcept;

/// Takes in what has arrived: signals take effect, messages join the mailbox. Owner only, in a section.
void drain_inbox(process_block& p);
inline void drain(process_block& p) {
  if (p.inbox.load(std::memory_order_relaxed) != nullptr) drain_inbox(p);
}

/// What taking a counted message, or the reply to a request, has to do besides.
void account_for_taken(process_block& p, const envelope& e) noexcept;

/// Takes the envelope after `previous` (null: the first) out of the mailbox. Owner only.
inline envelope_ptr take_after(process_block& p, envelope* previous) noexcept {
  envelope*& place = previous == nullptr ? p.first : previous->next;
  envelope* e = place;
  place = e->next;
  if (p.last == e) p.last = previous;
  if (p.scanned == e) p.scanned_by = 0;
  e->next = nullptr;
  p.length -= 1;
  if (e->kind == envelope_kind::completion || e->flags != 0) [[unlikely]]
    account_for_taken(p, *e);
  return envelope_ptr(e);
}

/// Puts a message back to the front of the mailbox. Owner only.
void put_back(process_block& p, envelope_ptr message) noexcept;

/// Spends a reduction; false when the slice is over and the process should let others run.
inline bool spend_reduction() noexcept {
  context& c = current();
  if (c.budget == 0) return false;
  --c.budget;
  return true;
}

/// Whether the process may go on at an await that is over: neither is its slice, nor is it pushed back.
inline bool may_go_on(const process_block& p) noexcept { return p.blocked_tag == 0 && spend_reduction(); }

// --- waits ---

/// Arms the process's own timer for a receive or call; `infinity` disarms.
void set_deadline(process_block& p, duration after);
void clear_deadline(process_block& p) noexcept;

/// Begins to wait for the completion with the tag; ends such a wait.
void expect_completion(process_block& p, std::uint64_t tag);
envelope_ptr take_completion(process_block& p) noexcept;

/// Sends the completion of a wait.
void complete(coppice::node& home, pid to, std::uint64_t tag, envelope_ptr completion);

/// Requests whose replies join the mailbox as completions with their tag (send_request).
void open_request(process_block& p, pid to, std::uint64_t tag);
/// Forgets the request: its reply, should it come, is dropped.
void close_request(process_block& p, std::uint64_t tag) noexcept;
/// The reply to the request if it is in the mailbox, else null. Drains first.
envelope_ptr take_response(process_block& p, std::uint64_t tag);
/// Waits until the mailbox holds a reply to one of the tags (the earliest such), or the time is up.
class response_wait : public waiter {
public:
  response_wait(process_block& p, std::span<const std::uint64_t> tags, duration timeout);
  [[nodiscard]] bool ready();
  void suspend(std::coroutine_handle<> caller) noexcept;
  [[nodiscard]] envelope_ptr finish() noexcept; ///< null after the time-out

private:
  static bool look(waiter& w, process_block& p);
  bool scan() noexcept;

  process_block& process_;
  std::vector<std::uint64_t> tags_;
  duration timeout_;
  bool done_ = false;
  envelope_ptr found_;
};

/// Answers the callers whose `from` was dropped by an exception: with that reason, now that it is known.
void answer_orphans(process_block& p, const exit_reason& reason) noexcept;

// --- spawning ---

/// A fresh block with its pid; nothing runs until `launch`. Throws std::length_error when the table is full.
process_block& new_process(coppice::node& home);
/// Gives a block back that was never launched.
void abandon_process(process_block& p) noexcept;
/// Applies the options (link, monitor, name...) and makes it runnable. Returns the monitor's reference.
reference launch(process_block& p, const spawn_options& options);

} // namespace coppice::detail
