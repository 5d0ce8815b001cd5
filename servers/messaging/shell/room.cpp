#include "servers/messaging/shell/room.hpp"
#include "servers/messaging/shell/on_demand.hpp"

#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"
#include "servers/messaging/core/origin.hpp"
#include "servers/xmpp/muc/muc_service.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <algorithm>

namespace coppice::messaging {
namespace {

using namespace xmpp; // NOLINT(google-build-using-namespace)

constexpr duration idle_for_long = std::chrono::seconds(30);
/// After the database has refused, or the keeper was not there.
constexpr duration again_after = std::chrono::milliseconds(200);

std::string process_name(std::string_view name) { return "muc:" + std::string(name); }

jid address_in(const xml::element& stanza, std::string_view attribute) {
  return jid::parse(stanza.get(attribute)).value_or(jid());
}

/// What follows from a request, but what is archived.
void add_step(std::deque<room_step>& steps, muc::command& one) {
  std::visit(
      [&steps](auto& what) {
        if constexpr (std::is_constructible_v<room_step, decltype(std::move(what))>) {
          steps.emplace_back(std::move(what));
        }
      },
      one);
}

bool asks_archive(const xml::element& stanza) {
  if (kind_of(stanza) != stanza_kind::iq || !is_sound_iq(stanza) || !may_be_answered(stanza)) return false;
  return stanza.first()->ns() == ns::archive && address_in(stanza, "to").is_bare();
}

} // namespace

std::optional<pid> room_process(std::string_view name) { return running(process_name(name)); }

task<std::optional<pid>> find_room_process(std::string name) {
  std::string process = process_name(name);
  co_return co_await find_or_start(std::move(process), atom("muc_sup"), std::move(name));
}

// --- beginning and end ---

init_result room::init() {
  const auto process = atom::from_peer(process_name(name_));
  if (!process || !register_name(*process, self_pid())) return init_result::ignore();
  place_ = host_.place_of(name_);
  return init_result().then(atom("load"));
}

task<result<>> room::handle_continue(term /*what*/) {
  if (!place_->loaded) {
    bool well = co_await load();
    if (!well) throw std::runtime_error("what is kept of the room cannot be read");
    tell_service();
  }
  keep_all(); // what a predecessor has not heard of
  if (!place_->lines.empty()) co_await start_events();
  co_await go_on();
  co_return rest();
}

result<> room::rest() {
  const room_place& p = *place_;
  if (!p.requests.empty() || !p.steps.empty() || !p.waiting.empty()) return {};
  if (!p.room) return result<>().timeout(duration::zero()); // when the mailbox is empty
  if (p.lines.empty()) return result<>().timeout(idle_for_long);
  return {};
}

task<result<>> room::handle_timeout() {
  host_.forget_place(name_);
  std::expected<ok, child_error> ended = co_await terminate_child("muc_events_sup", term(name_));
  co_return result<>().stop();
}

jid room::address() const { return jid::of(name_, host_.rooms_domain()).value_or(jid()); }

// --- requests ---

task<result<>> room::handle_info(deliver m) {
  if (!is_known(m)) {
    room_request next{std::move(m.stanza), m.from, m.token, m.id};
    place_->requests.push_back(std::move(next));
  }
  co_await go_on();
  co_return rest();
}

/// Whether it has come before: whoever sends it again is told when it is taken, or now.
bool room::is_known(const deliver& m) {
  if (m.id == 0 || !place_->recent.seen(m.id)) return false;
  for (room_request& one : place_->requests) {
    if (one.id != m.id) continue;
    one.from = m.from;
    one.token = m.token;
    return true;
  }
  for (auto& [token, one] : place_->waiting) {
    if (one.id != m.id) continue;
    one.from = m.from;
    one.token = m.token;
    return true;
  }
  place_->steps.emplace_back(confirm{m.from, m.token});
  return true;
}

task<> room::go_on() {
  while (true) {
    bool clear = co_await work_off();
    if (clear && place_->requests.empty()) co_return;
    bool ready = false;
    stanza_ptr stanza;
    if (clear) {
      room_request next = place_->requests.front();
      stanza = next.stanza;
      bool prepared = co_await prepare(std::move(next));
      ready = prepared;
    }
    if (!ready) {
      try_again();
      co_return;
    }
    if (place_->requests.empty() || place_->requests.front().stanza != stanza) continue; // it was answered
    const room_request taken = std::move(place_->requests.front());
    place_->requests.pop_front();
    take(taken);
  }
}

void room::try_again() {
  if (std::exchange(retries_, true)) return;
  send_after(again_after, self_pid(), room_tries_again());
}

task<result<>> room::handle_info(room_tries_again /*m*/) {
  retries_ = false;
  keep_all();
  if (!events_ && !place_->lines.empty()) co_await start_events();
  co_await go_on();
  co_return rest();
}

/// What the database has to do before the rules are asked. False: not now.
task<bool> room::prepare(room_request next) {
  if (place_->room && asks_archive(*next.stanza)) {
    if (!place_->waiting.empty()) co_return false; // it is to find what was said before
    co_await answer_archive(std::move(next));
    co_return true;
  }
  const bool makes = !place_->room && muc::makes_room(*next.stanza, address_in(*next.stanza, "to"));
  if (!makes || !place_->leftover) co_return true;
  bool well = co_await write(keeps_nothing(address().text()));
  if (well) place_->leftover = false;
  co_return well;
}

void room::take(const room_request& next) {
  const jid from = address_in(*next.stanza, "from");
  const jid to = address_in(*next.stanza, "to");
  if (!place_->room && muc::makes_room(*next.stanza, to)) {
    place_->room.emplace(address(), muc::room_config(), muc::room_limits(), host_.secret());
    place_->created = host::now_utc();
  }
  if (!place_->room) return take_without_room(next);
  take_by_rules(next, from, to);
}

void room::take_without_room(const room_request& next) {
  if (auto reply = muc::answer_without_room(*next.stanza)) {
    place_->steps.emplace_back(muc::send{std::move(*reply)});
  }
  place_->steps.emplace_back(confirm{next.from, next.token});
}

void room::take_by_rules(const room_request& next, const jid& from, const jid& to) {
  const auto fresh = [this, &next] {
    // Those who read the archive go by these numbers, so they grow as messages are taken.
    place_->last_id = next.id > place_->last_id ? next.id : host_.next_id();
    return std::to_string(place_->last_id);
  };
  muc::outcome out = place_->room->take(from, to, *next.stanza, {host::now_utc(), fresh});
  auto& steps = place_->steps;
  if (!place_->room->nick_of(from).empty() && !place_->lines.contains(from.text())) {
    steps.emplace_back(admit{from});
  }
  bool keeps = false;
  for (muc::command& one : out) {
    if (const auto* archived = std::get_if<muc::archive>(&one)) {
      keep_message(next, *archived);
      keeps = true;
      continue;
    }
    add_step(steps, one);
  }
  // Only what is said leaves everyone where he is.
  if (kind_of(*next.stanza) != stanza_kind::message || next.stanza->get("type") == "error") {
    steps.emplace_back(dismiss());
  }
  if (!keeps) steps.emplace_back(confirm{next.from, next.token});
}

// --- what is said is kept ---

void room::keep_message(const room_request& next, const muc::archive& what) {
  const std::int64_t id = place_->last_id;
  const jid speaker = address_in(*what.message, "from");
  auto job = std::make_shared<keep_job>();
  job->owner = address().text();
  job->archive = storage::archive_entry{.id = id,
                                        .with_bare = std::string(speaker.bare_text()),
                                        .with_resource = std::string(speaker.resource()),
                                        .at = instant(instant::duration(id)), // ids are times
                                        .stanza = what.message->to_string(),
                                        .origin = origin_of(*next.stanza).value_or("")};
  const std::uint64_t token = ++place_->last_token;
  kept_message& open = place_->waiting[token];
  open = {next.from, next.token, next.id, std::move(job)};
  keep_it(token, open);
}

void room::keep_it(std::uint64_t token, const kept_message& what) {
  const std::optional<pid> there = whereis(atom("keeper"));
  if (!there) return try_again(); // it is being started again
  if (*there != keeper_) monitor(*there);
  keeper_ = *there;
  cast<keep>(server_ref<keeper>(server_name(*there)), self_pid(), token, what.job);
}

void room::keep_all() {
  for (const auto& [token, open] : place_->waiting) keep_it(token, open);
}

task<result<>> room::handle_info(kept m) {
  const auto open = place_->waiting.find(m.token);
  if (open == place_->waiting.end()) co_return rest();
  if (!m.well) {
    try_again();
    co_return result<>();
  }
  if (open->second.from) send(open->second.from, accepted{open->second.token});
  place_->waiting.erase(open);
  if (place_->waiting.empty() && !place_->requests.empty()) co_await go_on();
  co_return rest();
}

task<result<>> room::handle_info(down m) {
  if (m.process == keeper_) {
    keeper_ = pid();
    keep_all();
  }
  if (m.process == events_) {
    events_ = pid();
    if (!place_->lines.empty()) co_await start_events();
  }
  co_return rest();
}

result<> room::handle_info(const room_said& m) {
  auto& events = place_->events;
  while (!events.empty() && events.front()->number <= m.number) events.pop_front();
  return rest();
}

result<std::optional<room_facts>> room::handle_call(const describe_room& /*m*/) {
  std::optional<room_facts> facts;
  if (place_->room) {
    const muc::room_config& config = place_->room->config();
    facts.emplace();
    facts->address = address().text();
    facts->name = config.name;
    facts->persistent = config.persistent;
    facts->members_only = config.members_only;
    for (const muc::occupant_info& one : place_->room->occupants()) {
      occupant_facts who;
      who.nick = one.nick;
      who.address = one.user;
      who.affiliation = name_of(one.is.of);
      who.role = name_of(one.is.as);
      who.sessions = static_cast<std::int64_t>(one.sessions);
      facts->occupants.push_back(std::move(who));
    }
  }
  result<std::optional<room_facts>> answer(std::move(facts));
  answer.next() = rest().next();
  return answer;
}

task<result<ok>> room::handle_call(close_room /*m*/) {
  if (place_->room) {
    for (muc::command& one : place_->room->shut_down()) add_step(place_->steps, one);
    place_->steps.emplace_back(dismiss());
    co_await go_on();
    // The manager answers when it has given out what came before.
    if (events_) {
      const server_ref<room_events> manager{server_name(events_)};
      auto given = co_await which_handlers(manager);
      if (!given) events_ = pid(); // it has died
    }
  }
  result<ok> answer{ok()};
  answer.next() = rest().next();
  co_return answer;
}

term room::state() const {
  const auto count = [](std::size_t n) { return term(static_cast<std::int64_t>(n)); };
  return term::tuple(atom("room"), name_,
                     term::tuple(atom("occupants"), count(place_->room ? place_->room->size() : 0)),
                     term::tuple(atom("sessions"), count(place_->lines.size())),
                     term::tuple(atom("unfinished"), count(place_->requests.size() + place_->steps.size() +
                                                           place_->waiting.size())));
}

} // namespace coppice::messaging
