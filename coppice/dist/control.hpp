// The control messages of the distribution: what one node tells another beside the messages of processes.
// ERTS User's Guide, "Distribution Protocol", Protocol between Connected Nodes.
#pragma once

#include "coppice/term/id.hpp"
#include "coppice/term/term.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <variant>

namespace coppice::dist {

/// A process by its pid or, on the node that is told, by its name.
using pid_or_name = std::variant<pid, atom>;

/// `From` links itself with `To`.
struct link_signal {
  pid from; ///< of the node that tells
  pid to;   ///< of the node that is told
  friend bool operator==(const link_signal&, const link_signal&) = default;
};
/// A message to a process; it stands behind. Nobody is told where it does not live.
struct send_signal {
  pid from;       ///< null where the sender does not tell
  pid_or_name to; ///< or the name it is registered under
  friend bool operator==(const send_signal&, const send_signal&) = default;
};
/// A message to an alias; it stands behind.
struct alias_signal {
  pid from;        ///< who sends
  reference alias; ///< made by the node that is told
  friend bool operator==(const alias_signal&, const alias_signal&) = default;
};
/// A linked process has ended.
struct exit_signal {
  pid from;    ///< which
  pid to;      ///< the other end of the link
  term reason; ///< any
  friend bool operator==(const exit_signal&, const exit_signal&) = default;
};
/// `exit/2`: it is to end, linked or not.
struct exit2_signal {
  pid from;    ///< who wants that
  pid to;      ///< who is meant
  term reason; ///< any
  friend bool operator==(const exit2_signal&, const exit2_signal&) = default;
};
/// A link is taken back; always answered by its acknowledgement.
struct unlink_signal {
  std::uint64_t id; ///< of this request, not 0
  pid from;         ///< who takes it back
  pid to;           ///< the other end
  friend bool operator==(const unlink_signal&, const unlink_signal&) = default;
};
/// The answer to `unlink_signal`, with its ends changed round.
struct unlink_ack_signal {
  std::uint64_t id; ///< of the request
  pid from;         ///< who was told
  pid to;           ///< who took it back
  friend bool operator==(const unlink_ack_signal&, const unlink_ack_signal&) = default;
};
/// `To` gets another group leader.
struct group_leader_signal {
  pid from; ///< the new leader
  pid to;   ///< whose
  friend bool operator==(const group_leader_signal&, const group_leader_signal&) = default;
};
/// `From` wants to know when `To` ends.
struct monitor_signal {
  pid from;       ///< the watcher
  pid_or_name to; ///< the watched
  reference ref;  ///< the watcher's choice
  friend bool operator==(const monitor_signal&, const monitor_signal&) = default;
};
/// It does not want to know any more.
struct demonitor_signal {
  pid from;       ///< the watcher
  pid_or_name to; ///< as in the `monitor_signal`
  reference ref;  ///< of it
  friend bool operator==(const demonitor_signal&, const demonitor_signal&) = default;
};
/// What was watched has ended, or never was there.
struct down_signal {
  pid_or_name from; ///< as in the `monitor_signal`
  pid to;           ///< the watcher
  reference ref;    ///< of the `monitor_signal`
  term reason;      ///< any; `noproc` if there was nothing to watch
  friend bool operator==(const down_signal&, const down_signal&) = default;
};
/// A process is to be started.
struct spawn_request_signal {
  reference id;     ///< of the request
  pid from;         ///< who wants it
  pid group_leader; ///< of the new process
  mfa function;     ///< what it runs
  term options;     ///< a list: `link`, `monitor` and others
  term arguments;   ///< a list
  friend bool operator==(const spawn_request_signal&, const spawn_request_signal&) = default;
};
/// The answer to `spawn_request_signal`.
struct spawn_reply_signal {
  static constexpr std::uint32_t linked = 1; ///< in `flags`: there is a link
  static constexpr std::uint32_t monitored =
      2; ///< in `flags`: there is a monitor; its reference is the request's

  reference id;                   ///< of the request
  pid to;                         ///< who asked
  std::uint32_t flags;            ///< what was set up
  std::variant<pid, atom> result; ///< the new process, or why there is none
  friend bool operator==(const spawn_reply_signal&, const spawn_reply_signal&) = default;
};

/// All that a node is told.
using control = std::variant<link_signal, send_signal, alias_signal, exit_signal, exit2_signal, unlink_signal,
                             unlink_ack_signal, group_leader_signal, monitor_signal, demonitor_signal,
                             down_signal, spawn_request_signal, spawn_reply_signal>;

/// A control message as a node has sent it, and whether something stands behind it.
struct control_head {
  control what;             ///< without what stands behind
  bool has_payload = false; ///< a term follows: the message, the reason or the arguments
};

/// Reads a control tuple: all forms that nodes from OTP 25 on send. Tokens of sequential traces are dropped.
/// The error tells what is wrong with it; a real node ends the connection then.
std::expected<control_head, std::string> parse_control(const term& tuple);
/// Puts what stood behind it into its place: an exit's or a monitor's reason, the arguments of a spawn. A
/// message stays beside it. False if it does not fit (the arguments are no list).
bool complete(control& what, const term& payload);

/// A control tuple, and what stands behind it but for messages, in the forms of OTP 25. `with_altact`:
/// aliases as OTP 28 wants them.
struct control_parts {
  term tuple;                  ///< to be sent first
  std::optional<term> payload; ///< the reason or the arguments; for a message nothing
};
control_parts to_parts(const control& what, bool with_altact);

} // namespace coppice::dist
