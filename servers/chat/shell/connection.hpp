// One client, whatever carries its frames: reads them, asks the chat, and writes what the client is to be
// told.
#pragma once

#include "coppice/runtime/process.hpp"
#include "servers/chat/core/allowance.hpp"
#include "servers/chat/proto/frames.hpp"
#include "servers/chat/shell/chat.hpp"
#include "servers/chat/shell/messages.hpp"

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace coppice::chat {

/// No hello came in time.
struct hello_timeout {};
/// Time to try again what a restart had interrupted.
struct reconnect {};

/// The messages that a connection's process receives and hands to `take_news`.
using connection_news = std::variant<deliver, room_news, left_news, presence_news, online_news, rooms_news,
                                     renumbered, hello_timeout, reconnect, down>;

/// Close codes of PROTOCOL.md.
enum class close_reason : std::uint16_t {
  come_back = 1012,
  bad_frame = 4400,
  not_signed_in = 4401,
  bad_name = 4403,
  refused = 4409,
};

/// The client's side of the chat, inside of its process. The process gives it each frame and each message,
/// then writes the output, then says so. It finds session and directory again when they were restarted.
class connection {
public:
  /// Messages that may wait for a client that does not keep up; one more ends its process.
  static constexpr std::uint32_t most_waiting = 16'384;

  connection(chat c, self process);

  /// Labels the process, bounds its mailbox and waits for a hello.
  void start();
  task<> take_frame(std::string text);
  task<> take_news(connection_news news);

  /// The frames to write now.
  [[nodiscard]] std::vector<std::string> take_output() noexcept { return std::exchange(output_, {}); }
  /// All output has been written.
  void written();
  /// Set: write the output, then close. No more frames are taken.
  [[nodiscard]] std::optional<close_reason> closing() const noexcept { return closing_; }

private:
  task<> enter(frames::hello h);
  void greet(online_list present);
  task<online_list> enter_directory();
  task<> return_to_directory();
  task<> answer(frames::request asked);
  task<> post(frames::send m);
  task<> acknowledge(frames::ack m);
  task<> join(frames::join m);
  task<> leave(frames::leave m);
  task<> tell_who();
  task<> attach_session();

  void show(const deliver& d);
  void say_error(const frames::error& e) { output_.push_back(frames::to_json(e)); }
  void refuse(refusal why, std::string id, std::string room);
  void unavailable(std::string id, std::string room);
  void too_fast(const frames::request& asked);
  void close(std::string_view code, std::string text, close_reason why);
  void come_back();
  void try_again_soon();

  chat chat_;
  self me_;
  allowance allowance_;
  std::string user_;  ///< empty until the hello
  std::string epoch_; ///< of the numbers that the client was told
  std::vector<std::string> output_;
  std::optional<close_reason> closing_;
  std::uint64_t shown_ = 0; ///< the highest event that went out
  std::set<pid> unthanked_; ///< sessions that wait to hear that their batch was written
  reference session_monitor_;
  reference directory_monitor_;
  bool session_lost_ = false;
  bool directory_lost_ = false;
  bool timer_set_ = false;
};

} // namespace coppice::chat
