// Files that the server makes for itself.
#pragma once

#include <expected>
#include <string>

namespace coppice::messaging {

/// Whether there is a file of that name.
[[nodiscard]] bool is_there(const std::string& file);
/// Makes the folder, for its owner alone, with those above it, unless it is there. The error names it.
std::expected<void, std::string> make_folder(const std::string& folder);
/// Writes a file for its owner alone, whole or not at all. The error names it.
std::expected<void, std::string> write_private(const std::string& file, const std::string& text);
/// All of a file that is not large. The error names it.
std::expected<std::string, std::string> read_file(const std::string& file);

} // namespace coppice::messaging
