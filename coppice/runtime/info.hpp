// Looking at processes: process_info, the list of all, the node's figures.
#pragma once

#include "coppice/runtime/api.hpp"

namespace coppice {

/// What a process is doing (Erlang: the item `status` of process_info/2).
/// Where OTP shows `erlang:hibernate/3` as the current function it is `hibernating`: it waits, and has freed
/// what it can.
enum class run_status : std::uint8_t { runnable, running, waiting, hibernating, exiting };

/// What is known of a process from outside, as of its last slice (Erlang: process_info/1). Cheap to read: no
/// message is sent to it.
struct process_summary {
  pid process;                       ///< whose summary it is
  pid parent;                        ///< who spawned it; none if that was no process
  atom registered_name;              ///< '' if it has none
  std::string label;                 ///< by `set_label`, else the one that it was spawned with; may be empty
  std::string behaviour = "process"; ///< `gen_server`, `supervisor`, ...; `process` for a plain one
  std::string module;                ///< the class that a behaviour runs, else empty
  run_status status = run_status::waiting; ///< at the moment of looking
  std::uint32_t message_queue_len = 0; ///< messages in its mailbox; without those that it has yet to take in
  std::uint64_t reductions = 0;        ///< spent since its start: a message handled or a resumption is one
};

/// A process as a walk over all of them sees it. Nothing is copied and nobody is asked.
struct process_glimpse {
  pid process;                             ///< which one it is
  pid parent;                              ///< who spawned it; none if that was no process
  bool named = false;                      ///< it has a registered name
  const char* behaviour = "";              ///< of static storage
  const char* runs = nullptr;              ///< what it was started to run, of static storage; null: not said
  run_status status = run_status::waiting; ///< as in `process_summary`
  std::uint32_t message_queue_len = 0;     ///< as in `process_summary`
  std::uint64_t reductions = 0;            ///< as in `process_summary`
};

/// What only the process itself can tell (Erlang: process_info/2).
struct process_details {
  process_summary summary;          ///< what anybody can see of it, the queue's length up to date
  std::vector<pid> links;           ///< with whom it is linked
  std::vector<pid> monitors;        ///< whom it watches
  std::vector<pid> monitored_by;    ///< who watches it
  bool trap_exit = false;           ///< exit signals reach it as messages
  priority prio = priority::normal; ///< among those that can run
  pid group_leader;                 ///< as `group_leader()` says in it
  /// The types of the first messages of its mailbox, ten at most.
  std::vector<std::string> messages;
  /// Bytes of its block, body, outermost frame, ties and mailbox; what its state holds elsewhere is not
  /// known.
  std::size_t memory = 0;
};

/// Asks a local process; nothing if it is dead or does not answer in time. Answered in order with its
/// messages, but without the process's own code taking part.
task<std::optional<process_details>> process_info(pid process, duration timeout = std::chrono::seconds(5));

} // namespace coppice
