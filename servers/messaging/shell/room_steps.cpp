// What follows from a request to a room: who is told, and what is written first.
#include "servers/messaging/shell/room.hpp"

#include "coppice/otp/supervisor.hpp"
#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/rooms.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <algorithm>

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

written_stanzas written(const std::vector<muc::shared_stanza>& stanzas) {
  auto all = std::make_shared<std::vector<written_stanza>>();
  all->reserve(stanzas.size());
  for (const muc::shared_stanza& one : stanzas) all->emplace_back(*one);
  return all;
}

/// The affiliation as the database counts it: 0 is for what is not kept.
int counted(const muc::store_affiliation& what) {
  if (what.is == muc::affiliation::none && what.nick.empty()) return 0;
  return static_cast<int>(what.is) + 1;
}

} // namespace

/// False: something cannot be done now, and is the first to be done later.
task<bool> room::work_off() {
  while (!place_->steps.empty()) {
    room_step next = place_->steps.front();
    bool done = co_await carry_out(std::move(next));
    if (!done) co_return false;
    place_->steps.pop_front();
  }
  co_return true;
}

/// May be done again if the process dies meanwhile.
task<bool> room::carry_out(room_step step) {
  if (!events_ && !place_->lines.empty()) co_await start_events();
  if (auto* one = std::get_if<muc::send>(&step)) {
    jid to = jid::parse(one->stanza.get("to")).value_or(jid());
    std::vector<muc::shared_stanza> stanzas{std::make_shared<const xml::element>(std::move(one->stanza))};
    co_await say_to_one(std::move(stanzas), std::move(to));
  } else if (auto* many = std::get_if<muc::broadcast>(&step)) {
    co_await say(many->stanza, many->to);
  } else if (auto* all = std::get_if<muc::send_all>(&step)) {
    co_await say_to_one(std::move(all->stanzas), std::move(all->to));
  } else if (auto* found = std::get_if<answer>(&step)) {
    co_await say_to_one(std::move(found->stanzas), std::move(found->to));
  } else if (auto* who = std::get_if<admit>(&step)) {
    co_await open_line(std::move(who->who));
  } else if (std::holds_alternative<dismiss>(step)) {
    end_lines();
  } else if (auto* sender = std::get_if<confirm>(&step)) {
    if (sender->to) send(sender->to, accepted{sender->token});
  } else {
    bool kept = co_await store(std::move(step));
    co_return kept;
  }
  co_return true;
}

// --- what is said ---

task<> room::say(muc::shared_stanza stanza, muc::recipients to) {
  std::vector<jid> others;
  if (to != place_->everyone) {
    auto lines = std::make_shared<std::vector<std::uint64_t>>();
    lines->reserve(to->size());
    for (const jid& one : *to) {
      const auto line = place_->lines.find(one.text());
      if (line == place_->lines.end()) {
        others.push_back(one);
      } else {
        lines->push_back(line->second->number());
      }
    }
    std::ranges::sort(*lines);
    place_->their_lines = std::move(lines);
    place_->everyone = others.empty() ? to : nullptr;
  }
  for (const jid& one : others) {
    xml::element copy = *stanza;
    copy.set("to", one.text());
    co_await send_outside(std::move(copy));
  }
  const std::vector<muc::shared_stanza> single{std::move(stanza)};
  publish(written(single), place_->their_lines);
}

task<> room::say_to_one(std::vector<muc::shared_stanza> stanzas, jid to) {
  const auto line = place_->lines.find(to.text());
  if (line != place_->lines.end()) {
    const std::vector<std::uint64_t> single{line->second->number()};
    publish(written(stanzas), std::make_shared<const std::vector<std::uint64_t>>(single));
    co_return;
  }
  for (const muc::shared_stanza& one : stanzas) {
    xml::element copy = *one;
    copy.set("to", to.text());
    co_await send_outside(std::move(copy));
  }
}

void room::publish(written_stanzas stanzas, std::shared_ptr<const std::vector<std::uint64_t>> to) {
  if (to->empty()) return;
  room_event event{++place_->last_event, std::move(stanzas), std::move(to)};
  place_->events.push_back(std::make_shared<const room_event>(std::move(event)));
  if (events_) notify<room_says>(server_ref<room_events>(server_name(events_)), place_->events.back());
}

/// To somebody who is not in the room.
task<> room::send_outside(xml::element stanza) {
  const jid to = jid::parse(stanza.get("to")).value_or(jid());
  if (to.domain() != host_.domain() || to.local().empty()) co_return;
  const bool is_message = kind_of(stanza) == stanza_kind::message;
  std::optional<pid> there = user_process(to.local());
  if (!there && is_message) {
    std::optional<pid> started = co_await find_user_process(std::string(to.local()));
    there = started;
  }
  if (!there) co_return;
  const std::int64_t id = is_message ? host_.next_id() : 0;
  send(*there, deliver{std::make_shared<const xml::element>(std::move(stanza)), pid(), 0, id});
}

// --- lines to those who are in it ---

task<> room::open_line(jid who) {
  std::shared_ptr<room_line>& line = place_->lines[who.text()];
  if (line != nullptr) co_return; // it was opened when the process died
  line = std::make_shared<room_line>(++place_->last_line, std::move(who));
  place_->everyone = nullptr;
  if (!events_) {
    co_await start_events();
    co_return;
  }
  const std::shared_ptr<room_line> added = line;
  const server_ref<room_events> manager{server_name(events_)};
  auto well = co_await add_handler<room_listener>(manager, with_id(number_of(*added)), added);
  if (!well) events_ = pid(); // it has died, and the next one gets all of them
}

void room::end_lines() {
  std::erase_if(place_->lines, [this](const auto& one) {
    const bool stays = place_->room && !place_->room->nick_of(one.second->address()).empty();
    if (!stays) one.second->end_with(std::max<std::uint64_t>(place_->last_event, 1));
    return !stays;
  });
  place_->everyone = nullptr;
}

term room::number_of(const room_line& line) { return term(static_cast<std::int64_t>(line.number())); }

/// The manager with all its handlers: one that runs, or another.
task<> room::start_events() {
  std::optional<pid> there = room_events_process(name_);
  if (!there) {
    const child_spec child = room_events_child(name_);
    std::expected<pid, child_error> started = co_await start_child("muc_events_sup", child);
    there = room_events_process(name_);
  }
  if (!there) co_return try_again();
  monitor(*there);
  const server_ref<room_events> manager{server_name(*there)};
  auto handlers = co_await which_handlers(manager);
  if (!handlers) co_return try_again();
  if (handlers->empty()) {
    auto added = co_await add_handler<room_progress>(manager, name_);
    if (!added) co_return try_again();
  }
  std::vector<std::shared_ptr<room_line>> lines;
  for (const auto& [address, line] : place_->lines) {
    const term number = number_of(*line);
    if (!std::ranges::any_of(*handlers, [&](const handler_id& h) { return h.id == number; })) {
      lines.push_back(line);
    }
  }
  for (const std::shared_ptr<room_line>& line : lines) {
    auto added = co_await add_handler<room_listener>(manager, with_id(number_of(*line)), line);
    if (!added) co_return try_again();
  }
  events_ = *there;
  for (const auto& event : place_->events) notify<room_says>(manager, event);
}

// --- what is kept ---

/// False: the database refuses.
task<bool> room::store(room_step step) {
  if (!place_->room) co_return true; // it has ended
  const std::string at = address().text();
  const bool ends = std::holds_alternative<muc::destroyed>(step);
  const bool configures = std::holds_alternative<muc::store_config>(step);
  const bool lasts = !ends && place_->room->config().persistent;
  writing what;
  if (ends || (configures && !lasts && place_->stored)) {
    what = keeps_nothing(at);
  } else if (configures && lasts) {
    what = keeps_all();
  } else if (place_->stored) {
    what = keeps_part(std::move(step));
  }
  if (what) {
    bool well = co_await write(std::move(what));
    if (!well) co_return false;
  }
  if (configures || ends) place_->stored = lasts;
  if (ends) place_->room.reset();
  tell_service();
  co_return true;
}

room::writing room::keeps_part(room_step step) const {
  const std::string at = address().text();
  if (const auto* user = std::get_if<muc::store_affiliation>(&step)) {
    return [at, kept = *user](store::transaction& t) {
      (void)storage::save_affiliation(t, at, {kept.user.text(), counted(kept), kept.reason, kept.nick});
    };
  }
  return [at, subject = place_->room->subject_text()](store::transaction& t) {
    storage::save_room_subject(t, at, subject);
  };
}

task<bool> room::write(writing what) {
  std::expected<void, coppice::store::error> written = co_await host_.db().write(std::move(what));
  co_return written.has_value();
}

} // namespace coppice::messaging
