// A file that was put into the program when it was built (cmake/coppice_embed.cmake).
#pragma once

#include <span>
#include <string_view>

namespace coppice::web {

struct file {
  std::string_view name;
  std::string_view content;
};

} // namespace coppice::web
