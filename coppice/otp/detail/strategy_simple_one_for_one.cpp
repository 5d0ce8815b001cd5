// simple_one_for_one: any number of children of one specification. A child is an entry of a hash map, its
// arguments kept only if it may be restarted; its end and its start cost O(1).
#include "coppice/otp/detail/supervisor_core.hpp"

#include <utility>

namespace coppice::detail {

using namespace supervision;

void supervisor_core::dynamic_start(op_kind kind, child_args args, actions& out) {
  op_.kind = kind;
  op_.step = step_kind::awaiting_start;
  op_.args = args;
  out.emplace_back(start_child{dynamic_spec(), std::move(args)});
}

void supervisor_core::dynamic_started(child_started e, actions& out) {
  const bool temporary = dynamic_spec()->restart == restart::temporary;
  live_.emplace(e.pid, temporary ? child_args{} : std::move(op_.args));
  if (op_.kind == op_kind::start_child) {
    respond(op_.token, child_reply{e.pid, std::move(e.extra)}, out);
  } else {
    out.emplace_back(report{report_kind::progress, dynamic_spec(), e.pid, 1, {}, op_.pid});
  }
  finish();
}

void supervisor_core::dynamic_ignored(actions& out) {
  if (op_.kind == op_kind::start_child) respond(op_.token, child_reply{{}, std::nullopt}, out);
  finish();
}

void supervisor_core::dynamic_start_failed(start_failed e, actions& out) {
  if (op_.kind == op_kind::start_child) {
    out.emplace_back(
        reply{op_.token, error_reply{supervisor_error::start_failed, {}, std::move(e.reason), {}}});
  } else {
    restarting_.emplace(op_.pid, std::move(op_.args));
    out.emplace_back(report{report_kind::start_error, dynamic_spec(), op_.pid, 1, std::move(e.reason)});
    out.emplace_back(retry_later{op_.pid});
  }
  finish();
}

void supervisor_core::dynamic_exited(coppice::pid pid, const exit_info& why, actions& out) {
  auto it = live_.find(pid);
  if (it == live_.end()) return;
  const child_spec& spec = *dynamic_spec();
  const bool clean = why.kind == exit_class::normal || why.kind == exit_class::shutdown ||
                     why.kind == exit_class::shutdown_with;
  if (spec.restart == restart::permanent || !clean) {
    out.emplace_back(report{report_kind::child_terminated, dynamic_spec(), pid, 1, why.reason});
  }
  child_args args = std::move(it->second);
  live_.erase(it);
  if (spec.restart == restart::permanent || (spec.restart == restart::transient && !clean)) {
    dynamic_restart(pid, std::move(args), out);
  }
}

void supervisor_core::dynamic_restart(coppice::pid old, child_args args, actions& out) {
  if (!window_.add(now_)) {
    out.emplace_back(report{report_kind::shutdown, dynamic_spec(), old, 1,
                            exit_reason(atom("reached_max_restart_intensity"))});
    begin_stop({stop_self::cause::intensity, {}, {}}, out);
    return;
  }
  op_.pid = old;
  dynamic_start(op_kind::restart, std::move(args), out);
}

void supervisor_core::dynamic_retry(coppice::pid old, actions& out) {
  auto it = restarting_.find(old);
  if (it == restarting_.end()) return; // terminated while it waited
  child_args args = std::move(it->second);
  restarting_.erase(it);
  dynamic_restart(old, std::move(args), out);
}

void supervisor_core::dynamic_terminate(request_token t, coppice::pid pid, bool alive, actions& out) {
  if (!live_.contains(pid)) {
    // A pid that is no child but dead may have been one: the caller's wish is fulfilled.
    if (restarting_.erase(pid) != 0 || !alive) return respond(t, ok_reply{}, out);
    return respond(t, error_reply{supervisor_error::not_found}, out);
  }
  op_.kind = op_kind::terminate_child;
  op_.token = t;
  op_.pid = pid;
  exit_info why;
  if (take_early_exit(pid, why)) {
    dynamic_terminated(why, out);
    return;
  }
  op_.step = step_kind::awaiting_exit;
  send_exit(pid, *dynamic_spec(), out);
}

void supervisor_core::dynamic_terminated(const exit_info& why, actions& out) {
  if (!clean_end(*dynamic_spec(), why.kind)) {
    out.emplace_back(report{report_kind::shutdown_error, dynamic_spec(), op_.pid, 1, why.reason});
  }
  live_.erase(op_.pid);
  respond(op_.token, ok_reply{}, out);
  finish();
}

// All at once, under one timer: in turn would take a million times the shutdown time at worst.
void supervisor_core::dynamic_stop(actions& out) {
  const child_spec& spec = *dynamic_spec();
  restarting_.clear();
  for (auto& [pid, why] : early_exits_) {
    if (live_.erase(pid) != 0) note_dynamic_end(why);
  }
  early_exits_.clear();
  if (live_.empty()) return finish_dynamic_stop(out);
  op_.step = step_kind::awaiting_dynamic;
  out.emplace_back(signal_all{spec.shutdown->is_brutal_kill() ? exit_signal::kill : exit_signal::shutdown});
  arm_timer(spec, out);
}

void supervisor_core::dynamic_stopped_one(coppice::pid pid, const exit_info& why, actions& out) {
  if (live_.erase(pid) == 0) return;
  note_dynamic_end(why);
  if (live_.empty()) finish_dynamic_stop(out);
}

void supervisor_core::note_dynamic_end(const exit_info& why) {
  if (clean_end(*dynamic_spec(), why.kind)) return;
  bad_end& kept = bad_ends_[why.reason.value()];
  if (kept.count++ == 0) kept.reason = why.reason;
}

void supervisor_core::finish_dynamic_stop(actions& out) {
  disarm_timer(out);
  for (const auto& [value, end] : bad_ends_) {
    out.emplace_back(report{report_kind::shutdown_error, dynamic_spec(), {}, end.count, end.reason});
  }
  stop_now(out);
}

} // namespace coppice::detail
