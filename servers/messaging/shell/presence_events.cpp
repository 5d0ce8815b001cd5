#include "servers/messaging/shell/presence_events.hpp"

#include "servers/messaging/shell/messages.hpp"
#include "servers/messaging/shell/on_demand.hpp"
#include "servers/messaging/shell/user.hpp"

namespace coppice::messaging {
namespace {

std::string name_of_manager(std::string_view user) { return "presence:" + std::string(user); }

task<std::expected<pid, exit_reason>> start_presence_events(std::string user) {
  const auto name = atom::from_peer(name_of_manager(user));
  if (!name) co_return std::unexpected(exit_reason(atom("system_limit")));
  auto started = co_await start_link<presence_events>(local(*name));
  if (!started) co_return std::unexpected(started.error());
  co_return *started->resolve();
}

} // namespace

void presence_listener::handle_event(const presence_shown& m) const {
  if (const std::optional<pid> there = user_process(contact_)) send(*there, deliver{m.stanza, pid(), 0, 0});
}

std::optional<pid> presence_events_process(std::string_view user) { return running(name_of_manager(user)); }

task<std::optional<pid>> find_presence_events(std::string user) {
  std::optional<pid> found = presence_events_process(user);
  if (found) co_return found;
  const child_spec child = child_function(term(user), &start_presence_events, user)
                               .temporary()
                               .module("coppice::messaging::presence_events");
  std::expected<pid, child_error> started = co_await start_child("presence_events_sup", child);
  co_return presence_events_process(user);
}

} // namespace coppice::messaging
