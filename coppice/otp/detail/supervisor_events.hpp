// What goes into the supervisor's decisions and what comes out of them.
#pragma once

#include "coppice/otp/child_spec.hpp"
#include "coppice/runtime/exit_reason.hpp"
#include "coppice/term/id.hpp"
#include "coppice/term/term.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

namespace coppice::detail::supervision {

/// An exit or start-failure reason; carried through, compared only to count equal ones.
using reason_value = exit_reason;

/// The reasons a supervisor tells apart.
enum class exit_class : std::uint8_t {
  normal,
  shutdown,
  shutdown_with, ///< `{shutdown, _}`
  killed,
  other,
};

struct exit_info {
  exit_class kind = exit_class::other;
  reason_value reason;
};

/// Names a request; made by the shell, which keeps the caller under it.
using request_token = std::uint64_t;
/// Names a shutdown timer; made by the core, never 0.
using timer_token = std::uint64_t;
/// A child: by id, or by pid under simple_one_for_one.
using child_key = term;

// Requests, as in supervisor(3).
struct start_child_request {
  child_spec spec;
};
struct start_dynamic_request { ///< start_child under simple_one_for_one
  child_args args;
};
struct terminate_child_request {
  child_key key;
  /// Whether a process of this pid lives; asked only for a pid that is no child.
  bool alive = false;
};
struct restart_child_request {
  child_key key;
};
struct delete_child_request {
  child_key key;
};
struct get_childspec_request {
  child_key key;
};
struct which_children_request {
  std::size_t limit = SIZE_MAX; ///< rows at most
};
struct count_children_request {};

using request =
    std::variant<start_child_request, start_dynamic_request, terminate_child_request, restart_child_request,
                 delete_child_request, get_childspec_request, which_children_request, count_children_request>;

// Events.
struct child_started { ///< the start asked for succeeded
  coppice::pid pid;
  std::optional<term> extra{}; ///< the Info of `{ok, Pid, Info}`
};
struct start_ignored {}; ///< the child's start returned `ignore`
struct start_failed {
  reason_value reason;
};
/// A child ended, whether it was told to or not. Exactly one such event for each started pid.
struct child_exited {
  coppice::pid pid;
  exit_info why;
};
struct timer_fired {
  timer_token timer;
};
struct retry { ///< the self-message of `retry_later` has come round
  child_key key;
};
struct requested {
  request_token token;
  request what;
};
struct shutdown_asked { ///< the parent's exit, or stop/3
  exit_info why;
};

using event = std::variant<child_started, start_ignored, start_failed, child_exited, timer_fired, retry,
                           requested, shutdown_asked>;

// Answers.
struct ok_reply {};
struct child_reply { ///< `{ok, Pid}` or `{ok, Pid, Info}`; no pid: `{ok, undefined}`
  coppice::pid pid;
  std::optional<term> extra;
};
struct error_reply {
  supervisor_error error;
  coppice::pid pid{};                        ///< of already_started
  reason_value reason{};                     ///< of start_failed and bad_child_spec
  std::shared_ptr<const child_spec> child{}; ///< of start_failed in start_child: `{error, {Reason, Child}}`
};
using reply_value = std::variant<ok_reply, child_reply, error_reply, std::vector<child_info>, child_counts,
                                 std::shared_ptr<const child_spec>>;

// Actions.
/// Start this child and answer with child_started, start_ignored or start_failed. One at a time.
struct start_child {
  std::shared_ptr<const child_spec> spec;
  child_args args;
};
enum class exit_signal : std::uint8_t { shutdown, kill };
/// Monitor the child and send it this exit signal; its end comes back as child_exited, with the reason of
/// its link's exit if there is one, else of the monitor's.
struct signal_child {
  coppice::pid pid;
  exit_signal signal;
};
/// The same to every child of a simple_one_for_one supervisor: see `supervisor_core::for_each_dynamic`.
struct signal_all {
  exit_signal signal;
};
struct start_timer {
  timer_token timer;
  std::chrono::milliseconds after;
};
struct cancel_timer {
  timer_token timer;
};
enum class report_kind : std::uint8_t {
  progress,         ///< a child was started
  start_error,      ///< a child could not be started
  child_terminated, ///< a child ended in error
  shutdown,         ///< the supervisor gives up: reached_max_restart_intensity
  shutdown_error,   ///< a child told to end gave another reason
};
struct report {
  report_kind kind;
  std::shared_ptr<const child_spec> child;
  coppice::pid pid{};          ///< the child's, or its last one; none if it never ran
  std::size_t nb_children = 1; ///< more than one where equal ends of dynamic children are gathered
  reason_value reason{};
  coppice::pid replaces{}; ///< progress of a restarted dynamic child: the one that ended
};
struct reply {
  request_token token;
  reply_value value;
};
/// Send yourself a message that comes back as `retry`, so that what waits in the mailbox goes first.
struct retry_later {
  child_key key;
};
struct initialized {}; ///< every child of the start specification was started: acknowledge to the parent
/// All children are gone: exit.
struct stop_self {
  enum class cause : std::uint8_t {
    asked,         ///< with the reason given
    intensity,     ///< with `shutdown`
    auto_shutdown, ///< with `shutdown`
    start_failed,  ///< with `{shutdown, {failed_to_start_child, Id, Reason}}`
  };
  cause why = cause::asked;
  exit_info reason{}; ///< asked: the reason; start_failed: the child's
  child_id child{};   ///< start_failed: which one
};

using action = std::variant<start_child, signal_child, signal_all, start_timer, cancel_timer, report, reply,
                            retry_later, initialized, stop_self>;
using actions = std::vector<action>;

} // namespace coppice::detail::supervision
