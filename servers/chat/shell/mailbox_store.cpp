#include "servers/chat/shell/mailbox_store.hpp"

#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"
#include "servers/chat/core/names.hpp"
#include "servers/chat/shell/directory.hpp"
#include "servers/chat/shell/room.hpp"
#include "servers/chat/shell/room_registry.hpp"
#include "servers/chat/shell/session.hpp"

#include <set>

namespace coppice::chat {
namespace {

constexpr duration half_second = std::chrono::milliseconds(500); // a tick of the replica

std::int64_t wall_clock() {
  const auto since_1970 = this_node().time().system_now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_1970).count();
}

const atom& own_name() {
  static const atom name("mailbox_store");
  return name;
}

/// The store of a node; nothing if that can be no name, or this node is alone.
std::optional<pid> store_on(const std::string& node) {
  const auto name = atom::from_peer(node);
  return name ? resolve(remote_name{own_name(), *name}) : std::nullopt;
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

template <class News>
void tell_sessions(const std::set<std::string>& users) {
  for (const std::string& user : users) {
    if (std::optional<pid> s = session_of(user)) cast<News>(server_ref<session>(*s));
  }
}

std::set<std::string> users_of(const chat_table& t) {
  const std::vector<std::string> users = t.users();
  return {users.begin(), users.end()};
}

template <class Reply, class Asker>
void answer_with(Asker& who, Reply reply) {
  if (auto* asked = std::get_if<reply_to<Reply>>(&who)) asked->reply(std::move(reply));
}

} // namespace

server_ref<mailbox_store> store() { return server_ref<mailbox_store>(own_name()); }

// --- its beginning ---

init_result mailbox_store::init() {
  set_async_dist(true); // a node that does not take what it is sent must not hold up the others
  for (const std::string& node : chat_.settings().peers) part_.meet(*this, node);
  for (const atom& node : nodes_.begin(self_pid())) handle_info(node_came{node});
  part_.start(*this);
  tick_from_now();
  return init_result().then(term(atom("catch_up")));
}

void mailbox_store::handle_continue(const term& /*what*/) {
  tell_sessions<catch_up>(users_of(chat_.own_table()));
  cast<check_rooms>(registry());
  cast<rooms_changed>(the_directory());
}

// --- requests ---

void mailbox_store::handle_call(open_mailbox m, reply_to<answer<mailbox_state>> who) {
  submit(std::move(m), std::move(who));
}

void mailbox_store::handle_call(post_message m, reply_to<answer<taken>> who) {
  submit(put_message{std::move(m.from), std::move(m.id), std::move(m.to), std::move(m.text), wall_clock()},
         std::move(who));
}

void mailbox_store::handle_call(join_room m, reply_to<answer<member_list>> who) {
  submit(std::move(m), std::move(who));
}

void mailbox_store::handle_call(leave_room m, reply_to<answer<member_list>> who) {
  submit(std::move(m), std::move(who));
}

void mailbox_store::handle_call(ack_events m, reply_to<ok> who) { submit(std::move(m), std::move(who)); }

void mailbox_store::submit(change what, asker who) {
  const std::uint64_t request = part_.new_request();
  waiting_.emplace(request, waiting{std::move(who), now() + patience});
  part_.submit(*this, request, std::move(what));
}

void mailbox_store::apply(operation op) {
  asker who;
  if (op.origin == chat_.settings().node_name) {
    if (const auto found = waiting_.find(op.request); found != waiting_.end()) {
      who = std::move(found->second.who);
      waiting_.erase(found);
    }
  }
  std::visit([&](auto& m) { make(m, who); }, op.what);
}

// --- changes ---

void mailbox_store::make(open_mailbox& m, asker& who) {
  answer_with<answer<mailbox_state>>(who, chat_.write([&](chat_table& t) { return t.open(m.user); }));
}

void mailbox_store::make(put_message& m, asker& who) {
  const std::string to = m.to;
  auto done = chat_.write([&](chat_table& t) {
    return t.post(m.from, std::move(m.id), std::move(m.to), std::move(m.text), m.at);
  });
  if (!done) {
    answer_with<answer<taken>>(who, std::unexpected(done.error()));
    return;
  }
  hand_out(std::move(done->deliveries), to);
  answer_with<answer<taken>>(who, taken{done->at, done->recipients});
}

void mailbox_store::make(join_room& m, asker& who) {
  auto done = chat_.write([&](chat_table& t) { return t.join(m.user, m.room); });
  if (!done) {
    answer_with<answer<member_list>>(who, std::unexpected(done.error()));
    return;
  }
  if (done->changed) membership_changed(m.room);
  answer_with<answer<member_list>>(who, done->members);
}

void mailbox_store::make(leave_room& m, asker& who) {
  auto done = chat_.write([&](chat_table& t) { return t.leave(m.user, m.room); });
  if (!done) {
    answer_with<answer<member_list>>(who, std::unexpected(done.error()));
    return;
  }
  if (done->changed) membership_changed(m.room);
  if (std::optional<pid> s = session_of(m.user)) cast<left_news>(server_ref<session>(*s), m.room);
  answer_with<answer<member_list>>(who, done->members);
}

void mailbox_store::make(ack_events& m, asker& who) {
  const bool counts = chat_.own_table().knows(m.user, m.epoch, m.seq);
  const std::vector<delivery> receipts =
      chat_.write([&](chat_table& t) { return t.ack(m.user, counts ? m.seq : 0); });
  if (counts) {
    if (std::optional<pid> s = session_of(m.user)) cast<events_acked>(server_ref<session>(*s), m.seq);
  }
  for (const delivery& d : receipts) tell_session(d.user, d.what);
  answer_with<ok>(who, ok());
}

void mailbox_store::make(begin_tenure& m, asker& /*who*/) {
  chat_.write([&](chat_table& t) { t.begin(std::move(m)); });
  tell_sessions<renumbered>(users_of(chat_.own_table()));
}

void mailbox_store::make(adopt_message& m, asker& /*who*/) {
  const std::vector<delivery> news = chat_.write([&](chat_table& t) { return t.adopt(std::move(m)); });
  for (const delivery& d : news) tell_session(d.user, d.what);
}

void mailbox_store::make(adopt_membership& m, asker& /*who*/) {
  const membership done = chat_.write([&](chat_table& t) { return t.adopt(m); });
  if (done.changed) membership_changed(m.room);
}

void mailbox_store::membership_changed(const std::string& room) {
  cast<members_changed>(registry(), room);
  cast<rooms_changed>(the_directory());
}

// --- other nodes ---

void mailbox_store::send(const std::string& node, replica_message m) {
  const auto known = peers_.find(node);
  const std::optional<pid> there = known != peers_.end() ? known->second.store : store_on(node);
  if (!there) return;
  const server_ref<mailbox_store> to{server_name(*there)};
  cast<from_store>(to, self_pid(), chat_.settings().node_name, std::move(m));
}

void mailbox_store::handle_cast(from_store m) {
  const std::optional<pid> named = store_on(m.node);
  if (!named || m.store.local() || named->node != m.store.node) return; // it is not of that node
  auto known = peers_.find(m.node);
  if (known != peers_.end() && known->second.store != m.store) {
    demonitor(known->second.monitor, true);
    peers_.erase(known);
    part_.down(*this, m.node);
    known = peers_.end();
  }
  if (known == peers_.end()) {
    if (!std::holds_alternative<hello>(m.said) || peers_.size() >= replica::most_nodes) return;
    peers_.emplace(m.node, peer{m.store, monitor(m.store)});
  }
  part_.take(*this, m.node, std::move(m.said));
  tick_from_now();
}

void mailbox_store::handle_info(const down& m) {
  const auto gone = std::ranges::find(peers_, m.ref, [](const auto& p) { return p.second.monitor; });
  if (gone == peers_.end()) return;
  const std::string node = gone->first;
  peers_.erase(gone);
  part_.down(*this, node);
}

void mailbox_store::handle_info(const node_came& m) { part_.greet(*this, std::string(m.node.name())); }

void mailbox_store::handle_info(store_tick /*m*/) {
  ticks_ = false;
  part_.tick(*this);
  while (!waiting_.empty() && waiting_.begin()->second.until < now()) waiting_.erase(waiting_.begin());
  tick_from_now();
}

void mailbox_store::tick_from_now() {
  if (part_.is_alone() || std::exchange(ticks_, true)) return;
  send_after(half_second, self_pid(), store_tick());
}

std::shared_ptr<const chat_table> mailbox_store::copy() {
  return std::make_shared<const chat_table>(chat_.own_table());
}

chat_table mailbox_store::empty() { return chat_table("", chat_.settings().limits); }

void mailbox_store::install(chat_table t) {
  const bool other_numbers = t.epoch() != chat_.own_table().epoch();
  std::set<std::string> users = users_of(chat_.own_table());
  const std::vector<room_entry> old_rooms = chat_.own_table().rooms();
  chat_.write([&](chat_table& own) { own = std::move(t); });
  users.merge(users_of(chat_.own_table()));
  if (other_numbers) {
    tell_sessions<renumbered>(users);
  } else {
    tell_sessions<catch_up>(users);
  }
  for (const room_entry& room : old_rooms) cast<members_changed>(registry(), room.room);
  cast<check_rooms>(registry());
  cast<rooms_changed>(the_directory());
}

term mailbox_store::state() const {
  const auto names = [](const std::set<std::string>& nodes) {
    std::vector<term> all;
    all.reserve(nodes.size());
    for (const std::string& node : nodes) all.emplace_back(node);
    return term::list_from(std::move(all));
  };
  return term::tuple(
      own_name(), term::tuple(atom("leader"), part_.leader()),
      term::tuple(atom("in_step"), names(part_.in_step_nodes())),
      term::tuple(atom("operations"), static_cast<std::int64_t>(chat_.own_table().past().last())));
}

} // namespace coppice::chat
