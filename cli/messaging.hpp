// The commands that administer the messaging server.
#pragma once

#include "cli/options.hpp"
#include "servers/messaging/application.hpp"

namespace coppice::cli {

/// What the server is opened with.
messaging::server_options server_options_of(const messaging_options& told);
/// Does what is asked about users, on the database itself, whether the server runs or not. The program's exit
/// status; says on standard error what is wrong.
int administer_users(const user_options& told);

} // namespace coppice::cli
