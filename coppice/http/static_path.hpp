// From a request's path to a file's name: the string part of serving files, and its safety.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace coppice::http {

/// Which names are served.
struct static_path_options {
  /// Also serve names that begin with '.' (".git", ".env"); ".well-known" (RFC 8615) is served in any case.
  bool hidden = false;
};

/// `root` followed by the segments (decoded, as `path_segments` or `path_info` give them); no segments give
/// the root itself. Refused, so to be answered with 404: "", ".", "..", a '/' or '\' or control character
/// within a segment, hidden names, more than 255 bytes in a segment or 4096 in all. What is returned lies
/// below `root` as text; symbolic links are the shell's to forbid when it opens the file (openat2 with
/// RESOLVE_BENEATH).
std::expected<std::string, std::string_view> static_path(std::string_view root,
                                                         std::span<const std::string> segments,
                                                         const static_path_options& options = {});

} // namespace coppice::http
