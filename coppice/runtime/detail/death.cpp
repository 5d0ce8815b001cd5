// Death has two steps: visible (the name is free, links and monitors have fired, the pid is dead) and
// reclaimed (frames destroyed, slot given back). A process at rest is destroyed first and announced then; one
// that is stuck in user code is announced first and destroyed when its thread comes back, and one whose
// frames an operation outside of the runtime works on is announced first and destroyed when that is over.
#include "coppice/runtime/call.hpp"
#include "coppice/runtime/detail/ancestors.hpp"
#include "coppice/runtime/detail/frame_user.hpp"
#include "coppice/runtime/detail/inspect.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/detail/ownership.hpp"
#include "coppice/runtime/detail/signals.hpp"

#include <utility>

namespace coppice::detail {
namespace {

/// Frees what the process's own code owns; destructors run as the process.
void destroy_program(process_block& p) noexcept {
  p.waiting = nullptr;
  p.resume = {};
  if (p.root) std::exchange(p.root, {}).destroy();
  delete std::exchange(p.program, nullptr);
  envelope_ptr arrived(std::exchange(p.arrived, nullptr));
  answer_orphans(p, p.reason());
}

void report_crash(process_block& p) {
  if (!p.faulted || p.reason().details() == nullptr) return;
  if (!p.home->reports(severity::error)) return;
  p.home->report(report{severity::error, "error", p.self(), {{"ancestors", ancestors_of(p)}}, p.reason()});
}

void tell_ties(process_block& p) {
  if (p.ties == nullptr) return;
  pid me = p.self();
  coppice::node& home = *p.home;
  for (const auto& [other, ids] : p.ties->links) {
    send_signal(home, other, envelope_kind::exit, 0, signal{me, p.reason(), ids, true});
  }
  for (const auto& [ref, watcher] : p.ties->watchers) {
    send_signal(home, watcher, envelope_kind::down, ref, signal{me, p.reason()});
  }
  for (const auto& [ref, target] : p.ties->monitors) {
    send_signal(home, target.process, envelope_kind::demonitor, ref, signal{me, exit_reason()});
  }
  for (const auto& [tag, to] : p.ties->requests) {
    if (to.local()) continue;
    if (remote_channel* way = machine_of(p).remote.load(std::memory_order_acquire)) way->abandon(to, tag);
  }
}

/// From here on pushes find the slot dead; what came before is to be turned away.
[[nodiscard]] envelope* close_inbox(process_block& p) noexcept {
  return p.inbox.exchange(inbox_dead, std::memory_order_seq_cst);
}

void turn_away(process_block& p, envelope* e) noexcept {
  envelope* oldest = nullptr;
  while (e != nullptr && e != inbox_idle && e != inbox_dead) {
    envelope* next = e->next;
    e->next = oldest;
    oldest = e;
    e = next;
  }
  while (oldest != nullptr) {
    envelope* next = oldest->next;
    bool mine = oldest->to == p.id.load(std::memory_order_relaxed) && oldest->kind == envelope_kind::message;
    oldest->ops->reject(oldest, mine ? p.reason() : exit_reason::noproc());
    oldest = next;
  }
}

void reject_mailbox(process_block& p) noexcept {
  while (p.first != nullptr) {
    envelope* e = std::exchange(p.first, p.first->next);
    e->ops->reject(e, p.reason());
  }
  p.last = p.scanned = nullptr;
  p.scanned_by = 0;
  p.length.clear();
}

void announce_now(process_block& p) {
  machine& m = machine_of(p);
  if (is_traced(p, 0xff)) [[unlikely]] {
    if (is_traced(p, trace_procs)) note_event(p, trace_kind::exit, pid(), p.reason().value());
    m.traces.forget(p.self());
  }
  if (p.is_named(p.self())) {
    if (p.extras != nullptr && !p.extras->registered_name.empty()) {
      m.names.remove(p.extras->registered_name, p.self());
    } else {
      m.names.remove_all(p.self()); // named by another, and not yet told so
    }
  }
  if (p.extras != nullptr) {
    if (p.extras->labelled) m.labels.remove(p.self());
    release_senders(p);
  }
  std::vector<std::shared_ptr<ownership>> ended = end_ownerships(p);
  envelope* too_late = close_inbox(p); // who is told that it has ended must not find it alive
  tell_ties(p);
  turn_away(p, too_late);
  for (const auto& o : ended) o->clear(); // may take its time: everybody has been told
}

void reset(process_block& p) noexcept {
  p.trap_exit = p.dying = p.timed_out = p.initialised = p.zombie = p.unwinding = p.faulted = false;
  p.async_dist = false;
  p.awaited_tag = p.blocked_tag = p.serving_tag = 0;
  p.why.reset();
  p.next_link_id = 1;
  delete std::exchange(p.ties, nullptr); // a zombie may have made some after its ties were told
  delete std::exchange(p.extras, nullptr);
  p.mailbox_limit.store(0, std::memory_order_relaxed);
  p.policy.store(pushback_policy::none, std::memory_order_relaxed);
  p.reductions.store(0, std::memory_order_relaxed);
  p.traced.store(0, std::memory_order_relaxed);
  p.pinned.store(-1, std::memory_order_relaxed);
  p.priority.store(2, std::memory_order_relaxed);
  p.status.store(process_status::free, std::memory_order_relaxed);
}

void reclaim(process_block& p) noexcept {
  if (p.wheel != nullptr) machine_of(p).timers.disarm(p);
  reject_mailbox(p);
  machine& m = machine_of(p);
  reset(p);
  // Exchanged, not stored: whoever waits has either been seen by `release`, or sees the id change.
  p.id.exchange(p.id.load(std::memory_order_relaxed) + (std::uint64_t{1} << pid::slot_bits),
                std::memory_order_seq_cst);
  m.release(p);
}

} // namespace

void bury(process_block& p) noexcept {
  p.status.store(process_status::exiting, std::memory_order_relaxed);
  if (frame_user* user = user_of_frames(p); user != nullptr && !user->over()) {
    if (!p.zombie) {
      current().process = nullptr; // what a zombie says is not sent
      announce(p);
    }
    if (!user->let_go()) return; // it makes the process runnable again
    current().process = &p;
  }
  destroy_program(p);
  if (!p.zombie) {
    report_crash(p);
    announce_now(p);
  }
  reclaim(p);
}

void announce(process_block& p) noexcept {
  p.zombie = true;
  announce_now(p);
  reject_mailbox(p);
  if (p.serving_tag != 0) { // its `from` is out of reach, in frames or on the stuck thread's stack
    complete(*p.home, p.serving, p.serving_tag, make_message<call_failed>(call_failed{p.reason()}));
  }
  delete std::exchange(p.ties, nullptr);
}

void discard(process_block& p) noexcept {
  if (p.inbox.load(std::memory_order_relaxed) == inbox_dead && !p.zombie) return; // nobody lives there
  current().process = &p;
  if (!p.dying) condemn(p, exit_reason::killed());
  p.zombie = true;
  frame_user* user = user_of_frames(p);
  if (user == nullptr || user->over()) {
    destroy_program(p);
  } else {
    user->leave_behind(); // and with it what it uses: freed, it would be written to
  }
  turn_away(p, close_inbox(p));
  reject_mailbox(p);
  reset(p);
  current().process = nullptr;
}

} // namespace coppice::detail
