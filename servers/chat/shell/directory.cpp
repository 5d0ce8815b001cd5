#include "servers/chat/shell/directory.hpp"

#include "coppice/runtime/timer.hpp"

#include "servers/chat/core/names.hpp"

#include <algorithm>

namespace coppice::chat {
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

void directory::init() {
  set_async_dist(true);
  for (const atom& node : nodes_.begin(self_pid())) {
    handle_info(node_came{node});
  }
  send_after(settle, self_pid(), tell_online());
}

std::optional<online_list> directory::handle_call(const sign_in& m) {
  std::set<pid>& devices = users_[m.user];
  if (!devices.contains(m.connection)) {
    if (devices.size() >= most_devices) return std::nullopt;
    const bool first = devices.empty();
    devices.insert(m.connection);
    connections_.emplace(m.connection, m.user);
    monitor(m.connection);
    if (first) {
      arrive(m.user);
      moved_here(m.user, true);
    }
  }
  return handle_call(who_is_online());
}

online_list directory::handle_call(who_is_online /*m*/) const {
  online_list list{{}, online_.size()};
  for (const auto& [user, nodes] : online_) {
    if (list.users.size() == most_names) break;
    list.users.push_back(user);
  }
  return list;
}

void directory::handle_info(const down& m) {
  if (auto gone = others_.find(m.process); gone != others_.end()) {
    const std::set<std::string> users = std::move(gone->second.users);
    others_.erase(gone);
    for (const std::string& user : users) depart(user);
    return;
  }
  auto connection = connections_.find(m.process);
  if (connection == connections_.end()) return;
  const std::string user = std::move(connection->second);
  connections_.erase(connection);
  auto devices = users_.find(user);
  devices->second.erase(m.process);
  if (!devices->second.empty()) return;
  users_.erase(devices);
  depart(user);
  moved_here(user, false);
}

void directory::arrive(const std::string& user) {
  if (++online_[user] == 1) tell_all(presence_news{user, true});
}

void directory::depart(const std::string& user) {
  const auto found = online_.find(user);
  if (--found->second > 0) return;
  online_.erase(found);
  tell_all(presence_news{user, false});
}

void directory::moved_here(const std::string& user, bool online) const {
  for (const auto& [process, there] : others_) {
    cast<person_moved>(server_ref<directory>(server_name(process)), self_pid(), user, online);
  }
}

people directory::own_people(bool answer) const {
  people all{self_pid(), {}, answer};
  for (const auto& [user, devices] : users_) all.users.push_back(user);
  return all;
}

void directory::handle_info(const node_came& m) const {
  static const atom name("directory");
  const server_ref<directory> there{server_name(remote_name{name, m.node})};
  cast<people>(there, own_people(true));
}

void directory::handle_cast(people m) {
  if (m.directory.local()) return;
  auto [there, is_new] = others_.try_emplace(m.directory);
  if (is_new) there->second.monitor = monitor(m.directory);
  std::set<std::string> before = std::exchange(there->second.users, {});
  for (std::string& user : m.users) {
    if (there->second.users.size() == chat_.settings().limits.users) break;
    if (is_user_name(user)) there->second.users.insert(std::move(user));
  }
  for (const std::string& user : there->second.users) arrive(user);
  for (const std::string& user : before) depart(user);
  if (m.answer) cast<people>(server_ref<directory>(server_name(m.directory)), own_people(false));
}

void directory::handle_cast(const person_moved& m) {
  const auto there = others_.find(m.directory);
  if (there == others_.end() || !is_user_name(m.user)) return;
  std::set<std::string>& users = there->second.users;
  if (!m.online) {
    if (users.erase(m.user) > 0) depart(m.user);
  } else if (users.size() < chat_.settings().limits.users && users.insert(m.user).second) {
    arrive(m.user);
  }
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
  return term::tuple(atom("directory"), term::tuple(atom("users"), static_cast<std::int64_t>(online_.size())),
                     term::tuple(atom("connections"), static_cast<std::int64_t>(connections_.size())));
}

} // namespace coppice::chat
