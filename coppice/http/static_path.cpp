#include "coppice/http/static_path.hpp"

#include <algorithm>

namespace coppice::http {

namespace {

constexpr std::size_t max_segment = 255; // NAME_MAX
constexpr std::size_t max_path = 4096;   // PATH_MAX

std::unexpected<std::string_view> refuse(std::string_view why) { return std::unexpected(why); }

} // namespace

std::expected<std::string, std::string_view> static_path(std::string_view root,
                                                         std::span<const std::string> segments,
                                                         const static_path_options& options) {
  while (root.size() > 1 && root.ends_with('/')) root.remove_suffix(1);
  std::string path(root);
  for (const std::string& segment : segments) {
    if (segment.empty()) return refuse("an empty segment");
    if (segment == "." || segment == "..") return refuse("'.' or '..' in the path");
    if (segment.size() > max_segment) return refuse("a segment of more than 255 bytes");
    const bool odd = std::any_of(segment.begin(), segment.end(), [](char c) {
      return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (odd) return refuse("a slash, backslash or control character within a segment");
    if (segment.front() == '.' && !options.hidden && segment != ".well-known") return refuse("a hidden name");
    if (!path.ends_with('/')) path.push_back('/');
    path.append(segment);
    if (path.size() >= max_path) return refuse("the path is too long");
  }
  return path;
}

} // namespace coppice::http
