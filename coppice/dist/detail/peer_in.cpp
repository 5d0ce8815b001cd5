// What comes in: signals of the peer as messages and signals to this node's processes.
#include "coppice/dist/detail/network.hpp"
#include "coppice/dist/detail/peer.hpp"
#include "coppice/dist/detail/reply_tag.hpp"
#include "coppice/otp/detail/event_manager.hpp"
#include "coppice/otp/detail/sys_protocol.hpp"
#include "coppice/runtime/detail/inspect.hpp"
#include "coppice/runtime/detail/machine.hpp"

#include <stdexcept>
#include <string_view>
#include <utility>

namespace coppice::dist::detail {

using namespace literals;
using coppice::detail::envelope_kind;
using coppice::detail::envelope_ptr;
using coppice::detail::link_ids;
using coppice::detail::make_message;
using coppice::detail::message_form;
using coppice::detail::send_signal;
using local_signal = coppice::detail::signal;

namespace {

template <class Request>
envelope_ptr make_request(from who, Request request) {
  return envelope_ptr(new coppice::detail::request_envelope<Request>(std::move(who), std::move(request)));
}

bool is_gen_event(coppice::node& home, pid process) {
  const coppice::detail::process_block* block = home.internals().table.find(process.id);
  return block != nullptr &&
         std::string_view(block->behaviour.load(std::memory_order_relaxed)) == "gen_event";
}

/// The right to reply to who asks from afar.
from right_of(network& all, const asker& who) {
  peer* there = all.find(who.caller.node);
  if (there == nullptr) return {};
  return from(all.home, who.caller, there->expect_reply(who.caller, who.tag));
}

envelope_ptr plain(term message, message_form form = message_form::info) {
  envelope_ptr made = make_message<term>(std::move(message));
  made->form = form;
  return made;
}

/// A message as the behaviours of OTP write it, as those here read it.
envelope_ptr to_local(network& all, pid to, term message) {
  const std::span<const term> e = message.elements();
  if (e.size() == 2 && e[0].is_atom("$gen_cast"_atom)) return plain(e[1], message_form::cast);
  if (e.size() != 3) return plain(std::move(message));
  const std::optional<asker> who = asker_of(e[1]);
  if (!who || who->caller.local()) return plain(std::move(message));
  if (e[0].is_atom("$gen_call"_atom)) return make_request<term>(right_of(all, *who), e[2]);
  if (e[0].is_atom("system"_atom)) {
    std::optional<coppice::detail::sys_request> request = coppice::detail::sys_request_from_term(e[2]);
    if (request) return make_request<coppice::detail::sys_request>(right_of(all, *who), std::move(*request));
  }
  if (e[0].as_pid() == who->caller && is_gen_event(all.home, to)) {
    return make_request<term>(right_of(all, *who), e[2]);
  }
  return plain(std::move(message));
}

} // namespace

void peer::receive(dist::signal what) {
  if (const auto* s = std::get_if<dist::send_signal>(&what.what))
    return on_message(*s, std::move(*what.message));
  if (const auto* s = std::get_if<alias_signal>(&what.what)) {
    return on_alias_message(*s, std::move(*what.message));
  }
  std::visit(
      [this](auto& s) {
        if constexpr (requires { this->on(std::move(s)); }) this->on(std::move(s));
      },
      what.what);
}

// --- messages ---

void peer::on_message(const dist::send_signal& s, term message) {
  pid to;
  if (const auto* name = std::get_if<atom>(&s.to)) {
    const std::optional<pid> found = all_.home.whereis(*name);
    if (!found) return;
    to = *found;
  } else {
    to = std::get<pid>(s.to);
    if (!to.local() || take_reply(message)) return;
  }
  coppice::detail::deliver(all_.home, to, to_local(all_, to, std::move(message)));
}

void peer::on_alias_message(const alias_signal& s, term message) {
  if (s.alias.node != 0 || take_reply(message)) return;
  coppice::detail::deliver_to_alias(all_.home, s.alias, plain(std::move(message)));
}

/// Whether it is the reply to a call of ours: `{Tag, Reply}` with the tag that the call had.
bool peer::take_reply(const term& message) {
  if (!message.is_tuple(2)) return false;
  const std::optional<reference> ref = reference_of(message.elements()[0]);
  if (!ref || ref->node != 0 || ref->len != 5) return false;
  const std::uint64_t unique = ref->unique();
  from who;
  bool of_events = false;
  {
    std::unique_lock lock(lock_);
    const auto found = asked_.find(unique);
    if (found == asked_.end() || !found->second.who || found->second.spawning) return false;
    who = std::move(found->second.who);
    of_events = found->second.of_events;
    queue_control(demonitor_signal{who.caller(), found->second.target, *ref}, who.caller().id);
    asked_.erase(found);
    wake(lock);
  }
  const term& reply = message.elements()[1];
  std::optional<exit_reason> failure;
  if (of_events) failure = coppice::detail::event_failure(reply);
  if (failure) {
    who.fail(std::move(*failure));
  } else {
    who.reply(reply);
  }
  return true;
}

// --- links ---

void peer::on(link_signal s) {
  link_ids ids;
  {
    std::lock_guard guard(lock_);
    const auto [at, fresh] = links_.try_emplace({s.to, s.from});
    if (!fresh) return;
    at->second.remote = next_link_++;
    ids.mine = at->second.remote;
  }
  if (s.to.local()) {
    send_signal(all_.home, s.to, envelope_kind::link, 0, local_signal{s.from, exit_reason(), ids});
  } else {
    send_exit(s.to, s.from, exit_reason::noproc()); // of an earlier life of this node
  }
}

void peer::on(unlink_signal s) {
  bool active = false;
  link_ids ids;
  {
    std::unique_lock lock(lock_);
    const auto found = links_.find({s.to, s.from});
    active = found != links_.end() && found->second.active;
    if (active) {
      ids = {found->second.remote, found->second.local};
      links_.erase(found);
    }
    queue_control(unlink_ack_signal{s.id, s.to, s.from}, s.to.id);
    wake(lock);
  }
  if (active && s.to.local()) {
    send_signal(all_.home, s.to, envelope_kind::unlink, 0, local_signal{s.from, exit_reason(), ids});
  }
}

void peer::on(const unlink_ack_signal& s) {
  std::lock_guard guard(lock_);
  const auto found = links_.find({s.to, s.from});
  if (found == links_.end() || found->second.active || found->second.unlinking != s.id) return;
  links_.erase(found);
}

void peer::on(dist::exit_signal s) {
  link_ids ids;
  {
    std::lock_guard guard(lock_);
    const auto found = links_.find({s.to, s.from});
    if (found == links_.end() || !found->second.active) return;
    ids = {found->second.remote, found->second.local};
    links_.erase(found);
  }
  send_signal(all_.home, s.to, envelope_kind::exit, 0,
              local_signal{s.from, exit_reason(std::move(s.reason)), ids, true});
}

void peer::on(exit2_signal s) {
  if (!s.to.local()) return;
  send_signal(all_.home, s.to, envelope_kind::exit, 0,
              local_signal{s.from, exit_reason(std::move(s.reason)), {}, false});
}

void peer::on(const group_leader_signal& s) {
  if (!s.to.local()) return;
  coppice::detail::inspect(
      all_.home, s.to, [leader = s.from](coppice::detail::process_block& p) { p.group_leader = leader; },
      [] {});
}

// --- monitors ---

void peer::on(monitor_signal s) {
  const std::uint64_t number = coppice::detail::next_unique(all_.home);
  pid to;
  if (const auto* name = std::get_if<atom>(&s.to)) {
    to = all_.home.whereis(*name).value_or(pid());
  } else if (std::get<pid>(s.to).local()) {
    to = std::get<pid>(s.to);
  }
  const pid watcher = s.from;
  {
    std::lock_guard guard(lock_);
    if (!watch_numbers_.try_emplace(s.ref, number).second) return; // a reference is used once
    watches_[number] = watch{s.ref, watcher, std::move(s.to)};
  }
  send_signal(all_.home, to, envelope_kind::monitor, number, local_signal{watcher, exit_reason()});
}

void peer::on(const demonitor_signal& s) {
  std::uint64_t number = 0;
  pid to;
  {
    std::lock_guard guard(lock_);
    const auto found = watch_numbers_.find(s.ref);
    if (found == watch_numbers_.end()) return;
    number = found->second;
    watch_numbers_.erase(found);
    watches_.erase(number);
  }
  if (const auto* name = std::get_if<atom>(&s.to)) {
    to = all_.home.whereis(*name).value_or(pid()); // if it is another by now, nobody minds
  } else {
    to = std::get<pid>(s.to);
  }
  if (to && to.local()) {
    send_signal(all_.home, to, envelope_kind::demonitor, number, local_signal{s.from, exit_reason()});
  }
}

void peer::on(down_signal s) {
  if (s.ref.node != 0) return;
  asked a;
  {
    std::lock_guard guard(lock_);
    const auto found = asked_.find(s.ref.unique());
    if (found == asked_.end()) return;
    a = std::move(found->second);
    asked_.erase(found);
  }
  tell_down(s.ref.unique(), std::move(a), exit_reason(std::move(s.reason)));
}

/// Whoever asked is told that there is nobody any more.
void peer::tell_down(std::uint64_t unique, asked a, exit_reason reason) {
  if (a.spawning && a.who) return a.who.reply(reason.value()); // the outcome is the reason
  if (a.who) return a.who.fail(std::move(reason));
  const auto* process = std::get_if<pid>(&a.target);
  send_signal(all_.home, a.watcher, envelope_kind::down, unique,
              local_signal{process == nullptr ? pid() : *process, std::move(reason)});
}

// --- processes that the peer starts here ---

void peer::on(const spawn_request_signal& s) {
  function_call call(s.function, std::vector<term>(), s.from, s.group_leader);
  for (const term& argument : s.arguments.items()) call.arguments.push_back(argument);
  bool linked = false;
  bool monitored = false;
  for (const term& option : s.options.items()) {
    linked = linked || option.is_atom("link"_atom);
    monitored = monitored || option.is_atom("monitor"_atom) || option.is_tagged("monitor"_atom, 2);
  }
  coppice::detail::process_block* process = prepare_spawned(std::move(call));
  if (process == nullptr) {
    std::unique_lock lock(lock_);
    queue_control(spawn_reply_signal{s.id, s.from, 0, "system_limit"_atom}, 0);
    return wake(lock);
  }
  {
    const pid made = process->self();
    std::unique_lock lock(lock_);
    // Its ties are there before it runs: however soon it ends, they see it.
    if (linked) {
      const std::uint32_t number = next_link_++;
      links_[{made, s.from}].remote = number;
      coppice::detail::ties_of(*process).links[s.from] = {0, number};
    }
    if (monitored) {
      const std::uint64_t number = coppice::detail::next_unique(all_.home);
      watch_numbers_[s.id] = number;
      watches_[number] = watch{s.id, s.from, made};
      coppice::detail::ties_of(*process).watchers[number] = s.from;
    }
    const std::uint32_t flags =
        (linked ? spawn_reply_signal::linked : 0U) | (monitored ? spawn_reply_signal::monitored : 0U);
    queue_control(spawn_reply_signal{s.id, s.from, flags, made}, made.id);
    wake(lock);
  }
  coppice::detail::launch(*process, spawn_options{.label = "spawned from afar"});
}

/// A process that does not run yet; null if there is no room for one.
coppice::detail::process_block* peer::prepare_spawned(function_call call) {
  try {
    return &coppice::detail::prepare(all_.home, &run_spawned, all_.functions(), std::move(call));
  } catch (const std::length_error&) {
    return nullptr;
  }
}

void peer::on(const spawn_reply_signal& s) {
  const auto* refused = std::get_if<atom>(&s.result);
  if (s.id.node != 0 || refused == nullptr) return;
  from who;
  {
    std::lock_guard guard(lock_);
    const auto found = asked_.find(s.id.unique());
    if (found == asked_.end() || !found->second.spawning) return;
    who = std::move(found->second.who);
    asked_.erase(found);
  }
  who.fail(exit_reason(*refused));
}

} // namespace coppice::dist::detail
