// The configuration file of the program: the keys of the node and of its servers.
#pragma once

#include "cli/options.hpp"

#include <optional>
#include <string>
#include <vector>

namespace coppice::cli {

/// All that a file can say.
struct file_options {
  net::endpoint listen = net::endpoint::loopback(default_port);
  bool allow_remote = false;
  std::vector<std::string> served_as;
  log_format format = log_format::text;
  severity level = severity::notice;
  unsigned cores = 0;
  messaging_options messaging;
};

/// What a file would say of a node that was told that.
file_options as_file(const run_options& o);

/// Its keys, which set `o`.
config::keys described(file_options& o);
/// Reads the file into `into`, where it stays as it is what the file does not name. What is wrong, each line
/// with its place.
std::optional<just_say> read_config(const std::string& file, file_options& into);
/// `o` as a file.
std::string config_text(file_options o);

/// What is no host name, as browsers send it; '' if all is well.
std::string check_served_as(const std::string& name);

} // namespace coppice::cli
