// The part of the command line that is about the messaging server: options of `run`, and `messaging user`.
#pragma once

#include "cli/options.hpp"

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace coppice::cli {

/// As they stand on the command line.
struct raw_messaging_options {
  std::string config_file;
  messaging_options server;
  std::string starttls = "127.0.0.1:5222";
  std::string tls = "127.0.0.1:5223";
  std::string https; ///< '': nowhere
  user_options user;
};

/// Adds the options of `run`.
void describe_messaging(CLI::App& run, raw_messaging_options& raw);
/// The messaging server that `run` was told of, nothing if it was not; or what is wrong.
std::expected<std::optional<messaging_options>, just_say> checked_messaging(raw_messaging_options raw,
                                                                            bool allow_remote);
/// Adds the command `messaging`; what it is told goes into `raw`, which must stay where it is.
void describe_messaging_command(CLI::App& app, raw_messaging_options& raw);
/// What that command was told, if it was given.
std::optional<command> checked_messaging_command(const CLI::App& app, const raw_messaging_options& raw);

} // namespace coppice::cli
