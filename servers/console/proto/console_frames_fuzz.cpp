// Feeds the frames of the page and the bodies of kill requests: no input may crash, and what is read holds.
#include "servers/console/proto/frames.hpp"

#include <cstdlib>

namespace {

using namespace coppice::console;

void check(const watch& w) {
  if (w.list) {
    const list_query& q = *w.list;
    if (q.limit > list_query::most_rows || q.offset + q.limit > list_query::deepest) std::abort();
    if (q.filter.size() > std::size_t{64} * 4) std::abort();
  }
  if (!w.tree) return;
  if (w.tree->open && w.tree->open->size() > 500) std::abort();
  if (w.tree->filter.size() > std::size_t{64} * 4) std::abort();
  for (const auto& [key, limit] : w.tree->limits) {
    if (limit > view::most_children) std::abort();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto frame = parse_frame(text)) {
    if (const watch* w = std::get_if<watch>(&*frame)) check(*w);
    if (const auto* s = std::get_if<state_wanted>(&*frame); s != nullptr && !s->process) std::abort();
    if (const auto* t = std::get_if<trace_wanted>(&*frame); t != nullptr && !t->process) std::abort();
  } else if (frame.error().empty()) {
    std::abort();
  }
  if (auto process = parse_kill(text); process && parse_pid(pid_text(*process)) != *process) std::abort();
  return 0;
}
