#include "servers/messaging/shell/farewell.hpp"

#include "coppice/runtime/node.hpp"
#include "servers/messaging/shell/room.hpp"
#include "servers/messaging/shell/user.hpp"

#include <limits>

namespace coppice::messaging {
namespace {

using namespace std::chrono_literals;

/// For all of it: below the time that a supervisor gives a worker.
constexpr duration patience = 4s;
/// For one room or user.
constexpr duration short_patience = 1s;

task<> close_rooms(host h, time_point until) {
  for (const std::string& name : h.room_names()) {
    const std::optional<pid> there = room_process(name);
    if (!there || coppice::now() >= until) continue;
    const server_ref<room> ref{server_name(*there)};
    auto closed = co_await try_call<close_room>(ref, within(short_patience));
    static_cast<void>(closed); // if it has died, nobody of it is told
  }
}

/// What rooms have said lies before the question in the mailbox of each.
task<> await_users(host h, time_point until) {
  for (const std::string& name : h.user_names("", std::numeric_limits<std::size_t>::max())) {
    const std::optional<pid> there = user_process(name);
    if (!there || coppice::now() >= until) continue;
    const server_ref<user> ref{server_name(*there)};
    auto heard = co_await try_call<list_sessions>(ref, within(short_patience));
    static_cast<void>(heard);
  }
}

process say_farewell(self me, host h) {
  trap_exit(true);
  register_name(atom("farewell"), me.id());
  exit_signal end = co_await me.receive<exit_signal>();
  const time_point until = coppice::now() + patience;
  co_await close_rooms(h, until);
  co_await await_users(h, until);
  exit(std::move(end.reason));
}

task<std::expected<pid, exit_reason>> start(host h) { co_return spawn_link(&say_farewell, h); }

} // namespace

child_description farewell_child(const host& h) { return child_function("farewell", &start, h); }

} // namespace coppice::messaging
