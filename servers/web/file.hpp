// A file that was put into the program when it was built (cmake/coppice_embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace coppice::web {

struct file {
  std::string_view name;
  std::string_view content;
  std::string_view tag; ///< of its content: the value of an ETag
  bool is_gzip = false; ///< the content is that of the file, compressed (RFC 1952)
};

} // namespace coppice::web
