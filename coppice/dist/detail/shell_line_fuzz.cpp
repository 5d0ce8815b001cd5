// Any bytes as what is typed at a shell.
#include "coppice/dist/detail/shell_line.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)coppice::dist::detail::is_whole_shell_line(text);
  const auto line = coppice::dist::detail::parse_shell_line(text);
  if (!line && line.error().empty()) std::abort();
  return 0;
}
