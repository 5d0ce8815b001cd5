// Reports as text and as JSON: pure functions.
#pragma once

#include "coppice/runtime/report.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace coppice::detail {

/// A report and what is known of it beside.
struct log_entry {
  coppice::report report;
  std::chrono::system_clock::time_point at;
  std::uint64_t dropped = 0; ///< reports like it that were not written
};

struct render_options {
  std::size_t term_limit = 1000;
  bool colour = false;
};

[[nodiscard]] std::string_view to_string(severity level) noexcept;

/// For people: a line that says what happened, then the details, each on lines of its own; ends in a newline.
[[nodiscard]] std::string render_text(const log_entry& entry, const render_options& options);
/// One JSON object and a newline (RFC 8259): `time`, `level`, `kind`, `process`, `text`, `fields`, `reason`,
/// and where they are known `exception`, `stack` and `dropped`. Terms are strings as Erlang prints them;
/// integers are numbers.
[[nodiscard]] std::string render_json(const log_entry& entry, const render_options& options);

/// What happened in one line without time or level: `chat_server ended: std::runtime_error: disk full`.
[[nodiscard]] std::string headline(const report& r, std::size_t limit);

} // namespace coppice::detail
