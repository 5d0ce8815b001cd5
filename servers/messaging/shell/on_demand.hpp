// Processes that are started when somebody looks for them: of users, of rooms.
#pragma once

#include "coppice/runtime/process.hpp"
#include "coppice/runtime/task.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace coppice::messaging {

/// Who has that name; nobody if it does not run.
std::optional<pid> running(std::string_view process_name);
/// The same; else it is started by its supervisor, whose children are told `name` alone and take the
/// process's name when they begin. Nothing if that fails just now.
task<std::optional<pid>> find_or_start(std::string process_name, atom supervisor, std::string name);

} // namespace coppice::messaging
