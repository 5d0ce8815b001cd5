// What a process may do: spawn, send, link, monitor, name itself, end others. Free functions, as in Erlang's
// module `erlang`. They act for the running process; called outside of one they throw std::logic_error, but
// for those of `node`, which any thread may use.
//
// Thread-safety: every function may be called from any process on any core. None blocks.
#pragma once

#include "coppice/runtime/detail/kernel.hpp"
#include "coppice/runtime/message.hpp"
#include "coppice/runtime/process.hpp"

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace coppice {

/// Which processes run first when several can. `max` and `high` before all others; `low` gets one turn in
/// eight (Erlang: process_flag(priority, _)). Use `high` sparingly: it can starve the rest.
enum class priority : std::uint8_t { max, high, normal, low };

/// What happens to a message for a process whose mailbox holds `mailbox_limit` messages: `none` lets it in
/// all the same; `drop` drops it, and a call fails with `mailbox_full`; `kill` ends the receiver with
/// `mailbox_full`, which it cannot trap; `push_back` lets it in, and its sender gets no further than its next
/// `co_await`, or the end of its callback, until half of the limit is free. Signals are never affected.
using overflow = detail::pushback_policy;

/// How a process is started (Erlang: `spawn_opt/4`).
struct spawn_options {
  bool link = false;                     ///< to the process that spawns it, in one step with the start
  bool monitor = false;                  ///< by that process; its reference is in what is returned
  priority prio = priority::normal;      ///< until it changes that by `set_priority`
  std::uint32_t mailbox_limit = 0;       ///< messages; 0: unbounded, as in OTP
  overflow on_overflow = overflow::none; ///< what happens to messages over that limit
  const char* label = nullptr;           ///< a name of static storage for process_info and the console
};

/// A spawned process and the monitor on it.
struct monitored {
  pid process;   ///< the new process
  reference ref; ///< as in the `down` to come; no reference if no monitor was asked for
};

namespace detail {

pid registered_or_exit(const atom& name);

template <class F, class... Args>
concept process_function = std::is_invocable_r_v<process, F, self, Args...>;

template <class F, class... Args>
process_block& prepare(coppice::node& home, F function, Args&&... args) {
  static_assert(process_function<F, std::decay_t<Args>...>,
                "spawn(f, args...): f must be a function `process f(self, args...)`");
  static_assert((sendable<std::decay_t<Args>> && ...), "spawn: every argument must be sendable");
  static_assert(std::is_empty_v<F> || std::is_pointer_v<F>,
                "spawn: a coroutine lambda must not capture (its captures die with it); pass arguments");
  process_block& p = new_process(home);
  try {
    process coroutine = function(self(p), std::forward<Args>(args)...);
    p.root = p.resume = coroutine.release();
  } catch (...) {
    abandon_process(p);
    throw;
  }
  return p;
}

} // namespace detail

/// Starts a process that runs `function(self, args...)`; returns its pid at once. Throws std::length_error
/// when the node's table is full.
template <class F, class... Args>
pid spawn(F function, Args&&... args) {
  detail::process_block& p = detail::prepare(detail::running_node(), function, std::forward<Args>(args)...);
  pid id = p.self();
  detail::launch(p, spawn_options{});
  return id;
}
/// The same, linked to the caller in one step.
template <class F, class... Args>
pid spawn_link(F function, Args&&... args) {
  detail::process_block& p = detail::prepare(detail::running_node(), function, std::forward<Args>(args)...);
  pid id = p.self();
  detail::launch(p, spawn_options{.link = true});
  return id;
}
/// The same, monitored by the caller in one step.
template <class F, class... Args>
monitored spawn_monitor(F function, Args&&... args) {
  detail::process_block& p = detail::prepare(detail::running_node(), function, std::forward<Args>(args)...);
  pid id = p.self();
  reference ref = detail::launch(p, spawn_options{.monitor = true});
  return {id, ref};
}
/// The same with options.
template <class F, class... Args>
monitored spawn_opt(const spawn_options& options, F function, Args&&... args) {
  detail::process_block& p = detail::prepare(detail::running_node(), function, std::forward<Args>(args)...);
  pid id = p.self();
  reference ref = detail::launch(p, options);
  return {id, ref};
}
/// Starts a process that runs a body: what behaviours are made of. Not one step slower than a coroutine.
monitored spawn_body(const spawn_options& options, std::unique_ptr<body> program);

/// The running process's address.
pid self_pid();
/// The same, or the null pid outside of a process.
pid self_pid_or_none() noexcept;

// --- messages ---

/// Sends `message` to a process (Erlang: `Pid ! Message`). Never fails: to the dead it vanishes.
/// Messages from one process to another arrive in the order sent. One allocation.
template <class T>
void send(pid to, T&& message) {
  using type = std::decay_t<T>;
  static_assert(sendable<type>, "send: the message type must be sendable (no pointers, references or views)");
  detail::deliver(detail::running_node(), to, detail::make_message<type>(std::forward<T>(message)));
}
/// Sends to a registered name. Throws `exit_exception({badarg, Name})` if nobody has it, as Erlang does.
template <class T>
void send(const atom& name, T&& message) {
  send(detail::registered_or_exit(name), std::forward<T>(message));
}
/// Sends to an alias: dropped once the alias is gone (Erlang: `alias/1`).
template <class T>
void send(const reference& alias, T&& message) {
  using type = std::decay_t<T>;
  static_assert(sendable<type>, "send: the message type must be sendable (no pointers, references or views)");
  detail::deliver_to_alias(detail::running_node(), alias,
                           detail::make_message<type>(std::forward<T>(message)));
}

// --- names (Erlang: register/2, unregister/1, whereis/1, registered/0) ---

/// Gives a live local process a name. False if the name is taken or 'undefined', the process has a name
/// already or is dead.
bool register_name(const atom& name, pid process);
/// Takes a name away. False if nobody had it.
bool unregister_name(const atom& name);
/// The process of that name, or nothing. Lock held for a hash look-up.
std::optional<pid> whereis(const atom& name);
/// All names, in no order.
std::vector<atom> registered();

/// A process by the name that it is registered under on a node (Erlang: `{Name, Node}`).
struct remote_name {
  atom name; ///< as `register_name` took it there
  atom node; ///< in full: `chat@host.example`
};
/// What stands for it wherever a pid may stand; nothing if this node is not distributed, or that can be no
/// node's name. Nobody is asked: that there is no such process comes out when it is used.
std::optional<pid> resolve(const remote_name& process);
/// Sends to a process by its name on a node; never fails.
template <class T>
void send(const remote_name& process, T&& message) {
  if (std::optional<pid> to = resolve(process)) send(*to, std::forward<T>(message));
}

// --- links and monitors ---

/// Links the caller with a process: when one ends, the other gets an exit signal (Erlang: `link/1`). To a
/// dead process, an exit signal with `noproc` comes back.
void link(pid other);
/// Unlinks; no exit signal of that link arrives afterwards (Erlang: `unlink/1`).
void unlink(pid other);
/// Watches a process: one `down` message when it has ended, at once with `noproc` if it is dead already
/// (Erlang: `monitor(process, Pid)`).
reference monitor(pid process);
/// Watches whoever has the name now; `down::name` is the name (Erlang: `monitor(process, Name)`).
reference monitor(const atom& name);
/// Watches whoever has that name on that node when the question gets there; `down::name` and `down::node` say
/// whom. `noconnection` if the node cannot be reached, or the connection is lost.
reference monitor(const remote_name& process);
/// Stops watching. With `flush`, a `down` that is in the mailbox already is taken out (Erlang:
/// `demonitor(Ref, [flush])`). True if the monitor was active.
bool demonitor(const reference& ref, bool flush = false);

/// A reference by which others can send to the caller until `unalias` (Erlang: `alias/0`).
reference alias();
/// Ends an alias of the caller. False if it was none.
bool unalias(const reference& alias);
/// A reference unique in the node's life (Erlang: `make_ref/0`).
reference make_ref();

// --- exits ---

/// Sends an exit signal (Erlang: `exit/2`). `kill` cannot be trapped; `normal` is ignored unless trapped or
/// sent to oneself. To oneself it takes effect at once: if it is not trapped, `exit_exception` is thrown.
void exit(pid process, exit_reason reason);
/// Whether a local process has not ended yet. Already stale when it returns.
bool is_process_alive(pid process);

// --- process flags (Erlang: process_flag/2) ---

/// Whether exit signals become messages (Erlang: `trap_exit`). Returns what it was.
bool trap_exit(bool on);
/// Which run queue the caller stands in. Returns what it was.
priority set_priority(priority p);
/// Bounds the caller's mailbox; 0 lifts the bound.
void set_mailbox_limit(std::uint32_t messages, overflow policy);
/// Whether the caller goes on when what it sends to another node piles up there (Erlang:
/// `process_flag(async_dist, _)`); else it gets no further than its next `co_await`, or the end of its
/// callback, until the connection has caught up. Returns what it was.
bool set_async_dist(bool on);
/// The process to which the caller belongs; inherited by what it spawns.
pid group_leader();
/// Puts a process under another group leader (Erlang: `group_leader/2`).
void set_group_leader(pid leader, pid process);
/// Keeps the caller on its present core (the owner of sockets is not stolen); false undoes it.
void pin(bool on);
/// Names the caller for process_info and the console, where no registered name does (OTP:
/// `proc_lib:set_label/1`). Need not be unique; cut to 255 bytes. One lock held for a look-up.
void set_label(std::string label);
/// Frees what the caller can do without until the next message: spare capacity of its mailbox, links and
/// monitors, and the allocator's free blocks of this thread (Erlang: `hibernate/3`). A coroutine's frame and
/// a behaviour's state stay as they are: C++ cannot move them. Until something comes its status is
/// `run_status::hibernating`.
void hibernate();

} // namespace coppice
