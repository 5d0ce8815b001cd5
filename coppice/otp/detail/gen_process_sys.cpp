#include "coppice/otp/detail/gen_process.hpp"

#include "coppice/runtime/detail/ancestors.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <utility>

// What every behaviour answers to `sys`.

namespace coppice::detail {

using namespace literals;

gen_process::debug_state& gen_process::debug() {
  if (debug_ == nullptr) debug_ = std::make_unique<debug_state>();
  return *debug_;
}

void gen_process::note_event(std::string_view what, const term& event) {
  debug_state& d = debug();
  if (d.figures) ++(what == "out" ? d.figures->messages_out : d.figures->messages_in);
  if (d.log_size == 0 && !d.tracing && d.installed.empty()) return;
  term entry = term::tuple(atom(what), event);
  show_installed(entry);
  if (d.tracing) report_event(entry);
  if (d.log_size == 0) return;
  d.log.push_back(std::move(entry));
  if (d.log.size() > d.log_size) d.log.pop_front();
}

void gen_process::report_event(const term& entry) {
  this_node().report(
      coppice::report{severity::info, "sys_trace", self_pid(), {{"event", entry}}, exit_reason()});
}

void gen_process::show_installed(const term& entry) {
  std::erase_if(debug().installed, [&entry](const auto& one) {
    try {
      return one.second(entry) == term("done"_atom);
    } catch (...) { // catch-all: who looks must not change what it looks at
      return true;
    }
  });
}

bool gen_process::handle_system(envelope& message) {
  if (message.ops->type->hash != type_hash<sys_request>()) return false;
  from who = message.form == message_form::call ? std::move(from_of(message)) : from();
  answer(message.as<sys_request>(), std::move(who));
  return true;
}

// --- the answers ---

namespace {

using what = sys_request::what;

std::uint64_t reductions_so_far() { return running_process().reductions.load(std::memory_order_relaxed); }

template <class R>
void reply_with(from& who, R value) {
  who.reply(sys_reply<R>{std::move(value)});
}
template <class R>
void refuse_with(from& who, exit_reason why) {
  who.reply(sys_reply<R>{std::unexpected(std::move(why))});
}

/// What OTP's `$initial_call` is for a process of that behaviour.
term initial_call(const atom& module, const atom& callback) {
  if (module == "gen_event"_atom) return term::tuple(module, "init_it"_atom, 6);
  if (module == "supervisor"_atom) return term::tuple(module, callback, 1);
  return term::tuple(callback, "init"_atom, 1);
}

} // namespace

sys::status gen_process::status() const {
  sys::status s;
  s.process = self_pid();
  s.module = module();
  s.callback = atom(label());
  s.name = name_for_reports();
  s.parent = parent_;
  s.hibernating = hibernating_;
  s.dictionary = term::list(term::tuple("$initial_call"_atom, initial_call(s.module, s.callback)),
                            term::tuple("$ancestors"_atom, ancestors_of(running_process())));
  s.state = visible_state();
  if (debug_ != nullptr) {
    s.suspended = debug_->suspended;
    s.log.assign(debug_->log.begin(), debug_->log.end());
  }
  return s;
}

void gen_process::answer(const sys_request& request, from who) {
  switch (request.request) {
  case what::get_state: answer_get_state(who); return;
  case what::replace_state: answer_replace_state(request, who); return;
  case what::get_status: reply_with(who, status()); return;
  case what::suspend: debug().suspended = true; break;
  case what::resume:
    reply_with(who, "ok"_atom);
    resume_handling();
    return;
  case what::get_statistics: answer_get_statistics(who); return;
  case what::get_log:
    reply_with(who,
               debug_ == nullptr ? std::vector<term>() : std::vector(debug_->log.begin(), debug_->log.end()));
    return;
  case what::change_code: answer_change_code(request, who); return;
  case what::terminate:
    reply_with(who, "ok"_atom);
    on_end(request.reason);
    return;
  case what::foreign: reply_with(who, request.b); return;
  default: set_debugging(request);
  }
  reply_with(who, "ok"_atom);
}

void gen_process::set_debugging(const sys_request& request) {
  debug_state& d = debug();
  switch (request.request) {
  case what::statistics_on:
    d.figures = sys::statistics{
        .start_time = this_node().time().system_now(), .current_time = {}, .reductions = reductions_so_far()};
    break;
  case what::statistics_off: d.figures.reset(); break;
  case what::log:
    d.log_size = static_cast<std::size_t>(request.a.as_int64().value_or(0));
    while (d.log.size() > d.log_size) d.log.pop_front();
    break;
  case what::print_log:
    for (const term& entry : d.log) report_event(entry);
    break;
  case what::trace_on: d.tracing = true; break;
  case what::trace_off: d.tracing = false; break;
  case what::install: {
    bool known =
        std::ranges::any_of(d.installed, [&request](const auto& one) { return one.first == request.a; });
    if (!known) d.installed.emplace_back(request.a, request.change);
    break;
  }
  case what::remove:
    std::erase_if(d.installed, [&request](const auto& one) { return one.first == request.a; });
    break;
  case what::no_debug:
    d.figures.reset();
    d.log_size = 0;
    d.log.clear();
    d.tracing = false;
    d.installed.clear();
    break;
  default: break; // no request about debugging
  }
}

void gen_process::answer_get_state(from& who) {
  try {
    reply_with(who, state_as_term());
  } catch (...) { // catch-all: OTP tells the asker
    refuse_with<term>(who, callback_failed("state"_atom));
  }
}

void gen_process::answer_get_statistics(from& who) {
  if (debug_ == nullptr || !debug_->figures) {
    refuse_with<sys::statistics>(who, exit_reason("no_statistics"_atom));
    return;
  }
  sys::statistics figures = *debug_->figures;
  figures.current_time = this_node().time().system_now();
  figures.reductions = reductions_so_far() - figures.reductions;
  reply_with(who, figures);
}

void gen_process::answer_replace_state(const sys_request& request, from& who) {
  try {
    term next = request.change(state_as_term());
    if (replace_state(next)) {
      reply_with(who, std::move(next));
    } else {
      refuse_with<term>(who, exit_reason(term::tuple("unsupported"_atom, "replace_state"_atom)));
    }
  } catch (...) { // catch-all: OTP tells the asker, and the process goes on with its state
    refuse_with<term>(who, callback_failed("replace_state"_atom));
  }
}

void gen_process::answer_change_code(const sys_request& request, from& who) {
  if (debug_ == nullptr || !debug_->suspended) {
    refuse_with<atom>(who, exit_reason("not_suspended"_atom));
    return;
  }
  try {
    std::optional<exit_reason> error = on_code_change(request.b, request.c);
    if (error) {
      refuse_with<atom>(who, std::move(*error));
    } else {
      reply_with(who, "ok"_atom);
    }
  } catch (...) { // catch-all: likewise
    refuse_with<atom>(who, callback_failed("code_change"_atom));
  }
}

/// What was held is handled in its order, before anything newer.
void gen_process::resume_handling() {
  if (debug_ == nullptr || !debug_->suspended) return;
  debug_->suspended = false;
  process_block& me = running_process();
  std::deque<message_ptr> held = std::exchange(debug_->held, {});
  bool time_is_up = std::exchange(debug_->time_is_up, false) && (held.empty() || !messages_end_timeouts());
  if (time_is_up) set_deadline(me, duration::zero());
  // Back to the front of the mailbox, newest first.
  while (!held.empty()) {
    put_back(me, std::move(held.back()));
    held.pop_back();
  }
}

} // namespace coppice::detail
