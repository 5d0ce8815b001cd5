// Functions that run inside another process, in order with its messages: process_info, group leaders,
// push-back.
#pragma once

#include "coppice/runtime/detail/kernel.hpp"

#include <functional>

namespace coppice::detail {

/// Runs `look` in the process, or calls `gone` (on the sender's side or the dying process's) if it is dead.
/// Both run inside the runtime: short, no user code.
void inspect(coppice::node& home, pid to, std::move_only_function<void(process_block&)> look,
             std::move_only_function<void()> gone);
void run_inspection(process_block& p, envelope_ptr e);

/// The completion that lets a pushed-back sender go.
struct room {};

/// Asks a full mailbox's owner to answer the sender's tag when there is room again.
void ask_for_room(coppice::node& home, pid full, pid sender, std::uint64_t tag);
void release_senders(process_block& p) noexcept;

} // namespace coppice::detail
