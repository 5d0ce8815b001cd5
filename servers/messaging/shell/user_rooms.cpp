// A user in rooms: what he sends there, and what comes from them.
#include "servers/messaging/shell/room.hpp"
#include "servers/messaging/shell/user.hpp"

#include "coppice/runtime/timer.hpp"

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

/// The supervisor of rooms is being started again.
constexpr duration look_again_after = std::chrono::milliseconds(50);
/// Bytes of a room's name, which is part of its processes' names.
constexpr std::size_t longest_name = 200;

} // namespace

/// Whatever it is, the room says when it has it: nobody is to lose his place in it.
task<> user::route_to_room(stanza_ptr stanza, std::uint64_t token, std::int64_t id) {
  if (token == 0) {
    token = ++state_->last_token;
    unfinished& open = state_->waiting[token];
    open.stanza = stanza;
    open.open = 1;
  }
  if (id == 0) id = host_.next_id();
  state_->waiting[token].id = id;
  const jid to = jid::parse(stanza->get("to")).value_or(jid());
  if (to.local().size() > longest_name) {
    answer_error(*stanza, {condition::not_acceptable, "The name of the room is too long."});
    done(token);
    co_return;
  }
  std::optional<pid> there = whereis(atom("muc"));
  if (!to.local().empty()) {
    std::optional<pid> room = co_await find_room_process(std::string(to.local()));
    there = room;
  }
  if (!there) {
    send_after(look_again_after, self_pid(), route_again{token});
    co_return;
  }
  state_->waiting[token].receiver = *there;
  watch(*there);
  send(*there, deliver{std::move(stanza), self_pid(), token, id});
}

task<result<>> user::handle_info(route_again m) {
  if (const auto open = state_->waiting.find(m.token); open != state_->waiting.end()) {
    stanza_ptr stanza = open->second.stanza;
    const std::int64_t id = open->second.id;
    co_await route_to_room(std::move(stanza), m.token, id);
  }
  flush();
  co_return rest();
}

result<> user::handle_info(const from_room& m) {
  if (!m.line->take(m.number)) return rest(); // it has come before
  session* s = of_resource(m.line->address().resource());
  if (s == nullptr) return rest(); // the room will hear of it
  // RFC 7395, 3.3.3: over WebSocket each stanza says what it is.
  const std::string declared = s->frames == framing::websocket ? " xmlns=\"jabber:client\"" : "";
  const std::string own = m.line->to() + declared;
  for (const written_stanza& one : *m.stanzas) {
    std::string text = one.with(one.is_open() ? own : declared);
    if (!s->inactive) {
      write_text(*s, std::move(text));
      continue;
    }
    for (std::string& due : s->unhurried.offer(std::move(text), one.news())) write_text(*s, std::move(due));
  }
  flush();
  return rest();
}

} // namespace coppice::messaging
