#include "coppice/otp/detail/event_manager.hpp"

#include <algorithm>

// What OTP's gen_event is asked, as terms, and its answers.

namespace coppice::detail {

using namespace literals;

namespace {

/// `{call, Handler, Request}`, `{delete_handler, Handler, Arguments}`: of a handler that can be one of ours.
std::optional<event_request> about_handler(const term& command) {
  const auto e = command.elements();
  auto id = from_term<handler_id>(e[1]);
  if (!id) return std::nullopt;
  event_request r;
  if (command.is_tagged("call"_atom, 3)) {
    r.request = event_request::what::call;
    r.id = std::move(*id);
    r.message = make_message<term>(e[2]);
  } else {
    r = event_request::remove(std::move(*id), e[2]);
  }
  r.foreign = true;
  return r;
}

/// Whether it asks for a handler that is named alone; ours are objects that their program makes.
bool adds_handler(const term& command) {
  return command.is_tagged("add_handler"_atom, 3) || command.is_tagged("add_sup_handler"_atom, 4) ||
         command.is_tagged("swap_handler"_atom, 5) || command.is_tagged("swap_sup_handler"_atom, 6);
}

} // namespace

std::optional<term> event_request::as_term() const {
  switch (request) {
  case what::add:
  case what::swap: return std::nullopt;
  case what::remove: return term::tuple("delete_handler"_atom, id.as_term(), arguments);
  case what::which: return term("which_handlers"_atom);
  case what::event: return term::tuple("sync_notify"_atom, message_as_term(*message));
  case what::call: return term::tuple("call"_atom, id.as_term(), message_as_term(*message));
  }
  return std::nullopt;
}

std::optional<exit_reason> event_failure(const term& answer) {
  if (answer.is_tagged("error"_atom, 2)) return exit_reason(answer.elements()[1]);
  if (answer.is_tagged("EXIT"_atom, 2)) return exit_reason(answer);
  return std::nullopt;
}

void event_manager::refuse(from& who, const exit_reason& why, bool foreign) {
  foreign ? who.reply(term::tuple("error"_atom, why.value())) : who.fail(why);
}

void event_manager::ask_foreign(const term& command, from who) {
  if (command.is_tagged("sync_notify"_atom, 2)) {
    begin_round(make_message<term>(command.elements()[1]), false, std::move(who));
  } else if (command.is_tagged("call"_atom, 3) || command.is_tagged("delete_handler"_atom, 3)) {
    const bool call = command.is_tagged("call"_atom, 3);
    std::optional<event_request> request = about_handler(command);
    if (request) return ask(*request, std::move(who));
    refuse(who, exit_reason(call ? "bad_module"_atom : "module_not_found"_atom), true);
  } else if (command.is_atom("which_handlers"_atom)) {
    event_request which = event_request::which();
    ask(which, std::move(who));
  } else if (command.is_atom("get_modules"_atom)) {
    who.reply(modules());
  } else if (adds_handler(command)) {
    const term& handler = command.elements()[command.size() < 5 ? 1 : 3];
    refuse(who, exit_reason(term::tuple("cannot_add_from_afar"_atom, handler)), true);
  } else if (command.is_atom("stop"_atom)) {
    who.reply("ok"_atom);
    on_end(exit_reason::normal());
  } else {
    who.fail(exit_reason(term::tuple("bad_request"_atom, command)));
  }
}

term event_manager::modules() const {
  std::vector<term> all;
  all.reserve(handlers_.size());
  for (const auto& h : handlers_) all.emplace_back(h->id.module);
  std::ranges::sort(all, term_less());
  const auto repeated = std::ranges::unique(all);
  all.erase(repeated.begin(), repeated.end());
  return term::list_from(std::move(all));
}

} // namespace coppice::detail
