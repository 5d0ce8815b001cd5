#include "coppice/otp/detail/supervisor_process.hpp"

#include "coppice/otp/detail/requests.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <utility>

namespace coppice::detail {

using namespace literals;
using namespace supervision;

namespace {

exit_info classified(exit_reason reason) {
  exit_class kind = exit_class::other;
  const term& value = reason.value();
  if (value.is_atom()) {
    if (value.is_atom("normal"_atom)) kind = exit_class::normal;
    if (value.is_atom("shutdown"_atom)) kind = exit_class::shutdown;
    if (value.is_atom("killed"_atom)) kind = exit_class::killed;
  } else if (value.is_tagged("shutdown"_atom, 2)) {
    kind = exit_class::shutdown_with;
  }
  return {kind, std::move(reason)};
}

process run_starter(task<std::expected<pid, exit_reason>> start,
                    std::shared_ptr<std::optional<std::expected<pid, exit_reason>>> outcome) {
  try {
    std::expected<pid, exit_reason> started = co_await start;
    outcome->emplace(std::move(started));
  } catch (...) { // catch-all: what leaves a start function is why the start failed, as in OTP
    outcome->emplace(std::unexpected(exit_reason::from_exception(std::current_exception())));
  }
}

const char* error_context(report_kind kind) {
  switch (kind) {
  case report_kind::start_error: return "start_error";
  case report_kind::child_terminated: return "child_terminated";
  case report_kind::shutdown: return "shutdown";
  case report_kind::shutdown_error: return "shutdown_error";
  case report_kind::progress: break;
  }
  return "progress";
}

/// What happens now, for the reader of a report. `next` is what the core decided after the report.
const char* consequence(const supervision::report& r, strategy s, const action* next) {
  const auto* further = next == nullptr ? nullptr : std::get_if<supervision::report>(next);
  switch (r.kind) {
  case report_kind::start_error:
    return next != nullptr && std::holds_alternative<retry_later>(*next) ? "try again" : "end the supervisor";
  case report_kind::child_terminated:
    if (r.child->restart == restart::temporary) return "forget the child";
    if (further != nullptr && further->kind == report_kind::shutdown) return "end the supervisor";
    if (s == strategy::one_for_all) return "restart all children";
    if (s == strategy::rest_for_one) return "restart the child and those started after it";
    return "restart the child";
  case report_kind::shutdown: return "end the supervisor";
  default: return "none";
  }
}

} // namespace

atom supervisor_shell::module() const { return "supervisor"_atom; }

supervisor_core::time supervisor_shell::clock_now() const { return now().time_since_epoch(); }

// --- the process's life ---

void supervisor_shell::on_init() {
  trap_exit(true);
  plan all = make_plan();
  if (all.first.is_ignored()) refuse(ignored());
  if (all.first.next().what == next_step::kind::stop) refuse(std::move(all.first.next().reason));
  auto core = supervisor_core::make(all.flags, std::move(all.children));
  if (!core) {
    const bool of_flags = core.error().fault == spec_fault::invalid_intensity ||
                          core.error().fault == spec_fault::invalid_period;
    refuse(exit_reason(
        term::tuple(of_flags ? "supervisor_data"_atom : "start_spec"_atom, core.error().message)));
  }
  core_.emplace(std::move(*core));
  core_->start(clock_now(), out_);
  settle();
}

void supervisor_shell::on_end(exit_reason reason) { feed(shutdown_asked{classified(std::move(reason))}); }

term supervisor_shell::state_as_term() const {
  if (!core_) return "starting"_atom;
  const child_counts n = core_->count_children();
  static const atom names[] = {"one_for_one"_atom, "one_for_all"_atom, "rest_for_one"_atom,
                               "simple_one_for_one"_atom};
  return term::map({{"strategy"_atom, names[static_cast<std::size_t>(core_->flags().strategy)]},
                    {"intensity"_atom, core_->flags().intensity},
                    {"period"_atom, core_->flags().period.count()},
                    {"children"_atom, n.specs},
                    {"active"_atom, n.active}});
}

// --- events in ---

void supervisor_shell::feed(event e) {
  core_->step(std::move(e), clock_now(), out_);
  settle();
}

void supervisor_shell::settle() {
  for (;;) {
    while (!out_.empty()) {
      todo_.swap(out_);
      for (std::size_t i = 0; i < todo_.size(); ++i) {
        const action* next = i + 1 < todo_.size() ? &todo_[i + 1] : nullptr;
        std::visit([&](auto& a) { perform(a, next); }, todo_[i]);
      }
      todo_.clear();
    }
    if (!started_at_once_) return;
    std::expected<pid, exit_reason> outcome = std::move(*started_at_once_);
    started_at_once_.reset();
    finish_start(std::move(outcome));
  }
}

void supervisor_shell::on_message(message_ptr message) {
  if (message->kind == envelope_kind::completion) {
    if (message->tag != starting_.tag) return; // of a start that took too long
    std::expected<start_ack, exit_reason> ack = read_reply<start_ack>(std::move(message));
    if (starting_.timeout != infinity) clear_deadline(running_process());
    if (ack) {
      finish_start(ack->process);
    } else {
      finish_start(std::unexpected(std::move(ack.error())));
    }
    return settle();
  }
  if (message->form == message_form::info) return take_info(*message);
  if (take_request(*message)) return;
  exit_reason bad(term::tuple("bad_request"_atom, message_as_term(*message)));
  if (message->form == message_form::call) from_of(*message).fail(std::move(bad));
}

void supervisor_shell::take_info(envelope& e) {
  const std::uint64_t hash = e.ops->type->hash;
  if (hash == type_hash<coppice::exit_signal>()) return take_exit(e.as<coppice::exit_signal>());
  if (hash == type_hash<coppice::down>()) return take_down(e.as<coppice::down>());
  if (hash == type_hash<asked::try_again_restart>())
    return feed(retry{std::move(e.as<asked::try_again_restart>().child)});
  this_node().report(coppice::report{severity::error,
                                     "unexpected_message",
                                     self_pid(),
                                     {{"supervisor", name_for_reports()}, {"message", message_as_term(e)}},
                                     exit_reason()});
}

void supervisor_shell::take_exit(coppice::exit_signal& e) {
  watched_.erase(e.from);
  if (starting_.tag != 0 && e.from == starting_.process) {
    // Announced dead while it was stuck in its init: its answer would come too late, or never.
    close_request(running_process(), starting_.tag);
    finish_start(std::unexpected(std::move(e.reason)));
    return settle();
  }
  feed(child_exited{e.from, classified(std::move(e.reason))});
}

/// A child that has unlinked itself is known to have ended by its monitor alone.
void supervisor_shell::take_down(coppice::down& d) {
  auto found = watched_.find(d.process);
  if (found == watched_.end() || found->second != d.ref) return; // its exit signal came first
  watched_.erase(found);
  feed(child_exited{d.process, classified(std::move(d.reason))});
}

void supervisor_shell::on_timeout() {
  if (starting_.tag != 0) { // OTP: it is killed, and what it was about to say is lost
    close_request(running_process(), starting_.tag);
    unlink(starting_.process);
    exit(starting_.process, exit_reason::kill());
    finish_start(std::unexpected(exit_reason::timeout()));
    return settle();
  }
  feed(timer_fired{std::exchange(timer_, 0)});
}

// --- requests ---

namespace {

template <class R>
void answer_error(from& who, child_error error) {
  who.reply(supervisor_reply<R>{std::unexpected(std::move(error))});
}

} // namespace

template <class Request>
bool supervisor_shell::take(envelope& e) {
  std::optional<Request> request = request_of<Request>(e);
  if (request) on(*request, std::move(from_of(e)));
  return request.has_value();
}

bool supervisor_shell::take_request(envelope& e) {
  return take<asked::start_dynamic>(e) || take<asked::terminate_child>(e) || take<asked::start_child>(e) ||
         take<asked::which_children>(e) || take<asked::which_children_limit>(e) ||
         take<asked::count_children>(e) || take<asked::restart_child>(e) || take<asked::delete_child>(e) ||
         take<asked::get_childspec>(e);
}

void supervisor_shell::ask(from who, answer form, request what) {
  callers_.emplace(++last_token_, caller{std::move(who), form});
  feed(requested{last_token_, std::move(what)});
}

void supervisor_shell::on(asked::start_child& r, from who) {
  if (r.fault) {
    child_error e{supervisor_error::bad_child_spec, {}, exit_reason(std::move(*r.fault))};
    return answer_error<pid>(who, std::move(e));
  }
  ask(std::move(who), answer::child, start_child_request{std::move(r.spec)});
}
void supervisor_shell::on(asked::start_dynamic& r, from who) {
  ask(std::move(who), answer::child, start_dynamic_request{std::move(r.args)});
}
void supervisor_shell::on(asked::terminate_child& r, from who) {
  const std::optional<pid> child = r.id.as_pid();
  const bool alive = child && is_process_alive(*child);
  ask(std::move(who), answer::ok, terminate_child_request{std::move(r.id), alive});
}
void supervisor_shell::on(asked::restart_child& r, from who) {
  ask(std::move(who), answer::child, restart_child_request{std::move(r.id)});
}
void supervisor_shell::on(asked::delete_child& r, from who) {
  ask(std::move(who), answer::ok, delete_child_request{std::move(r.id)});
}
void supervisor_shell::on(asked::get_childspec& r, from who) {
  ask(std::move(who), answer::spec, get_childspec_request{std::move(r.id)});
}
void supervisor_shell::on(asked::which_children&, from who) {
  ask(std::move(who), answer::children, which_children_request{});
}
void supervisor_shell::on(asked::which_children_limit& r, from who) {
  ask(std::move(who), answer::children, which_children_request{r.limit});
}
void supervisor_shell::on(asked::count_children&, from who) {
  ask(std::move(who), answer::counts, count_children_request{});
}

void supervisor_shell::perform(reply& a, const action*) {
  auto found = callers_.find(a.token);
  if (found == callers_.end()) return;
  caller asker = std::move(found->second);
  callers_.erase(found);
  if (auto* error = std::get_if<error_reply>(&a.value)) {
    child_error e{error->error, error->pid, std::move(error->reason)};
    switch (asker.form) {
    case answer::ok: return answer_error<ok>(asker.who, std::move(e));
    case answer::child: return answer_error<pid>(asker.who, std::move(e));
    case answer::children: return answer_error<std::vector<child_info>>(asker.who, std::move(e));
    case answer::counts: return answer_error<child_counts>(asker.who, std::move(e));
    case answer::spec: return answer_error<child_spec>(asker.who, std::move(e));
    }
  }
  if (std::holds_alternative<ok_reply>(a.value)) asker.who.reply(supervisor_reply<ok>{ok()});
  if (auto* child = std::get_if<child_reply>(&a.value)) asker.who.reply(supervisor_reply<pid>{child->pid});
  if (auto* all = std::get_if<std::vector<child_info>>(&a.value)) {
    asker.who.reply(supervisor_reply<std::vector<child_info>>{std::move(*all)});
  }
  if (auto* counts = std::get_if<child_counts>(&a.value)) {
    asker.who.reply(supervisor_reply<child_counts>{*counts});
  }
  if (auto* spec = std::get_if<std::shared_ptr<const child_spec>>(&a.value)) {
    asker.who.reply(supervisor_reply<child_spec>{**spec});
  }
}

// --- starting ---

void supervisor_shell::perform(start_child& a, const action*) { begin(*a.spec->start, a.args); }

void supervisor_shell::begin(const child_starter& starter, const child_args& args) {
  try {
    if (auto start = starter.run()) {
      auto outcome = std::make_shared<std::optional<std::expected<pid, exit_reason>>>();
      run(run_starter(std::move(*start), outcome), [this, outcome] {
        finish_start(std::move(**outcome));
        settle();
      });
      return;
    }
    starting_ = starter.begin(args);
    if (starting_.tag == 0) {
      started_at_once_.emplace(starting_.process);
    } else if (starting_.timeout != infinity) {
      set_deadline(running_process(), starting_.timeout);
    }
  } catch (...) { // catch-all: what a start throws is why it failed
    started_at_once_.emplace(std::unexpected(exit_reason::from_exception(std::current_exception())));
  }
}

void supervisor_shell::finish_start(std::expected<pid, exit_reason> outcome) {
  starting_ = {};
  if (outcome) {
    core_->step(child_started{*outcome}, clock_now(), out_);
  } else if (outcome.error() == ignored()) {
    core_->step(start_ignored{}, clock_now(), out_);
  } else {
    core_->step(start_failed{std::move(outcome.error())}, clock_now(), out_);
  }
}

void supervisor_shell::perform(retry_later& a, const action*) {
  // OTP tries again at once. The pause gives the processes of a killed supervisor, or a port, the time to go.
  constexpr duration pause = std::chrono::milliseconds(10);
  send_after(pause, self_pid(), asked::try_again_restart{std::move(a.key)});
}

void supervisor_shell::perform(initialized&, const action*) { started(); }

// --- ending ---

void supervisor_shell::tell(pid child, supervision::exit_signal signal) {
  if (reference& ref = watched_[child]; !ref) ref = monitor(child);
  exit(child, signal == supervision::exit_signal::kill ? exit_reason::kill() : exit_reason::shutdown());
}

void supervisor_shell::perform(signal_child& a, const action*) { tell(a.pid, a.signal); }

void supervisor_shell::perform(signal_all& a, const action*) {
  core_->for_each_dynamic([&](pid child) { tell(child, a.signal); });
}

void supervisor_shell::perform(start_timer& a, const action*) {
  timer_ = a.timer;
  set_deadline(running_process(), a.after);
}

void supervisor_shell::perform(cancel_timer&, const action*) {
  timer_ = 0;
  clear_deadline(running_process());
}

void supervisor_shell::perform(stop_self& a, const action*) {
  switch (a.why) {
  case stop_self::cause::asked: stop(std::move(a.reason.reason));
  case stop_self::cause::intensity:
  case stop_self::cause::auto_shutdown: stop(exit_reason::shutdown());
  case stop_self::cause::start_failed:
    refuse(
        exit_reason::shutdown(term::tuple("failed_to_start_child"_atom, a.child, a.reason.reason.value())));
  }
}

// --- reports ---

void supervisor_shell::perform(supervision::report& a, const action* next) {
  const bool progress = a.kind == report_kind::progress;
  const severity level = progress ? severity::info : severity::error;
  if (!this_node().reports(level)) return;
  coppice::report r{level, progress ? "progress" : "supervisor_report", self_pid(), {}, std::move(a.reason)};
  r.fields.reserve(10);
  r.fields.emplace_back("supervisor", name_for_reports());
  if (!progress) r.fields.emplace_back("errorContext", atom(error_context(a.kind)));
  r.fields.emplace_back("id", a.child->id);
  if (a.pid) r.fields.emplace_back("pid", a.pid);
  if (a.replaces) r.fields.emplace_back("replaces", a.replaces);
  if (a.nb_children > 1) r.fields.emplace_back("nb_children", a.nb_children);
  const term spec = to_term(*a.child);
  for (const atom& key : {"restart"_atom, "shutdown"_atom, "type"_atom}) {
    r.fields.emplace_back(key.name(), *spec.find(key));
  }
  if (!progress) r.fields.emplace_back("action", consequence(a, core_->flags().strategy, next));
  this_node().report(r);
}

} // namespace coppice::detail
