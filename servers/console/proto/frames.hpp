// The frames of the console's WebSocket and the bodies of its API (PROTOCOL.md), in and out. Pure.
#pragma once

#include "servers/console/core/census.hpp"
#include "servers/console/core/history.hpp"
#include "servers/console/core/report_log.hpp"
#include "servers/console/core/tree.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace coppice::console {

/// The page's first frame.
struct hello {
  std::string token;
  std::uint64_t reports = 0; ///< the number of the last report that it has
  std::int64_t points = 0;   ///< the time of the last point that it has
};

/// What the page looks at; what is not there is not sent.
struct watch {
  std::optional<view> tree;
  std::optional<list_query> list;
  pid process; ///< the null pid: none
};

/// Asks for the state of a process.
struct state_wanted {
  pid process;
};

/// Turns the trace of a process on or off.
struct trace_wanted {
  pid process;
  bool on = false;
};

using page_frame = std::variant<hello, watch, state_wanted, trace_wanted>;

/// Reads a frame of the page; the error says what is wrong.
std::expected<page_frame, std::string> parse_frame(std::string_view text);

/// Reads `{"pid":"<0.42.7>"}`.
std::expected<pid, std::string> parse_kill(std::string_view body);
/// Reads `<0.Slot.Generation>`, a local pid.
std::optional<pid> parse_pid(std::string_view text);

/// The figures of the node as a whole.
struct node_figures {
  std::string name;
  std::string version;
  std::int64_t uptime = 0; ///< ms
  std::size_t processes = 0;
  unsigned workers = 0;
  std::size_t run_queue = 0;
  std::uint64_t memory = 0; ///< bytes
  std::uint64_t messages_per_s = 0;
  std::uint64_t restarts = 0;
  bool shows_state = false; ///< states and traces may be asked for
};

/// A process by pid and name, as one that another is tied to.
struct relative {
  pid process;
  std::string name;
};

/// What only the process itself could tell.
struct process_inside {
  static constexpr std::size_t most_relatives = 50; ///< of a kind; the rest is counted

  bool trap_exit = false;
  std::string priority;
  std::size_t memory = 0; ///< bytes
  relative group_leader;
  struct relatives {
    std::vector<relative> some;
    std::size_t count = 0;
  };
  relatives links, monitors, monitored_by;
  std::vector<std::string> messages; ///< types of the first that wait
};

/// All about one process.
struct process_page {
  pid process;
  bool alive = false; ///< if not, nothing else is known
  process_glimpse glimpse;
  std::string name;
  activity lately;
  std::uint32_t restarts = 0;
  std::vector<relative> ancestors; ///< who started it, who started that one, ...
  bool has_state = false;          ///< it can be asked for its state
  std::int64_t silent = 0;         ///< ms since it was asked, if it has not answered yet
  std::optional<process_inside> inside;
};

/// What a page is sent each second. What is empty or null is left out.
struct snapshot {
  std::int64_t at = 0; ///< ms since 1970
  const node_figures* node = nullptr;
  const selection* tree = nullptr;
  const list_page* list = nullptr;
  const process_page* process = nullptr;
  std::span<const point> points{};
  std::span<const log_entry> reports{};
};
std::string write_snapshot(const snapshot& what);

/// The state of a process as text, or why there is none.
std::string write_state(pid process, const std::expected<std::string, std::string>& state);

/// One event of a trace.
struct trace_line {
  std::int64_t at = 0; ///< ms since 1970
  std::string what;    ///< `send`, `receive`, `spawn`, ...
  relative other;      ///< to whom, with whom; none: nobody
  std::string content;
};
/// What has become of a trace, with its latest events. `paused`: there were more than a second may have.
/// `ended`: why it is over, or empty.
std::string write_trace(pid process, std::span<const trace_line> lines, bool paused, std::string_view ended);

/// `{"ok":true,"pid":"<0.42.7>"}`
std::string write_killed(pid process);

} // namespace coppice::console
