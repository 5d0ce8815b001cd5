// The frames of the console's WebSocket and the bodies of its API (PROTOCOL.md), in and out. Pure.
#pragma once

#include "servers/console/core/report_log.hpp"
#include "servers/console/core/tree.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace coppice::console {

/// The page's first frame.
struct hello {
  std::string token;
  std::uint64_t reports = 0; ///< the number of the last report that it has
};

/// `hello`, or what a `watch` wants to see.
using page_frame = std::variant<hello, view>;

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
};

/// A `snapshot`; `at` is ms since 1970.
std::string write_snapshot(std::int64_t at, const node_figures& node, const selection& rows,
                           std::span<const log_entry> reports);
/// `{"ok":true,"pid":"<0.42.7>"}`
std::string write_killed(pid process);

} // namespace coppice::console
