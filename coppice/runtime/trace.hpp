// Tracing of processes: what they send and receive, whom they start, how they end. OTP: erlang:trace/3 with
// the flags send, 'receive', procs and set_on_spawn.
//
//   trace(this_node(), suspect, {.send = true, .receive = true}, trace_to(this_node(), self_pid()));
//   term event = co_await me.receive<term>();   // {trace, Pid, 'receive', Message}
//
// A process that is not traced pays for it one look at a byte where it sends and where it receives.
#pragma once

#include "coppice/runtime/node.hpp"

#include <functional>

namespace coppice {

/// What is told of a process.
struct trace_flags {
  bool send = false;         ///< messages and replies that it sends
  bool receive = false;      ///< messages that join its mailbox, and replies that reach it
  bool procs = false;        ///< spawn, exit, link, unlink and names
  bool set_on_spawn = false; ///< the processes that it starts are traced as it is
};

/// What happened.
enum class trace_kind : std::uint8_t {
  send,
  send_to_non_existing_process,
  receive,
  spawn,   ///< it has started `other`
  spawned, ///< it has been started by `other`
  exit,    ///< `content` is the reason
  link,
  unlink,
  register_name, ///< `content` is the name
  unregister_name
};

/// One thing that a traced process did.
struct trace_event {
  trace_kind what = trace_kind::send; ///< which says what the others hold
  pid process;                        ///< the traced one
  pid other;                          ///< to whom it sent, whom it started, ...; null where there is none
  term content;                       ///< the message as an Erlang node would see it, the reason, the name
  time_point at;                      ///< when, by the node's clock

  /// `{trace, Pid, send, Message, To}` and so on, as OTP has them.
  [[nodiscard]] term as_term() const;
};

/// Who is told. A function is called where the event happens, on any thread, inside the runtime: it must be
/// short, not block, and do nothing but note the event or send it on; what it sends is not traced, and what
/// it throws is lost.
class tracer {
public:
  tracer() = default; ///< tells nobody; must not be used to trace
  /// A function that is told.
  template <class F>
    requires std::is_invocable_v<F&, const trace_event&>
  tracer(F function) : tell_(std::move(function)) {} // NOLINT(google-explicit-constructor)

  /// Tells it.
  void operator()(const trace_event& e) const { tell_(e); }
  /// The process that is told, if it is one: it is never traced for this tracer.
  [[nodiscard]] pid process() const noexcept { return process_; }

private:
  friend tracer trace_to(node& at, pid process);
  std::function<void(const trace_event&)> tell_;
  pid process_;
};

/// A tracer that sends every event, as a term, to a process. Once that is dead the events vanish.
tracer trace_to(node& at, pid process);

/// Traces a process from now on, in place of what was set for it before. False if it is dead. Any thread.
bool trace(node& at, pid process, trace_flags flags, tracer to);
/// Traces all processes, those that are not yet there too, but for those that have a trace of their own.
void trace_all(node& at, trace_flags flags, tracer to);
/// Ends the trace of a process, that of `trace_all` included.
void trace_off(node& at, pid process);
/// Ends all traces.
void trace_off(node& at);

} // namespace coppice
