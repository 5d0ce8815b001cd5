// The one process that changes the chat's table, and tells those concerned.
#pragma once

#include "servers/chat/shell/chat.hpp"
#include "servers/chat/shell/messages.hpp"
#include "servers/chat/shell/node_watch.hpp"

#include <map>
#include <optional>
#include <variant>

namespace coppice::chat {

/// Registered as `mailbox_store`. It writes first and tells afterwards, so that what it answered is kept,
/// whoever dies next. When it starts again it makes everybody look for what its predecessor may not have
/// told.
///
/// With stores on other nodes it keeps one table (core/replica.hpp): a request is answered when all in step
/// have it.
class mailbox_store final : public gen_server, private replica::outside {
public:
  template <class R>
  using answer = std::expected<R, refusal>;
  using protocol =
      coppice::protocol<calls<open_mailbox, answer<mailbox_state>>, calls<post_message, answer<taken>>,
                        calls<join_room, answer<member_list>>, calls<leave_room, answer<member_list>>,
                        calls<ack_events, ok>, casts<from_store>, infos<down>, infos<node_came>,
                        infos<store_tick>>;

  explicit mailbox_store(chat c) : chat_(std::move(c)), part_(chat_.part()) {}

  init_result init();
  void handle_continue(const term& what);
  void handle_call(open_mailbox m, reply_to<answer<mailbox_state>> who);
  void handle_call(post_message m, reply_to<answer<taken>> who);
  void handle_call(join_room m, reply_to<answer<member_list>> who);
  void handle_call(leave_room m, reply_to<answer<member_list>> who);
  void handle_call(ack_events m, reply_to<ok> who);
  void handle_cast(from_store m);
  void handle_info(const down& m);
  void handle_info(const node_came& m);
  void handle_info(store_tick m);
  [[nodiscard]] term state() const;

private:
  /// Who waits for the outcome of a request.
  using asker = std::variant<std::monostate, reply_to<answer<mailbox_state>>, reply_to<answer<taken>>,
                             reply_to<answer<member_list>>, reply_to<ok>>;
  struct waiting {
    asker who;
    time_point until;
  };
  struct peer {
    pid store;
    reference monitor;
  };

  void submit(change what, asker who);
  void tick_from_now();

  // what the replica acts on
  void send(const std::string& node, replica_message m) override;
  void apply(operation op) override;
  const chat_table& table() override { return chat_.own_table(); }
  std::shared_ptr<const chat_table> copy() override;
  chat_table empty() override;
  void install(chat_table t) override;
  std::string unique() override { return unique_text(); }

  void make(open_mailbox& m, asker& who);
  void make(put_message& m, asker& who);
  void make(join_room& m, asker& who);
  void make(leave_room& m, asker& who);
  void make(ack_events& m, asker& who);
  void make(begin_tenure& m, asker& who);
  void make(adopt_message& m, asker& who);
  void make(adopt_membership& m, asker& who);
  void membership_changed(const std::string& room);

  chat chat_;
  replica& part_;
  node_watch nodes_;
  std::map<std::string, peer> peers_;
  std::map<std::uint64_t, waiting> waiting_; // by number of the request
  bool ticks_ = false;
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

} // namespace coppice::chat
