// The part of the command line that is about nodes among others: `node`, `ping`, `call`, `cast`, `nodes`,
// `ps` and `tree`.
#pragma once

#include "cli/options.hpp"

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace coppice::cli {

/// As they stand on the command line.
struct raw_node_options {
  membership_options lone;
  remote_options remote;
  std::string message; ///< the term as text
  unsigned timeout = 5;
};

/// Adds the options that make a node one of several.
void describe_membership(CLI::App& app, membership_options& into);
/// What is wrong with a node's name, else nothing.
std::optional<just_say> check_node_name(const char* told_by, const std::string& name);
/// What is wrong with them, else nothing; the port of the port mapper is filled in.
std::optional<just_say> check_membership(const char* told_by, membership_options& told);
/// Adds the commands; what they are told goes into `raw`, which must stay where it is.
void describe_node_commands(CLI::App& app, raw_node_options& raw);
/// The one of these commands that was given, checked; nothing if another was.
std::optional<command> checked_node_command(const CLI::App& app, raw_node_options& raw);

} // namespace coppice::cli
