// What goes out: messages and signals of this node's processes as control messages.
#include "coppice/dist/detail/peer.hpp"

#include "coppice/dist/detail/network.hpp"
#include "coppice/dist/detail/reply_tag.hpp"
#include "coppice/otp/detail/event_manager.hpp"
#include "coppice/otp/sys.hpp"
#include "coppice/runtime/detail/inspect.hpp"
#include "coppice/runtime/detail/machine.hpp"

#include <array>
#include <stdexcept>
#include <utility>

namespace coppice::dist::detail {

using namespace literals;
using coppice::detail::envelope;
using coppice::detail::envelope_kind;
using coppice::detail::envelope_ptr;
using coppice::detail::from_of;
using coppice::detail::message_form;

namespace {

coppice::detail::process_block* sender() noexcept { return coppice::detail::current().process; }
std::uint64_t sender_number() noexcept { return sender() == nullptr ? 0 : sender()->self().id; }

/// A reference that others can send to as to an alias of the caller.
reference reply_reference(pid caller, std::uint64_t tag) {
  return {{static_cast<std::uint32_t>(tag), static_cast<std::uint32_t>(tag >> 32), 0,
           static_cast<std::uint32_t>(caller.id), static_cast<std::uint32_t>(caller.id >> 32)},
          5,
          0,
          0};
}

/// Who speaks: the running process, or the node where none runs.
pid speaker(const network& all) { return sender() == nullptr ? all.speaker() : sender()->self(); }

/// The request of a call as behaviours of OTP send it; nothing if it cannot leave this node.
std::optional<term> request_term(envelope& e, pid caller, const reference& ref) {
  const term who = term::tuple(caller, term::cons("alias"_atom, ref));
  if (e.ops->type->hash == type_hash<coppice::detail::event_request>()) {
    std::optional<term> command = e.as<coppice::detail::event_request>().as_term();
    if (!command) return std::nullopt;
    return term::tuple(caller, who, std::move(*command));
  }
  const bool system = e.ops->type->hash == type_hash<coppice::detail::sys_request>();
  const atom label = system ? "system"_atom : "$gen_call"_atom;
  return term::tuple(label, who, coppice::detail::message_as_term(e));
}

} // namespace

peer::peer(network& all, std::uint32_t number, const atom& name)
    : all_(all), number_(number), name_(name), names_(&all.names) {}

void peer::become_isolate(node_names& names) noexcept {
  names_.store(&names, std::memory_order_release);
  isolate_.store(true, std::memory_order_relaxed);
}

// --- the queue ---

encoded_signal peer::encode(const control& what, const term* message) const {
  return encode_signal(what, message, names(), altact_.load(std::memory_order_relaxed));
}

void peer::queue(encoded_signal signal, std::uint64_t from) {
  if (state_ == state::up) {
    out_.push(std::move(signal), from, *writer_);
    return;
  }
  before_bytes_ += signal.control.size() + signal.payload.size();
  before_.emplace_back(std::move(signal), from);
}

void peer::queue_control(const control& what, std::uint64_t from) { queue(encode(what, nullptr), from); }

/// After something has been queued: tells the connection, or has one made. Unlocks.
void peer::wake(std::unique_lock<std::mutex>& lock) {
  const std::size_t waiting = out_.bytes() + before_bytes_;
  if (state_ == state::up) {
    const pid carrier = with_.carrier;
    const bool too_much = waiting > all_.limits.most && !std::exchange(overfull_, true);
    const bool asleep = !std::exchange(poked_, true);
    lock.unlock();
    if (too_much) {
      coppice::detail::deliver(all_.home, carrier,
                               coppice::detail::make_message<close_connection>("send_queue_full"_atom));
    }
    if (asleep) coppice::detail::deliver(all_.home, carrier, coppice::detail::make_message<poke>());
    return;
  }
  const bool first = state_ == state::idle;
  state_ = state::pending;
  lock.unlock();
  if (first) all_.ask_for_connection(*this);
}

/// What a process has sent is more than the connection takes: it is not run until that has changed.
void peer::hold_up_sender() {
  coppice::detail::process_block* p = sender();
  if (p == nullptr || p->async_dist || p->blocked_tag != 0) return;
  if (state_ == state::up && out_.bytes() <= all_.limits.busy) return;
  if (state_ == state::up && with_.carrier == p->self()) return; // it is who empties the queue
  p->blocked_tag = coppice::detail::next_unique(all_.home);
  held_up_.emplace_back(p->self(), p->blocked_tag);
}

void peer::send_message(const control& what, const term& message) {
  encoded_signal signal = encode(what, &message);
  std::unique_lock lock(lock_);
  queue(std::move(signal), sender_number());
  hold_up_sender();
  wake(lock);
}

void peer::take(std::uint64_t connection, std::string& out, std::size_t most) {
  std::vector<std::pair<pid, std::uint64_t>> free;
  {
    std::lock_guard guard(lock_);
    if (state_ != state::up || connection_ != connection) return;
    poked_ = false;
    out_.take(out, most, *writer_);
    if (out_.bytes() <= all_.limits.busy / 2) free.swap(held_up_);
  }
  for (const auto& [process, tag] : free) {
    coppice::detail::complete(all_.home, process, tag,
                              coppice::detail::make_message<coppice::detail::room>());
  }
}

// --- messages ---

pid_or_name peer::target_of(pid to) const {
  if (to.by_name()) return all_.name_behind(to);
  return to;
}

void peer::deliver(pid to, envelope_ptr message) noexcept {
  try {
    switch (message->kind) {
    case envelope_kind::message:
      if (message->form == message_form::call) return deliver_call(to, *message);
      return deliver_message(to, *message);
    case envelope_kind::completion: return deliver_reply(*message);
    case envelope_kind::inspect: {
      envelope* stray = message.release();
      stray->ops->reject(stray, exit_reason::noconnection());
      return;
    }
    default: return deliver_signal(to, *message);
    }
  } catch (const std::length_error& e) {
    report_unsent(to, e.what());
  }
}

/// It has no form as a term of a size that can be sent.
void peer::report_unsent(const term& to, const char* why) const {
  all_.home.report(report{severity::error,
                          "message_not_sent",
                          sender() == nullptr ? pid() : sender()->self(),
                          {{"to", to}, {"node", name_}, {"why", why}},
                          exit_reason()});
}

void peer::deliver_message(pid to, envelope& e) {
  term message = coppice::detail::message_as_term(e);
  if (e.form == message_form::cast) message = term::tuple("$gen_cast"_atom, std::move(message));
  send_message(send_signal{speaker(all_), target_of(to)}, message);
}

void peer::deliver_to_alias(const reference& alias, envelope_ptr message) noexcept {
  try {
    send_message(alias_signal{speaker(all_), alias}, coppice::detail::message_as_term(*message));
  } catch (const std::length_error& e) {
    report_unsent(alias, e.what());
  }
}

/// A call: a monitor, and the request with a reference that is both the monitor's and an alias.
void peer::deliver_call(pid to, envelope& e) {
  from& who = from_of(e);
  const pid caller = who.caller();
  const std::uint64_t tag = who.tag();
  const reference ref = reply_reference(caller, tag);
  const pid_or_name target = target_of(to);
  std::array<encoded_signal, 2> signals;
  const bool spawning = e.ops->type->hash == type_hash<spawned_call>();
  if (spawning) {
    auto& call = e.as<spawned_call>();
    signals[0] = encode(spawn_request_signal{ref, caller, all_.group_leader(), call.function,
                                             term::list("monitor"_atom), call.arguments},
                        nullptr);
  } else {
    const std::optional<term> request = request_term(e, caller, ref);
    if (!request) {
      const auto& add = e.as<coppice::detail::event_request>();
      who.fail(exit_reason(term::tuple("cannot_add_from_afar"_atom, add.handler->id.as_term())));
      return;
    }
    signals[0] = encode(monitor_signal{caller, target, ref}, nullptr);
    signals[1] = encode(send_signal{caller, target}, &*request);
  }
  std::unique_lock lock(lock_);
  const bool of_events = e.ops->type->hash == type_hash<coppice::detail::event_request>();
  asked_[tag] = asked{std::move(who), pid(), target, spawning, of_events};
  for (encoded_signal& s : signals) {
    if (!s.control.empty()) queue(std::move(s), caller.id);
  }
  hold_up_sender();
  wake(lock);
}

void peer::abandon(std::uint64_t tag) noexcept {
  std::unique_lock lock(lock_);
  const auto found = asked_.find(tag);
  if (found == asked_.end()) return;
  asked gone = std::move(found->second);
  asked_.erase(found);
  const bool call = static_cast<bool>(gone.who);
  const pid watcher = call ? gone.who.caller() : gone.watcher;
  const reference ref = call ? reply_reference(watcher, tag) : reference::local(tag);
  queue_control(demonitor_signal{watcher, gone.target, ref}, watcher.id);
  wake(lock);
  gone.who.fail(exit_reason("noreply"_atom)); // nobody listens any more
}

std::uint64_t peer::expect_reply(pid caller, term tag) {
  const std::uint64_t number = coppice::detail::next_unique(all_.home);
  std::lock_guard guard(lock_);
  replies_[number] = {caller, std::move(tag)};
  return number;
}

/// A server here answers a caller there.
void peer::deliver_reply(envelope& e) {
  awaited a;
  {
    std::lock_guard guard(lock_);
    const auto found = replies_.find(e.tag);
    if (found == replies_.end()) return; // the connection was lost meanwhile
    a = std::move(found->second);
    replies_.erase(found);
  }
  if (e.ops->type->hash == type_hash<coppice::detail::call_failed>()) {
    return fail_reply(a, e.as<coppice::detail::call_failed>().reason);
  }
  const term reply = term::tuple(a.tag, e.ops->type->to_term(e.value()));
  if (const std::optional<reference> alias = alias_of(a.tag)) {
    send_message(alias_signal{speaker(all_), *alias}, reply);
  } else {
    send_message(send_signal{speaker(all_), a.caller}, reply);
  }
}

/// There will be no reply. A caller that watches the server by the reference of its call is told so as if the
/// server had ended; of any other, nothing but its time-out can be made.
void peer::fail_reply(const awaited& a, const exit_reason& reason) {
  const std::optional<reference> ref = reference_of(a.tag);
  if (!ref) return;
  std::uint64_t number = 0;
  {
    std::lock_guard guard(lock_);
    const auto found = watch_numbers_.find(*ref);
    if (found == watch_numbers_.end()) return;
    number = found->second;
  }
  send_down(number, reason);
}

// --- signals ---

void peer::deliver_signal(pid to, envelope& e) {
  auto& s = coppice::detail::signal_of(e);
  switch (e.kind) {
  case envelope_kind::link: return send_link(s.from, to, s.ids.mine);
  case envelope_kind::unlink: return send_unlink(s.from, to);
  case envelope_kind::exit:
    if (s.by_link) return send_exit(s.from, to, s.reason);
    {
      encoded_signal signal = encode(exit2_signal{s.from, to, s.reason.value()}, nullptr);
      std::unique_lock lock(lock_);
      queue(std::move(signal), s.from.id);
      return wake(lock);
    }
  case envelope_kind::monitor: {
    std::unique_lock lock(lock_);
    asked_[e.tag] = asked{from(), s.from, target_of(to), false};
    queue_control(monitor_signal{s.from, target_of(to), reference::local(e.tag)}, s.from.id);
    return wake(lock);
  }
  case envelope_kind::demonitor: return abandon(e.tag);
  case envelope_kind::down: return send_down(e.tag, s.reason);
  default: return;
  }
}

void peer::send_link(pid here, pid there, std::uint32_t local) {
  std::unique_lock lock(lock_);
  const auto [at, fresh] = links_.try_emplace({here, there});
  link_state& link = at->second;
  link.local = local;
  if (!fresh && link.active) return;
  link.active = true;
  link.unlinking = 0;
  link.remote = next_link_++;
  queue_control(link_signal{here, there}, here.id);
  wake(lock);
}

void peer::send_unlink(pid here, pid there) {
  std::unique_lock lock(lock_);
  const auto found = links_.find({here, there});
  if (found == links_.end() || !found->second.active) return;
  found->second.active = false;
  found->second.unlinking = next_unlink_++;
  queue_control(unlink_signal{found->second.unlinking, here, there}, here.id);
  wake(lock);
}

/// A linked process here has ended, or there never was one.
void peer::send_exit(pid here, pid there, const exit_reason& reason) {
  encoded_signal signal = encode(exit_signal{here, there, reason.value()}, nullptr);
  std::unique_lock lock(lock_);
  const auto found = links_.find({here, there});
  if (found == links_.end() || !found->second.active) return;
  links_.erase(found);
  queue(std::move(signal), here.id);
  wake(lock);
}

/// A process here that is watched from there has ended, or there never was one.
void peer::send_down(std::uint64_t number, const exit_reason& reason) {
  std::unique_lock lock(lock_);
  const auto found = watches_.find(number);
  if (found == watches_.end()) return; // it is not watched any more
  const watch w = std::move(found->second);
  watches_.erase(found);
  watch_numbers_.erase(w.ref);
  encoded_signal signal = encode(down_signal{w.watched, w.watcher, w.ref, reason.value()}, nullptr);
  queue(std::move(signal), sender_number());
  wake(lock);
}

void peer::set_group_leader(pid leader, pid process) noexcept {
  std::unique_lock lock(lock_);
  queue_control(group_leader_signal{leader, process}, sender_number());
  wake(lock);
}

} // namespace coppice::dist::detail
