// Looking into another node, Coppice's or Erlang's, by functions that both answer. For processes of a node
// that is connected with it.
#pragma once

#include "cli/remote_text.hpp"
#include "coppice/runtime/api.hpp"
#include "coppice/runtime/task.hpp"

#include <expected>
#include <string>
#include <vector>

namespace coppice::cli {

/// Its processes, but for those that end meanwhile. `timeout` is for each answer; the error is for people.
task<std::expected<std::vector<process_row>, std::string>> processes_of(atom node, duration timeout);

/// Its supervision trees: those of its applications and those whose supervisor is registered. Only processes
/// that are supervisors by what started them are asked for children. At most 64 levels and 100,000
/// supervisors; what is below is left out.
task<std::expected<std::vector<tree_row>, std::string>> supervisors_of(atom node, duration timeout);

} // namespace coppice::cli
