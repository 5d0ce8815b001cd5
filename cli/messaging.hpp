// The commands that administer the messaging server.
#pragma once

#include "cli/options.hpp"
#include "servers/messaging/application.hpp"

namespace coppice::cli {

/// What the server is opened with.
messaging::server_options server_options_of(const messaging_options& told);
/// Does what is asked: by the server if it runs, else, if that can be done so, on the database itself. The
/// program's exit status; says on standard error what is wrong.
int administer_users(const user_options& told);

} // namespace coppice::cli
