// `coppice node`: a node among others with nothing on it but an `echo`, to try things on.
#pragma once

#include "cli/options.hpp"
#include "coppice/dist/distribution.hpp"

#include <expected>
#include <string>

namespace coppice::cli {

/// How a node takes part, with the cookie out of its file; the error is for people.
std::expected<dist::options, std::string> distribution(const membership_options& told);
/// Runs until SIGTERM or SIGINT; the exit status of the program.
int run_lone_node(const membership_options& options);

} // namespace coppice::cli
