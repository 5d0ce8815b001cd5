#include "coppice/otp/detail/event_manager.hpp"

#include "coppice/runtime/node.hpp"
#include "coppice/term/text.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>

namespace coppice {

using namespace literals;

std::expected<handler_id, decode_error> describe<handler_id>::from(const term& t) {
  if (t.is_atom()) return handler_id{*t.as_atom()};
  if (t.is_tuple() && t.elements().size() == 2 && t.elements()[0].is_atom()) {
    return handler_id{*t.elements()[0].as_atom(), t.elements()[1]};
  }
  return std::unexpected(mismatch("Module or {Module, Id}", t));
}

term describe<gen_event_exit>::to(const gen_event_exit& e) {
  return term::tuple("gen_event_EXIT"_atom, e.handler.as_term(), e.reason.value());
}

std::expected<gen_event_exit, decode_error> describe<gen_event_exit>::from(const term& t) {
  if (t.is_tuple() && t.elements().size() == 3 && t.elements()[0] == term("gen_event_EXIT"_atom)) {
    auto handler = describe<handler_id>::from(t.elements()[1]);
    if (handler) return gen_event_exit{std::move(*handler), exit_reason(t.elements()[2])};
  }
  return std::unexpected(mismatch("{gen_event_EXIT, Handler, Reason}", t));
}

term describe<detail::event_notice>::to(const detail::event_notice& n) {
  return term::tuple("notify"_atom, detail::message_as_term(*n.event));
}

std::expected<detail::event_notice, decode_error> describe<detail::event_notice>::from(const term& t) {
  if (!t.is_tagged("notify"_atom, 2)) return std::unexpected(mismatch("{notify, Event}", t));
  return detail::event_notice{detail::make_message<term>(t.elements()[1])};
}

namespace detail {

void send_event(const server_name& manager, message_ptr event) {
  if (const std::optional<pid> target = manager.resolve()) {
    deliver(running_node(), *target, make_message<event_notice>(event_notice{std::move(event)}));
  }
}

namespace {

exit_reason exit_of(const exit_reason& reason) {
  return exit_reason(term::tuple("EXIT"_atom, reason.value()));
}

} // namespace

// --- requests ---

event_request event_request::add(std::unique_ptr<handler_slot> handler, bool supervised) {
  event_request r;
  r.request = what::add;
  r.handler = std::move(handler);
  r.supervised = supervised;
  return r;
}

event_request event_request::remove(handler_id id, term arguments) {
  event_request r;
  r.request = what::remove;
  r.id = std::move(id);
  r.arguments = std::move(arguments);
  return r;
}

event_request event_request::swap(handler_id old, term arguments, std::unique_ptr<handler_slot> handler,
                                  bool supervised) {
  event_request r = add(std::move(handler), supervised);
  r.request = what::swap;
  r.id = std::move(old);
  r.arguments = std::move(arguments);
  return r;
}

event_request event_request::which() { return {}; }

event_request event_request::event(message_ptr event) {
  event_request r;
  r.request = what::event;
  r.message = std::move(event);
  return r;
}

// --- the manager ---

void event_manager::on_init() {
  trap_exit(true); // the ends of those who supervise handlers come as messages
  started();
}

void event_manager::on_message(message_ptr message) {
  bool plain = message->kind == envelope_kind::message;
  if (plain && message->form == message_form::call) {
    from who = std::move(from_of(*message));
    if (message->ops->type->hash == type_hash<event_request>()) {
      ask(message->as<event_request>(), std::move(who));
    } else if (message->ops->type->hash == type_hash<term>()) {
      ask_foreign(message->as<term>(), std::move(who));
    } else {
      who.fail(exit_reason(term::tuple("bad_request"_atom, message_as_term(*message))));
    }
    return;
  }
  if (plain && message->ops->type->hash == type_hash<exit_signal>()) {
    const auto& gone = message->as<exit_signal>();
    supervisor_ended(gone.from, gone.reason);
    return;
  }
  if (plain && message->form == message_form::cast) { // as in OTP it is a message like any other
    message = make_message<term>(term::tuple("$gen_cast"_atom, message_as_term(*message)));
  } else if (plain && message->ops->type->hash == type_hash<event_notice>()) {
    return begin_round(std::move(message->as<event_notice>().event), false, from());
  } else if (plain && message->ops->type->hash == type_hash<term>()) {
    auto notice = describe<event_notice>::from(message->as<term>());
    if (notice) return begin_round(std::move(notice->event), false, from());
  }
  begin_round(std::move(message), true, from());
}

void event_manager::ask(event_request& request, from who) {
  using what = event_request::what;
  if (request.handler != nullptr && request.supervised) request.handler->supervisor = who.caller();
  auto answer = [this](const outcome& o) {
    o ? asker_.reply(*o) : asker_.fail(o.error());
    compact();
  };
  switch (request.request) {
  case what::add:
    asker_ = std::move(who);
    add(std::move(request.handler), answer);
    return;
  case what::swap:
    asker_ = std::move(who);
    swap(find(request.id), request.arguments, std::move(request.handler), false, answer);
    return;
  case what::remove: remove_asked(request, std::move(who)); return;
  case what::event: begin_round(std::move(request.message), false, std::move(who)); return;
  case what::call: ask_one(request, std::move(who)); return;
  case what::which: {
    std::vector<handler_id> ids;
    for (const auto& h : handlers_) ids.insert(ids.begin(), h->id);
    who.reply(std::move(ids));
  }
  }
}

void event_manager::ask_one(event_request& request, from who) {
  handler_slot* h = find(request.id);
  if (h == nullptr) return refuse(who, exit_reason("bad_module"_atom), request.foreign);
  foreign_asker_ = request.foreign;
  request_ = std::move(request.message);
  asker_ = std::move(who);
  awaited awaits;
  try {
    awaits = h->on_call(*request_, asker_, step_);
  } catch (...) { // catch-all: OTP removes the handler, whatever it was
    step_.error = std::current_exception();
  }
  if (awaits) {
    run(std::move(*awaits), [this, h] { one_asked(*h); });
  } else {
    one_asked(*h);
  }
}

void event_manager::one_asked(handler_slot& h) {
  if (step_.error) {
    exit_reason reason = exit_of(exit_reason::from_exception(step_.error));
    refuse(asker_, reason, foreign_asker_);
    answer_orphans(running_process(), reason);
  }
  asker_ = from();
  settle(h, *request_, [this] { compact(); });
  compact();
}

void event_manager::remove_asked(const event_request& request, from who) {
  handler_slot* h = find(request.id);
  if (h == nullptr) return refuse(who, exit_reason("module_not_found"_atom), request.foreign);
  outcome gave = take_out(*h, request.arguments, exit_reason::normal());
  if (gave) {
    who.reply(std::move(*gave));
  } else if (request.foreign) {
    who.reply(gave.error().value()); // `{'EXIT', Reason}`
  } else {
    who.fail(std::move(gave.error()));
  }
  compact();
}

// --- events ---

void event_manager::begin_round(message_ptr event, bool is_info, from who) {
  round_ = {std::move(event), is_info, handlers_.size(), std::move(who), handlers_.empty()};
  go_round();
}

void event_manager::go_round() {
  while (round_.left > 0) {
    handler_slot* h = handlers_[--round_.left].get();
    awaited awaits;
    try {
      awaits = round_.is_info ? h->on_info(*round_.event, step_) : h->on_event(*round_.event, step_);
    } catch (...) { // catch-all: OTP removes the handler, whatever it was
      step_.error = std::current_exception();
    }
    if (std::exchange(step_.took_info, false) || step_.error != nullptr) round_.taken = true;
    bool stays = step_.error == nullptr && step_.then == handler_step::what::keep;
    if (awaits == nullptr && stays) continue;
    auto resume = [this] { go_round(); };
    if (awaits) {
      run(std::move(*awaits), [this, h, resume] {
        if (!settle(*h, *round_.event, resume)) go_round();
      });
      return;
    }
    if (settle(*h, *round_.event, resume)) return;
  }
  if (round_.who) round_.who.reply("ok"_atom);
  if (round_.is_info && !round_.taken) unexpected("unexpected_message", message_as_term(*round_.event));
  round_.event = nullptr;
  compact();
}

bool event_manager::settle(handler_slot& h, const envelope& message, const std::function<void()>& resume) {
  using what = handler_step::what;
  if (step_.error == nullptr && step_.then == what::keep) return false;
  handler_step step = std::exchange(step_, {});
  if (step.error) {
    crashed(h, exit_reason::from_exception(step.error), message);
  } else if (step.then == what::hibernate) {
    coppice::hibernate();
  } else if (step.then == what::remove) {
    std::ignore = take_out(h, "remove_handler"_atom, exit_reason::normal());
  } else {
    // Called at once where nothing awaits: then there is nothing to resume.
    auto waits = std::make_shared<bool>(false);
    *waits = swap(&h, step.arguments, std::move(step.successor), true, [waits, resume](const outcome&) {
      if (*waits) resume();
    });
    return *waits;
  }
  return false;
}

void event_manager::crashed(handler_slot& h, const exit_reason& reason, const envelope& message) {
  coppice::report r{severity::error, "gen_event_crash", self_pid(), {}, reason};
  r.fields.emplace_back("name", name_for_reports());
  r.fields.emplace_back("handler", h.id.as_term());
  if (auto label = this_node().label(self_pid())) r.fields.emplace_back("label", *label);
  r.fields.emplace_back("last_message", message_as_term(message));
  r.fields.emplace_back("state", h.state());
  r.fields.emplace_back("action", "handler_removed"_atom);
  std::ignore = take_out(h, term::tuple("error"_atom, exit_of(reason).value()), reason);
  this_node().report(r);
}

// --- handlers come and go ---

bool event_manager::add(std::unique_ptr<handler_slot> h, const when_done& done) {
  joining_ = std::move(h);
  awaited awaits;
  try {
    awaits = joining_->init(previous_ ? &*previous_ : nullptr, step_);
  } catch (...) { // catch-all: the handler is not added, and its adder gets to know
    step_.error = std::current_exception();
  }
  if (awaits) {
    run(std::move(*awaits), [this, done] { joined(done); });
    return true;
  }
  joined(done);
  return false;
}

void event_manager::joined(const when_done& done) {
  handler_step step = std::exchange(step_, {});
  std::unique_ptr<handler_slot> h = std::move(joining_);
  std::optional<std::size_t> place = std::exchange(place_, std::nullopt);
  previous_.reset();
  if (step.error) {
    done(std::unexpected(exit_of(exit_reason::from_exception(step.error))));
    return;
  }
  if (step.refused) {
    done(std::unexpected(std::move(*step.refused)));
    return;
  }
  if (h->supervisor) link(h->supervisor);
  if (place) {
    handlers_[*place] = std::move(h);
  } else {
    handlers_.push_back(std::move(h));
  }
  done(term("ok"_atom));
}

bool event_manager::swap(handler_slot* old, const term& arguments, std::unique_ptr<handler_slot> successor,
                         bool in_place, const when_done& done) {
  previous_ = term("error"_atom);
  if (old != nullptr) {
    if (in_place) place_ = place_of(*old);
    term by = successor->supervisor ? term(successor->supervisor) : term("undefined"_atom);
    if (!successor->supervisor) successor->supervisor = old->supervisor;
    outcome gave =
        take_out(*old, arguments, exit_reason(term::tuple("swapped"_atom, successor->id.as_term(), by)));
    if (gave) {
      previous_ = std::move(*gave);
    } else {
      previous_ = gave.error().value();
    }
  }
  return add(std::move(successor), done);
}

event_manager::outcome event_manager::take_out(handler_slot& h, const term& why, const exit_reason& told) {
  outcome gave;
  try {
    gave = h.terminate(why);
  } catch (...) { // catch-all: the handler goes in any case
    gave = std::unexpected(exit_of(exit_reason::from_exception(std::current_exception())));
  }
  std::unique_ptr<handler_slot> gone = std::move(handlers_[place_of(h)]);
  gaps_ = true;
  if (gone->supervisor) {
    pid supervisor = gone->supervisor;
    send(supervisor, gen_event_exit{gone->id, told});
    bool has_another = std::ranges::any_of(
        handlers_, [supervisor](const auto& other) { return other && other->supervisor == supervisor; });
    if (!has_another && supervisor != parent()) unlink(supervisor);
  }
  return gave;
}

void event_manager::supervisor_ended(pid supervisor, const exit_reason& reason) {
  for (std::size_t i = handlers_.size(); i > 0; --i) {
    handler_slot& h = *handlers_[i - 1];
    if (h.supervisor != supervisor) continue;
    h.supervisor = pid(); // nobody is left to be told
    std::ignore = take_out(h, term::tuple("stop"_atom, reason.value()), reason);
  }
  compact();
}

void event_manager::on_terminate(const exit_reason&) {
  for (std::size_t i = handlers_.size(); i > 0; --i) {
    if (handlers_[i - 1]) std::ignore = take_out(*handlers_[i - 1], "stop"_atom, exit_reason::shutdown());
  }
}

handler_slot* event_manager::find(const handler_id& id) noexcept {
  auto found =
      std::ranges::find_if(handlers_.rbegin(), handlers_.rend(), [&](const auto& h) { return h->id == id; });
  return found == handlers_.rend() ? nullptr : found->get();
}

std::size_t event_manager::place_of(const handler_slot& h) const noexcept {
  auto found = std::ranges::find_if(handlers_, [&h](const auto& other) { return other.get() == &h; });
  return static_cast<std::size_t>(found - handlers_.begin());
}

void event_manager::compact() {
  if (std::exchange(gaps_, false)) std::erase(handlers_, nullptr);
}

// --- for sys ---

atom event_manager::module() const { return "gen_event"_atom; }

term event_manager::state_as_term() const {
  std::vector<term> all;
  for (auto h = handlers_.rbegin(); h != handlers_.rend(); ++h) {
    if (*h) all.push_back(term::tuple((*h)->id.module, (*h)->id.id.value_or(term(false)), (*h)->state()));
  }
  return term::list_from(std::move(all));
}

bool event_manager::replace_state(const term& state) {
  if (!state.is_proper_list()) return false;
  std::vector<term> wanted;
  for (const term& t : state.items()) wanted.push_back(t);
  if (wanted.size() != handlers_.size()) return false;
  bool all = true;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    handler_slot& h = *handlers_[handlers_.size() - 1 - i];
    if (!wanted[i].is_tuple() || wanted[i].elements().size() != 3) return false;
    all = h.replace_state(wanted[i].elements()[2]) && all;
  }
  return all;
}

std::optional<exit_reason> event_manager::on_code_change(const term& old_vsn, const term& extra) {
  for (const auto& h : handlers_) h->code_change(old_vsn, extra);
  return std::nullopt;
}

} // namespace detail
} // namespace coppice
