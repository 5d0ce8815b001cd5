#include "coppice/otp/detail/supervisor_core.hpp"

#include <iterator>
#include <utility>

namespace coppice::detail {

using namespace supervision;

std::expected<supervisor_core, spec_error> supervisor_core::make(const supervisor_flags& flags,
                                                                 std::vector<child_spec> specs) {
  if (auto ok = check_flags(flags); !ok) return std::unexpected(ok.error());
  if (flags.strategy == strategy::simple_one_for_one && specs.size() != 1) {
    return std::unexpected(spec_error{spec_fault::bad_start_spec,
                                      "start specification: simple_one_for_one with " +
                                          std::to_string(specs.size()) + " child specs; give exactly one"});
  }
  if (auto ok = check_child_specs(specs, flags.auto_shutdown); !ok) return std::unexpected(ok.error());
  return supervisor_core(flags, std::move(specs));
}

supervisor_core::supervisor_core(const supervisor_flags& flags, std::vector<child_spec> specs)
    : flags_(flags), window_(static_cast<std::uint32_t>(flags.intensity), flags.period) {
  for (auto& spec : specs) add(std::make_shared<const child_spec>(std::move(spec)));
}

void supervisor_core::respond(request_token t, reply_value value, actions& out) {
  out.emplace_back(reply{t, std::move(value)});
}

void supervisor_core::start(time now, actions& out) {
  now_ = now;
  if (simple()) {
    out.emplace_back(initialized{});
    return;
  }
  op_.kind = op_kind::init;
  op_.step = step_kind::starting;
  op_.reach = scope::all;
  op_.cursor = children_.begin();
  op_.end = children_.end();
  run(out);
}

void supervisor_core::step(event e, time now, actions& out) {
  if (stopped()) return;
  now_ = now;
  if (!answer(e, out)) {
    if (busy()) {
      put_off(std::move(e));
    } else {
      handle(std::move(e), out);
    }
  }
  run(out);
}

// Events that the operation under way waits for. A stale timer counts: it concerns nobody else.
bool supervisor_core::answer(event& e, actions& out) {
  if (auto* fired = std::get_if<timer_fired>(&e)) {
    if (fired->timer == op_.timer) on_timer(out);
    return true;
  }
  if (auto* gone = std::get_if<child_exited>(&e)) {
    if (op_.step == step_kind::awaiting_exit && gone->pid == op_.pid) {
      on_terminated(gone->why, out);
      return true;
    }
    if (op_.step == step_kind::awaiting_dynamic) {
      dynamic_stopped_one(gone->pid, gone->why, out);
      return true;
    }
    return false;
  }
  const bool start_outcome = std::holds_alternative<child_started>(e) ||
                             std::holds_alternative<start_ignored>(e) ||
                             std::holds_alternative<start_failed>(e);
  if (!start_outcome) return false;
  if (op_.step != step_kind::awaiting_start) return true; // an answer to nothing
  if (auto* started = std::get_if<child_started>(&e)) {
    simple() ? dynamic_started(std::move(*started), out) : on_started(std::move(*started), out);
  } else if (auto* failed = std::get_if<start_failed>(&e)) {
    simple() ? dynamic_start_failed(std::move(*failed), out) : on_start_failed(std::move(*failed), out);
  } else {
    simple() ? dynamic_ignored(out) : on_ignored(out);
  }
  return true;
}

void supervisor_core::run(actions& out) {
  for (;;) {
    switch (op_.step) {
    case step_kind::terminating: terminate_next(out); break;
    case step_kind::starting: start_next(out); break;
    case step_kind::awaiting_exit:
    case step_kind::awaiting_dynamic:
    case step_kind::awaiting_start: return;
    case step_kind::stopped:
      deferred_.release();
      early_exits_.clear();
      return;
    case step_kind::idle:
      if (deferred_.empty()) return;
      handle(deferred_.pop_front(), out);
    }
  }
}

// The exit of a child that is put off must still be found when its turn to be terminated comes: it then
// ended already, for a reason of its own.
void supervisor_core::put_off(event e) {
  if (auto* gone = std::get_if<child_exited>(&e)) early_exits_.try_emplace(gone->pid, std::move(gone->why));
  deferred_.push_back(std::move(e));
}

bool supervisor_core::take_early_exit(coppice::pid pid, exit_info& why) {
  auto it = early_exits_.find(pid);
  if (it == early_exits_.end()) return false;
  why = std::move(it->second);
  early_exits_.erase(it);
  return true;
}

void supervisor_core::handle(event e, actions& out) {
  if (auto* gone = std::get_if<child_exited>(&e)) {
    exit_info why = std::move(gone->why);
    take_early_exit(gone->pid, why);
    simple() ? dynamic_exited(gone->pid, why, out) : on_child_exited(gone->pid, why, out);
  } else if (auto* again = std::get_if<retry>(&e)) {
    if (simple()) {
      if (auto old = again->key.as_pid()) dynamic_retry(*old, out);
      return;
    }
    child_it c = find(again->key);
    if (c != children_.end() && c->state == child_state::restarting) restart_child(c, out);
  } else if (auto* r = std::get_if<requested>(&e)) {
    handle_request(std::move(*r), out);
  } else if (auto* asked = std::get_if<shutdown_asked>(&e)) {
    begin_stop({stop_self::cause::asked, std::move(asked->why), {}}, out);
  }
}

void supervisor_core::on_child_exited(coppice::pid pid, const exit_info& why, actions& out) {
  auto found = by_pid_.find(pid);
  if (found == by_pid_.end()) return;
  child_it c = found->second;
  const std::shared_ptr<const child_spec> spec = c->spec;
  const bool clean = why.kind == exit_class::normal || why.kind == exit_class::shutdown ||
                     why.kind == exit_class::shutdown_with;
  if (spec->restart == restart::permanent || !clean) {
    out.emplace_back(report{report_kind::child_terminated, spec, pid, 1, why.reason});
  }
  if (spec->restart == restart::permanent || (spec->restart == restart::transient && !clean)) {
    by_pid_.erase(found);
    restart_child(c, out);
    return;
  }
  drop_or_keep(c);
  if (shut_down_after(*spec)) begin_stop({stop_self::cause::auto_shutdown, {}, {}}, out);
}

bool supervisor_core::shut_down_after(const child_spec& gone) const {
  if (!gone.significant) return false;
  switch (flags_.auto_shutdown) {
  case auto_shutdown::never: return false;
  case auto_shutdown::any_significant: return true;
  case auto_shutdown::all_significant: break;
  }
  return significant_ == 0;
}

// The child ended, or its last restart failed: its pid is in `c` for reports, but known as live no more.
void supervisor_core::restart_child(child_it c, actions& out) {
  if (!window_.add(now_)) {
    out.emplace_back(report{report_kind::shutdown, c->spec, c->pid, 1,
                            exit_reason(atom("reached_max_restart_intensity"))});
    drop_or_keep(c);
    begin_stop({stop_self::cause::intensity, {}, {}}, out);
    return;
  }
  op_.kind = op_kind::restart;
  switch (flags_.strategy) {
  case strategy::one_for_one: restart_one_for_one(c); break;
  case strategy::one_for_all:
    set_state(c, child_state::undefined, {});
    restart_one_for_all();
    break;
  case strategy::rest_for_one:
    set_state(c, child_state::undefined, {});
    restart_rest_for_one(c);
    break;
  case strategy::simple_one_for_one: break; // has a path of its own
  }
}

void supervisor_core::try_again(child_it c, const reason_value& reason, actions& out) {
  out.emplace_back(report{report_kind::start_error, c->spec, c->pid, 1, reason});
  set_state(c, child_state::restarting, c->pid);
  out.emplace_back(retry_later{c->spec->id});
  finish();
}

void supervisor_core::begin_stop(stop_self ending, actions& out) {
  op_ = operation{};
  op_.kind = op_kind::stop;
  op_.ending = std::move(ending);
  if (simple()) {
    dynamic_stop(out);
    return;
  }
  op_.step = step_kind::terminating;
  op_.reach = scope::all;
  op_.cursor = children_.end();
}

void supervisor_core::stop_now(actions& out) {
  op_.step = step_kind::stopped;
  out.emplace_back(std::move(op_.ending));
}

// Terminating, in the reverse of start order.

void supervisor_core::terminate_next(actions& out) {
  if (op_.cursor == boundary()) {
    if (op_.kind == op_kind::stop) {
      stop_now(out);
    } else { // a restart: now the other way
      op_.step = step_kind::starting;
      op_.end = children_.end();
    }
    return;
  }
  child_it c = std::prev(op_.cursor);
  if (c->state != child_state::running) {
    settle_terminated(out);
    return;
  }
  exit_info why;
  if (take_early_exit(c->pid, why)) {
    on_terminated(why, out);
    return;
  }
  op_.pid = c->pid;
  op_.step = step_kind::awaiting_exit;
  send_exit(c->pid, *c->spec, out);
}

void supervisor_core::send_exit(coppice::pid pid, const child_spec& spec, actions& out) {
  const bool brutal = spec.shutdown->is_brutal_kill();
  out.emplace_back(signal_child{pid, brutal ? exit_signal::kill : exit_signal::shutdown});
  arm_timer(spec, out);
}

void supervisor_core::arm_timer(const child_spec& spec, actions& out) {
  if (!spec.shutdown->is_timed()) return;
  op_.timer = ++last_timer_;
  out.emplace_back(start_timer{op_.timer, spec.shutdown->wait()});
}

void supervisor_core::disarm_timer(actions& out) {
  if (op_.timer != 0) out.emplace_back(cancel_timer{op_.timer});
  op_.timer = 0;
}

void supervisor_core::on_timer(actions& out) {
  if (op_.timer == 0) return;
  op_.timer = 0;
  if (op_.step == step_kind::awaiting_dynamic) {
    out.emplace_back(signal_all{exit_signal::kill});
  } else {
    out.emplace_back(signal_child{op_.pid, exit_signal::kill});
  }
}

// Whether a child that was told to end gave a reason that needs no report.
bool supervisor_core::clean_end(const child_spec& spec, exit_class kind) {
  if (kind == exit_class::other) return false;
  const bool brutal = spec.shutdown->is_brutal_kill();
  if (kind == exit_class::killed) return brutal;
  if (kind == exit_class::shutdown && !brutal) return true;
  return spec.restart != restart::permanent;
}

void supervisor_core::on_terminated(const exit_info& why, actions& out) {
  disarm_timer(out);
  if (simple()) {
    dynamic_terminated(why, out);
    return;
  }
  child_it c = std::prev(op_.cursor);
  if (!clean_end(*c->spec, why.kind)) {
    out.emplace_back(report{report_kind::shutdown_error, c->spec, c->pid, 1, why.reason});
  }
  settle_terminated(out);
}

void supervisor_core::settle_terminated(actions& out) {
  child_it c = std::prev(op_.cursor);
  const child_it above = op_.cursor;
  op_.cursor = c->spec->restart == restart::temporary ? above : c;
  drop_or_keep(c);
  op_.step = step_kind::terminating;
  if (op_.kind == op_kind::terminate_child) {
    respond(op_.token, ok_reply{}, out);
    finish();
  }
}

// Starting, in order.

void supervisor_core::start_next(actions& out) {
  if (op_.cursor == op_.end) {
    const bool first_time = op_.kind == op_kind::init;
    finish();
    if (first_time) out.emplace_back(initialized{});
    return;
  }
  op_.step = step_kind::awaiting_start;
  out.emplace_back(start_child{op_.cursor->spec, {}});
}

void supervisor_core::on_started(child_started e, actions& out) {
  child_it c = op_.cursor;
  set_state(c, child_state::running, e.pid);
  out.emplace_back(report{report_kind::progress, c->spec, e.pid, 1, {}});
  if (op_.kind == op_kind::start_child || op_.kind == op_kind::restart_child) {
    respond(op_.token, child_reply{e.pid, std::move(e.extra)}, out);
    finish();
    return;
  }
  ++op_.cursor;
  op_.step = step_kind::starting;
}

void supervisor_core::on_ignored(actions& out) {
  child_it c = op_.cursor++;
  op_.step = step_kind::starting;
  drop_or_keep(c);
  if (op_.kind == op_kind::start_child || op_.kind == op_kind::restart_child) {
    respond(op_.token, child_reply{{}, std::nullopt}, out);
    finish();
  }
}

void supervisor_core::on_start_failed(start_failed e, actions& out) {
  child_it c = op_.cursor;
  const std::shared_ptr<const child_spec> spec = c->spec;
  switch (op_.kind) {
  case op_kind::start_child:
    erase(c);
    out.emplace_back(
        reply{op_.token, error_reply{supervisor_error::start_failed, {}, std::move(e.reason), spec}});
    finish();
    return;
  case op_kind::restart_child:
    out.emplace_back(
        reply{op_.token, error_reply{supervisor_error::start_failed, {}, std::move(e.reason), {}}});
    finish();
    return;
  case op_kind::init:
    out.emplace_back(report{report_kind::start_error, spec, {}, 1, e.reason});
    begin_stop({stop_self::cause::start_failed, {exit_class::other, std::move(e.reason)}, spec->id}, out);
    return;
  case op_kind::restart: try_again(c, e.reason, out); return;
  case op_kind::terminate_child:
  case op_kind::stop: return; // never start anything
  }
}

} // namespace coppice::detail
