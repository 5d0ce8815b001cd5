// A copy of all that a server keeps, and a server from a copy.
#pragma once

#include "coppice/store/database.hpp"

#include <expected>
#include <string>

namespace coppice::messaging::exchange {

/// Where a copy is being made: it has its name when it is complete.
[[nodiscard]] std::string unfinished_name(const std::string& copy);
/// Begins a copy: its folder, for its owner alone. The error: there is something of that name already.
std::expected<void, std::string> begin_backup(const std::string& copy);
/// Copies what a server's folder has besides the database, and gives the copy its name. Files of users are
/// linked where that is possible. Blocks.
std::expected<void, std::string> finish_backup(const std::string& folder, const std::string& copy);
/// Whether that database is saved with the folder; else it has programs of its own for that (pg_dump).
[[nodiscard]] bool is_in_folder(const store::database& db);
/// All of it, for a server that does not run. Blocks.
std::expected<void, std::string> back_up(const store::database& db, const std::string& folder,
                                         const std::string& copy);

/// Puts a copy into a folder in which there is no server's data yet. Blocks. The error names the file.
std::expected<void, std::string> restore(const std::string& copy, const std::string& folder);

} // namespace coppice::messaging::exchange
