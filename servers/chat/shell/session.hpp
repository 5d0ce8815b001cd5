// The session of one user: keeps his undelivered events at hand and passes news to all of his connections.
#pragma once

#include "servers/chat/core/event_window.hpp"
#include "servers/chat/shell/chat.hpp"
#include "servers/chat/shell/messages.hpp"

#include <map>
#include <optional>

namespace coppice::chat {

/// Registered as `session:USER`, a child of `session_sup`, started on demand. All it holds is a copy of what
/// is in the user's mailbox: it may die at any time. It ends by itself when it has had nothing to do for a
/// while: no connection, no undelivered event.
class session : public gen_server {
public:
  using protocol =
      coppice::protocol<calls<attach, ok>, casts<took>, casts<new_events>, casts<events_acked>,
                        casts<catch_up>, casts<room_news>, casts<left_news>, casts<renumbered>, infos<down>>;

  session(chat c, std::string user) : chat_(std::move(c)), user_(std::move(user)) {}

  /// `ignore` if the user has a session already.
  init_result init();
  result<ok> handle_call(attach m);
  result<> handle_cast(took m);
  result<> handle_cast(const new_events& m);
  result<> handle_cast(events_acked m);
  result<> handle_cast(catch_up m);
  result<> handle_cast(const room_news& m);
  result<> handle_cast(const left_news& m);
  result<> handle_cast(renumbered m);
  result<> handle_info(const down& m);
  result<> handle_timeout();
  [[nodiscard]] term state() const;

private:
  /// One connection of the user.
  struct device {
    reference monitor;
    std::uint64_t sent = 0; ///< the highest number that it was sent
    bool busy = false;      ///< it has not said yet that it took the last batch
  };

  void load_above(std::uint64_t seq);
  void push(pid connection, device& d);
  void push_all();
  void trim();
  template <class News>
  void pass_on(const News& news);
  /// Waits for the next message; with nothing left to do, not for ever.
  result<> rest() const;

  chat chat_;
  std::string user_;
  std::uint32_t numbering_ = 0; ///< which its window belongs to
  event_window window_;
  std::uint64_t acked_ = 0;
  std::map<pid, device> devices_;
};

/// The user's session, if it runs.
std::optional<pid> session_of(std::string_view user);
/// The user's session, which is started if need be; nothing if that fails just now.
task<std::optional<pid>> find_session(std::string user);
/// Passes a new event to the user's session; starts one if there is none.
void tell_session(const std::string& user, const event_ptr& e);

} // namespace coppice::chat
