// The commands that are about the data of the messaging server as a whole.
#pragma once

#include "cli/options.hpp"
#include "servers/messaging/application.hpp"

namespace coppice::cli {

/// `backup`, `restore` or `import`, by a server that does not run. The program's exit status; says on
/// standard error what is wrong.
int handle_data(const user_options& told, const messaging::server_options& where);
/// The path from the root, for whoever has another working folder.
std::string absolute(const std::string& path);
/// Says what a copy does not have, if the database is elsewhere.
void note_other_database(bool in_folder);

} // namespace coppice::cli
