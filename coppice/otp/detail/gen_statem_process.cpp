#include "coppice/otp/detail/gen_statem_process.hpp"

#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <algorithm>

namespace coppice::detail {

using namespace literals;

std::chrono::milliseconds in_milliseconds(duration d) noexcept {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(d), std::chrono::milliseconds::zero());
}

void gen_statem_base::reply(from who, message_ptr content) {
  if (observed()) note_event("out", message_as_term(*content));
  who.reply_with(std::move(content));
}

void gen_statem_base::start_timer(const statem_words::key& which, statem::timer_id id,
                                  std::chrono::milliseconds time, bool absolute) {
  duration after = time;
  if (absolute) after = std::max(duration(time) - now().time_since_epoch(), duration::zero());
  reference ref = start_timer_envelope(this_node(), after, self_pid(),
                                       make_message<statem_timer>(statem_timer{which, id}));
  timers_.emplace_back(id, ref);
}

void gen_statem_base::cancel_timer(const statem_words::key&, statem::timer_id id) {
  auto found = std::ranges::find(timers_, id, &std::pair<statem::timer_id, reference>::first);
  if (found == timers_.end()) return;
  coppice::cancel_timer(found->second);
  timers_.erase(found);
}

void gen_statem_base::forget_timer(statem::timer_id id) noexcept {
  std::erase_if(timers_, [id](const auto& t) { return t.first == id; });
}

atom gen_statem_base::module() const { return "gen_statem"_atom; }

void gen_statem_base::fail(statem::fault f) { exit(exit_reason(term(statem::to_string(f)))); }

statem_words::event gen_statem_base::as_event(message_ptr message) {
  event_type kind = event_type::info;
  if (message->kind == envelope_kind::message && message->form == message_form::call) kind = event_type::call;
  if (message->kind == envelope_kind::message && message->form == message_form::cast) kind = event_type::cast;
  return {kind, std::move(message), std::nullopt, atom()};
}

statem_event gen_statem_base::as_untyped(statem_words::event& e) {
  statem_event untyped{e.kind, atom(statem::to_string(e.kind)), from(), e.name};
  if (e.content != nullptr) untyped.content = message_as_term(*e.content);
  if (e.kind == event_type::call) untyped.who = std::move(from_of(*e.content));
  return untyped;
}

void gen_statem_base::unknown(statem_words::event& e, bool strict) {
  term content = e.content == nullptr ? term(atom(statem::to_string(e.kind))) : message_as_term(*e.content);
  switch (e.kind) {
  case event_type::call: {
    exit_reason reason(term::tuple("bad_request"_atom, std::move(content)));
    if (strict) exit(std::move(reason));
    from_of(*e.content).fail(std::move(reason));
    return;
  }
  case event_type::cast: unexpected("unexpected_cast", content); return;
  case event_type::info: unexpected("unexpected_message", content); return;
  default:
    exit(exit_reason(
        term::tuple("undef"_atom, "handle_event"_atom, atom(statem::to_string(e.kind)), content)));
  }
}

} // namespace coppice::detail
