// For the shell's tests: what the page in web/ does, as an object, and a process that carries its frames to
// the chat in place of a socket.
#pragma once

#include "servers/chat/shell/connection.hpp"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace coppice::chat::test {

/// What the client says to the process of its connection.
struct from_client {
  std::string frame;
};
/// What the process of a connection says to the client.
struct to_client {
  pid connection;
  std::vector<std::string> frames;
  std::optional<close_reason> closing;
};

/// The process of a connection without a socket. Ends when it closes.
process carry(self me, chat c, pid client);

/// Someone at a page: signs in, shows each event once, acks what it shows, sends again what was not accepted.
/// All pages of a test share one process and hand it their frames.
class page {
public:
  page(chat c, std::string user) : chat_(std::move(c)), user_(std::move(user)) {}

  void connect();
  /// From now on it connects to another node's chat; to this one it has lost its connection.
  void go_to(chat c);
  void sign_off();
  void write(const std::string& to, const std::string& text);
  void join(const std::string& room);
  void leave(const std::string& room);
  void send_raw(const std::string& frame);
  /// Takes what its connection says; false if that is another's.
  bool take(const to_client& said);
  /// The connection has ended: comes back, unless it signed off. False if it is another's.
  bool ended(const down& d);
  /// What time makes it do: sends again what was asked to wait or has had no answer.
  void look_at_clock(time_point now);

  [[nodiscard]] pid connection() const noexcept { return connection_; }
  [[nodiscard]] const std::string& user() const noexcept { return user_; }
  [[nodiscard]] bool is_online() const noexcept { return welcomed_; }
  /// How many messages, accepted or not.
  [[nodiscard]] std::size_t written() const noexcept { return written_; }
  [[nodiscard]] std::size_t unaccepted() const noexcept { return outbox_.size(); }
  /// "from to: text" of all that was shown, in order.
  [[nodiscard]] const std::vector<std::string>& shown() const noexcept { return shown_; }
  /// Texts of own messages to who has seen them.
  [[nodiscard]] const std::map<std::string, std::set<std::string>>& delivered() const noexcept {
    return delivered_;
  }
  /// Rooms as of the last `rooms` frame, with their numbers of members; joined ones with a `*`.
  [[nodiscard]] const std::map<std::string, std::string>& rooms() const noexcept { return rooms_; }
  /// Members of rooms as of the last `room` frames.
  [[nodiscard]] const std::map<std::string, std::vector<std::string>>& members() const noexcept {
    return members_;
  }
  [[nodiscard]] const std::set<std::string>& online() const noexcept { return online_; }
  /// Codes of the errors that were final.
  [[nodiscard]] const std::vector<std::string>& errors() const noexcept { return errors_; }
  [[nodiscard]] std::optional<close_reason> closed() const noexcept { return closed_; }
  /// All frames that came, the types only.
  [[nodiscard]] const std::vector<std::string>& types() const noexcept { return types_; }

private:
  struct message {
    std::string id;
    std::string to;
    std::string text;
    std::optional<time_point> again; ///< set while it is in flight
  };
  void pump();
  void take_frame(const std::string& text);
  void take_event(std::uint64_t seq);

  chat chat_;
  std::string user_;
  pid connection_;
  reference monitor_;
  bool wanted_ = false;
  bool welcomed_ = false;
  std::string epoch_;
  std::uint64_t seq_ = 0;
  std::set<std::string> known_;   // "from id" of what this epoch has shown
  std::set<std::string> earlier_; // and earlier ones
  std::size_t written_ = 0;
  std::deque<message> outbox_;
  std::map<std::string, std::string> texts_;        // own, by id
  std::map<std::string, std::string> wanted_rooms_; // room -> frame, until it is so
  std::vector<std::string> shown_;
  std::map<std::string, std::set<std::string>> delivered_;
  std::map<std::string, std::string> rooms_;
  std::map<std::string, std::vector<std::string>> members_;
  std::set<std::string> online_;
  std::vector<std::string> errors_;
  std::vector<std::string> types_;
  std::optional<close_reason> closed_;
};

} // namespace coppice::chat::test
