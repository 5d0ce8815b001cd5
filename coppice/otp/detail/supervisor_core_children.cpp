// The supervisor's children and the requests about them.
#include "coppice/otp/detail/supervisor_core.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace coppice::detail {

using namespace supervision;

supervisor_core::child_it supervisor_core::add(std::shared_ptr<const child_spec> spec) {
  if (!spec->shutdown) { // OTP's default, filled in once so that every later look finds it
    child_spec full = *spec;
    full.shutdown = full.type == child_type::supervisor ? child_shutdown::infinity()
                                                        : child_shutdown(std::chrono::milliseconds(5000));
    spec = std::make_shared<const child_spec>(std::move(full));
  }
  children_.push_back(child{std::move(spec)});
  child_it c = std::prev(children_.end());
  by_id_.emplace(c->spec->id, c);
  return c;
}

void supervisor_core::erase(child_it c) {
  set_state(c, child_state::undefined, {});
  by_id_.erase(c->spec->id);
  children_.erase(c);
}

// A child that runs no more: a temporary one goes with its specification, another stays for restart_child.
void supervisor_core::drop_or_keep(child_it c) {
  if (c->spec->restart == restart::temporary) {
    erase(c);
  } else {
    set_state(c, child_state::undefined, {});
  }
}

void supervisor_core::set_state(child_it c, child_state s, coppice::pid pid) {
  if (c->state == child_state::running) by_pid_.erase(c->pid);
  if (s == child_state::running) by_pid_.emplace(pid, c);
  if (c->spec->significant) {
    if (c->state != child_state::undefined) --significant_;
    if (s != child_state::undefined) ++significant_;
  }
  c->state = s;
  c->pid = pid;
}

supervisor_core::child_it supervisor_core::find(const child_key& key) {
  auto it = by_id_.find(key);
  return it == by_id_.end() ? children_.end() : it->second;
}

std::vector<child_info> supervisor_core::which_children(std::size_t limit) const {
  std::vector<child_info> all;
  if (simple()) {
    const child_spec& spec = *dynamic_spec();
    const std::size_t size = std::min(limit, live_.size() + restarting_.size());
    all.reserve(size);
    for (auto entry = live_.begin(); entry != live_.end() && all.size() < size; ++entry) {
      all.push_back({{}, entry->first, false, spec.type, spec.modules});
    }
    while (all.size() < size) all.push_back({{}, {}, true, spec.type, spec.modules});
    return all;
  }
  all.reserve(std::min(limit, children_.size()));
  // Newest first, as OTP lists them.
  for (auto c = children_.rbegin(); c != children_.rend() && all.size() < limit; ++c) {
    const bool running = c->state == child_state::running;
    all.push_back({c->spec->id, running ? c->pid : coppice::pid{}, c->state == child_state::restarting,
                   c->spec->type, c->spec->modules});
  }
  return all;
}

child_counts supervisor_core::count_children() const {
  child_counts n;
  if (simple()) {
    const std::size_t size = live_.size() + restarting_.size();
    const bool supervisors = dynamic_spec()->type == child_type::supervisor;
    return {1, live_.size(), supervisors ? size : 0, supervisors ? 0 : size};
  }
  n.specs = children_.size();
  n.active = by_pid_.size();
  for (const child& c : children_) ++(c.spec->type == child_type::supervisor ? n.supervisors : n.workers);
  return n;
}

void supervisor_core::handle_request(requested r, actions& out) {
  std::visit([&](auto& what) { on(r.token, what, out); }, r.what);
}

void supervisor_core::on(request_token t, start_child_request& r, actions& out) {
  if (simple()) return respond(t, error_reply{supervisor_error::simple_one_for_one}, out);
  if (auto ok = check_child_spec(r.spec, flags_.auto_shutdown); !ok) {
    return respond(
        t, error_reply{supervisor_error::bad_child_spec, {}, exit_reason(term(ok.error().message)), {}}, out);
  }
  if (auto it = by_id_.find(r.spec.id); it != by_id_.end()) {
    const child& old = *it->second;
    if (old.state == child_state::running) {
      return respond(t, error_reply{supervisor_error::already_started, old.pid}, out);
    }
    return respond(t, error_reply{supervisor_error::already_present}, out);
  }
  op_.kind = op_kind::start_child;
  op_.token = t;
  op_.cursor = add(std::make_shared<const child_spec>(std::move(r.spec)));
  op_.end = children_.end();
  op_.step = step_kind::starting;
}

void supervisor_core::on(request_token t, start_dynamic_request& r, actions& out) {
  if (!simple()) {
    respond(t,
            error_reply{supervisor_error::bad_child_spec,
                        {},
                        exit_reason(term("start_child: arguments alone start a child only under "
                                         "simple_one_for_one; give a child spec"))},
            out);
    return;
  }
  op_.token = t;
  dynamic_start(op_kind::start_child, std::move(r.args), out);
}

void supervisor_core::on(request_token t, terminate_child_request& r, actions& out) {
  if (simple()) {
    const auto pid = r.key.as_pid();
    if (!pid) return respond(t, error_reply{supervisor_error::simple_one_for_one}, out);
    return dynamic_terminate(t, *pid, r.alive, out);
  }
  child_it c = find(r.key);
  if (c == children_.end()) return respond(t, error_reply{supervisor_error::not_found}, out);
  op_.kind = op_kind::terminate_child;
  op_.token = t;
  op_.first = c;
  op_.cursor = std::next(c);
  op_.step = step_kind::terminating;
}

void supervisor_core::on(request_token t, restart_child_request& r, actions& out) {
  if (simple()) return respond(t, error_reply{supervisor_error::simple_one_for_one}, out);
  child_it c = find(r.key);
  if (c == children_.end()) return respond(t, error_reply{supervisor_error::not_found}, out);
  if (c->state == child_state::running) return respond(t, error_reply{supervisor_error::running}, out);
  if (c->state == child_state::restarting) return respond(t, error_reply{supervisor_error::restarting}, out);
  op_.kind = op_kind::restart_child;
  op_.token = t;
  op_.cursor = c;
  op_.end = std::next(c);
  op_.step = step_kind::starting;
}

void supervisor_core::on(request_token t, delete_child_request& r, actions& out) {
  if (simple()) return respond(t, error_reply{supervisor_error::simple_one_for_one}, out);
  child_it c = find(r.key);
  if (c == children_.end()) return respond(t, error_reply{supervisor_error::not_found}, out);
  if (c->state == child_state::running) return respond(t, error_reply{supervisor_error::running}, out);
  if (c->state == child_state::restarting) return respond(t, error_reply{supervisor_error::restarting}, out);
  erase(c);
  respond(t, ok_reply{}, out);
}

void supervisor_core::on(request_token t, get_childspec_request& r, actions& out) {
  child_it c = find(r.key);
  if (const auto pid = r.key.as_pid(); pid && simple()) {
    if (live_.contains(*pid) || restarting_.contains(*pid)) c = children_.begin();
  }
  if (c == children_.end()) return respond(t, error_reply{supervisor_error::not_found}, out);
  respond(t, c->spec, out);
}

void supervisor_core::on(request_token t, which_children_request& r, actions& out) {
  respond(t, which_children(r.limit), out);
}

void supervisor_core::on(request_token t, count_children_request&, actions& out) {
  respond(t, count_children(), out);
}

} // namespace coppice::detail
