// The commands that the running messaging server carries out: they ask its admin API.
#pragma once

#include "cli/options.hpp"
#include "servers/messaging/shell/admin_access.hpp"

#include <string>

namespace coppice::cli {

/// `password`: what was read, for those who take one. The program's exit status; says on standard error what
/// is wrong.
int ask_server(const messaging::running_server& server, const user_options& told,
               const std::string& password);

} // namespace coppice::cli
