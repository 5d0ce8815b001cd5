// Feeds the frames of the page and the bodies of kill requests: no input may crash, and what is read holds.
#include "servers/console/proto/frames.hpp"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace coppice::console;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto frame = parse_frame(text)) {
    if (const view* v = std::get_if<view>(&*frame)) {
      if (v->open && v->open->size() > 500) std::abort();
      if (v->filter.size() > 64 * 4) std::abort();
      for (const auto& [key, limit] : v->limits) {
        if (limit > view::most_children) std::abort();
      }
    }
  } else if (frame.error().empty()) {
    std::abort();
  }
  if (auto process = parse_kill(text); process && parse_pid(pid_text(*process)) != *process) std::abort();
  return 0;
}
