// What the runtime and the behaviours have to say to operators. Structured; otp/ gives it to the logger.
#pragma once

#include "coppice/runtime/exit_reason.hpp"
#include "coppice/term/id.hpp"
#include "coppice/term/term.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace coppice {

/// How important a report is, by OTP's levels.
enum class severity : std::uint8_t { debug, info, notice, warning, error, critical };

/// One thing that happened (OTP: a logger event with a report).
struct report {
  severity level = severity::info;                  ///< what a sink may choose by
  std::string kind;                                 ///< `crash_report`, `supervisor_report`, `progress`, ...
  pid process;                                      ///< whom it is about; none if it is about the node
  std::vector<std::pair<std::string, term>> fields; ///< in the order to print
  exit_reason reason;                               ///< why, where that is known; else `normal`
};

/// Takes reports; called on any thread, must not block for long.
using report_sink = std::function<void(const report&)>;

} // namespace coppice
