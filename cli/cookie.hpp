// The cookie that the nodes of a cluster share, out of its file: it is never an argument, and never printed.
#pragma once

#include <expected>
#include <string>

namespace coppice::cli {

/// The cookie in a file; '' is the user's own, `~/.erlang.cookie`. As for Erlang the file must be one that
/// nobody but its owner has rights to, and hold printable ASCII, 255 bytes at most; blanks and line ends
/// behind it do not count. The error names the file and says what to do, but not what is in it.
std::expected<std::string, std::string> read_cookie(const std::string& file);

} // namespace coppice::cli
