// What a room says, on its way to the processes of those who are in it, beside the room's own work.
#pragma once

#include "coppice/otp/gen_event.hpp"
#include "coppice/otp/supervisor.hpp"
#include "servers/messaging/core/room_place.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::messaging {

/// The event of a room's manager.
struct room_says {
  std::shared_ptr<const room_event> event;
};
/// To the room: every handler has had the event.
struct room_said {
  std::uint64_t number = 0;
};
/// To the process of a user: the next stanzas for a session of his that is in a room.
struct from_room {
  std::shared_ptr<room_line> line;
  std::uint64_t number = 0;
  written_stanzas stanzas;
};
/// Time to look for the user's process again.
struct find_user_of {
  std::uint64_t line = 0;
};

/// Registered as `muc_events:NAME`, a child of `muc_events_sup`: a handler for each session in the room.
/// What it must not forget is with the room's line to the session, so the room starts another when it dies.
class room_events : public gen_event {
public:
  using protocol = coppice::protocol<events<room_says>>;
};

/// Passes on what is for one session, and again to the next process of the user if that dies.
class room_listener : public event_handler {
public:
  using protocol = coppice::protocol<events<room_says>, infos<down>, infos<find_user_of>>;

  explicit room_listener(std::shared_ptr<room_line> line) : line_(std::move(line)) {}
  void init();
  handler_result<> handle_event(const room_says& m);
  void handle_info(const down& m);
  void handle_info(const find_user_of& m);
  void terminate(const term& why);

private:
  void reach();

  std::shared_ptr<room_line> line_;
  pid user_;
  reference monitor_;
};

/// The first to be added, so the last to hear: tells the room that everyone has had it.
class room_progress : public event_handler {
public:
  using protocol = coppice::protocol<events<room_says>>;

  explicit room_progress(std::string name) : name_(std::move(name)) {}
  void handle_event(const room_says& m) const;

private:
  std::string name_;
};

/// Holds the managers of rooms; registered as `muc_events_sup`.
class room_events_sup : public supervisor {
public:
  [[nodiscard]] supervisor_flags flags() const;
  [[nodiscard]] std::vector<child_spec> children() const { return {}; }
};

/// The name of a room's manager.
std::string room_events_name(std::string_view room);
/// The manager of a room, if it runs.
std::optional<pid> room_events_process(std::string_view room);
/// How it is started.
child_description room_events_child(const std::string& room);

} // namespace coppice::messaging
