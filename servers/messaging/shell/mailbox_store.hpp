// The one process that changes the chat's table, and tells those concerned.
#pragma once

#include "servers/messaging/shell/chat.hpp"
#include "servers/messaging/shell/messages.hpp"

#include <optional>

namespace coppice::messaging {

/// Registered as `mailbox_store`. It writes first and tells afterwards, so that what it answered is kept,
/// whoever dies next. When it starts again it makes everybody look for what its predecessor may not have
/// told.
class mailbox_store : public gen_server {
public:
  template <class R>
  using answer = std::expected<R, refusal>;
  using protocol =
      coppice::protocol<calls<open_mailbox, answer<mailbox_state>>, calls<post_message, answer<taken>>,
                        calls<join_room, answer<member_list>>, calls<leave_room, answer<member_list>>,
                        calls<ack_events, ok>>;

  explicit mailbox_store(chat c) : chat_(std::move(c)) {}

  init_result init();
  void handle_continue(const term& what);
  answer<mailbox_state> handle_call(open_mailbox m);
  answer<taken> handle_call(post_message m);
  answer<member_list> handle_call(join_room m);
  answer<member_list> handle_call(leave_room m);
  ok handle_call(ack_events m);

private:
  void membership_changed(const std::string& room);
  chat chat_;
};

/// The store, wherever it runs now.
server_ref<mailbox_store> store();

/// How long one may wait for another process of the chat.
inline constexpr duration patience = std::chrono::seconds(5);
/// How long after a failure one tries again.
inline constexpr duration short_wait = std::chrono::milliseconds(100);

/// Asks the store, once more if it was just being restarted. Nothing if there is no answer.
template <class Request>
task<std::optional<mailbox_store::protocol::reply_of<Request>>> ask_store(Request request) {
  using reply_type = mailbox_store::protocol::reply_of<Request>;
  for (int tries = 2; tries > 0; --tries) {
    Request copy = request;
    std::expected<reply_type, exit_reason> reply =
        co_await try_call<Request>(store(), within(patience), moved(copy));
    if (reply) co_return std::move(*reply);
    if (tries == 1 || reply.error().is("timeout")) break;
    co_await idle_for(short_wait);
  }
  co_return std::nullopt;
}

} // namespace coppice::messaging
