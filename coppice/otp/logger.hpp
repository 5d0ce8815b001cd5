// The log: crash, supervisor and progress reports for people on a terminal, or for machines as lines of JSON.
// OTP: logger with its default handler and formatter.
//
//   node n;
//   install_logger(n, {.format = log_format::json});
#pragma once

#include "coppice/runtime/node.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace coppice {

/// How a log looks.
enum class log_format : std::uint8_t {
  text, ///< several lines a report, in colour on a terminal
  json, ///< one object a line
};

/// `text` or `json`.
[[nodiscard]] std::optional<log_format> parse_log_format(std::string_view name) noexcept;
/// `debug`, `info`, `notice`, `warning`, `error` or `critical`.
[[nodiscard]] std::optional<severity> parse_severity(std::string_view name) noexcept;

/// What is logged, where to and how much of it.
struct logger_options {
  log_format format = log_format::text; ///< for people or for machines
  /// What is below is not logged. The default is OTP's, which leaves progress reports (`info`) out.
  severity level = severity::notice;
  std::string file; ///< appended to; empty: standard error
  /// Characters of one term or text; what is longer is cut.
  std::size_t term_limit = 1000;
  /// Reports that wait to be written; when there are more, the oldest are lost, and counted.
  std::size_t queue = 8192;
  /// Of reports that are alike (kind, who and why) so many are written in each `same_period`; the rest are
  /// counted.
  unsigned same_burst = 5;
  duration same_period = std::chrono::seconds(10); ///< by the node's clock
  /// Gets every report too, whatever its level: a view of the node, say. Called as a report_sink is.
  report_sink also;
  /// Takes the lines instead of a file or standard error; called by one thread at a time.
  std::function<void(std::string_view)> write;
};

/// Sends the reports of a node to a log. Whoever reports only puts the report into a queue; a thread renders
/// and writes. It ends, having written what is left, with the node or when another sink takes its place.
/// Throws std::runtime_error if the file cannot be opened.
void install_logger(node& n, logger_options options = {});

} // namespace coppice
