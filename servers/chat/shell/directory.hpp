// Who is online, and who is told of it.
#pragma once

#include "servers/chat/shell/chat.hpp"
#include "servers/chat/shell/messages.hpp"
#include "servers/chat/shell/node_watch.hpp"

#include <map>
#include <set>

namespace coppice::chat {

/// Time to tell everybody of the rooms.
struct tell_rooms {};
/// Time to tell everybody who is online: after a new start, when the connections have signed in again.
struct tell_online {};

/// Registered as `directory`. Watches the connections that signed in: a user is online while there is one.
/// When it starts again, its connections sign in anew by themselves. The directories of several nodes tell
/// each other of their own people; those of a lost node are online no more.
class directory : public gen_server {
public:
  using protocol =
      coppice::protocol<calls<sign_in, std::optional<online_list>>, calls<who_is_online, online_list>,
                        casts<rooms_changed>, casts<people>, casts<person_moved>, infos<down>,
                        infos<node_came>, infos<tell_rooms>, infos<tell_online>>;
  static constexpr std::size_t most_devices = 8;  ///< connections of a user, to this node
  static constexpr std::size_t most_names = 1000; ///< in a list of who is online

  explicit directory(chat c) : chat_(std::move(c)) {}
  void init();
  /// Nothing: the user has as many connections as there may be.
  std::optional<online_list> handle_call(const sign_in& m);
  [[nodiscard]] online_list handle_call(who_is_online m) const;
  void handle_cast(rooms_changed m);
  void handle_cast(people m);
  void handle_cast(const person_moved& m);
  void handle_info(const node_came& m) const;
  void handle_info(const down& m);
  void handle_info(tell_rooms m);
  void handle_info(tell_online m) const;
  [[nodiscard]] term state() const;

private:
  /// The directory of another node.
  struct other {
    reference monitor;
    std::set<std::string> users;
  };
  template <class News>
  void tell_all(const News& news) const;
  void arrive(const std::string& user);
  void depart(const std::string& user);
  void moved_here(const std::string& user, bool online) const;
  [[nodiscard]] people own_people(bool answer) const;

  chat chat_;
  node_watch nodes_;
  std::map<pid, std::string> connections_;
  std::map<std::string, std::set<pid>> users_;
  std::map<pid, other> others_;
  std::map<std::string, std::size_t> online_; ///< on how many nodes
  bool rooms_timer_set_ = false;
};

/// The directory, wherever it runs now.
server_ref<directory> the_directory();

} // namespace coppice::chat
