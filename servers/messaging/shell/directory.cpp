#include "servers/messaging/shell/directory.hpp"

#include "coppice/runtime/timer.hpp"

#include <algorithm>

namespace coppice::messaging {
namespace {

/// News of rooms are gathered for that long.
constexpr duration gather = std::chrono::milliseconds(300);
/// Connections have signed in again after that long.
constexpr duration settle = std::chrono::seconds(1);

} // namespace

server_ref<directory> the_directory() {
  static const atom name("directory");
  return server_ref<directory>(name);
}

void directory::init() { send_after(settle, self_pid(), tell_online()); }

std::optional<online_list> directory::handle_call(const sign_in& m) {
  std::set<pid>& devices = users_[m.user];
  if (!devices.contains(m.connection)) {
    if (devices.size() >= most_devices) return std::nullopt;
    const bool first = devices.empty();
    devices.insert(m.connection);
    connections_.emplace(m.connection, m.user);
    monitor(m.connection);
    if (first) tell_all(presence_news{m.user, true});
  }
  return handle_call(who_is_online());
}

online_list directory::handle_call(who_is_online /*m*/) const {
  online_list list{{}, users_.size()};
  for (const auto& [user, devices] : users_) {
    if (list.users.size() == most_names) break;
    list.users.push_back(user);
  }
  return list;
}

void directory::handle_info(const down& m) {
  auto connection = connections_.find(m.process);
  if (connection == connections_.end()) return;
  const std::string user = std::move(connection->second);
  connections_.erase(connection);
  auto devices = users_.find(user);
  devices->second.erase(m.process);
  if (!devices->second.empty()) return;
  users_.erase(devices);
  tell_all(presence_news{user, false});
}

void directory::handle_cast(rooms_changed /*m*/) {
  if (rooms_timer_set_) return;
  rooms_timer_set_ = true;
  send_after(gather, self_pid(), tell_rooms());
}

void directory::handle_info(tell_rooms /*m*/) {
  rooms_timer_set_ = false;
  tell_all(rooms_news{std::make_shared<const std::vector<room_entry>>(
      chat_.read([](const chat_table& t) { return t.rooms(); }))});
}

void directory::handle_info(tell_online /*m*/) const {
  tell_all(online_news{std::make_shared<const online_list>(handle_call(who_is_online()))});
}

template <class News>
void directory::tell_all(const News& news) const {
  for (const auto& [connection, user] : connections_) send(connection, News(news));
}

term directory::state() const {
  return term::tuple(atom("directory"), term::tuple(atom("users"), static_cast<std::int64_t>(users_.size())),
                     term::tuple(atom("connections"), static_cast<std::int64_t>(connections_.size())));
}

} // namespace coppice::messaging
