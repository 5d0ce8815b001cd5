// The chat as a program inside the node sees it: two requests, as in the Erlang case study.
#pragma once

#include "servers/chat/shell/chat.hpp"
#include "servers/chat/shell/messages.hpp"

namespace coppice::chat {

/// `gen_server:cast(chat_server, {send_message, User, Message})`
struct send_message {
  std::string user;
  std::string text;
};
/// `gen_server:call(chat_server, {get_messages, User})`
struct get_messages {
  std::string user;
};

/// Registered as `chat_server`. Its messages come from the user `chat_server` and wait in the same mailboxes
/// as all others.
class chat_server : public gen_server {
public:
  using protocol = coppice::protocol<casts<send_message>, calls<get_messages, std::vector<std::string>>>;

  explicit chat_server(chat c);
  task<> handle_cast(send_message m);
  /// The texts that were sent to the user and are kept, oldest first.
  [[nodiscard]] std::vector<std::string> handle_call(const get_messages& m) const;

private:
  chat chat_;
  std::string run_; ///< another at each start, so that no message id comes twice
  std::uint64_t sent_ = 0;
};

} // namespace coppice::chat
