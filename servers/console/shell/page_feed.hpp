// What a page is told and when: the process of its WebSocket without the WebSocket.
#pragma once

#include "coppice/http/websocket_connection.hpp"
#include "servers/console/proto/frames.hpp"
#include "servers/console/shell/archive.hpp"
#include "servers/console/shell/inspector.hpp"
#include "servers/console/shell/sampler.hpp"

#include <expected>
#include <memory>
#include <optional>
#include <string>

namespace coppice::console {

/// It is time for a snapshot.
struct tick {};

/// Why a page's WebSocket is to be closed.
struct farewell {
  http::close_code code = http::close_code::normal;
  const char* reason = "";
};
/// The page has not said hello in time.
[[nodiscard]] farewell no_hello_in_time() noexcept;

/// The page's first frame: its hello, or why it is turned away.
std::expected<hello, farewell> greet(const http::websocket_message& first, const std::string& token);

/// Serves one page; runs in the process of its WebSocket, which gets `tick`, `looked`, `inspected` and
/// `state_read`. What `take` gives is to be sent; an empty text: nothing.
class page_feed {
public:
  static constexpr duration period = std::chrono::seconds(1);           ///< of snapshots
  static constexpr duration sampler_patience = std::chrono::seconds(5); ///< then it is asked again
  static constexpr duration longest_trace = std::chrono::minutes(5);
  static constexpr std::size_t reports_at_once = 100;

  page_feed(pid process, std::shared_ptr<archive> kept, const hello& greeting);
  ~page_feed();
  page_feed(const page_feed&) = delete;
  page_feed& operator=(const page_feed&) = delete;

  /// Asks for the next look; it is sent when it comes.
  void look();

  std::string take(const http::websocket_message& message);
  std::string take(tick);
  std::string take(const looked& l);
  std::string take(const inspected& i);
  std::string take(const state_read& s);

  /// The page has broken the protocol.
  [[nodiscard]] const std::optional<farewell>& leaving() const noexcept { return leaving_; }

private:
  void set_timer(duration after);
  void leave_process();
  std::string want_state(pid process);
  std::string want_trace(const trace_wanted& t);
  std::string take_trace();

  pid process_; ///< of the WebSocket
  std::shared_ptr<archive> kept_;
  std::uint64_t last_report_;
  std::int64_t last_point_;
  watch watch_;
  std::uint64_t number_ = 0; ///< of the latest look
  reference due_;
  pid inspector_; ///< asks the process that the page looks at; none: it has told
  std::uint64_t inspection_ = 0;
  time_point asked_{};
  std::optional<process_details> inside_;
  bool reading_ = false;
  std::optional<trace_tap> tap_;
  time_point tapped_{};
  std::optional<farewell> leaving_;
};

} // namespace coppice::console
