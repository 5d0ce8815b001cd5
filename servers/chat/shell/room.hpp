// A room: an event manager with one handler for each member.
#pragma once

#include "coppice/otp/gen_event.hpp"
#include "coppice/otp/supervisor.hpp"
#include "servers/chat/shell/chat.hpp"
#include "servers/chat/shell/messages.hpp"

#include <optional>

namespace coppice::chat {

/// A message is in the mailboxes of these.
struct room_posted {
  std::shared_ptr<const std::vector<delivery>> news;
};
struct room_membership {
  room_news news;
};

/// Registered as `room:#NAME`, a child of `room_sup`. It keeps nothing: who is a member says the table.
class room_manager : public gen_event {
public:
  using protocol = coppice::protocol<events<room_posted>, events<room_membership>>;
};

/// Passes the room's news to one member's session. When it is added it makes the session look into the
/// mailbox, for what was said before that.
class member_handler : public event_handler {
public:
  using protocol = coppice::protocol<events<room_posted>, events<room_membership>>;

  explicit member_handler(std::string user) : user_(std::move(user)) {}
  void init() const;
  void handle_event(const room_posted& e) const;
  void handle_event(const room_membership& e) const;

private:
  std::string user_;
};

/// The room's process, if it runs.
std::optional<pid> room_process(std::string_view room);
/// How the room's process is started: with a handler for each member.
child_description room_child(const chat& c, const std::string& room);
/// The id of that child.
child_id room_child_id(std::string_view room);

} // namespace coppice::chat
