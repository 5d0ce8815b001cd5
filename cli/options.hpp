// The command line of `coppice`, read and checked. Pure.
#pragma once

#include "coppice/net/endpoint.hpp"
#include "coppice/otp/logger.hpp"

#include <expected>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace coppice::cli {

/// What `coppice run` was told.
struct run_options {
  net::endpoint listen;               ///< port 0: any free one
  std::vector<std::string> served_as; ///< further names of this node, as browsers send them in Host
  log_format format = log_format::text;
  severity level = severity::notice;
  unsigned cores = 0;        ///< 0: as many as the machine has
  bool remote = false;       ///< the address is not a loopback one, and that was meant
  bool console_state = true; ///< the console shows states of processes and their messages
};

/// Print this and end with that status: help, the version, or what is wrong.
struct just_say {
  int status = 0;
  std::string text;
};

/// Exit statuses of the program.
inline constexpr int status_failed = 1; ///< it was started well and could not do its job
inline constexpr int status_usage = 2;  ///< the command line is wrong

inline constexpr std::uint16_t default_port = 4100;

/// `arguments` without the program's name.
std::variant<run_options, just_say> parse_command_line(std::vector<std::string> arguments);

} // namespace coppice::cli
