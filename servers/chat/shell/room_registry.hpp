// Keeps the rooms' processes in step with the table.
#pragma once

#include "servers/chat/shell/chat.hpp"
#include "servers/chat/shell/messages.hpp"

#include <set>

namespace coppice::chat {

/// Time to look again at what did not succeed.
struct try_again {};

/// Registered as `room_registry`. For each room of the table there is a process with a handler for each
/// member, and for no other; where that is not so (yet), it makes it so, and tells the members.
class room_registry : public gen_server {
public:
  using protocol = coppice::protocol<casts<members_changed>, casts<check_rooms>, infos<try_again>>;

  explicit room_registry(chat c) : chat_(std::move(c)) {}
  init_result init();
  task<> handle_continue(term what);
  task<> handle_cast(members_changed m);
  task<> handle_cast(check_rooms m);
  task<> handle_info(try_again m);

private:
  task<> settle_all();
  task<bool> settle(std::string room);
  task<bool> end_room(std::string room);
  task<bool> settle_handlers(pid manager, member_list members);

  chat chat_;
  std::set<std::string> open_; ///< rooms to be looked at
  bool timer_set_ = false;
};

/// The registry, wherever it runs now.
server_ref<room_registry> registry();

} // namespace coppice::chat
