#include "servers/chat/shell/room.hpp"

#include "servers/chat/shell/session.hpp"

#include <algorithm>

namespace coppice::chat {
namespace {

std::string room_process_name(std::string_view room) { return "room:" + std::string(room); }

task<std::expected<pid, exit_reason>> start_room(chat c, std::string room) {
  const auto name = atom::from_peer(room_process_name(room));
  if (!name) co_return std::unexpected(exit_reason(atom("system_limit")));
  auto started = co_await start_link<room_manager>(local(*name));
  if (!started) co_return std::unexpected(started.error());
  const member_list members = c.read([&](const chat_table& t) { return t.members(room); });
  if (members != nullptr) {
    for (const std::string& user : *members) {
      auto added = co_await add_handler<member_handler>(*started, with_id(term(user)), user);
      if (!added) co_return std::unexpected(added.error());
    }
    notify<room_membership>(*started, room_news{room, members});
  }
  co_return *started->resolve();
}

} // namespace

void member_handler::init() const {
  if (std::optional<pid> s = session_of(user_)) cast<catch_up>(server_ref<session>(*s));
}

void member_handler::handle_event(const room_posted& e) const {
  const auto mine = std::ranges::find(*e.news, user_, &delivery::user);
  if (mine != e.news->end()) tell_session(user_, mine->what);
}

void member_handler::handle_event(const room_membership& e) const {
  if (std::optional<pid> s = session_of(user_)) cast<room_news>(server_ref<session>(*s), e.news);
}

std::optional<pid> room_process(std::string_view room) {
  const std::optional<atom> name = atom::existing(room_process_name(room));
  return name ? whereis(*name) : std::nullopt;
}

child_id room_child_id(std::string_view room) { return child_id(room); }

child_description room_child(const chat& c, const std::string& room) {
  return child_function(room_child_id(room), &start_room, c, room).module("coppice::chat::room_manager");
}

} // namespace coppice::chat
