#include "servers/messaging/shell/room_events.hpp"

#include "coppice/runtime/timer.hpp"
#include "servers/messaging/shell/room.hpp"
#include "servers/messaging/shell/user.hpp"

#include <algorithm>

namespace coppice::messaging {
namespace {

/// The user's process is being started again.
constexpr duration look_again_after = std::chrono::milliseconds(20);

task<std::expected<pid, exit_reason>> start_room_events(std::string room) {
  const auto name = atom::from_peer(room_events_name(room));
  if (!name) co_return std::unexpected(exit_reason(atom("system_limit")));
  auto started = co_await start_link<room_events>(local(*name));
  if (!started) co_return std::unexpected(started.error());
  co_return *started->resolve();
}

} // namespace

supervisor_flags room_events_sup::flags() const { return {}; }

std::string room_events_name(std::string_view room) { return "muc_events:" + std::string(room); }

std::optional<pid> room_events_process(std::string_view room) {
  const std::optional<atom> known = atom::existing(room_events_name(room));
  return known ? whereis(*known) : std::nullopt;
}

child_description room_events_child(const std::string& room) {
  return child_function(term(room), &start_room_events, room)
      .temporary()
      .module("coppice::messaging::room_events");
}

void room_listener::init() { reach(); }

void room_listener::reach() {
  const std::optional<pid> there = user_process(line_->address().local());
  if (!there) {
    user_ = pid();
    send_after(look_again_after, self_pid(), find_user_of{line_->number()});
    return;
  }
  user_ = *there;
  monitor_ = monitor(user_);
  for (const room_line::parcel& one : line_->open()) send(user_, from_room{line_, one.number, one.stanzas});
}

handler_result<> room_listener::handle_event(const room_says& m) {
  if (line_->ended_before(m.event->number)) return handler_result<>().remove();
  if (!std::ranges::binary_search(*m.event->to, line_->number())) return {};
  const room_line::parcel* added = line_->add(*m.event);
  if (added != nullptr && user_) send(user_, from_room{line_, added->number, added->stanzas});
  return {};
}

void room_listener::handle_info(const down& m) {
  if (m.process == user_) reach();
}

void room_listener::handle_info(const find_user_of& m) {
  if (m.line == line_->number() && !user_) reach();
}

void room_listener::terminate(const term& /*why*/) {
  if (user_) demonitor(monitor_);
}

void room_progress::handle_event(const room_says& m) const {
  if (const std::optional<pid> there = room_process(name_)) send(*there, room_said{m.event->number});
}

} // namespace coppice::messaging
