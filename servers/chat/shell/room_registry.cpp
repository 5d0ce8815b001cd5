#include "servers/chat/shell/room_registry.hpp"

#include "coppice/runtime/timer.hpp"
#include "servers/chat/shell/mailbox_store.hpp"
#include "servers/chat/shell/room.hpp"

#include <algorithm>

namespace coppice::chat {

server_ref<room_registry> registry() {
  static const atom name("room_registry");
  return server_ref<room_registry>(name);
}

init_result room_registry::init() { return init_result().then(term(atom("check"))); }

task<> room_registry::handle_continue(term /*what*/) { co_await handle_cast(check_rooms()); }

task<> room_registry::handle_cast(members_changed m) {
  open_.insert(std::move(m.room));
  co_await settle_all();
}

task<> room_registry::handle_cast(check_rooms /*m*/) {
  for (room_entry& entry : chat_.read([](const chat_table& t) { return t.rooms(); })) {
    open_.insert(std::move(entry.room));
  }
  co_await settle_all();
}

task<> room_registry::handle_info(try_again /*m*/) {
  timer_set_ = false;
  co_await settle_all();
}

task<> room_registry::settle_all() {
  const std::vector<std::string> rooms(open_.begin(), open_.end());
  for (const std::string& room : rooms) {
    bool settled = co_await settle(room);
    if (settled) open_.erase(room);
  }
  if (!open_.empty() && !timer_set_) {
    timer_set_ = true;
    send_after(short_wait, self_pid(), try_again());
  }
}

task<bool> room_registry::settle(std::string room) {
  const member_list members = chat_.read([&](const chat_table& t) { return t.members(room); });
  if (members == nullptr) {
    co_return co_await end_room(room);
  }
  std::optional<pid> manager = room_process(room);
  if (!manager) {
    child_description spec = room_child(chat_, room);
    std::expected<pid, child_error> started = co_await start_child("room_sup", spec);
    // A start of its own tells the members; where the room is known already, its supervisor is at it.
    co_return started.has_value();
  }
  bool settled = co_await settle_handlers(*manager, members);
  if (settled) notify<room_membership>(server_ref<room_manager>(*manager), room_news{room, members});
  co_return settled;
}

task<bool> room_registry::end_room(std::string room) {
  std::expected<ok, child_error> ended = co_await terminate_child("room_sup", room_child_id(room));
  if (!ended) co_return ended.error().what == supervisor_error::not_found;
  std::expected<ok, child_error> forgotten = co_await delete_child("room_sup", room_child_id(room));
  co_return forgotten.has_value();
}

task<bool> room_registry::settle_handlers(pid manager, member_list members) {
  const server_ref<room_manager> room{server_name(manager)};
  std::expected<std::vector<handler_id>, exit_reason> there = co_await which_handlers(room);
  if (!there) co_return false;
  std::set<std::string> missing(members->begin(), members->end());
  for (const handler_id& handler : *there) {
    const std::string user(handler.id ? handler.id->as_binary().value_or("") : "");
    if (missing.erase(user) > 0) continue;
    const handler_ref<member_handler> gone(room.name(), handler);
    std::expected<term, exit_reason> removed = co_await delete_handler(gone);
    if (!removed && !removed.error().is("module_not_found")) co_return false;
  }
  for (const std::string& user : missing) {
    auto added = co_await add_handler<member_handler>(room, with_id(term(user)), user);
    if (!added) co_return false;
  }
  co_return true;
}

} // namespace coppice::chat
