#include "coppice/runtime/detail/transit.hpp"

#include "coppice/runtime/detail/context.hpp"
#include "coppice/runtime/detail/kernel.hpp"

#include <algorithm>
#include <utility>

namespace coppice::detail {

void transit::drop_all() noexcept {
  arriving_ = true; // what their destructors may say is not kept
  for (const held& h : std::exchange(held_, {})) envelope_ptr never(h.message);
}

bool transit::hold(process_block& to, envelope* message) {
  const process_block* sender = current().process;
  if (arriving_ || sender == nullptr || sender == &to) return false;
  bool behind_another = first_of(sender, &to) != held_.end() || must_wait({sender, &to, message});
  if (!behind_another && !source_.holds_back(sender->self(), pid{message->to})) return false;
  held_.push_back({sender, &to, message});
  return true;
}

std::vector<transit::held>::iterator transit::first_of(const process_block* from, const process_block* to) {
  return std::ranges::find_if(held_, [=](const held& h) { return h.from == from && h.to == to; });
}

/// What the runtime answers for the dead comes after what they have said.
bool transit::must_wait(const held& h) {
  bool dead = h.to->id.load(std::memory_order_relaxed) != h.message->to;
  return dead && first_of(h.to, h.from) != held_.end();
}

void transit::let_arrive(bool must) {
  if (held_.empty()) return;
  std::size_t which = source_.arrives(held_.size());
  if (which >= held_.size()) {
    if (!must) return;
    which = 0;
  }
  held chosen = held_[which];
  auto first = must_wait(chosen) ? first_of(chosen.to, chosen.from) : first_of(chosen.from, chosen.to);
  held h = *first;
  held_.erase(first);
  arriving_ = true;
  if (!push(*h.to, h.message)) h.message->ops->reject(h.message, exit_reason::noproc());
  arriving_ = false;
}

} // namespace coppice::detail
