#include "servers/messaging/shell/mailbox_store.hpp"

#include "coppice/runtime/node.hpp"
#include "servers/messaging/core/names.hpp"
#include "servers/messaging/shell/directory.hpp"
#include "servers/messaging/shell/room.hpp"
#include "servers/messaging/shell/room_registry.hpp"
#include "servers/messaging/shell/session.hpp"

namespace coppice::messaging {
namespace {

std::int64_t wall_clock() {
  const auto since_1970 = this_node().time().system_now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
}

/// Hands out new events: those of a room by its process, if it runs.
void hand_out(std::vector<delivery> news, const std::string& to) {
  if (news.empty()) return;
  std::optional<pid> room;
  if (names_a_room(to)) room = room_process(to);
  if (room) {
    notify<room_posted>(server_ref<room_manager>(*room),
                        std::make_shared<const std::vector<delivery>>(std::move(news)));
    return;
  }
  for (const delivery& d : news) tell_session(d.user, d.what);
}

} // namespace

server_ref<mailbox_store> store() {
  static const atom name("mailbox_store");
  return server_ref<mailbox_store>(name);
}

init_result mailbox_store::init() { return init_result().then(term(atom("catch_up"))); }

void mailbox_store::handle_continue(const term& /*what*/) {
  const std::vector<std::string> users = chat_.read([](const chat_table& t) { return t.users(); });
  for (const std::string& user : users) {
    if (std::optional<pid> s = session_of(user)) cast<catch_up>(server_ref<session>(*s));
  }
  cast<check_rooms>(registry());
  cast<rooms_changed>(the_directory());
}

mailbox_store::answer<mailbox_state> mailbox_store::handle_call(open_mailbox m) {
  return chat_.write([&](chat_table& t) { return t.open(m.user); });
}

mailbox_store::answer<taken> mailbox_store::handle_call(post_message m) {
  const std::string to = m.to;
  auto done = chat_.write([&](chat_table& t) {
    return t.post(m.from, std::move(m.id), std::move(m.to), std::move(m.text), wall_clock());
  });
  if (!done) return std::unexpected(done.error());
  hand_out(std::move(done->deliveries), to);
  return taken{done->at, done->recipients};
}

mailbox_store::answer<member_list> mailbox_store::handle_call(join_room m) {
  auto done = chat_.write([&](chat_table& t) { return t.join(m.user, m.room); });
  if (!done) return std::unexpected(done.error());
  if (done->changed) membership_changed(m.room);
  return done->members;
}

mailbox_store::answer<member_list> mailbox_store::handle_call(leave_room m) {
  auto done = chat_.write([&](chat_table& t) { return t.leave(m.user, m.room); });
  if (!done) return std::unexpected(done.error());
  if (done->changed) membership_changed(m.room);
  if (std::optional<pid> s = session_of(m.user)) cast<left_news>(server_ref<session>(*s), m.room);
  return done->members;
}

void mailbox_store::membership_changed(const std::string& room) {
  cast<members_changed>(registry(), room);
  cast<rooms_changed>(the_directory());
}

ok mailbox_store::handle_call(ack_events m) {
  const std::vector<delivery> receipts = chat_.write([&](chat_table& t) { return t.ack(m.user, m.seq); });
  if (std::optional<pid> s = session_of(m.user)) cast<events_acked>(server_ref<session>(*s), m.seq);
  for (const delivery& d : receipts) tell_session(d.user, d.what);
  return {};
}

} // namespace coppice::messaging
