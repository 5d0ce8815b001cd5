#include "coppice/runtime/detail/kernel.hpp"

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/call.hpp"
#include "coppice/runtime/detail/inspect.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/detail/signals.hpp"
#include "coppice/runtime/detail/transit.hpp"

#include <algorithm>
#include <stdexcept>

namespace coppice::detail {

process_block& running_process() {
  process_block* p = current().process;
  if (p == nullptr) throw std::logic_error("coppice: this may only be called inside a process");
  return *p;
}

void throw_outside_of_a_node() {
  throw std::logic_error("coppice: this may only be called inside a process of a node");
}

std::uint64_t next_unique(coppice::node& home) {
  context& c = current();
  if (c.home != &home) return home.internals().unique.fetch_add(1, std::memory_order_relaxed);
  if (c.unique_next == c.unique_end) {
    constexpr std::uint64_t block = 1U << 14U;
    c.unique_next = home.internals().unique.fetch_add(block, std::memory_order_relaxed);
    c.unique_end = c.unique_next + block;
  }
  return c.unique_next++;
}

// --- messages ---

namespace {

constexpr std::uint8_t flag_counted = 1; ///< counts against its receiver's mailbox limit

/// Whether a tracer may see it: what processes say to each other, but for the runtime's own errands.
bool is_speech(const envelope& e) noexcept {
  return e.kind == envelope_kind::message ||
         (e.kind == envelope_kind::completion && e.ops->type->hash != type_hash<room>());
}

/// The one thing that the dead may still say: that a call has failed.
bool is_failure(const envelope& e) noexcept {
  return e.kind == envelope_kind::completion && e.ops->type->hash == type_hash<call_failed>();
}

bool zombie_speaks() noexcept {
  process_block* p = current().process;
  return p != nullptr && p->zombie;
}

/// Applies the receiver's mailbox limit. False: the message is not to be delivered.
bool admit(coppice::node& home, process_block& to, envelope& e) {
  std::uint32_t limit = to.mailbox_limit.load(std::memory_order_relaxed);
  if (limit == 0 || e.kind != envelope_kind::message) return true;
  pushback_policy policy = to.policy.load(std::memory_order_relaxed);
  std::uint64_t before = to.counted.load(std::memory_order_relaxed);
  do {
    if (before >> 32U != (pid{e.to}.generation() & 0xffffffffU))
      return true; // it has died: the push finds out
    if (static_cast<std::uint32_t>(before) >= limit && policy == pushback_policy::drop) return false;
  } while (!to.counted.compare_exchange_weak(before, before + 1, std::memory_order_relaxed));
  e.flags |= flag_counted;
  if (static_cast<std::uint32_t>(before) < limit) return true;
  switch (policy) {
  case pushback_policy::none:
  case pushback_policy::drop: return true;
  case pushback_policy::kill: {
    signal full{pid{e.to}, exit_reason(atom("mailbox_full")), {}, false};
    full.trappable = false;
    send_signal(home, pid{e.to}, envelope_kind::exit, 0, std::move(full));
    return true;
  }
  case pushback_policy::push_back: {
    process_block* sender = current().process;
    bool ours = sender != nullptr && sender->home == &home.internals().owner;
    if (ours && sender != &to && sender->blocked_tag == 0) {
      sender->blocked_tag = next_unique(home);
      ask_for_room(home, pid{e.to}, sender->self(), sender->blocked_tag);
    }
    return true;
  }
  }
  return true;
}

} // namespace

void append(process_block& p, envelope* e) noexcept {
  e->next = nullptr;
  (p.last == nullptr ? p.first : p.last->next) = e;
  p.last = e;
  p.length += 1;
  if (is_traced(p, trace_receive)) [[unlikely]]
    note_message(p, trace_kind::receive, pid(), *e);
}

namespace {

void receive_completion(process_block& p, envelope* e) noexcept {
  if (e->tag == p.awaited_tag && p.arrived == nullptr) {
    p.arrived = e;
    if (is_traced(p, trace_receive) && is_speech(*e)) [[unlikely]]
      note_message(p, trace_kind::receive, pid(), *e);
  } else if (e->tag == p.blocked_tag && e->tag != 0) {
    p.blocked_tag = 0;
    envelope_ptr done(e);
  } else if (p.ties != nullptr && p.ties->requests.contains(e->tag)) {
    append(p, e);
  } else {
    envelope_ptr late(e); // its caller has given up
  }
}

void receive_one(process_block& p, envelope* e) {
  if (e->to != p.id.load(std::memory_order_relaxed) || p.dying) {
    e->ops->reject(e, p.dying && e->kind == envelope_kind::message ? p.reason() : exit_reason::noproc());
    return;
  }
  switch (e->kind) {
  case envelope_kind::message:
    if (e->tag != 0 && (p.ties == nullptr || !p.ties->aliases.contains(e->tag))) {
      if ((e->flags & flag_counted) != 0) p.counted.fetch_sub(1, std::memory_order_relaxed);
      envelope_ptr unaddressed(e); // to an alias that is no more
      return;
    }
    append(p, e);
    return;
  case envelope_kind::completion: receive_completion(p, e); return;
  case envelope_kind::inspect: run_inspection(p, envelope_ptr(e)); return;
  default: handle_signal(p, envelope_ptr(e)); return;
  }
}

/// Whether it needs nothing but a place in the receiver's block.
bool is_plain(const envelope& e) noexcept {
  return e.kind == envelope_kind::message || e.kind == envelope_kind::completion;
}

/// What a process sends to itself joins its mailbox at once, unless something from before has yet to, or
/// whether it does may still change: an alias may go.
bool append_to_self(process_block& to, envelope* message) {
  if (&to != current().process || message->kind != envelope_kind::message || message->tag != 0 ||
      to.inbox.load(std::memory_order_relaxed) != nullptr) {
    return false;
  }
  receive_one(to, message);
  return true;
}

} // namespace

bool push(process_block& to, envelope* message) noexcept {
  if (transit* slow = current().under_way; slow != nullptr && slow->hold(to, message)) [[unlikely]]
    return true;
  if (append_to_self(to, message)) return true;
  envelope* head = to.inbox.load(std::memory_order_acquire);
  for (;;) {
    if (head == inbox_dead) return false;
    bool idle = head == inbox_idle;
    bool straight = idle && is_plain(*message);
    message->next = idle ? nullptr : head;
    if (!to.inbox.compare_exchange_weak(head, straight ? nullptr : message, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
      continue;
    }
    // Who makes an idle process runnable owns it until it is queued, and so may spare it the drain.
    if (straight) receive_one(to, message);
    if (idle) to.home->internals().make_runnable(to);
    return true;
  }
}

namespace {

void deliver_afar(coppice::node& home, pid to, envelope_ptr message) {
  if (process_block* me = current().process; me != nullptr && is_traced(*me, trace_send)) [[unlikely]] {
    if (is_speech(*message)) note_message(*me, trace_kind::send, to, *message);
  }
  if (remote_channel* way = home.internals().remote.load(std::memory_order_acquire)) {
    way->deliver(to, std::move(message));
    return;
  }
  envelope* stray = message.release();
  stray->ops->reject(stray, exit_reason::noconnection());
}

} // namespace

void deliver(coppice::node& home, pid to, envelope_ptr message) {
  runtime_section section;
  if (zombie_speaks() && !is_failure(*message)) return;
  message->to = to.id;
  if (!to.local()) [[unlikely]]
    return deliver_afar(home, to, std::move(message));
  process_block* block = home.internals().table.find(to.id);
  bool found = block != nullptr && block->id.load(std::memory_order_acquire) == to.id;
  if (process_block* me = current().process; me != nullptr && is_traced(*me, trace_send)) [[unlikely]] {
    if (is_speech(*message)) {
      note_message(*me, found ? trace_kind::send : trace_kind::send_to_non_existing_process, to, *message);
    }
  }
  if (found) {
    if (!admit(home, *block, *message)) {
      envelope* refused = message.release();
      refused->ops->reject(refused, exit_reason(atom("mailbox_full")));
      return;
    }
    if (worker* w = current().thread; w != nullptr && w->on != nullptr) w->on->messages.add(1);
    if (push(*block, message.get())) {
      (void)message.release(); // the receiver owns it now
      return;
    }
  }
  envelope* stray = message.release();
  stray->ops->reject(stray, exit_reason::noproc());
}

void deliver_to_alias(coppice::node& home, const reference& alias, envelope_ptr message) {
  if (alias.node != 0) [[unlikely]] {
    runtime_section section;
    remote_channel* way = home.internals().remote.load(std::memory_order_acquire);
    if (way != nullptr && !zombie_speaks()) way->deliver_to_alias(alias, std::move(message));
    return;
  }
  if (alias.len != 5) return; // not an alias: as in OTP the message vanishes
  message->tag = alias.unique();
  deliver(home, pid{alias.words[3] | std::uint64_t{alias.words[4]} << 32}, std::move(message));
}

void account_for_taken(process_block& p, const envelope& e) noexcept {
  if (e.kind == envelope_kind::completion) close_request(p, e.tag);
  if ((e.flags & flag_counted) == 0) return;
  auto left = static_cast<std::uint32_t>(p.counted.fetch_sub(1, std::memory_order_relaxed) - 1);
  if (p.extras != nullptr && !p.extras->pushed_back.empty() &&
      left <= p.mailbox_limit.load(std::memory_order_relaxed) / 2) {
    release_senders(p);
  }
}

void put_back(process_block& p, envelope_ptr message) noexcept {
  envelope* e = message.release();
  e->next = p.first;
  p.first = e;
  if (p.last == nullptr) p.last = e;
  p.scanned_by = 0;
  p.length += 1;
  if ((e->flags & flag_counted) != 0) p.counted.fetch_add(1, std::memory_order_relaxed);
}

void drain_inbox(process_block& p) {
  if (p.inbox.load(std::memory_order_relaxed) == inbox_dead) return; // announced while it was stuck
  envelope* newest = p.inbox.exchange(nullptr, std::memory_order_acq_rel);
  envelope* oldest = nullptr;
  while (newest != nullptr) {
    envelope* next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest != nullptr) {
    envelope* next = oldest->next;
    receive_one(p, oldest);
    oldest = next;
  }
}

// --- waits ---

void set_deadline(process_block& p, duration after) {
  runtime_section section;
  p.timed_out = false;
  if (after == infinity) {
    clear_deadline(p);
    return;
  }
  machine& m = machine_of(p);
  std::int64_t now = m.time->now().time_since_epoch().count();
  std::int64_t due = timer_service::due_after(now, after);
  p.timer_fired.store(false, std::memory_order_relaxed);
  p.deadline_ns.store(due, std::memory_order_seq_cst);
  if (p.armed_ns.load(std::memory_order_seq_cst) <= due) return; // goes off early, and is put off then
  m.timers.arm(p, now, due);
}

void clear_deadline(process_block& p) noexcept {
  p.deadline_ns.store(no_deadline, std::memory_order_relaxed);
  p.timed_out = false;
}

void expect_completion(process_block& p, std::uint64_t tag) {
  runtime_section section;
  p.awaited_tag = tag;
}

envelope_ptr take_completion(process_block& p) noexcept {
  runtime_section section;
  p.awaited_tag = 0;
  return envelope_ptr(std::exchange(p.arrived, nullptr));
}

void complete(coppice::node& home, pid to, std::uint64_t tag, envelope_ptr completion) {
  completion->kind = envelope_kind::completion;
  completion->tag = tag;
  deliver(home, to, std::move(completion));
}

// --- calls ---

call_wait::call_wait(process_block& p, pid to, std::uint64_t tag, envelope_ptr request,
                     duration timeout) noexcept
    : process_(p), to_(to), tag_(tag), request_(std::move(request)), timeout_(timeout) {
  over = &call_wait::look;
}

bool call_wait::ready() {
  runtime_section section;
  expect_completion(process_, tag_);
  if (request_ != nullptr) deliver(*process_.home, to_, std::move(request_));
  drain(process_);
  if (process_.arrived != nullptr && !process_.dying) return may_go_on(process_);
  set_deadline(process_, timeout_);
  return false;
}

void call_wait::suspend(std::coroutine_handle<> caller) noexcept {
  process_.waiting = this;
  process_.resume = caller;
}

bool call_wait::look(waiter&, process_block& p) { return p.arrived != nullptr || p.timed_out; }

envelope_ptr call_wait::finish() noexcept {
  clear_deadline(process_);
  envelope_ptr reply = take_completion(process_);
  if (reply != nullptr) to_ = pid(); // nothing is open any more
  return reply;
}

/// On this node a late reply finds nobody who waits for it; another node is told to forget the call.
void call_wait::abandon() noexcept {
  runtime_section section;
  if (remote_channel* way = machine_of(process_).remote.load(std::memory_order_acquire)) {
    way->abandon(to_, tag_);
  }
}

void open_request(process_block& p, pid to, std::uint64_t tag) {
  runtime_section section;
  ties_of(p).requests[tag] = to;
}

void close_request(process_block& p, std::uint64_t tag) noexcept {
  runtime_section section;
  if (p.ties == nullptr) return;
  auto found = p.ties->requests.find(tag);
  if (found == p.ties->requests.end()) return;
  pid to = found->second;
  p.ties->requests.erase(found);
  if (to.local()) return;
  if (remote_channel* way = machine_of(p).remote.load(std::memory_order_acquire)) way->abandon(to, tag);
}

namespace {

envelope_ptr find_response(process_block& p, std::span<const std::uint64_t> tags) noexcept {
  envelope* previous = nullptr;
  for (envelope* e = p.first; e != nullptr; previous = e, e = e->next) {
    if (e->kind != envelope_kind::completion || std::ranges::find(tags, e->tag) == tags.end()) continue;
    return take_after(p, previous);
  }
  return nullptr;
}

} // namespace

envelope_ptr take_response(process_block& p, std::uint64_t tag) {
  runtime_section section;
  drain(p);
  return find_response(p, std::span(&tag, 1));
}

response_wait::response_wait(process_block& p, std::span<const std::uint64_t> tags, duration timeout)
    : process_(p), tags_(tags.begin(), tags.end()), timeout_(timeout) {
  over = &response_wait::look;
}

bool response_wait::scan() noexcept {
  if (found_ == nullptr) found_ = find_response(process_, tags_);
  return found_ != nullptr;
}

bool response_wait::ready() {
  runtime_section section;
  drain(process_);
  if (process_.dying) return false;
  done_ = scan() || timeout_ <= duration::zero();
  if (done_) return may_go_on(process_);
  set_deadline(process_, timeout_);
  return false;
}

void response_wait::suspend(std::coroutine_handle<> caller) noexcept {
  process_.waiting = this;
  process_.resume = caller;
}

bool response_wait::look(waiter& w, process_block& p) {
  auto& me = static_cast<response_wait&>(w);
  return me.done_ || me.scan() || p.timed_out;
}

envelope_ptr response_wait::finish() noexcept {
  clear_deadline(process_);
  return std::move(found_);
}

} // namespace coppice::detail
