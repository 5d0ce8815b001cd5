// Signals: links, monitors and exits as they travel. Their order with the messages of the same sender holds,
// because they go through the same inbox.
#pragma once

#include "coppice/runtime/detail/kernel.hpp"
#include "coppice/runtime/detail/relations.hpp"

namespace coppice::detail {

/// What every signal carries.
struct signal {
  pid from;
  exit_reason reason;
  link_ids ids;         ///< of the link, by the sender's view
  bool by_link = false; ///< an exit signal: because a linked process ended
  bool trappable = true;
  coppice::node* home = nullptr;
};

void send_signal(coppice::node& home, pid to, envelope_kind kind, std::uint64_t tag, signal content);
/// What an envelope of such a kind (exit to down) carries.
signal& signal_of(envelope& e) noexcept;

/// Lets a signal (not a message) take effect on its receiver; consumes it. Owner only.
void handle_signal(process_block& p, envelope_ptr e);

/// Marks the process as ended by the reason: the slice loop buries it at its next step.
void condemn(process_block& p, exit_reason reason) noexcept;

/// Adds a message to the mailbox; owner only.
void append(process_block& p, envelope* e) noexcept;

relations& ties_of(process_block& p);

/// Ends the process: frees its name, destroys its frames and body, tells links and monitors, turns away what
/// is in its mailbox, gives the slot back. Owner only; the reason is set. While an operation outside of the
/// runtime uses its frames it is only announced; the end of the operation makes it runnable, to be called
/// here again.
void bury(process_block& p) noexcept;
/// Tells the world of the death of a process whose thread is stuck in user code; the rest waits for the
/// thread.
void announce(process_block& p) noexcept;
/// Destroys what a process that is left over when its node goes away owns. No thread runs any more.
void discard(process_block& p) noexcept;

} // namespace coppice::detail
